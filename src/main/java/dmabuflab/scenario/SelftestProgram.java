// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.host.Disk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * One of the kernel's selftests.
 *
 * @param suite its directory below tools/testing/selftests
 * @param program what is below that, {@code x86/some_test}
 */
public record SelftestProgram(String suite, String program) {

    /** All that were built, in the order of their names. */
    static Stream<SelftestProgram> in(Path built) {
        try (Stream<Path> files = Files.walk(built)) {
            return files
                    .filter(Files::isExecutable)
                    .filter(Files::isRegularFile)
                    .sorted()
                    .map(built::relativize)
                    .map(
                            file ->
                                    new SelftestProgram(
                                            file.getName(0).toString(),
                                            file.subpath(1, file.getNameCount()).toString()))
                    .toList()
                    .stream();
        } catch (IOException e) {
            throw Disk.failure("cannot list the kernel's selftests", built, e);
        }
    }

    /** As a {@link Testbed} runs it. */
    @Override
    public String toString() {
        return suite + "/" + program;
    }
}
