// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.guest.Agent;
import dmabuflab.guest.Answer;
import dmabuflab.guest.DmaBuf;
import dmabuflab.guest.Edu;
import dmabuflab.guest.Guest;
import dmabuflab.guest.GuestImage;
import dmabuflab.guest.Importer;
import dmabuflab.guest.Ioas;
import dmabuflab.guest.Job;
import dmabuflab.guest.PciBus;
import dmabuflab.guest.PluggedDevice;
import dmabuflab.guest.Trace;
import dmabuflab.guest.VfioDevice;
import dmabuflab.guest.Vm;
import dmabuflab.host.Disk;
import dmabuflab.host.InfrastructureException;
import dmabuflab.report.Cell;
import dmabuflab.witness.BarFile;
import dmabuflab.witness.KvmTrace;
import dmabuflab.witness.MappedMemory;
import dmabuflab.witness.PhysicalMemory;
import dmabuflab.witness.SourceId;
import dmabuflab.witness.TraceEvent.BarUnmapped;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;

/** What a scenario works with: its guest, the devices it asked for, and the witnesses. */
public final class Testbed implements AutoCloseable {
    private static final String DMA_ENGINE = "edu";

    /** For each CPU; what virtual CPUs do in a race of some seconds fits. */
    private static final int KVM_TRACE_KIB = 16 << 10;

    /** In words, for who runs a kernel that has not got it. */
    private static final String TEST_IMPORTER = "what the test importer calls";

    private static final String BUFINFO = "/sys/kernel/debug/dma_buf/bufinfo";

    private final Guest guest;
    private final Lab lab;
    private final Path artefacts;
    private final Testimony testimony;
    private final List<Part> parts;
    private final List<PluggedDevice> plugged = new ArrayList<>();
    private final List<BarFile> bars = new ArrayList<>();
    private final Trace trace;
    private final IommuView iommu;
    private final Map<Vm, NestedView> nested = new HashMap<>();
    private MappedMemory ram;
    private Cell expected;
    private boolean recordsKvm;
    private int named;

    Testbed(
            Guest guest,
            Lab lab,
            IommuModel model,
            Path artefacts,
            Testimony testimony,
            List<Part> parts) {
        this.guest = guest;
        this.lab = lab;
        this.artefacts = artefacts;
        this.testimony = testimony;
        this.parts = parts;
        this.trace = new Trace(guest.agent(), model.kernelProbes());
        this.iommu = model.view(guest, artefacts, testimony);
        listen();
    }

    /** From now on what the guest's kernel answers is its testimony. */
    void listen() {
        guest.agent().observe(line -> testimony.record(Witness.KERNEL_ANSWER, line));
    }

    PluggedDevice plug(String description) {
        PluggedDevice device = guest.plug(lab.devices(), description);
        plugged.add(device);
        return device;
    }

    public Guest guest() {
        return guest;
    }

    public Agent agent() {
        return guest.agent();
    }

    /** The IOMMU, from outside. */
    public IommuView iommu() {
        return iommu;
    }

    /** How often QEMU has decoded a BAR of a device, or its ROM, and then no longer. */
    public long decoded(VfioDevice device, int bar) {
        SourceId source = SourceId.parse(device.bdf());
        long count =
                iommu.events().stream()
                        .filter(BarUnmapped.class::isInstance)
                        .map(BarUnmapped.class::cast)
                        .filter(each -> each.device().equals(source) && each.bar() == bar)
                        .count();
        testimony.record(
                Witness.HARDWARE,
                "%s BAR %d was decoded for a time, %d times".formatted(source, bar, count));
        return count;
    }

    public PciBus pciBus() {
        return new PciBus(agent());
    }

    /** Opens the first memory device, decoding and mastering on. */
    public Exporter exporter() {
        PluggedDevice device = memoryDevice();
        return exporter(device, VfioDevice.open(agent(), device.bdf(), device.hardware().id()));
    }

    /** The same so that its memory is for one machine only. */
    public Exporter privateExporter(Vm vm) {
        PluggedDevice device = memoryDevice();
        return exporter(
                device, VfioDevice.openPrivate(agent(), device.bdf(), device.hardware().id(), vm));
    }

    private PluggedDevice memoryDevice() {
        return take("memory device", each -> each.memory() != null);
    }

    private Exporter exporter(PluggedDevice device, VfioDevice vfio) {
        BarFile bar = new BarFile(device.memory(), device.size(), bars.size() + 1);
        bars.add(bar);
        return new Exporter(guest.qmp(), device, vfio, bar, testimony);
    }

    /** Opens the DMA engine and attaches it to an address space. */
    public Edu dmaEngine(Ioas ioas) {
        PluggedDevice device = unused(DMA_ENGINE);
        VfioDevice vfio = VfioDevice.open(agent(), device.bdf(), device.hardware().id());
        vfio.attach(ioas);
        return new Edu(agent(), vfio);
    }

    /** A plugged device that no driver of the guest has, for attachments on its behalf. */
    public String idleDevice() {
        return idleDevice(DMA_ENGINE);
    }

    /** The same of this model. */
    public String idleDevice(String model) {
        return unused(model).bdf();
    }

    /** A plugged device that vfio-pci has, for programs that open it themselves. */
    public String vfioDevice(String model) {
        String bdf = unused(model).bdf();
        agent().call("pci.bind", Map.of("bdf", bdf, "driver", "vfio-pci"));
        return bdf;
    }

    /**
     * Runs one of the kernel's own selftests; each of its cases becomes a part of this scenario.
     *
     * @param program as in {@code iommu/iommufd}, below tools/testing/selftests
     * @throws AssertionError when a case failed, or the program did not do all that it planned
     */
    public void selftest(String program, String... arguments) {
        Selftest.judge(new Selftest(this, artefacts).run(lab, program, arguments), parts);
    }

    /**
     * Runs one that prints no TAP, as most of KVM's: it is a single case, and its exit status says
     * how that ended.
     *
     * @throws AssertionError when it did not end with 0
     */
    public void selftestWithoutTap(String program, String... arguments) {
        String name = program.substring(program.lastIndexOf('/') + 1);
        Selftest.judgeWithoutTap(
                name, new Selftest(this, artefacts).run(lab, program, arguments), parts);
    }

    /**
     * Compiles and runs a test of the user's own, which is judged like those. Its arguments are the
     * addresses of its devices, which no driver has yet.
     *
     * @throws AssertionError when it says that it failed, or does not end as planned
     */
    public void run(OwnTest test) {
        List<String> addresses = plugged.stream().map(PluggedDevice::bdf).toList();
        // Of its own: the test may have the name of any file here.
        Path directory = artefacts.resolve("test");
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw Disk.failure("cannot create " + directory, directory, e);
        }
        Path program = test.compile(lab, directory);
        Selftest.judgeWithoutTap(
                test.name(), new Selftest(this, directory).run(program, addresses), parts);
    }

    /** Skips the scenario on a kernel that has no {@code what} because the series adds it. */
    public void requireSeries(String what) {
        if (!lab.kernel().hasImporter()) {
            Assumptions.abort(
                    "kernel "
                            + lab.kernel().target()
                            + " is without the series, which adds "
                            + what
                            + "; run it on a kernel with it, such as --kernel "
                            + LabOptions.DEFAULT.kernel());
        }
    }

    /**
     * Tells the report what has to come of this case. It makes a table of all cases of a scenario
     * that do so.
     *
     * @param column one heading below the other
     */
    public void expect(Enum<?> row, List<? extends Enum<?>> column, String what) {
        expected = Expectation.of(row, column, what);
    }

    Optional<Cell> expected() {
        return Optional.ofNullable(expected);
    }

    /** Makes a virtual machine inside the guest. */
    public Vm vm() {
        return vm(agent(), Vm.Type.DEFAULT);
    }

    /**
     * Makes a virtual machine of the agent's or of a {@link dmabuflab.guest.GuestProcess}. From the
     * first one on KVM's doings are recorded.
     */
    public Vm vm(Agent owner, Vm.Type type) {
        if (!recordsKvm) {
            trace.resize(KVM_TRACE_KIB);
            trace.filter(KvmTrace.RETURN, KvmTrace.RETURNS_THAT_MATTER);
            trace.add(KvmTrace.EVENTS, KvmTrace.PROBES);
            recordsKvm = true;
        }
        return Vm.create(owner, "vm" + named++, type);
    }

    /**
     * The nested page tables of a virtual machine that {@link #vm} has made, from outside. Ask for
     * it while the machine's handle is open.
     */
    public NestedView nested(Vm vm) {
        return nested.computeIfAbsent(
                vm, each -> new NestedView(each, trace, guest.memory(), testimony));
    }

    /** The guest's own memory, seen from outside. */
    public PhysicalMemory ram() {
        if (ram == null) {
            ram = MappedMemory.of(guest.memory(), GuestImage.MEMORY);
        }
        testimony.record(Witness.MEMORY, "read the guest's RAM");
        return ram;
    }

    public Ioas ioas() {
        return Ioas.alloc(agent(), "ioas" + named++);
    }

    /** Attaches the test importer. */
    public Importer importer(DmaBuf buffer, Importer.Wish wish) {
        requireSeries(TEST_IMPORTER);
        return Importer.attach(agent(), buffer, wish, "importer" + named++);
    }

    /** The same where that may be refused. */
    public Answer tryImporter(DmaBuf buffer, Importer.Wish wish, String name) {
        requireSeries(TEST_IMPORTER);
        return Importer.tryAttach(agent(), buffer, wish, name);
    }

    /** Attaches a faultable PFN importer. */
    public Importer importer(DmaBuf buffer) {
        return importer(buffer, Importer.Wish.PFN_IMPORTER);
    }

    /**
     * The kernel's own recording; reading it through {@link #events} counts as hearing a witness.
     */
    public Trace trace() {
        return trace;
    }

    /** Kernel events so far whose line contains one of these texts, in their order. */
    public List<String> events(String... texts) {
        List<String> lines =
                trace.read()
                        .lines()
                        .filter(line -> Arrays.stream(texts).anyMatch(line::contains))
                        .toList();
        testimony.record(
                Witness.KERNEL_EVENTS, lines.size() + " events with " + Arrays.toString(texts));
        return lines;
    }

    /** Whether the kernel was built with an option, for instance {@code CONFIG_KASAN}. */
    public boolean kernelHas(String option) {
        try {
            return Files.readString(lab.kernel().config())
                    .lines()
                    .anyMatch((option + "=y")::equals);
        } catch (IOException e) {
            throw Disk.failure("cannot read the kernel's configuration", lab.kernel().config(), e);
        }
    }

    /** Number of dma-bufs that exist in the guest, by debugfs. */
    public long buffers() {
        return totals("Total (\\d+) objects");
    }

    /** Number of attachments of all dma-bufs in the guest, by debugfs. */
    public long attachments() {
        return totals("Total (\\d+) devices attached");
    }

    /** What kmemleak reports, "" in a kernel without it: only the debug variant has it. */
    public String leaks() {
        return agent().call("kmemleak.check", Map.of()).text("leaks");
    }

    /** How long to wait for what has to happen: half as long as a guest may be silent. */
    public Duration limit() {
        return guest.scale().silence().dividedBy(2);
    }

    /**
     * Looks again and again until a condition holds.
     *
     * @throws AssertionError when it does not within the {@link #limit}
     */
    public void await(String what, BooleanSupplier condition) {
        long end = System.nanoTime() + limit().toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("not within " + limit().toSeconds() + " s: " + what);
            }
        }
    }

    /**
     * The answer of a call that has to return.
     *
     * @throws AssertionError when it has not within the {@link #limit}
     */
    public Answer complete(Job job) {
        return job.await(limit())
                .orElseThrow(
                        () -> new AssertionError("a call that has to return is still blocked"));
    }

    private long totals(String pattern) {
        String bufinfo = agent().call("file.read", Map.of("path", BUFINFO)).text("text");
        if (!Pattern.compile("Total \\d+ objects").matcher(bufinfo).find()) {
            throw new InfrastructureException(
                    "cannot count dma-bufs",
                    BUFINFO + " has no line of totals:\n" + bufinfo,
                    "has its format changed?");
        }
        return Pattern.compile(pattern)
                .matcher(bufinfo)
                .results()
                .mapToLong(total -> Long.parseLong(total.group(1)))
                .sum();
    }

    private PluggedDevice unused(String model) {
        return take(model, device -> device.model().equals(model));
    }

    private PluggedDevice take(String what, Predicate<PluggedDevice> wanted) {
        PluggedDevice device =
                plugged.stream()
                        .filter(wanted)
                        .findFirst()
                        .orElseThrow(
                                () ->
                                        new InfrastructureException(
                                                "the scenario asks for one more " + what,
                                                "its @Devices do not list enough of them",
                                                "add it to the annotation"));
        plugged.remove(device);
        return device;
    }

    @Override
    public void close() {
        bars.forEach(BarFile::close);
        nested.values().forEach(NestedView::close);
        if (ram != null) {
            ram.close();
        }
        iommu.close();
    }
}
