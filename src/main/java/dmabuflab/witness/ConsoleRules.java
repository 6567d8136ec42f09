// SPDX-License-Identifier: Apache-2.0
package dmabuflab.witness;

import dmabuflab.witness.ConsoleFinding.Kind;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How the kernel's reports look: which line begins one, what belongs to it, where it ends. */
final class ConsoleRules {
    /** A line that begins a report, and whether a group named "f" holds the function at fault. */
    private record Rule(Kind kind, Pattern begin, boolean named) {
        Rule(Kind kind, String begin) {
            this(kind, Pattern.compile(begin), begin.contains("(?<f>"));
        }
    }

    /** What a first line tells. */
    record Begin(Kind kind, String function) {}

    private static final String FUNCTION = "(?<f>[\\w.]+)\\+0x";

    /** The first that matches wins, so particular ones stand before general ones. */
    private static final List<Rule> RULES =
            List.of(
                    new Rule(Kind.KASAN, "^BUG: (?:KASAN|KFENCE): .*?(?: in " + FUNCTION + ".*)?$"),
                    // Of the two that met, the first by the alphabet.
                    new Rule(
                            Kind.DATA_RACE,
                            "^BUG: KCSAN: (?:data-race|assert: race) in (?<f>[\\w.]+)"),
                    new Rule(Kind.UBSAN, "^UBSAN: "),
                    new Rule(Kind.KMEMLEAK, "^kmemleak: [1-9]\\d* new suspected memory leaks"),
                    new Rule(Kind.LIST_CORRUPTION, "^list_(?:add|del) (?:corruption|double add)"),
                    new Rule(Kind.REFCOUNT, "^refcount_t: "),
                    new Rule(Kind.NULL_DEREFERENCE, "^BUG: kernel NULL pointer dereference"),
                    new Rule(
                            Kind.PAGE_FAULT,
                            "^BUG: unable to handle (?:page fault|kernel paging request)"),
                    new Rule(
                            Kind.GENERAL_PROTECTION,
                            "^(?:Oops: )?general protection fault\\b.*\\[#\\d+\\]"),
                    new Rule(Kind.OOPS, "^(?:Oops: .*|[A-Za-z][\\w -]*): [0-9a-f]{4} \\[#\\d+\\]"),
                    new Rule(Kind.OOPS, "^PANIC: double fault"),
                    new Rule(Kind.BUG, "^kernel BUG at "),
                    new Rule(
                            Kind.ATOMIC_SLEEP,
                            "^BUG: (?:sleeping function called from invalid context"
                                    + "|scheduling while atomic)"),
                    new Rule(Kind.BAD_PAGE, "^BUG: Bad (?:page|rss-counter)"),
                    new Rule(Kind.SOFT_LOCKUP, "^(?:watchdog: )?BUG: soft lockup"),
                    new Rule(
                            Kind.HARD_LOCKUP,
                            "^(?:NMI )?(?:watchdog: )?(?:CPU\\d+: )?Watchdog detected hard LOCKUP"),
                    new Rule(
                            Kind.LOCKDEP,
                            "^(?:\\[ BUG: Invalid wait context \\]"
                                    + "|BUG: MAX_\\w+ too low"
                                    + "|BUG: key \\S+ has not been registered"
                                    + "|INFO: trying to register non-static key)"),
                    new Rule(
                            Kind.LOCKDEP,
                            "^WARNING: (?:possible (?:circular|recursive|irq lock) "
                                    + "|inconsistent lock state"
                                    + "|\\S+-safe -> \\S+-unsafe lock order"
                                    + "|Nested lock was not taken"
                                    + "|bad (?:unlock balance|contention)"
                                    + "|held lock freed"
                                    + "|lock held when returning"
                                    + "|chain_key collision"
                                    + "|.* still has locks held)"),
                    new Rule(Kind.RCU_USAGE, "^WARNING: suspicious RCU usage"),
                    new Rule(
                            Kind.WARNING,
                            "^WARNING: (?:CPU: \\d+ PID: \\d+ )?(?:\\S+:\\d+ )?(?:at "
                                    + "(?:\\S+:\\d+ )?(?:"
                                    + FUNCTION
                                    + "|\\S+).*)$"),
                    new Rule(
                            Kind.RCU_STALL,
                            "^(?:rcu: )?INFO: \\S+ (?:self-)?detected (?:expedited )?stalls? "),
                    new Rule(
                            Kind.HUNG_TASK,
                            "^INFO: task .+:\\d+ blocked.* for more than \\d+ seconds"),
                    new Rule(
                            Kind.INIT,
                            "^Kernel panic - not syncing: (?:Attempted to kill init"
                                    + "|VFS: Unable to mount root"
                                    + "|No working init found"
                                    + "|Requested init )"),
                    new Rule(
                            Kind.PANIC,
                            "^Kernel panic - not syncing: (?:.* in: " + FUNCTION + ")?.*"),
                    new Rule(Kind.SLAB, "^BUG \\S+ \\(.*\\): "),
                    new Rule(Kind.BUG, "^BUG: "));

    /** Panics that only say that an earlier report was enough to give up. */
    private static final Pattern CONSEQUENCE =
            Pattern.compile(
                    "^Kernel panic - not syncing: (?:Fatal exception|.*panic_on_\\w+ set"
                            + "|softlockup: hung tasks|hung_task: blocked tasks|RCU Stall"
                            + "|Hard LOCKUP)");

    private static final Pattern CUT_HERE = Pattern.compile("^-+\\[ cut here \\]-+$");
    private static final Pattern END = Pattern.compile("^---\\[ end (?:trace|Kernel panic)");
    private static final Pattern RULED_LINE = Pattern.compile("^={20,}$");
    private static final Pattern LOCK_SITE = Pattern.compile(", at: " + FUNCTION);
    private static final Pattern RIP = Pattern.compile("^RIP: 0010:" + FUNCTION);
    private static final Pattern SITE =
            Pattern.compile("(?:WARNING: |kernel BUG at )(?:.* at )?([\\w./-]+\\.[chS]:\\d+)");
    private static final Pattern FRAME =
            Pattern.compile("^ {1,2}" + FUNCTION + "[0-9a-f]+/0x[0-9a-f]+");

    /**
     * Reports without an end mark: they close with the stack trace that tells the function. Stalls
     * show that of RCU's own thread before.
     */
    private static final Set<Kind> END_WITH_TRACE =
            EnumSet.of(
                    Kind.LOCKDEP,
                    Kind.RCU_USAGE,
                    Kind.ATOMIC_SLEEP,
                    Kind.BAD_PAGE,
                    Kind.RCU_STALL,
                    Kind.HARD_LOCKUP,
                    Kind.SOFT_LOCKUP,
                    Kind.HUNG_TASK,
                    Kind.SLAB);

    /** Reports between two lines of equals signs, of which the second ends them. */
    private static final Set<Kind> RULED = EnumSet.of(Kind.KASAN, Kind.DATA_RACE);

    /**
     * Functions that report, check or take a lock on behalf of others. They are on top of the stack
     * but not at fault.
     */
    private static final Pattern MESSENGER =
            Pattern.compile(
                    "dump_stack\\w*|show_(?:stack|regs)\\w*|v?panic|__warn\\w*|report_bug|die\\w*"
                            + "|exc_\\w+|asm_\\w+|handle_bug|sched_show_task|nmi_\\w+"
                            + "|print_\\w*(?:bug|report|address_description)\\w*|kasan_\\w+"
                            + "|__(?:asan|ubsan)_\\w+|ubsan_\\w+|__kasan_\\w+|lockdep_\\w+"
                            + "|check_(?:noncircular|deadlock|prev_add|irq_usage|wait_context)"
                            + "|mark_(?:lock|usage)\\w*|validate_chain|__lock_acquire"
                            + "|(?:__)?lock_(?:acquire|release)|__might_\\w+|might_\\w+"
                            + "|refcount_\\w+|__refcount_\\w+|__list_\\w+|list_(?:add|del)\\w*"
                            + "|(?:__)?schedule\\w*|io_schedule\\w*|msleep\\w*"
                            + "|(?:__)?(?:ww_)?mutex_(?:lock|unlock)\\w*|__ww_\\w+"
                            + "|(?:__)?(?:down|up)_\\w+|rwsem_\\w+"
                            + "|(?:__)?wait_for_\\w+|__wait_\\w+|dma_(?:resv|fence)_wait\\w*"
                            + "|_?_?raw_(?:spin|read|write)_\\w+|do_raw_\\w+"
                            + "|(?:native_)?queued_\\w+|bad_page\\w*|free_page_is_bad\\w*"
                            + "|__free_\\w+|free_(?:pages|unref)\\w*|slab_\\w+|object_err"
                            + "|rcu_gp_\\w+|kthread|ret_from_fork\\w*"
                            + "|k[vz]?free\\w*|check_(?:object|slab|bytes)\\w*");

    private ConsoleRules() {}

    /** What sort of report a message begins, if any. */
    static Optional<Begin> begin(String message) {
        for (Rule rule : RULES) {
            Matcher m = rule.begin().matcher(message);
            if (m.find()) {
                return Optional.of(new Begin(rule.kind(), rule.named() ? culprit(m) : ""));
            }
        }
        return Optional.empty();
    }

    /** Whether a line that could begin a report is only the next line of the one before. */
    static boolean continues(Kind report, Kind next) {
        switch (report) {
            case NULL_DEREFERENCE:
            case PAGE_FAULT:
            case BUG:
                return next == Kind.OOPS;
            case LIST_CORRUPTION:
            case REFCOUNT:
                return next == Kind.WARNING || next == Kind.BUG || next == Kind.OOPS;
            default:
                return false;
        }
    }

    /** Whether this panic is nothing new after a report. */
    static boolean consequence(String message) {
        return CONSEQUENCE.matcher(message).find();
    }

    /** Whether the next lines belong to a report whose kind is yet to come. */
    static boolean cutHere(String message) {
        return CUT_HERE.matcher(message).matches();
    }

    /**
     * Whether a message is the last of a report.
     *
     * @param function the function at fault as far as known
     */
    static boolean ends(Kind report, String function, String message) {
        return report == Kind.KMEMLEAK
                || END.matcher(message).find()
                || (RULED.contains(report) && RULED_LINE.matcher(message).matches())
                || (END_WITH_TRACE.contains(report)
                        && !function.isEmpty()
                        && message.strip().equals("</TASK>"));
    }

    /** The function at fault if this line of a report tells it, else an empty string. */
    static String function(Kind report, String message) {
        if (report == Kind.LOCKDEP) {
            Matcher site = LOCK_SITE.matcher(message);
            if (site.find()) {
                return clean(site.group("f"));
            }
        }
        for (Pattern pattern : List.of(RIP, FRAME)) {
            Matcher m = pattern.matcher(message);
            if (m.find()) {
                return culprit(m);
            }
        }
        return "";
    }

    /** The frame of a call trace that this line is, if it is one to look at. */
    static Optional<String> frame(String message) {
        for (Pattern pattern : List.of(RIP, FRAME)) {
            Matcher m = pattern.matcher(message);
            if (m.find() && !culprit(m).isEmpty()) {
                return Optional.of(message.substring(m.start("f")).strip());
            }
        }
        return Optional.empty();
    }

    /** The file and line in a title, "" if there are none. */
    static String site(String title) {
        Matcher m = SITE.matcher(title);
        return m.find() ? m.group(1) : "";
    }

    /** The function that a line names; nothing when it only reports for others. */
    private static String culprit(Matcher m) {
        if (m.group("f") == null) {
            return "";
        }
        String name = clean(m.group("f"));
        return MESSENGER.matcher(name).matches() ? "" : name;
    }

    /** Without the suffixes of the compiler's clones, such as {@code .constprop.0}. */
    private static String clean(String function) {
        int dot = function.indexOf('.', 1);
        return dot < 0 ? function : function.substring(0, dot);
    }
}
