// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.container.LabContainer;
import dmabuflab.container.Lifeline;
import dmabuflab.container.Mounts;
import dmabuflab.host.InfrastructureException;
import dmabuflab.scenario.LabOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;

/** Where a command does its work. */
final class Place {
    private static final String IN = "--in";
    private static final String REPORT = "--report";
    private static final String TREE = "--tree";
    private static final String HOST = "host";
    private static final Pattern CONTAINER = Pattern.compile("container(?::([a-z]+))?");
    private static final String RELEASE = "bookworm";

    @Option(
            names = IN,
            paramLabel = "host|container[:RELEASE]",
            description =
                    "on this machine, or in a container with the compiler and the QEMU of a release"
                            + " of Debian (default: host; container: "
                            + RELEASE
                            + ")")
    String place = HOST;

    /** In a container: the file that tells whether the lab outside lives. */
    static Optional<Path> inside() {
        return Optional.ofNullable(System.getProperty(Lifeline.PROPERTY)).map(Path::of);
    }

    /** Runs what was parsed, there. */
    static int execute(ParseResult all) {
        ParseResult command = all;
        while (command.hasSubcommand()) {
            command = command.subcommand();
        }
        String place = command.matchedOptionValue(IN, HOST);
        boolean help = command.isUsageHelpRequested() || command.isVersionHelpRequested();
        if (place.equals(HOST) || inside().isPresent() || help) {
            return new RunLast().execute(all);
        }
        CommandLine line = command.commandSpec().commandLine();
        Matcher container = CONTAINER.matcher(place);
        if (!container.matches()) {
            throw new ParameterException(
                    line, IN + " is host, container or container:RELEASE, not " + place);
        }
        if (command.originalArgs().contains("-")) {
            throw new ParameterException(line, "with " + IN + " container give a file, not -");
        }
        String release = Optional.ofNullable(container.group(1)).orElse(RELEASE);
        try {
            return LabContainer.run(
                    release, Map.of(LabOptions.PLACE, place), all.originalArgs(), named(command));
        } catch (InfrastructureException e) {
            throw new ExecutionException(line, e.getMessage(), e);
        }
    }

    /** Each file and directory that the command line names. */
    private static Mounts named(ParseResult command) {
        Mounts mounts = new Mounts();
        for (ArgSpec arg : command.matchedArgs()) {
            for (String word : arg.originalStringValues()) {
                if (arg instanceof OptionSpec option && option.longestName().equals(REPORT)) {
                    mounts.writable(Path.of(word));
                } else if (arg instanceof OptionSpec option && option.longestName().equals(TREE)) {
                    mounts.readable(Path.of(word)).repository(Path.of(word));
                } else if (Files.exists(Path.of(word))) {
                    mounts.readable(Path.of(word));
                }
            }
        }
        return mounts;
    }
}
