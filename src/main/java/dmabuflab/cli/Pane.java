// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.host.Command;
import java.util.ArrayList;
import java.util.List;

/**
 * A pane of the tmux that the lab runs in.
 *
 * @param id as tmux names it
 */
record Pane(String id) implements AutoCloseable {
    /** Whether the terminal is one of tmux. */
    static boolean possible() {
        return System.getenv("TMUX") != null;
    }

    /**
     * Opens one beside the lab's own, or as these options of {@code split-window} say.
     *
     * @param command what sh runs in it
     */
    static Pane open(String command, String... options) {
        List<String> words = new ArrayList<>(List.of("tmux", "split-window"));
        words.addAll(List.of(options));
        words.addAll(List.of("-P", "-F", "#{pane_id}", command));
        return new Pane(Command.of(words).output());
    }

    @Override
    public void close() {
        // Whoever has left what was in it has closed it already.
        Command.of("tmux", "kill-pane", "-t", id).run();
    }
}
