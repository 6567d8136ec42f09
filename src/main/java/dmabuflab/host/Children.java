// SPDX-License-Identifier: Apache-2.0
package dmabuflab.host;

import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/** All processes this JVM has started and which may still run. */
final class Children {

    private static final long GRACE_SECONDS = 5;

    /**
     * The one thread that forks. The kernel sends a child's PDEATHSIG when the <em>thread</em> that
     * forked it ends, so a child must never be forked by a thread that ends before the JVM.
     */
    private static final ExecutorService FORKS =
            Executors.newSingleThreadExecutor(
                    task -> {
                        Thread thread = new Thread(task, "forks");
                        thread.setDaemon(true);
                        return thread;
                    });

    private static final Set<Process> LIVE = ConcurrentHashMap.newKeySet();
    private static final Set<Runnable> FAREWELLS = ConcurrentHashMap.newKeySet();
    private static volatile boolean closing;

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(Children::close, "end-children"));
    }

    private Children() {}

    /** Forks on the right thread; nothing is started any more once the JVM is on its way out. */
    static Process launch(Callable<Process> fork) throws IOException {
        CompletableFuture<Process> launched = new CompletableFuture<>();
        FORKS.execute(
                () -> {
                    try {
                        if (closing) {
                            throw new IOException("the lab is being stopped");
                        }
                        Process process = fork.call();
                        LIVE.add(process);
                        launched.complete(process);
                    } catch (Exception e) {
                        launched.completeExceptionally(e);
                    }
                });
        try {
            return launched.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException cause ? cause : new IOException(e.getCause());
        } catch (InterruptedException e) {
            var unused = launched.thenAccept(Children::kill); // nobody else will know of it
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    /** Has something done when the JVM ends, while processes still can be started. */
    static void beforeTheEnd(Runnable farewell) {
        FAREWELLS.add(farewell);
    }

    static void forget(Process process) {
        LIVE.remove(process);
    }

    /** SIGKILL for the process and all below it. */
    static void kill(Process process) {
        tree(process).forEach(ProcessHandle::destroyForcibly);
    }

    /** SIGTERM for the process and all below it, so that they tidy up; SIGKILL for who stays. */
    static void terminate(Process process) {
        List<ProcessHandle> tree = tree(process);
        tree.forEach(ProcessHandle::destroy);
        awaitExit(process);
        tree.forEach(ProcessHandle::destroyForcibly);
    }

    private static List<ProcessHandle> tree(Process process) {
        return Stream.concat(Stream.of(process.toHandle()), process.descendants()).toList();
    }

    private static void awaitExit(Process process) {
        try {
            process.onExit().get(GRACE_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException | ExecutionException e) {
            // The SIGKILL that follows is the answer to both.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void close() {
        RuntimeException trouble = new IllegalStateException("not all could be done at the end");
        for (Runnable farewell : FAREWELLS) {
            try {
                farewell.run();
            } catch (RuntimeException e) {
                trouble.addSuppressed(e);
            }
        }
        closing = true;
        LIVE.stream().parallel().forEach(Children::terminate);
        if (trouble.getSuppressed().length > 0) {
            throw trouble;
        }
    }
}
