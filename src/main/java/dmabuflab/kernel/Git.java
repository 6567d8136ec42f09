// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import dmabuflab.host.Command;
import dmabuflab.host.Disk;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The git repository in which a target's source is kept. What the user configured for git, hooks
 * and identity included, has no say in it: commit ids are a function of content alone.
 */
final class Git {

    private static final String IDENTITY = "dmabuf-lab";
    private static final String DATE = "2000-01-01T00:00:00Z";

    private final Path tree;
    private final Path workTree;
    private final Path index;

    private Git(Path tree, Path workTree, Path index) {
        this.tree = tree;
        this.workTree = workTree;
        this.index = index;
    }

    /** The repository whose work tree is {@code tree}. */
    static Git at(Path tree) {
        return new Git(tree, tree, tree.resolve(".git/index"));
    }

    /** The same repository with another index, which lies beside the usual one. */
    Git withIndex(String name) {
        return new Git(tree, workTree, directory().resolve(name));
    }

    /** The same repository, reading files from another directory. */
    Git withWorkTree(Path other) {
        return new Git(tree, other, index);
    }

    Path directory() {
        return tree.resolve(".git");
    }

    Path index() {
        return index;
    }

    /** A git command on this repository. */
    Command command(String... words) {
        List<String> all = new ArrayList<>();
        all.add("git");
        // A pass of gc would hold up a build for minutes, and there is nothing to gain from it.
        all.addAll(List.of("-c", "gc.auto=0"));
        // The source is written once and mostly never read again: speed counts more than space.
        all.addAll(List.of("-c", "core.looseCompression=1"));
        all.addAll(List.of(words));
        return undisturbed(Command.of(all))
                .in(workTree)
                .env("GIT_DIR", directory().toString())
                .env("GIT_WORK_TREE", workTree.toString())
                .env("GIT_INDEX_FILE", index.toString())
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .env("GIT_CONFIG_NOSYSTEM", "1")
                .env("GIT_AUTHOR_NAME", IDENTITY)
                .env("GIT_AUTHOR_EMAIL", IDENTITY)
                .env("GIT_AUTHOR_DATE", DATE)
                .env("GIT_COMMITTER_NAME", IDENTITY)
                .env("GIT_COMMITTER_EMAIL", IDENTITY)
                .env("GIT_COMMITTER_DATE", DATE);
    }

    /** A git command that knows nothing of the repository that somebody works in. */
    static Command undisturbed(Command command) {
        for (String name : System.getenv().keySet()) {
            if (name.startsWith("GIT_")) {
                command.env(name, null);
            }
        }
        return command;
    }

    /** Makes the repository. */
    void init() {
        command("init", "--quiet", "--initial-branch=lab", "--template=").check();
    }

    /** The commit that a reference names, if there is such a reference. */
    Optional<String> resolve(String reference) {
        StringBuilder commit = new StringBuilder();
        int status =
                command("rev-parse", "--verify", "--quiet", reference)
                        .eachLine(commit::append)
                        .run();
        return status == 0 ? Optional.of(commit.toString()) : Optional.empty();
    }

    /** Whether there is a file in a commit. */
    boolean has(String commit, String file) {
        return command("cat-file", "-e", commit + ":" + file).run() == 0;
    }

    /** Removes what a killed git left; the caller knows that no other one is at work here. */
    void removeLocks() {
        try (Stream<Path> list = Files.list(directory())) {
            for (Path lock : list.filter(file -> file.toString().endsWith(".lock")).toList()) {
                Files.delete(lock);
            }
        } catch (IOException e) {
            throw Disk.failure("cannot tidy " + directory(), directory(), e);
        }
    }

    /** Commits what the index holds and returns the commit's id. */
    String commit(String message, List<String> parents) {
        return commitTree(command("write-tree").output(), message, parents);
    }

    /** Commits a tree and returns the commit's id. */
    String commitTree(String content, String message, List<String> parents) {
        List<String> words = new ArrayList<>(List.of("commit-tree", content, "-F", "-"));
        for (String parent : parents) {
            words.add("-p");
            words.add(parent);
        }
        return command(words.toArray(String[]::new))
                .input(message.getBytes(StandardCharsets.UTF_8))
                .output();
    }

    /** The id of the tree of {@code commit}: the same for the same files, whatever the history. */
    String treeId(String commit) {
        return command("rev-parse", "--verify", commit + "^{tree}").output();
    }

    /**
     * Makes the work tree exactly the files of {@code commit}. Only files that differ are written,
     * so that make(1) rebuilds only what they touch. Mends what a run killed half-way left.
     */
    void checkout(String commit) {
        // Of files that only look changed, say because the cache was copied, this notes that they
        // are not; checkout would write them all. Its status speaks of the others.
        int unused = command("update-index", "-q", "--refresh").run();
        command("checkout", "--quiet", "--force", "--detach", commit).check();
        command("clean", "--quiet", "--force", "-dx").check();
    }
}
