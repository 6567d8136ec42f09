// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import dmabuflab.host.Command;
import dmabuflab.host.InfrastructureException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A commit in a git repository of the user's own, which is only read: neither its work tree nor its
 * index nor its objects are written to.
 *
 * @param directory the work tree, or a bare repository
 * @param commit its full id
 */
public record SourceTree(Path directory, String commit) {
    /** Whoever owns the repository, it may be read. */
    private static final List<String> GIT = List.of("git", "-c", "safe.directory=*");

    /**
     * The commit that a user means.
     *
     * @param revision as git understands it: an id, a tag, {@code HEAD~3}
     * @throws InfrastructureException when there is none
     */
    public static SourceTree at(Path directory, String revision) {
        Path absolute = directory.toAbsolutePath().normalize();
        String[] question = {"rev-parse", "--verify", "--quiet", revision + "^{commit}"};
        if (git(absolute, question).run() != 0) {
            throw new InfrastructureException(
                    "cannot use revision " + revision,
                    "git knows no such commit in " + absolute,
                    "git -C DIR log --oneline shows what there is");
        }
        // Asked again for the answer alone, without what git warns of.
        String commit = git(absolute, question).output();
        return new SourceTree(absolute, commit);
    }

    /**
     * The changes from here to a later commit as patches, first to last.
     *
     * @param into receives the files; an empty directory
     * @throws InfrastructureException when there is no straight way from here to there
     */
    public List<Path> patchesTo(String head, Path into) {
        String range = commit + ".." + head;
        if (command("merge-base", "--is-ancestor", commit, head).run() != 0) {
            throw new InfrastructureException(
                    "cannot take the changes " + range,
                    "the first is no ancestor of the second",
                    "give a --base that --head is built upon: git merge-base");
        }
        String merge = command("rev-list", "--merges", "--max-count=1", range).output();
        if (!merge.isEmpty()) {
            throw new InfrastructureException(
                    "cannot take the changes " + range,
                    "there is a merge among them, " + merge + ", which is no patch",
                    "give a later --base, or rebase");
        }
        // Whatever the user is used to.
        command(
                        "format-patch",
                        "--quiet",
                        "--no-signature",
                        "--no-cover-letter",
                        "--no-attach",
                        "--no-thread",
                        "--full-index",
                        "--binary",
                        "--src-prefix=a/",
                        "--dst-prefix=b/",
                        "--suffix=.patch",
                        "--numbered",
                        "-o",
                        into.toString(),
                        range)
                .check();
        return PatchSeries.in(into).patches();
    }

    /** Whether a file of the commit contains a word. */
    boolean mentions(String file, String word) {
        return command("grep", "--quiet", "--word-regexp", "-F", word, commit, "--", file).run()
                == 0;
    }

    /** Where its objects are, which another repository may read too. */
    Path objects() {
        Path common = Path.of(command("rev-parse", "--git-common-dir").output());
        Path objects = directory.resolve(common).resolve("objects").normalize();
        if (!Files.isDirectory(objects)) {
            throw new InfrastructureException(
                    "cannot read the objects of " + directory,
                    objects + " is no directory",
                    "give the top of a git repository");
        }
        return objects;
    }

    private Command command(String... words) {
        return git(directory, words);
    }

    private static Command git(Path directory, String... words) {
        if (!Files.isDirectory(directory)) {
            throw new InfrastructureException(
                    "cannot use the tree " + directory,
                    "it is no directory",
                    "give the top of a git repository");
        }
        List<String> all = new ArrayList<>(GIT);
        all.addAll(List.of("-C", directory.toString()));
        all.addAll(List.of(words));
        // Nothing is written: not the index, which a mere status would refresh, nor what a partial
        // clone lacks.
        return Git.undisturbed(Command.of(all))
                .env("GIT_OPTIONAL_LOCKS", "0")
                .env("GIT_NO_LAZY_FETCH", "1");
    }
}
