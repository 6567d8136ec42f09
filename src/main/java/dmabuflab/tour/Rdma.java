// SPDX-License-Identifier: Apache-2.0
package dmabuflab.tour;

import dmabuflab.guest.Answer;
import dmabuflab.guest.Exit;
import dmabuflab.scenario.Witness;
import java.util.List;

/** A peer writes to the memory by RDMA, by a region that comes back and by one that does not. */
final class Rdma implements Chapter {
    /** Where the peer writes in the buffer. */
    private static final long BY_PINNED = Desk.PGOFF * Desk.PAGE + 0x18;

    private static final long BY_ON_DEMAND = Desk.PGOFF * Desk.PAGE + 0x20;

    private static final long WORD = 0x4444444444444444L;

    @Override
    public String title() {
        return "RDMA: a region that comes back, and one that does not";
    }

    @Override
    public List<String> selectors() {
        return List.of("RD2", "RD3", "RdmaTransfers");
    }

    @Override
    public void tell(Desk desk, Narrator narrator) {
        narrator.say(
                """
                rxe is RDMA by software: the CPU copies what a network card would. Both ends are
                in the guest here, a client with 8 bytes of its own, and a server that has the
                buffer. Each has to know the other's qpn, gid and psn.
                """);
        narrator.labctl("net.dummy name=net0");
        narrator.labctl("net.address name=net0 address=10.0.0.1/24");
        narrator.labctl("rdma.link name=rxe0 interface=net0");
        narrator.labctl("rdma.open name=client dev=rxe0");
        narrator.labctl("rdma.open name=server dev=rxe0");
        Answer from = narrator.labctl("rdma.qp endpoint=client name=from");
        Answer to = narrator.labctl("rdma.qp endpoint=server name=to");
        connect(narrator, "from", to);
        connect(narrator, "to", from);
        narrator.labctl("rdma.mr endpoint=client name=local length=8");
        narrator.labctl("mr.write name=local offset=0 data=4444444444444444");
        narrator.say(
                """
                The server registers the buffer twice, as ibv_reg_dmabuf_mr() would: pinned,
                until it is revoked, and on demand, so that pages are looked up when they are
                needed. The client writes by both; each rkey is from the answer above.
                """);
        String access = "access=local-write,remote-write";
        long pinned = register(narrator, "pinned", access);
        long onDemand = register(narrator, "ondemand", access + ",on-demand");
        post(narrator, BY_PINNED, pinned, "success");
        desk.seeMemory(narrator, Desk.barOffset(BY_PINNED), WORD);
        post(narrator, BY_ON_DEMAND, onDemand, "success");
        desk.seeMemory(narrator, Desk.barOffset(BY_ON_DEMAND), WORD);
        narrator.say(
                """
                A reset revokes for as long as it takes. Afterwards the region on demand works
                as before (RD3). The pinned one is fenced for ever, though the memory is back.
                Its key stays taken until it is deregistered, and means no other memory (RD2).
                """);
        narrator.labctl("mr.write name=local offset=0 data=5555555555555555");
        narrator.labctl("vfio.reset dev=" + desk.card());
        desk.seeNotify(narrator, List.of("ENODEV", "PFN"));
        post(narrator, BY_ON_DEMAND, onDemand, "success");
        desk.seeMemory(narrator, Desk.barOffset(BY_ON_DEMAND), 0x5555555555555555L);
        post(narrator, BY_PINNED, pinned, "remote-access");
        desk.seeMemory(narrator, Desk.barOffset(BY_PINNED), WORD);
        narrator.say("The virtual CPU, which has not been told of anything, finds it there:");
        Answer read =
                narrator.labctl("vcpu.read vcpu=vcpu gpa=" + Desk.hex(Desk.GPA + BY_ON_DEMAND));
        narrator.see(
                Witness.KERNEL_ANSWER,
                "the virtual CPU has read %s",
                Desk.hex(new Exit(read).value()),
                "0x5555555555555555");
    }

    private static void connect(Narrator narrator, String pair, Answer peer) {
        narrator.labctl(
                "rdma.connect qp=%s remote_qpn=%d remote_gid=%s psn=%d"
                        .formatted(pair, peer.number("qpn"), peer.text("gid"), peer.number("psn")));
    }

    private static long register(Narrator narrator, String name, String access) {
        return narrator.labctl(
                        "rdma.mr endpoint=server name=%s dmabuf=buffer length=%s %s"
                                .formatted(name, Desk.hex(Desk.SIZE), access))
                .number("rkey");
    }

    private static void post(Narrator narrator, long offset, long key, String status) {
        Answer answer =
                narrator.labctl(
                        "rdma.post qp=from verb=write mr=local length=8 remote_addr=%s rkey=%d"
                                .formatted(Desk.hex(offset), key));
        narrator.see(Witness.KERNEL_ANSWER, "the completion: %s", answer.text("status"), status);
    }
}
