// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import dmabuflab.host.InfrastructureException;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * What the kernel has taken of the guest's memory, in bytes, to the page. Slab caches are shrunk
 * before: they keep the pages of what was freed, and the next object would seem to cost nothing.
 *
 * @param slab in slab caches, large kmallocs included
 * @param total all pages that are not free and not memory of processes, whatever they are for
 */
public record MemoryUse(long slab, long total) {
    private static final long PAGE = 4096;

    /** Of readings until two in a row are the same to a page; they take less than a second. */
    private static final int MOST_READINGS = 50;

    /** Reads it when nothing is on its way out any more. */
    public static MemoryUse atRest(Agent agent) {
        MemoryUse last = read(agent);
        for (int i = 1; i < MOST_READINGS; i++) {
            MemoryUse now = read(agent);
            if (Math.abs(now.total - last.total) <= PAGE) {
                return now;
            }
            last = now;
        }
        throw new InfrastructureException(
                "the guest's use of memory does not come to rest",
                "no two of " + MOST_READINGS + " readings in a row are the same",
                "is something else running in it?");
    }

    private static MemoryUse read(Agent agent) {
        return parse(agent.call("memory.zones", Map.of()).text("text"));
    }

    /**
     * Of /proc/zoneinfo. Free are also the pages that CPUs keep for themselves, which no sum of the
     * kernel's includes.
     */
    static MemoryUse parse(String zoneinfo) {
        long free = sum(zoneinfo, "nr_free_pages") + sum(zoneinfo, "count:");
        long processes = sum(zoneinfo, "nr_anon_pages");
        long slab = sum(zoneinfo, "nr_slab_unreclaimable") + sum(zoneinfo, "nr_slab_reclaimable");
        return new MemoryUse(slab * PAGE, (sum(zoneinfo, "managed") - free - processes) * PAGE);
    }

    private static long sum(String zoneinfo, String what) {
        return Pattern.compile("^ +" + what + " +(\\d+)$", Pattern.MULTILINE)
                .matcher(zoneinfo)
                .results()
                .map((MatchResult line) -> Long.parseLong(line.group(1)))
                .reduce(Long::sum)
                .orElseThrow(
                        () ->
                                new InfrastructureException(
                                        "cannot tell how much memory is in use",
                                        "/proc/zoneinfo has no " + what + ":\n" + zoneinfo,
                                        "has its format changed?"));
    }

    /** What has been taken since. */
    public MemoryUse since(MemoryUse before) {
        return new MemoryUse(slab - before.slab, total - before.total);
    }
}
