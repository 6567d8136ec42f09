// SPDX-License-Identifier: Apache-2.0
package dmabuflab.qemu;

import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A device description in the format of QEMU's {@code -readconfig}, read here because hot-plug goes
 * through QMP, which has no such option.
 *
 * @param sections in file order
 */
public record ConfigFile(List<Section> sections) {

    /**
     * One {@code [type "id"]} section.
     *
     * @param type "device", "object" or "drive"
     * @param id the name given in the file, "" if none
     * @param values in file order
     */
    public record Section(String type, String id, Map<String, String> values) {}

    private static final Pattern HEADER = Pattern.compile("\\[(\\S+?)(?:\\s+\"([^\"]*)\")?]");
    private static final Pattern VALUE = Pattern.compile("(\\S+)\\s*=\\s*\"([^\"]*)\"");

    /**
     * @param variables replaces each {@code ${name}} in the file
     * @throws InfrastructureException when a line is not in QEMU's format, naming file and line
     */
    public static ConfigFile read(Path file, Map<String, String> variables) {
        List<String> lines;
        try {
            lines = Files.readAllLines(file);
        } catch (IOException e) {
            throw new InfrastructureException(
                    "cannot read " + file,
                    e.toString(),
                    "devices are described in qemu/devices/NAME.cfg",
                    e);
        }
        List<Section> sections = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            String line = substitute(lines.get(i).strip(), variables);
            Matcher header = HEADER.matcher(line);
            Matcher value = VALUE.matcher(line);
            if (line.isEmpty() || line.startsWith("#")) {
                continue;
            } else if (header.matches()) {
                String id = header.group(2) == null ? "" : header.group(2);
                sections.add(new Section(header.group(1), id, new LinkedHashMap<>()));
            } else if (value.matches() && !sections.isEmpty()) {
                sections.get(sections.size() - 1).values().put(value.group(1), value.group(2));
            } else {
                throw new InfrastructureException(
                        file + ":" + (i + 1),
                        "not a line of QEMU's -readconfig format: " + line,
                        "write [type \"id\"] or key = \"value\"");
            }
        }
        return new ConfigFile(List.copyOf(sections));
    }

    /** Every device model that the file names; the driver of a drive is none. */
    public Set<String> drivers() {
        Set<String> drivers = new TreeSet<>();
        for (Section section : sections) {
            if (section.type().equals("device") && section.values().containsKey("driver")) {
                drivers.add(section.values().get("driver"));
            }
        }
        return drivers;
    }

    /** The file again, as QEMU reads it. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (Section section : sections) {
            text.append(text.length() == 0 ? "" : "\n").append('[').append(section.type());
            text.append(section.id().isEmpty() ? "" : " \"" + section.id() + "\"").append("]\n");
            section.values()
                    .forEach((key, value) -> text.append("  %s = \"%s\"\n".formatted(key, value)));
        }
        return text.toString();
    }

    private static String substitute(String line, Map<String, String> variables) {
        for (var variable : variables.entrySet()) {
            line = line.replace("${" + variable.getKey() + "}", variable.getValue());
        }
        return line;
    }
}
