// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What each witness said during one scenario, in the order it was asked. */
public final class Testimony {
    /** Enough to follow a scenario, little enough to keep a report readable. */
    private static final int KEPT_PER_WITNESS = 200;

    private final Map<Witness, List<String>> said = new EnumMap<>(Witness.class);
    private final Deque<String> news = new ArrayDeque<>();

    /** Records a statement; beyond a few hundred per witness only the fact is kept. */
    public void record(Witness witness, String statement) {
        List<String> statements = said.computeIfAbsent(witness, w -> new ArrayList<>());
        if (statements.size() < KEPT_PER_WITNESS) {
            statements.add(statement);
        }
        news.add("  " + witness + ": " + statement);
        if (news.size() > KEPT_PER_WITNESS) {
            news.remove();
        }
    }

    /** What was said since this was asked last, or the end of it, with the witnesses' names. */
    List<String> sinceLastAsked() {
        List<String> lines = List.copyOf(news);
        news.clear();
        return lines;
    }

    /** A heading for each witness, and below it what it said. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        said.forEach(
                (witness, statements) -> {
                    text.append(witness).append('\n');
                    statements.forEach(s -> text.append("  ").append(s).append('\n'));
                });
        return text.toString();
    }

    public Set<Witness> heard() {
        return said.keySet();
    }

    public Map<Witness, List<String>> statements() {
        return said;
    }
}
