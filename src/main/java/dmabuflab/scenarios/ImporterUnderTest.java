// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Answer;
import dmabuflab.guest.Completion.Status;
import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.Edu;
import dmabuflab.guest.Importer;
import dmabuflab.guest.Importer.Wish;
import dmabuflab.guest.Ioas;
import dmabuflab.guest.MemoryRegion;
import dmabuflab.guest.Memslot;
import dmabuflab.guest.NetInterface;
import dmabuflab.guest.QueuePair;
import dmabuflab.guest.Race.Step;
import dmabuflab.guest.RdmaEndpoint;
import dmabuflab.guest.RdmaLink;
import dmabuflab.guest.TestExporter.Lifetime;
import dmabuflab.guest.Vcpu;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.guest.Vm;
import dmabuflab.guest.WorkRequest;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Testbed;
import dmabuflab.witness.BarFile;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;

/**
 * An importer of any kind that is told to attach to a buffer and to write to it, and says whether
 * it could.
 */
abstract class ImporterUnderTest {
    /**
     * Where buffers in a BAR begin at the earliest: what is before that is what DMA is fed with.
     */
    static final long FIRST_PLACE = 1 << 20;

    protected final Testbed bed;

    private ImporterUnderTest(Testbed bed) {
        this.bed = bed;
    }

    /**
     * One that has attached to nothing yet. {@code exporter} has memory for what DMA is to copy.
     */
    static ImporterUnderTest of(ImporterKind kind, Testbed bed, Exporter exporter) {
        return kind == ImporterKind.IOMMUFD ? new OfIommufd(bed, exporter) : racing(kind, bed);
    }

    /** The same of a kind whose writes come from inside the guest alone. */
    static Racing racing(ImporterKind kind, Testbed bed) {
        return switch (kind) {
            case KVM -> new OfKvm(bed);
            case IOMMUFD ->
                    throw new IllegalArgumentException("what DMA writes comes from outside");
            case RXE_PINNED -> new OfRxe(bed, RdmaWindow.PINNED);
            case RXE_ON_DEMAND -> new OfRxe(bed, RdmaWindow.ON_DEMAND);
            case GPU -> new OfGpu(bed, Wish.PFN_IMPORTER);
            case COMPOSITOR ->
                    new OfGpu(
                            bed,
                            Wish.PFN_IMPORTER
                                    .asCompositor()
                                    .tolerating(EnumSet.of(Lifetime.PINNED, Lifetime.DYNAMIC)));
            case SILENT -> new OfGpu(bed, Wish.PFN_IMPORTER.tolerating(List.of()));
        };
    }

    /** Attaches to all of the buffer, as far as it is let. */
    abstract Answer attach(DmaBuf buffer);

    /** Writes 8 bytes; false if it was refused. */
    abstract boolean write(long offset, long value);

    /** A write arrives in this place of a BAR, and nowhere else where buffers are. */
    void assertReaches(Exporter device, long place, long offset, long value) {
        BarFile.Snapshot before = buffers(device);

        assertThat(write(offset, value)).as("it can write").isTrue();

        assertThat(device.memory().changedRanges(before))
                .as("memory that changed")
                .containsExactly(new BarFile.Range(place + offset, Long.BYTES));
        assertThat(device.memory().readLong(place + offset)).isEqualTo(value);
    }

    /** A write is refused and arrives nowhere. */
    void assertCutOff(Exporter device, long offset, long value) {
        BarFile.Snapshot before = buffers(device);

        assertThat(write(offset, value)).as("it can write").isFalse();

        assertThat(device.memory().changedRanges(before)).as("memory that changed").isEmpty();
    }

    /** All of a BAR where buffers are, as it is now. */
    static BarFile.Snapshot buffers(Exporter device) {
        return device.memory().snapshot(FIRST_PLACE, device.size() - FIRST_PLACE);
    }

    /** One whose accesses can be part of a race. */
    abstract static class Racing extends ImporterUnderTest {
        private Racing(Testbed bed) {
            super(bed);
        }

        /** A {@link #write}, wherever the importer is at that time. */
        abstract Step step(long offset, long value);
    }

    private static final class OfGpu extends Racing {
        private final Wish wish;
        private Importer importer;

        OfGpu(Testbed bed, Wish wish) {
            super(bed);
            this.wish = wish;
        }

        @Override
        Answer attach(DmaBuf buffer) {
            Answer answer = bed.tryImporter(buffer, wish, "gpu");
            importer = Importer.attached(bed.agent(), "gpu");
            return answer;
        }

        @Override
        boolean write(long offset, long value) {
            return importer.tryWrite(offset, value).ok();
        }

        @Override
        Step step(long offset, long value) {
            return new Step(
                    "importer.write",
                    Map.of("name", importer.name(), "offset", offset, "value", value));
        }
    }

    private static final class OfKvm extends Racing {
        private final Vm vm;
        private final Vcpu vcpu;

        OfKvm(Testbed bed) {
            super(bed);
            vm = bed.vm();
            vcpu = vm.vcpu("vcpu");
        }

        @Override
        Answer attach(DmaBuf buffer) {
            return vm.trySet(Memslot.at(1, KvmWindow.GPA, buffer.size()).of(buffer, 0));
        }

        @Override
        boolean write(long offset, long value) {
            return vcpu.tryWrite(KvmWindow.GPA + offset, Long.BYTES, value).complete();
        }

        @Override
        Step step(long offset, long value) {
            Map<String, Object> arguments = vcpu.arguments(KvmWindow.GPA + offset);
            arguments.put("value", value);
            return new Step("vcpu.write", arguments);
        }
    }

    private static final class OfIommufd extends ImporterUnderTest {
        private static final long SOURCE_IOVA = 2 * DmaWindow.IOVA;

        private final Exporter exporter;
        private final Ioas ioas;
        private final Edu edu;

        /** The engine reads what it is to write from a page of the BAR that nobody else uses. */
        OfIommufd(Testbed bed, Exporter exporter) {
            super(bed);
            this.exporter = exporter;
            ioas = bed.ioas();
            edu = bed.dmaEngine(ioas);
            DmaBuf source = exporter.export(new Range(0, Exporter.PAGE));
            ioas.map(source, SOURCE_IOVA, 0, Exporter.PAGE);
        }

        @Override
        Answer attach(DmaBuf buffer) {
            return ioas.tryMap(buffer, DmaWindow.IOVA, 0, buffer.size());
        }

        @Override
        boolean write(long offset, long value) {
            exporter.memory().write(0, RdmaWindow.bytes(value));
            edu.read(SOURCE_IOVA, 0, Long.BYTES);
            int faults = bed.iommu().faults(edu.device()).size();
            edu.write(DmaWindow.IOVA + offset, 0, Long.BYTES);
            return bed.iommu().faults(edu.device()).size() == faults;
        }
    }

    private static final class OfRxe extends Racing {
        private final RdmaEndpoint.Access[] access;
        private final RdmaEndpoint server;
        private final MemoryRegion local;
        private final QueuePair from;
        private final QueuePair to;
        private MemoryRegion region;

        OfRxe(Testbed bed, RdmaEndpoint.Access... access) {
            super(bed);
            this.access = access;
            NetInterface network = NetInterface.dummy(bed.agent(), "net0");
            network.address("10.0.0.1/24");
            RdmaLink link = RdmaLink.create(bed.agent(), "rxe0", network);
            RdmaEndpoint client = link.open("client");
            server = link.open("server");
            local = client.register("local", Exporter.PAGE);
            from = client.queuePair("from");
            to = server.queuePair("to");
            QueuePair.connect(from, to);
        }

        @Override
        Answer attach(DmaBuf buffer) {
            Answer answer = server.tryRegister("region", buffer, 0, buffer.size(), access);
            if (answer.ok()) {
                region = server.region("region", answer);
            }
            return answer;
        }

        @Override
        boolean write(long offset, long value) {
            if (from.post(request(offset, value)).status() == Status.SUCCESS) {
                return true;
            }
            from.reset();
            to.reset();
            QueuePair.connect(from, to);
            return false;
        }

        @Override
        Step step(long offset, long value) {
            return new Step("rdma.post", request(offset, value).arguments(from));
        }

        /** Takes what it writes from where the peer has nothing else. */
        private WorkRequest request(long offset, long value) {
            long at = offset % Exporter.PAGE;
            local.write(at, RdmaWindow.bytes(value));
            return WorkRequest.write(local, at, Long.BYTES).remote(region, offset);
        }
    }
}
