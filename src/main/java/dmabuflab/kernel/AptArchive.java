// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import dmabuflab.host.Cache;
import dmabuflab.host.Command;
import dmabuflab.host.DebianMirrors;
import dmabuflab.host.Disk;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.StringJoiner;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Fetches one package of Debian's archive with apt, without a trace in the machine's own apt: apt
 * gets a root of its own in the cache. What the machine's apt.conf says about proxies, credentials
 * and retries stays in force, and the mirror is the one the machine uses already. apt checks the
 * archive's signature and the package's digest.
 */
final class AptArchive {

    private static final String KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
    // With APT::Status-Fd: dlstatus:<item>:<percent>:<text>
    private static final Pattern STATUS = Pattern.compile("dlstatus:\\d+:([\\d.]+):.*");

    /** What there is of a package. */
    enum Kind {
        BINARY(
                "deb [arch=amd64 targets=Packages",
                "download",
                ", or give the target its source as {\"tree\": ...}"
                        + " or as {\"tarball\": ..., \"sha256\": ...}"),
        SOURCE("deb-src [", "source --download-only", "");

        private final String line;
        private final String download;
        private final String otherWays;

        Kind(String line, String download, String otherWays) {
            this.line = line;
            this.download = download;
            this.otherWays = otherWays;
        }
    }

    private final Path root;
    private final String name;

    private AptArchive(Path root, String name) {
        this.root = root;
        this.name = name;
    }

    /**
     * @param name of the package that is to be fetched: others may be at the same time
     */
    static AptArchive of(Cache cache, String name) {
        return new AptArchive(cache.directory("apt").resolve(name), name);
    }

    /**
     * Fetches the newest version of the package that {@code suite} has.
     *
     * @return the package's file; whoever calls may delete it
     * @throws InfrastructureException naming what could not be fetched, from where, and other ways
     */
    Path fetch(String suite, Progress progress) {
        Path packages = fetch(DebianMirrors.ofThisMachine(), suite, Kind.BINARY, progress);
        try (Stream<Path> list = Files.list(packages)) {
            return list.findFirst().orElseThrow(() -> new IOException("apt-get left no file"));
        } catch (IOException e) {
            throw Disk.failure("cannot find " + name, packages, e);
        }
    }

    /**
     * The same of its source.
     *
     * @return a directory with the source package's files
     */
    Path fetchSource(String suite, Progress progress) {
        return fetch(DebianMirrors.ofThisMachine(), suite, Kind.SOURCE, progress);
    }

    Path fetch(Set<String> mirrors, String suite, Kind kind, Progress progress) {
        if (mirrors.isEmpty()) {
            throw new InfrastructureException(
                    "cannot fetch " + name + " from " + suite,
                    "apt on this machine has no source for Debian's main archive",
                    "add one to apt's sources" + kind.otherWays);
        }
        List<String> failures = new ArrayList<>();
        for (String mirror : mirrors) {
            try {
                return fetch(mirror, suite, kind, progress);
            } catch (IOException e) {
                if (Disk.isFull(e.getMessage())) {
                    throw Disk.failure("cannot fetch " + name, root, e);
                }
                failures.add("from " + mirror + ":\n" + e.getMessage().indent(4).stripTrailing());
            }
        }
        throw new InfrastructureException(
                "cannot fetch " + name + " from " + suite,
                String.join("\n", failures),
                "check the network and apt's proxy settings" + kind.otherWays);
    }

    private Path fetch(String mirror, String suite, Kind kind, Progress progress)
            throws IOException {
        Path packages = root.resolve("packages");
        Cache.delete(packages); // a killed run may have left another version
        for (String each : List.of("lists/partial", "archives/partial", "state", "packages")) {
            Files.createDirectories(root.resolve(each));
        }
        Files.writeString(root.resolve("status"), ""); // of no installed package
        Files.writeString(
                root.resolve("sources.list"),
                "%s signed-by=%s] %s %s main\n".formatted(kind.line, KEYRING, mirror, suite));
        progress.phase("reading the index of " + suite);
        run(apt("update"), progress);
        progress.phase("fetching " + name);
        List<String> words = new ArrayList<>(List.of(kind.download.split(" ")));
        words.add(name);
        run(apt(words.toArray(String[]::new)).in(packages), progress);
        return packages;
    }

    /** Runs apt-get; if it fails, what it says is the message of the exception. */
    private static void run(Command apt, Progress progress) throws IOException {
        StringJoiner errors = new StringJoiner("\n");
        int status =
                apt.eachLine(
                                line -> {
                                    Matcher percent = STATUS.matcher(line);
                                    if (percent.matches()) {
                                        double done = Double.parseDouble(percent.group(1));
                                        progress.step(Math.round(done), 100);
                                    } else if (line.startsWith("E: ")) {
                                        errors.add(line.substring("E: ".length()));
                                    }
                                })
                        .run();
        if (status != 0) {
            throw new IOException(errors.add("apt-get ended with status " + status).toString());
        }
    }

    /** apt-get with a root of its own. */
    private Command apt(String... words) {
        List<String> all = new ArrayList<>();
        all.add("apt-get");
        option(all, "Dir::State", "state");
        option(all, "Dir::State::lists", "lists");
        option(all, "Dir::State::status", "status");
        option(all, "Dir::Cache", "");
        option(all, "Dir::Cache::archives", "archives");
        option(all, "Dir::Etc::sourcelist", "sources.list");
        all.addAll(
                List.of(
                        "-oDir::Etc::sourceparts=/dev/null",
                        "-oDir::Etc::preferences=/dev/null",
                        "-oDir::Etc::preferencesparts=/dev/null",
                        "-oDir::Cache::pkgcache=",
                        "-oDir::Cache::srcpkgcache=",
                        "-oAcquire::Languages=none",
                        "-oAcquire::Retries=3",
                        "-oAPT::Update::Error-Mode=any",
                        "-oAPT::Status-Fd=1",
                        // The user apt would change to cannot look into the cache of root.
                        "-oAPT::Sandbox::User="));
        all.addAll(List.of(words));
        return Command.of(all).in(root);
    }

    private void option(List<String> words, String key, String file) {
        words.add("-o" + key + "=" + root.resolve(file));
    }
}
