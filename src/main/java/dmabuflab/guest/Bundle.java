// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dmabuflab.guest.Ports.Placed;
import dmabuflab.host.Disk;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.Links;
import dmabuflab.kernel.KernelImage;
import dmabuflab.qemu.Accelerator;
import dmabuflab.qemu.ConfigFile;
import dmabuflab.qemu.ConfigFile.Section;
import dmabuflab.qemu.QemuBinary;
import dmabuflab.qemu.ShellScript;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A guest as a directory that can be sent to somebody else: {@code repro.sh} boots it with nothing
 * but QEMU, {@link #boot} does with the lab's agent.
 */
public final class Bundle {
    /** The guest's memory as {@link Guest#dumpMemory} writes it, which need not be there. */
    public static final String MEMORY = "memory.elf";

    private static final String OPENS_MEMORY = "memory.gdb";
    private static final String DESCRIPTION = "bundle.json";
    private static final String SCRIPT = "repro.sh";
    private static final Path GUEST = Path.of("guest");
    private static final Path DEVICES = GUEST.resolve("devices");
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path directory;
    private final Description description;

    /**
     * What the files do not tell.
     *
     * @param what whose guest it is and why, in a few words
     * @param machine its descriptions, relative to the bundle
     */
    record Description(
            String what,
            String key,
            String target,
            String variant,
            String release,
            String commandLine,
            List<String> machine,
            String machineWords,
            Accelerator accelerator,
            String qemu,
            List<String> devices) {
        String summary() {
            String with = devices.isEmpty() ? "" : ", " + String.join(", ", devices);
            return what + ": kernel " + release + with;
        }
    }

    private Bundle(Path directory, Description description) {
        this.directory = directory;
        this.description = description;
    }

    /**
     * Adds what a guest consists of to a directory.
     *
     * @param what whose guest it is and why, in a few words
     * @param devices what was plugged in, as for {@link Guest#plug}
     * @param descriptions where devices are described
     * @param links puts the large files there
     */
    public static void write(
            Path directory,
            String what,
            GuestImage image,
            List<String> devices,
            Path descriptions,
            Links links) {
        try {
            Files.createDirectories(directory.resolve(DEVICES));
            putKernel(image, directory.resolve(GUEST), links);
            List<String> machine = new ArrayList<>();
            for (Path each : image.machine().descriptions()) {
                Path copy = GUEST.resolve(each.getFileName());
                Files.copy(each, directory.resolve(copy));
                machine.add(copy.toString());
            }
            Ports ports = new Ports();
            List<Section> sections = new ArrayList<>();
            for (String device : devices) {
                Placed placed = ports.place(descriptions, device, Path.of(""));
                sections.addAll(placed.sections());
                Path cfg = Path.of(placed.model() + ".cfg");
                Path copy = directory.resolve(DEVICES).resolve(cfg);
                if (!Files.exists(copy)) {
                    Files.copy(descriptions.resolve(cfg), copy);
                }
            }
            Files.writeString(
                    directory.resolve(GUEST).resolve("devices.cfg"),
                    new ConfigFile(sections).toString());
            KernelImage kernel = image.kernel();
            Description description =
                    new Description(
                            what,
                            kernel.key(),
                            kernel.target(),
                            kernel.variant(),
                            kernel.release(),
                            kernel.commandLine(),
                            machine,
                            image.machine().kernelWords(),
                            image.accelerator(),
                            image.qemu().version(),
                            devices);
            JSON.writerWithDefaultPrettyPrinter()
                    .writeValue(directory.resolve(DESCRIPTION).toFile(), description);
            if (Files.exists(directory.resolve(MEMORY))) {
                Files.writeString(directory.resolve(OPENS_MEMORY), resource(OPENS_MEMORY));
            }
            Path script = directory.resolve(SCRIPT);
            Files.writeString(script, script(description, image));
            if (!script.toFile().setExecutable(true, false)) {
                throw new IOException("cannot make " + script + " executable");
            }
        } catch (IOException e) {
            throw Disk.failure("cannot write a bundle to " + directory, directory, e);
        }
    }

    private static void putKernel(GuestImage image, Path guest, Links links) throws IOException {
        KernelImage kernel = image.kernel();
        Set<Path> files = new LinkedHashSet<>();
        files.addAll(List.of(kernel.bzImage(), kernel.vmlinux(), kernel.config()));
        files.add(kernel.manifest());
        if (kernel.hasImporter()) {
            files.add(kernel.importerModule());
        }
        files.add(image.initramfs().file());
        if (kernel.hasGdbScripts()) {
            putGdbScripts(kernel, guest, links);
        }
        for (Path file : files) {
            links.put(file, guest.resolve(file.getFileName()));
        }
    }

    private static void putGdbScripts(KernelImage kernel, Path guest, Links links)
            throws IOException {
        try (Stream<Path> scripts = Files.walk(kernel.gdbScripts())) {
            for (Path file : scripts.filter(Files::isRegularFile).toList()) {
                Path to = guest.resolve(kernel.directory().relativize(file));
                Files.createDirectories(to.getParent());
                links.put(file, to);
            }
        }
        links.put(kernel.gdbLoader(), guest.resolve(kernel.gdbLoader().getFileName()));
    }

    private static String script(Description description, GuestImage image) throws IOException {
        GuestImage here = new Bundle(Path.of(""), description).image(image.qemu());
        List<String> words = new ArrayList<>(here.hardware());
        words.addAll(List.of("-readconfig", GUEST.resolve("devices.cfg").toString()));
        words.addAll(List.of("-kernel", here.kernel().bzImage().toString()));
        words.addAll(List.of("-initrd", here.initramfs().file().toString()));
        String arguments =
                words.stream()
                        .map(
                                word ->
                                        (word.startsWith("-") ? "\\\n\t" : "")
                                                + (word.startsWith(GUEST + "/") ? "\"$here\"/" : "")
                                                + ShellScript.quote(word))
                        .collect(Collectors.joining(" "));
        return resource(SCRIPT)
                .replace("@WHAT@", ShellScript.quote(description.summary()))
                .replace("@QEMU@", ShellScript.quote(description.qemu()))
                .replace("@ARGUMENTS@", arguments)
                .replace("@COMMAND_LINE@", ShellScript.quote(here.commandLine()));
    }

    private static String resource(String name) throws IOException {
        try (InputStream in = Bundle.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /**
     * Opens one.
     *
     * @throws InfrastructureException when that directory is none
     */
    public static Bundle open(Path directory) {
        Path file = directory.resolve(DESCRIPTION);
        try {
            return new Bundle(
                    directory.toAbsolutePath(), JSON.readValue(file.toFile(), Description.class));
        } catch (JsonProcessingException e) {
            throw new InfrastructureException(
                    "cannot read " + file,
                    e.getOriginalMessage(),
                    "is the bundle of another version of the lab? sh repro.sh works anyway",
                    e);
        } catch (IOException e) {
            throw new InfrastructureException(
                    directory + " is no bundle of a red scenario",
                    e.toString(),
                    "give the scenario's directory in a report, with bundle.json in it",
                    e);
        }
    }

    /** What it is, in a line. */
    public String summary() {
        return description.summary();
    }

    /** What was plugged into the guest. */
    public List<String> devices() {
        return description.devices();
    }

    /** Where these devices are described. */
    public Path descriptions() {
        return directory.resolve(DEVICES);
    }

    /**
     * Boots the guest, without devices. Nothing is kept: by what a bundle says of itself nobody can
     * tell whether it is a kernel that the cache knows.
     *
     * @see Guest#boot
     */
    public Guest boot(Path artefacts, TimeScale scale, Consumer<byte[]> console) {
        return Guest.boot(image(QemuBinary.find()), artefacts, scale, console);
    }

    private GuestImage image(QemuBinary qemu) {
        Path guest = directory.resolve(GUEST);
        KernelImage kernel =
                new KernelImage(
                        description.key(),
                        description.target(),
                        description.variant(),
                        guest,
                        description.release(),
                        description.commandLine());
        return new GuestImage(
                kernel,
                new Initramfs(guest.resolve(Initramfs.NAME), ""),
                qemu,
                description.accelerator(),
                new Machine(
                        description.machine().stream().map(directory::resolve).toList(),
                        description.machineWords()),
                List.of());
    }
}
