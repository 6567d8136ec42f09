// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import dmabuflab.host.Command;
import dmabuflab.host.Disk;
import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Makes a {@code .config} out of fragments: everything that no fragment asks for is off, and
 * everything that one asks for is there, or the build does not begin.
 */
final class KernelConfig {

    private static final Pattern SET = Pattern.compile("CONFIG_(\\w+)=(.*)");
    private static final Pattern NOT_SET = Pattern.compile("# CONFIG_(\\w+) is not set");

    private KernelConfig() {}

    /**
     * One line of a fragment.
     *
     * @param name without {@code CONFIG_}
     * @param value as written in a {@code .config}; {@code n} for an option that shall be off
     */
    record Option(String name, String value, Path file, int line) {}

    /**
     * Writes {@code .config} into the build directory.
     *
     * @throws BuildFailure if the source's own files are wrong, or an option of a fragment is not
     *     in it as requested; names the option, where it was asked for, and the dependency it lacks
     */
    static void make(Kbuild kbuild, List<Path> fragments) {
        Map<String, Option> requested = new LinkedHashMap<>();
        for (Path fragment : fragments) {
            for (Option option : read(fragment)) {
                requested.put(option.name(), option); // a later fragment wins, as in the merge
            }
        }
        Path build = kbuild.build();
        Path merged = build.resolve("fragments.config");
        List<String> merge = new ArrayList<>();
        merge.add(kbuild.source().resolve("scripts/kconfig/merge_config.sh").toString());
        merge.addAll(List.of("-m", "-Q", "-O", build.toString()));
        fragments.forEach(fragment -> merge.add(fragment.toString()));
        check(kbuild.undisturbed(Command.of(merge), fragments).in(build));
        try {
            Files.move(build.resolve(".config"), merged, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw Disk.failure("cannot write " + merged, merged, e);
        }
        // Not a plain olddefconfig over the fragments: it would turn on the default of every option
        // that a fragment makes visible. Here they are off, as in the allnoconfig they come from.
        check(kbuild.make("KCONFIG_ALLCONFIG=" + merged, "allnoconfig"));
        verify(kbuild, requested.values());
    }

    private static void check(Command configure) {
        StringJoiner said = new StringJoiner("\n");
        int status = configure.eachLine(said::add).run();
        if (status != 0) {
            throw new BuildFailure(
                    "cannot configure the kernel",
                    "status " + status + "\n" + said,
                    "look at its Kconfig files");
        }
    }

    /** The options of a fragment. */
    static List<Option> read(Path fragment) {
        List<Option> options = new ArrayList<>();
        int number = 0;
        for (String line : lines(fragment)) {
            number++;
            Matcher set = SET.matcher(line);
            Matcher notSet = NOT_SET.matcher(line);
            if (set.matches()) {
                options.add(new Option(set.group(1), set.group(2), fragment, number));
            } else if (notSet.matches()) {
                options.add(new Option(notSet.group(1), "n", fragment, number));
            } else if (!line.isBlank() && !line.startsWith("#")) {
                throw new InfrastructureException(
                        "cannot read " + fragment + ":" + number,
                        "'" + line + "' is neither an option nor a comment",
                        "write CONFIG_NAME=value, or # CONFIG_NAME is not set");
            }
        }
        return options;
    }

    /** Whether an option is built in, by a {@code .config}. */
    static boolean isOn(Path config, String option) {
        return "y".equals(values(config).get(option));
    }

    /** The values of a {@code .config}; what is off is not in it. */
    static Map<String, String> values(Path config) {
        Map<String, String> values = new HashMap<>();
        for (String line : lines(config)) {
            Matcher set = SET.matcher(line);
            if (set.matches()) {
                values.put(set.group(1), set.group(2));
            }
        }
        return values;
    }

    private static void verify(Kbuild kbuild, Collection<Option> requested) {
        Map<String, String> values = values(kbuild.build().resolve(".config"));
        List<String> lost = new ArrayList<>();
        Kconfig kconfig = null;
        for (Option option : requested) {
            String is = values.getOrDefault(option.name(), "n");
            if (is.equals(option.value())) {
                continue;
            }
            if (kconfig == null) {
                kconfig = Kconfig.read(kbuild.source());
            }
            lost.add(
                    "CONFIG_%s=%s (%s:%d) became %s%s"
                            .formatted(
                                    option.name(),
                                    option.value(),
                                    option.file(),
                                    option.line(),
                                    is,
                                    kconfig.explain(option.name(), option.value(), values)));
        }
        if (!lost.isEmpty()) {
            throw new BuildFailure(
                    "the kernel's configuration is not the one asked for",
                    lost.size()
                            + " of "
                            + requested.size()
                            + " options\n"
                            + String.join("\n", lost),
                    "add what an option depends on to its fragment, or take the option out");
        }
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            throw Disk.failure("cannot read " + file, file, e);
        }
    }
}
