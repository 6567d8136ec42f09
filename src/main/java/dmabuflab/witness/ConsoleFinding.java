// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import java.util.List;

/**
 * A report of something wrong that the kernel printed.
 *
 * @param kind what sort of report
 * @param title the line that tells it, without time stamp; a warning's own text comes first
 * @param function the function at fault without offset, or an empty string when the report names
 *     none (yet)
 * @param firstLine number of the report's first line in the console, from 1
 * @param excerpt the report's lines as they came
 */
public record ConsoleFinding(
        Kind kind, String title, String function, int firstLine, List<String> excerpt) {
    /** Enough to see how it came there. */
    private static final int MAX_FRAMES = 8;

    /** Sorts of report. */
    public enum Kind {
        /** The CPU met something it cannot go on with. */
        OOPS("oops"),
        /** Access through a null pointer. */
        NULL_DEREFERENCE("null pointer dereference"),
        /** Access to an address that is not mapped. */
        PAGE_FAULT("page fault in the kernel"),
        /** Access to an address that cannot exist. */
        GENERAL_PROTECTION("general protection fault"),
        /** BUG(), or a line "BUG: …" of no better known kind. */
        BUG("kernel BUG"),
        /** WARN(). */
        WARNING("kernel warning"),
        /** Lock order, lock state, or lockdep giving up. */
        LOCKDEP("lockdep report"),
        /** RCU used outside its rules. */
        RCU_USAGE("suspicious RCU usage"),
        /** Sleeping or scheduling where that is forbidden. */
        ATOMIC_SLEEP("sleep in atomic context"),
        /** KASAN or KFENCE. */
        KASAN("memory access error"),
        /** KCSAN: two accesses to the same memory, unordered, at least one of them a write. */
        DATA_RACE("data race"),
        /** Undefined behaviour. */
        UBSAN("undefined behaviour"),
        /** kmemleak found objects nobody refers to. */
        KMEMLEAK("memory leak"),
        /** Slab allocator's own checks. */
        SLAB("slab corruption"),
        /** Linked list corrupted. */
        LIST_CORRUPTION("list corruption"),
        /** Reference counter out of range. */
        REFCOUNT("reference count error"),
        /** Page in an impossible state. */
        BAD_PAGE("bad page state"),
        /** A CPU does not let RCU go on. */
        RCU_STALL("RCU stall"),
        /** A CPU is stuck in the kernel, interrupts on. */
        SOFT_LOCKUP("soft lockup"),
        /** A CPU is stuck, interrupts off. */
        HARD_LOCKUP("hard lockup"),
        /** A task waits for too long. */
        HUNG_TASK("hung task"),
        /** No root file system, no init, or init died. */
        INIT("init failed"),
        /** Any other panic. */
        PANIC("panic");

        private final String words;

        Kind(String words) {
            this.words = words;
        }

        /** The kind in words, for messages. */
        public String words() {
            return words;
        }
    }

    public ConsoleFinding {
        excerpt = List.copyOf(excerpt);
    }

    /**
     * The innermost frames of its call traces as the kernel prints them, without those that only
     * report for others and those that it is not sure of.
     */
    public List<String> frames() {
        return excerpt.stream()
                .map(KernelLine::message)
                .flatMap(message -> ConsoleRules.frame(message).stream())
                .distinct()
                .limit(MAX_FRAMES)
                .toList();
    }

    /** File and line that it names itself, as warnings do; "" for others. */
    public String site() {
        return ConsoleRules.site(title);
    }

    /** One line: kind, function, title. */
    @Override
    public String toString() {
        return kind.words() + (function.isEmpty() ? "" : " in " + function) + ": " + title;
    }
}
