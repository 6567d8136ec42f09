// SPDX-License-Identifier: Apache-2.0
package dmabuflab.validate;

import dmabuflab.host.Disk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Which scenarios to run first when certain files of a kernel have changed. */
final class Areas {
    private final Map<String, List<String>> selectors = new LinkedHashMap<>();

    /** Reads {@code kernel-config/areas.txt}. */
    Areas(Path file) {
        try {
            for (String line : Files.readAllLines(file)) {
                List<String> words = Arrays.asList(line.strip().split("\\s+"));
                if (words.size() > 1 && !line.startsWith("#")) {
                    selectors.put(words.get(0), words.subList(1, words.size()));
                }
            }
        } catch (IOException e) {
            throw Disk.failure("cannot read which scenarios belong to which files", file, e);
        }
    }

    /** Selectors for these files, empty when it is not known what they are about. */
    List<String> of(Collection<String> files) {
        Set<String> all = new TreeSet<>();
        for (String file : files) {
            selectors.forEach(
                    (prefix, names) -> {
                        if (file.startsWith(prefix)) {
                            all.addAll(names);
                        }
                    });
        }
        return List.copyOf(all);
    }
}
