// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class OtherSelftestsTest {
    private static final Path SOURCES = Path.of("src/main/java/dmabuflab/scenarios");
    private static final Pattern PROGRAM =
            Pattern.compile("\"((?:dmabuf-heaps|iommu|kvm|vfio)/[\\w/.-]+)\"");

    /** One that was forgotten would run twice, one that is gone not at all. */
    @Test
    void whatHasAScenarioOfItsOwnIsLeftOut() throws IOException {
        Set<String> own = new TreeSet<>(programs("KernelSelftests"));
        own.addAll(programs("KvmSelftests"));

        assertThat(programs("OtherSelftests")).isEqualTo(own).isNotEmpty();
    }

    private static Set<String> programs(String type) throws IOException {
        Set<String> names = new TreeSet<>();
        PROGRAM.matcher(Files.readString(SOURCES.resolve(type + ".java")))
                .results()
                .forEach(found -> names.add(found.group(1)));
        return names;
    }
}
