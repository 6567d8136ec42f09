// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import dmabuflab.host.Command;
import dmabuflab.host.Disk;
import dmabuflab.host.Scratch;
import dmabuflab.host.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * What of a kernel is executed, told apart from what only names places in the source: two kernels
 * with the same digest do the same, even if lines of comments were added to one of them.
 */
final class CodeDigest {
    /** A digest of everything in the file, the source's line numbers included. */
    private static final String BUILD_ID = ".notes";

    private static final String MODULE_BUILD_ID = ".note.gnu.build-id";

    /** An entry for each WARN() and BUG(), with the line it is in. */
    private static final String BUGS = "__bug_table";

    /** On x86: where, format and file in four bytes each, then line and flags in two. */
    private static final int BUG_SIZE = 16;

    private static final int LINE_AT = 12;

    private CodeDigest() {}

    static String of(KernelImage image) {
        try (Scratch scratch = Scratch.create("code")) {
            Sha256 digest = new Sha256().add("config", image.config());
            add(digest, image.vmlinux(), scratch.path());
            // Programs in the guest are made with them.
            try (Stream<Path> headers = Files.walk(image.uapiHeaders())) {
                headers.filter(Files::isRegularFile)
                        .sorted()
                        .forEach(header -> digest.add(header.getFileName().toString(), header));
            }
            if (image.hasImporter()) {
                // Its lines are its own; if those of a header count too, it just looks different.
                Path module = scratch.path().resolve("module");
                Command.of(
                                "objcopy",
                                "--strip-debug",
                                "--remove-section=" + MODULE_BUILD_ID,
                                image.importerModule().toString(),
                                module.toString())
                        .check();
                digest.add("importer", module);
            }
            return digest.hex();
        } catch (IOException e) {
            throw Disk.failure("cannot compare kernels", image.directory(), e);
        }
    }

    private static void add(Sha256 digest, Path vmlinux, Path scratch) throws IOException {
        Path code = scratch.resolve("code");
        Path bugs = scratch.resolve("bugs");
        objcopy(vmlinux, code, "--remove-section=" + BUILD_ID, "--remove-section=" + BUGS);
        objcopy(vmlinux, bugs, "--only-section=" + BUGS);
        byte[] table = Files.readAllBytes(bugs);
        if (table.length % BUG_SIZE == 0) { // else it is laid out otherwise, and all of it counts
            for (int at = LINE_AT; at < table.length; at += BUG_SIZE) {
                Arrays.fill(table, at, at + 2, (byte) 0);
            }
        }
        digest.add("code", code).add("bugs", table);
    }

    private static void objcopy(Path from, Path to, String... options) {
        List<String> words = new ArrayList<>(List.of("objcopy", "-O", "binary"));
        words.addAll(List.of(options));
        words.addAll(List.of(from.toString(), to.toString()));
        Command.of(words).check();
    }
}
