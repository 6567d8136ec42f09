// SPDX-License-Identifier: Apache-2.0
package dmabuflab.qemu;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.SocketChannel;
import java.util.function.Consumer;

/** Reads along with QMP whether the guest has shut down, or would have started anew. */
final class ShutdownWatch implements Consumer<String> {
    private static final String EVENT = "\"event\": \"SHUTDOWN\"";

    private final SocketChannel agent;
    private volatile boolean hangsUp;
    private volatile boolean seen;

    ShutdownWatch(SocketChannel agent) {
        this.agent = agent;
    }

    /** Has the agent's socket end with the guest, though QEMU does not. */
    void hangUp() {
        hangsUp = true;
    }

    boolean seen() {
        return seen;
    }

    @Override
    public void accept(String line) {
        if (line.contains(EVENT)) {
            seen = true;
            if (hangsUp) {
                try {
                    agent.shutdownInput();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        }
    }
}
