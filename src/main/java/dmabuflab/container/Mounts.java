// SPDX-License-Identifier: Apache-2.0
package dmabuflab.container;

import com.github.dockerjava.api.model.Mount;
import com.github.dockerjava.api.model.MountType;
import dmabuflab.host.Command;
import dmabuflab.host.Disk;
import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;

/**
 * What a container sees of the machine, each under the name it has there, so that a path means the
 * same inside and outside.
 */
public final class Mounts {
    private static final String ALTERNATES = "objects/info/alternates";

    /** The container's own. */
    private static final Set<Path> TAKEN = Set.of(Path.of("/"), LabContainer.HOME);

    private final TreeMap<Path, Boolean> readOnly = new TreeMap<>();

    /** A file or directory that may be looked at. */
    public Mounts readable(Path path) {
        readOnly.putIfAbsent(checked(path), true);
        return this;
    }

    /** A directory that may be changed; it is made if need be. */
    public Mounts writable(Path directory) {
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw Disk.failure("cannot use " + directory, directory, e);
        }
        readOnly.put(checked(directory), false);
        return this;
    }

    /** A git repository, with what its files say is elsewhere; nothing if it is none. */
    public Mounts repository(Path directory) {
        StringBuilder said = new StringBuilder();
        int status =
                Command.of(
                                "git",
                                "-C",
                                directory.toString(),
                                "rev-parse",
                                "--path-format=absolute",
                                "--git-common-dir",
                                "--show-toplevel")
                        .eachLine(line -> said.append(line).append('\n'))
                        .run();
        if (status != 0) {
            return this; // the lab inside says what is wrong with it
        }
        said.toString().lines().map(Path::of).forEach(this::readable);
        Path common = Path.of(said.toString().lines().findFirst().orElseThrow());
        try {
            if (Files.exists(common.resolve(ALTERNATES))) {
                for (String line : Files.readAllLines(common.resolve(ALTERNATES))) {
                    readable(common.resolve("objects").resolve(line));
                }
            }
        } catch (IOException e) {
            throw Disk.failure("cannot read " + common.resolve(ALTERNATES), common, e);
        }
        return this;
    }

    List<Mount> all() {
        return readOnly.entrySet().stream()
                .map(
                        each ->
                                new Mount()
                                        .withType(MountType.BIND)
                                        .withSource(each.getKey().toString())
                                        .withTarget(each.getKey().toString())
                                        .withReadOnly(each.getValue()))
                .toList();
    }

    private static Path checked(Path path) {
        Path absolute = path.toAbsolutePath().normalize();
        if (TAKEN.contains(absolute)) {
            throw new InfrastructureException(
                    "cannot use " + absolute + " in a container",
                    "it has one of its own",
                    "name something below it");
        }
        return absolute;
    }
}
