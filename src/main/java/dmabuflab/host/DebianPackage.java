// SPDX-License-Identifier: Apache-2.0
package dmabuflab.host;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A package the lab needs, from the list out of which {@code ./lab} installs what is missing.
 *
 * @param name as apt knows it
 * @param test how to see that it is there, as explained in the list
 * @param why what for
 */
public record DebianPackage(String name, String test, String why) {

    private static final String LIST = "packages";

    /** All packages, in the order of the list. */
    public static List<DebianPackage> all() {
        try (InputStream in = DebianPackage.class.getResourceAsStream(LIST);
                BufferedReader lines =
                        new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            return lines.lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .map(line -> line.split(" +", 3))
                    .map(fields -> new DebianPackage(fields[0], fields[1], fields[2]))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether what is needed of it is on this machine, whoever put it there. */
    public boolean isPresent() {
        String word = test.substring(test.indexOf(':') + 1);
        if (test.startsWith("cmd:")) {
            return Command.find(word).isPresent();
        } else if (test.startsWith("file:")) {
            return Files.exists(Path.of(word));
        } else if (test.startsWith("jdk:")) {
            return Runtime.version().feature() >= Integer.parseInt(word);
        }
        throw new IllegalArgumentException("unknown test '" + test + "' for " + name);
    }
}
