// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One end of a reliable connection. Work is requested and awaited one at a time; only a {@link
 * Hammer} has several requests in flight.
 */
public final class QueuePair {
    /**
     * How a connection behaves.
     *
     * @param mtu bytes in a packet: 256, 512, 1024, 2048 or 4096, and no more than the interface
     *     can
     * @param timeout an unanswered request is repeated after 4.096 µs * 2^timeout
     * @param retries how often, 0 to 6; then it is {@code RETRY_EXCEEDED}. rxe takes 7 for without
     *     end
     * @param rnrRetries how often a peer is asked again, after 40 ms, that is not ready to receive:
     *     0 to 6, or 7 for without end
     */
    public record Path(int mtu, int timeout, int retries, int rnrRetries) {
        /** Gives up after half a second. */
        public static final Path DEFAULT = new Path(1024, 14, 6, 6);

        public Path withMtu(int bytes) {
            return new Path(bytes, timeout, retries, rnrRetries);
        }

        /** One that does not give up, for a peer whose answer is held back. */
        public Path withoutEnd() {
            return new Path(mtu, timeout, 7, rnrRetries);
        }
    }

    private final Agent agent;
    private final String name;
    private final long number;
    private final String gid;
    private long psn;

    QueuePair(Agent agent, String name, Answer answer) {
        this.agent = agent;
        this.name = name;
        this.number = answer.number("qpn");
        this.gid = answer.text("gid");
        this.psn = answer.number("psn");
    }

    /** Connects two that are new or have been reset. */
    public static void connect(QueuePair a, QueuePair b) {
        connect(a, b, Path.DEFAULT);
    }

    public static void connect(QueuePair a, QueuePair b, Path path) {
        a.connectTo(b, path);
        b.connectTo(a, path);
    }

    private void connectTo(QueuePair peer, Path path) {
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("qp", name);
        arguments.put("remote_qpn", peer.number);
        arguments.put("remote_gid", peer.gid);
        arguments.put("psn", peer.psn);
        arguments.put("mtu", path.mtu());
        arguments.put("timeout", path.timeout());
        arguments.put("retry", path.retries());
        arguments.put("rnr_retry", path.rnrRetries());
        agent.call("rdma.connect", arguments);
    }

    public String name() {
        return name;
    }

    /** Makes it as good as new; its peer has to be reset too before they are connected again. */
    public void reset() {
        psn = agent.call("rdma.reset", Map.of("qp", name)).number("psn");
    }

    /**
     * {@code reset}, {@code init}, {@code rtr}, {@code rts}, {@code sqd}, {@code sqe}, {@code
     * error}.
     */
    public String state() {
        return agent.call("rdma.qpstate", Map.of("qp", name)).text("state");
    }

    /** How long to wait for a completion. */
    Duration limit() {
        return agent.silence();
    }

    /** Has work done, and waits for its completion. */
    public Completion post(WorkRequest request) {
        return new Completion(agent.call("rdma.post", request.arguments(this)));
    }

    /** The same as a job, for what may take long. Its answer makes a {@link Completion}. */
    public Job postAsJob(WorkRequest request) {
        return Job.start(agent, "rdma.post", request.arguments(this));
    }

    /** Binds a window to part of a region of this side; it has a new key then. */
    public Completion bind(
            MemoryWindow window,
            MemoryRegion region,
            long offset,
            long length,
            RdmaEndpoint.Access... access) {
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("qp", name);
        arguments.put("verb", "bind-mw");
        arguments.put("mw", window.name());
        arguments.put("mr", region.name());
        arguments.put("offset", Hexadecimal.of(offset));
        arguments.put("length", length);
        arguments.put("access", RdmaEndpoint.Access.words(access));
        arguments.put("timeout_ms", limit().toMillis());
        Answer answer = agent.call("rdma.post", arguments);
        window.bound(answer.number("rkey"));
        return new Completion(answer);
    }

    /** Provides memory for the peer's next send or write with a number. */
    public void receive(MemoryRegion local, long offset, long length) {
        agent.call(
                "rdma.recv",
                Map.of(
                        "qp",
                        name,
                        "mr",
                        local.name(),
                        "offset",
                        Hexadecimal.of(offset),
                        "length",
                        length));
    }

    /** Waits for something to be received. */
    public Completion awaitReceived() {
        return new Completion(agent.call("rdma.completion", Map.of("qp", name)));
    }

    /** Starts to hammer. The job's answer makes a {@link Hammer.Result}. */
    public Job hammer(Hammer hammer) {
        return Job.start(agent, "rdma.hammer", hammer.arguments(this));
    }

    /** Has a hammer post no more, and end when all is completed. */
    public void stop() {
        agent.call("rdma.stop", Map.of("qp", name));
    }

    /** The highest number of a hammer's that has succeeded, while it runs too. */
    public long acknowledged() {
        return progress().number("acknowledged");
    }

    private Answer progress() {
        return agent.call("rdma.state", Map.of("qp", name));
    }

    /**
     * Waits until a running hammer has come so far.
     *
     * @throws AssertionError when it has not after the limit
     */
    public void awaitAcknowledged(long count, Duration limit) {
        long end = System.nanoTime() + limit.toNanos();
        Answer progress = progress();
        while (!progress.json().required("running").asBoolean()
                || progress.number("acknowledged") < count) {
            if (System.nanoTime() > end) {
                throw new AssertionError(name + " does not come so far: " + progress.json());
            }
            progress = progress();
        }
    }

    /** Closes it; who waits for a completion of it gets {@code CLOSED}. */
    public void close() {
        agent.call("rdma.close", Map.of("name", name));
    }
}
