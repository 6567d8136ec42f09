// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dmabuflab.host.Disk;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.ProjectFiles;
import dmabuflab.host.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * One file of {@code kernel-config/targets}: where a kernel's source comes from and what the lab
 * makes of it. Paths in it are relative to {@code kernel-config}.
 *
 * @param name the file's name without {@code .json}
 * @param source where the source comes from
 * @param fragments Kconfig fragments, in order
 * @param variants further fragments by name of the variant
 * @param series directory of the patches, or null for none
 * @param importer false when the test importer cannot be built for it, for lack of the interface
 *     that the series adds; true if not said
 * @param commandLine words for the kernel's command line
 * @param objects about how many lines a first build prints; lets its progress be shown before this
 *     machine has a number of its own. 0 if not known
 * @param home the target that keeps the source: this one, or the one whose source it shares. Not in
 *     the file
 */
record KernelTarget(
        String name,
        Source source,
        List<String> fragments,
        Map<String, List<String>> variants,
        String series,
        Boolean importer,
        String commandLine,
        int objects,
        String home) {

    /**
     * One of four: a Debian package of a suite; a local tree; a tarball with its digest; the same
     * as another target's.
     *
     * @param packageName for example {@code linux-source-7.3}
     * @param suite for example {@code trixie-backports}
     * @param tree a directory; it is copied and never written to
     * @param tarball a file that tar(1) can read, with one directory at its top
     * @param sha256 of the tarball
     * @param commit of the tree, a full id; null for its present state. Not in the file
     * @param target the name of the other target; never set once the target is loaded
     */
    record Source(
            @JsonProperty("package") String packageName,
            String suite,
            String tree,
            String tarball,
            String sha256,
            @JsonInclude(JsonInclude.Include.NON_NULL) String target,
            @JsonIgnore String commit) {

        /** The place, whatever is taken from there. */
        Source atAnyCommit() {
            return new Source(packageName, suite, tree, tarball, sha256, target, null);
        }

        private void check(Path file) {
            long kinds =
                    Stream.of(packageName, tree, tarball, target).filter(Objects::nonNull).count();
            boolean complete =
                    (packageName == null) == (suite == null)
                            && (tarball == null) == (sha256 == null);
            if (kinds != 1 || !complete) {
                throw wrong(
                        file,
                        "source needs either package and suite, or tree, or tarball and sha256, or"
                                + " target");
            }
        }
    }

    /** What the test importer is made for, and where the kernel declares it. */
    private static final String API_HEADER = "include/linux/dma-buf.h";

    private static final String API = "dma_buf_get_pfn_attrs";

    KernelTarget {
        fragments = fragments == null ? List.of() : List.copyOf(fragments);
        variants = variants == null ? Map.of() : new TreeMap<>(variants);
        commandLine = commandLine == null ? "" : commandLine;
        importer = importer == null || importer;
    }

    /**
     * Reads {@code kernel-config/targets/<name>.json}.
     *
     * @throws InfrastructureException if there is none, listing those that exist, or if it is wrong
     */
    static KernelTarget load(ProjectFiles files, String name) {
        KernelTarget target = read(files, name);
        if (target.source.target == null) {
            return target.at(name, target.source);
        }
        KernelTarget other = read(files, target.source.target);
        if (other.source.target != null) {
            throw wrong(
                    directory(files).resolve(name + ".json"),
                    other.name + " has no source of its own either");
        }
        return target.at(other.name, other.source);
    }

    private static KernelTarget read(ProjectFiles files, String name) {
        List<String> names = names(files);
        if (!names.contains(name)) {
            throw new InfrastructureException(
                    "there is no kernel target '" + name + "'",
                    "known targets: " + (names.isEmpty() ? "none" : String.join(", ", names)),
                    "a target is a file in " + directory(files));
        }
        Path file = directory(files).resolve(name + ".json");
        KernelTarget target;
        try {
            target = new ObjectMapper().readValue(file.toFile(), KernelTarget.class);
        } catch (JacksonException e) {
            throw wrong(file, e.getOriginalMessage());
        } catch (IOException e) {
            throw Disk.failure("cannot read a kernel target", file, e);
        }
        if (!name.equals(target.name)) {
            throw wrong(file, "its name is '" + target.name + "', the file says '" + name + "'");
        }
        if (target.source == null) {
            throw wrong(file, "it has no source");
        }
        target.source.check(file);
        if (target.home != null) {
            throw wrong(file, "home is not for the file to say");
        }
        return target;
    }

    private KernelTarget at(String where, Source from) {
        return new KernelTarget(
                name, from, fragments, variants, series, importer, commandLine, objects, where);
    }

    /** The same with the test importer if these patches bring the interface that it needs. */
    KernelTarget with(List<Path> patches) {
        boolean brings =
                patches.stream().anyMatch(patch -> PatchSeries.adds(patch, API_HEADER, API));
        return brings
                ? new KernelTarget(
                        name, source, fragments, variants, series, true, commandLine, objects, home)
                : this;
    }

    /** The same configuration for a commit of the user's own, which has no series of ours. */
    KernelTarget in(SourceTree tree) {
        String path = new Sha256().add("path", tree.directory().toString()).hex();
        String directory = String.valueOf(tree.directory().getFileName());
        // It becomes a part of paths, and the kernel's makefiles are particular about these.
        String title = directory.replaceAll("[^\\w.-]", "_") + "-" + path.substring(0, 6);
        return new KernelTarget(
                title,
                new Source(
                        null, null, tree.directory().toString(), null, null, null, tree.commit()),
                fragments,
                variants,
                null,
                tree.mentions(API_HEADER, API),
                commandLine,
                objects,
                title);
    }

    /** The names of all targets, sorted. */
    static List<String> names(ProjectFiles files) {
        if (!Files.isDirectory(directory(files))) {
            return List.of();
        }
        try (Stream<Path> list = Files.list(directory(files))) {
            return list.map(file -> file.getFileName().toString())
                    .filter(file -> file.endsWith(".json"))
                    .map(file -> file.substring(0, file.length() - ".json".length()))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw Disk.failure("cannot list the kernel targets", directory(files), e);
        }
    }

    /**
     * The fragment files of a variant, in the order in which they are merged.
     *
     * @param variant empty for the target as it is
     */
    List<Path> fragmentFiles(ProjectFiles files, String variant) {
        List<String> all = new ArrayList<>(fragments);
        if (!variant.isEmpty()) {
            List<String> more = variants.get(variant);
            if (more == null) {
                throw new InfrastructureException(
                        "kernel target " + name + " has no variant '" + variant + "'",
                        "known variants: " + String.join(", ", variants.keySet()),
                        "variants are listed in " + directory(files).resolve(name + ".json"));
            }
            all.addAll(more);
        }
        return all.stream()
                .map(each -> files.kernelConfig().resolve("fragments/" + each + ".config"))
                .toList();
    }

    /** The patches of the target. */
    PatchSeries patches(ProjectFiles files) {
        return series == null
                ? PatchSeries.empty()
                : PatchSeries.in(files.kernelConfig().resolve(series));
    }

    /** What the target and the variant are called together, for example {@code 7.3-debug}. */
    String title(String variant) {
        return variant.isEmpty() ? name : name + "-" + variant;
    }

    private static Path directory(ProjectFiles files) {
        return files.kernelConfig().resolve("targets");
    }

    private static InfrastructureException wrong(Path file, String why) {
        return new InfrastructureException(
                "cannot use kernel target " + file, why, "correct the file");
    }
}
