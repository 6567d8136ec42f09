// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.host.Command;
import dmabuflab.host.Disk;
import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A directory of the host in a guest's memory, both ways: what is in it is copied there, and what
 * is new or has changed there is copied back. The guest's kernel has no file system for more.
 */
public final class CopiedDirectory {
    /** Where it is in the guest. */
    public static final String PLACE = "/share";

    private static final String ARCHIVE = "/tmp/share.cpio";
    private static final long LARGEST = 256L << 20;

    private final GuestShell shell;
    private final Path directory;
    private final Path scratch;

    private CopiedDirectory(GuestShell shell, Path directory, Path scratch) {
        this.shell = shell;
        this.directory = directory;
        this.scratch = scratch;
    }

    /**
     * Copies a directory into a guest.
     *
     * @param scratch an existing directory for archives
     */
    public static CopiedDirectory send(GuestShell shell, Path directory, Path scratch) {
        CopiedDirectory copied = new CopiedDirectory(shell, directory, scratch);
        copied.send();
        return copied;
    }

    private void send() {
        Path archive = scratch.resolve("sent.cpio");
        // By the shell: names need not be text.
        Command.of(
                        "bash",
                        "-o",
                        "pipefail",
                        "-c",
                        "find . \\( -type f -o -type d -o -type l \\) -print0"
                                + " | cpio --quiet -0 -o -H newc -F \"$0\"",
                        archive.toString())
                .in(directory)
                .check();
        try {
            if (Files.size(archive) > LARGEST) {
                throw new InfrastructureException(
                        "cannot share " + directory,
                        "it has more than "
                                + Disk.gib(LARGEST)
                                + ", and the guest keeps it in memory",
                        "share a directory with just what is needed");
            }
            Program.put(shell.agent(), ARCHIVE, Files.readAllBytes(archive));
        } catch (IOException e) {
            throw Disk.failure("cannot read " + archive, archive, e);
        }
        shell.check(
                ("mkdir -p PLACE; cd PLACE; cpio -idmu <ARCHIVE; rm ARCHIVE;"
                                + " find . -type f -exec md5sum {} + >/run/share.sums")
                        .replace("PLACE", PLACE)
                        .replace("ARCHIVE", ARCHIVE));
    }

    /** Copies back what is not as it was sent. Nothing is deleted. */
    public void fetch() {
        Path archive = scratch.resolve("fetched.cpio");
        try (OutputStream file = Files.newOutputStream(archive)) {
            shell.check(
                    ("cd PLACE; find . -type f -exec md5sum {} + >/run/share.now;"
                                    + " while read -r line; do"
                                    + " grep -qxFe \"$line\" /run/share.sums"
                                    + " || echo \"${line:34}\";"
                                    + " done </run/share.now | cpio -o -H newc")
                            .replace("PLACE", PLACE),
                    file);
        } catch (IOException e) {
            throw Disk.failure("cannot write " + archive, archive, e);
        }
        Command.of("cpio", "--quiet", "-idu", "--no-absolute-filenames", "-F", archive.toString())
                .in(directory)
                .check();
    }
}
