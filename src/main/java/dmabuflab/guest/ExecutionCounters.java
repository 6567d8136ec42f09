// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.host.InfrastructureException;
import java.util.Base64;
import java.util.List;

/** What the objects of a guest's kernel that count what they execute have counted so far. */
public final class ExecutionCounters {
    private static final String OUTPUT = "/tmp/gcov.out";

    /** In a file system that knows their sizes only once they have been read. */
    private static final String SCRIPT =
            """
            PATH=/bin
            cd /sys/kernel/debug/gcov
            find . -name '*.gcda' | while read -r counters; do
                mkdir -p "/tmp/gcov/${counters%/*}"
                cat "$counters" >"/tmp/gcov/$counters"
            done
            mkdir -p /tmp/gcov
            cd /tmp/gcov
            find . -type f | cpio --quiet -o -H newc | gzip | base64 -w 0
            rm -r /tmp/gcov
            """;

    private ExecutionCounters() {}

    /**
     * Reads them all.
     *
     * @return a compressed cpio archive of {@code .gcda} files, by the paths of their objects where
     *     the kernel was built
     */
    public static byte[] read(Guest guest) {
        Program script = Program.script(guest.agent(), SCRIPT, OUTPUT);
        Program.Ended ended = script.run(List.of(), guest.scale().silence());
        if (ended.status().orElse(-1) != 0) {
            throw new InfrastructureException(
                    "cannot read what the kernel has counted",
                    ended.output(),
                    "does it have CONFIG_GCOV_KERNEL and debugfs? see console.log");
        }
        return Base64.getDecoder().decode(ended.output().strip());
    }
}
