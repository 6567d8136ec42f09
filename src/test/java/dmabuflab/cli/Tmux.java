// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.host.Command;
import dmabuflab.host.Scratch;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** A tmux of its own, 200 columns wide, in whose first pane a command of the lab runs. */
final class Tmux implements AutoCloseable {
    private final Scratch sockets = Scratch.create("tmux");

    /**
     * @param command as of {@link Screen#lab}
     */
    Tmux(String command) {
        words("new-session", "-d", "-s", "lab", "-x", "200", "-y", "45", command).check();
    }

    private Command words(String... words) {
        List<String> all = new ArrayList<>(List.of("tmux", "-f", "/dev/null"));
        all.addAll(List.of(words));
        return Command.of(all).env("TMUX_TMPDIR", sockets.path().toString()).env("TMUX", null);
    }

    String screen(int pane) {
        return words("capture-pane", "-p", "-t", "lab." + pane).output();
    }

    /** Waits until a pane shows something. */
    void until(int pane, Pattern pattern) {
        long end = System.nanoTime() + Screen.LIMIT_SECONDS * 1_000_000_000;
        while (!pattern.matcher(screen(pane)).find()) {
            assertThat(System.nanoTime()).as(screen(pane)).isLessThan(end);
        }
    }

    void until(int pane, String text) {
        until(pane, Pattern.compile(Pattern.quote(text)));
    }

    void untilThereIsAnotherPane() {
        while (words("list-panes", "-t", "lab").output().lines().count() < 2) {
            Thread.onSpinWait();
        }
    }

    void untilItIsOver() {
        while (words("has-session", "-t", "lab").run() == 0) {
            Thread.onSpinWait();
        }
    }

    void type(int pane, String line) {
        words("send-keys", "-t", "lab." + pane, line, "Enter").check();
    }

    /** Ends what there is to end after a failure. */
    @Override
    public void close() {
        words("kill-server").run();
        sockets.close();
    }
}
