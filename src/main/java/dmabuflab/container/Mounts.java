// SPDX-License-Identifier: Apache-2.0
package dmabuflab.container;

import com.github.dockerjava.api.model.AccessMode;
import com.github.dockerjava.api.model.Bind;
import com.github.dockerjava.api.model.Volume;
import dmabuflab.host.Disk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;

/**
 * What a container sees of the machine, each under the name it has there, so that a path means the
 * same inside and outside.
 */
public final class Mounts {
    private final TreeMap<Path, AccessMode> mounts = new TreeMap<>();

    /** A file or directory that may be looked at. */
    public Mounts readable(Path path) {
        mounts.putIfAbsent(absolute(path), AccessMode.ro);
        return this;
    }

    /** A directory that may be changed; it is made if need be. */
    public Mounts writable(Path directory) {
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw Disk.failure("cannot use " + directory, directory, e);
        }
        mounts.put(absolute(directory), AccessMode.rw);
        return this;
    }

    List<Bind> binds() {
        return mounts.entrySet().stream()
                .filter(mount -> !isWithinAnother(mount.getKey()))
                .map(
                        mount -> {
                            String path = mount.getKey().toString();
                            return new Bind(path, new Volume(path), mount.getValue());
                        })
                .toList();
    }

    private boolean isWithinAnother(Path path) {
        for (Path above = path.getParent(); above != null; above = above.getParent()) {
            if (mounts.containsKey(above)) {
                return mounts.get(above) == mounts.get(path);
            }
        }
        return false;
    }

    private static Path absolute(Path path) {
        return path.toAbsolutePath().normalize();
    }
}
