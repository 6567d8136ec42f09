// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.host.Command;
import dmabuflab.host.ProjectFiles;
import dmabuflab.qemu.DeviceNames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A C program that a user brings along to be run in a guest: one file, which says in a comment what
 * that guest shall have.
 *
 * @param name that of the file without its suffix
 * @param devices what is plugged in, in this order; the program is given their addresses
 * @param iommus it is run once on each
 */
public record OwnTest(Path source, String name, List<String> devices, List<IommuModel> iommus) {
    /** The class of the scenarios that run them. */
    public static final String SCENARIOS = "OwnTests";

    private static final String SUFFIX = ".c";

    /** A line of its own in a comment. */
    private static final Pattern WISH =
            Pattern.compile("(?m)^[ \\t]*(?:/?\\*+|//)[ \\t]*(Devices|IOMMU):(.*?)(?:\\*/)?$");

    private static final Pattern NAME = Pattern.compile("[\\w.-]+");
    private static final Pattern KSELFTEST = Pattern.compile("#\\s*include\\s*\"kselftest");
    private static final int TROUBLE_LINES = 12;

    /** Reads what it wants; what is wrong with that is an {@link IllegalArgumentException}. */
    public static OwnTest read(Path source) {
        String file = source.getFileName().toString();
        String name = file.endsWith(SUFFIX) ? file.substring(0, file.length() - 2) : "";
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(source + " is not named like a C file, test.c");
        }
        List<String> devices = new ArrayList<>();
        List<IommuModel> iommus = new ArrayList<>();
        Matcher wish = WISH.matcher(text(source));
        while (wish.find()) {
            List<String> words =
                    Arrays.stream(wish.group(2).split("[,\\s]+"))
                            .filter(word -> !word.isEmpty())
                            .toList();
            if (wish.group(1).equals("Devices")) {
                devices.addAll(words);
            } else {
                words.forEach(word -> iommus.add(iommu(source, word)));
            }
        }
        DeviceNames known = new DeviceNames(ProjectFiles.locate());
        for (String device : devices) {
            String problem = known.problem(device);
            if (!problem.isEmpty()) {
                throw new IllegalArgumentException(source + ": " + problem);
            }
        }
        return new OwnTest(
                source,
                name,
                devices,
                iommus.isEmpty() ? List.of(IommuModel.VTD) : iommus.stream().distinct().toList());
    }

    private static IommuModel iommu(Path source, String word) {
        return Arrays.stream(IommuModel.values())
                .filter(model -> model.toString().equals(word))
                .findFirst()
                .orElseThrow(
                        () ->
                                new IllegalArgumentException(
                                        "%s: there is no IOMMU %s, only %s"
                                                .formatted(
                                                        source,
                                                        word,
                                                        Arrays.stream(IommuModel.values())
                                                                .map(IommuModel::toString)
                                                                .collect(
                                                                        Collectors.joining(
                                                                                ", ")))));
    }

    private static String text(Path source) {
        try {
            return Files.readString(source);
        } catch (IOException e) {
            throw new IllegalArgumentException("cannot read " + source + ": " + e.getMessage(), e);
        }
    }

    /**
     * Compiles it to a program that needs nothing of the guest but its kernel.
     *
     * @return that program, in {@code directory}
     * @throws AssertionError with the compiler's first errors: headers of this kernel may lack what
     *     others have
     */
    Path compile(Lab lab, Path directory) {
        Path program = directory.resolve(name);
        List<String> words =
                new ArrayList<>(List.of("gcc", "-O2", "-g", "-Wall", "-static", "-pthread"));
        words.addAll(List.of("-isystem", lab.kernel().uapiHeaders().toString()));
        words.add("-I" + ProjectFiles.locate().guestTools().resolve("test"));
        if (KSELFTEST.matcher(text(source)).find()) {
            // They come with all selftests, whose build takes a while.
            words.add("-I" + lab.selftests().resolve("include"));
        }
        words.addAll(List.of("-o", program.toString(), source.toString(), "-ljansson"));
        List<String> said = new ArrayList<>();
        Path log = directory.resolve(name + ".build.log");
        if (Command.of(words).log(log).eachLine(said::add).run() != 0) {
            List<String> errors =
                    said.stream()
                            .filter(line -> line.matches(".*(error: |undefined reference).*"))
                            .toList();
            throw new AssertionError(
                    source
                            + " does not compile with the headers of this kernel:\n"
                            + (errors.isEmpty() ? said : errors)
                                    .stream().limit(TROUBLE_LINES).collect(Collectors.joining("\n"))
                            + "\nall of it is in "
                            + log);
        }
        return program;
    }

    /** The name in reports. */
    @Override
    public String toString() {
        return name;
    }
}
