// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import dmabuflab.host.Cache;
import dmabuflab.host.Command;
import dmabuflab.host.Disk;
import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** A patch series as people get it: an mbox, such as {@code b4 am} writes, or single files. */
public final class Mailbox {
    /** The number of a patch in its series, as in {@code [PATCH v2 03/12]}. */
    private static final Pattern NUMBER =
            Pattern.compile("(?s)^\\[[^\\]]*?(\\d+)/(\\d+)[^\\]]*\\].*");

    private static final Pattern FIELD = Pattern.compile("(?m)^(Author|Email|Date|Subject): (.*)$");
    private static final int MAX_NAME = 52;

    /** A mail with a patch in it; its number in the series is 0 if it does not say. */
    private record Mail(int number, int of, String subject, String text) {}

    private Mailbox() {}

    /**
     * Takes the patches out of mails. A cover letter and answers have none and are left out. They
     * are in the order of their numbers, or as they come where one has no number.
     *
     * @param from an mbox, a mail, a patch, or a directory of patches
     * @param into an empty directory that receives them as files that git apply takes
     * @return the files, first to last
     * @throws InfrastructureException when there is no patch in it
     */
    public static List<Path> read(Path from, Path into) {
        try {
            List<Mail> mails = new ArrayList<>();
            for (Path file : files(from)) {
                split(file, into, mails);
            }
            if (mails.isEmpty()) {
                throw new InfrastructureException(
                        "there is no patch in " + from,
                        "no mail in it has a diff",
                        "give an mbox as b4 am writes it, or the files of git format-patch");
            }
            if (mails.stream().allMatch(mail -> mail.number() > 0)) {
                mails.sort(Comparator.comparingInt(Mail::number));
                requireWhole(from, mails);
            }
            List<Path> patches = new ArrayList<>();
            for (Mail mail : mails) {
                Path patch = into.resolve(name(patches.size() + 1, mail.subject()));
                Files.writeString(patch, mail.text(), StandardCharsets.ISO_8859_1);
                patches.add(patch);
            }
            return patches;
        } catch (IOException e) {
            throw Disk.failure("cannot read patches from " + from, from, e);
        }
    }

    private static void requireWhole(Path from, List<Mail> mails) {
        List<Integer> numbers = mails.stream().map(Mail::number).toList();
        List<Integer> whole = IntStream.rangeClosed(1, mails.get(0).of()).boxed().toList();
        if (!numbers.equals(whole)) {
            throw new InfrastructureException(
                    "will not guess what the series in " + from + " is",
                    "it should have patches 1 to " + whole.size() + ", and has " + numbers,
                    "give one whole series, as b4 am writes it");
        }
    }

    private static List<Path> files(Path from) throws IOException {
        if (!Files.isDirectory(from)) {
            return List.of(from);
        }
        try (Stream<Path> list = Files.list(from)) {
            return list.filter(file -> file.toString().matches(".*\\.(patch|mbox|eml)"))
                    .sorted()
                    .toList();
        }
    }

    private static void split(Path file, Path into, List<Mail> mails) throws IOException {
        Path scratch = Files.createTempDirectory(into, "mails");
        Command.of("git", "mailsplit", "-b", "-o" + scratch, file.toString()).check();
        try (Stream<Path> list = Files.list(scratch)) {
            for (Path mail : list.sorted().toList()) {
                read(mail, mails);
            }
        }
        Cache.delete(scratch);
    }

    private static void read(Path mail, List<Mail> mails) throws IOException {
        Path message = mail.resolveSibling("message");
        Path diff = mail.resolveSibling("diff");
        String said =
                Command.of("git", "mailinfo", "-k", message.toString(), diff.toString())
                        .input(Files.readAllBytes(mail))
                        .output();
        // Bytes as they are: a patch may carry any.
        String patch = Files.readString(diff, StandardCharsets.ISO_8859_1);
        if (!patch.contains("\ndiff --git ") && !patch.startsWith("diff --git ")) {
            return;
        }
        String author = "";
        String email = "";
        String date = "";
        String subject = "";
        Matcher field = FIELD.matcher(said);
        while (field.find()) {
            switch (field.group(1)) {
                case "Author" -> author = field.group(2);
                case "Email" -> email = field.group(2);
                case "Date" -> date = field.group(2);
                default -> subject = field.group(2);
            }
        }
        if (subject.matches("(?i)(re|aw|fwd?):.*")) {
            return; // somebody's answer, even if it has a diff
        }
        Matcher number = NUMBER.matcher(subject);
        String text =
                "From: %s <%s>\nDate: %s\nSubject: %s\n\n".formatted(author, email, date, subject);
        mails.add(
                new Mail(
                        number.matches() ? Integer.parseInt(number.group(1)) : 0,
                        number.matches() ? Integer.parseInt(number.group(2)) : 0,
                        subject.replaceFirst("^\\[[^\\]]*\\]\\s*", ""),
                        new String(
                                        text.getBytes(StandardCharsets.UTF_8),
                                        StandardCharsets.ISO_8859_1)
                                + Files.readString(message, StandardCharsets.ISO_8859_1)
                                + patch));
    }

    private static String name(int number, String subject) {
        String words = subject.replaceAll("[^A-Za-z0-9.]+", "-").replaceAll("^[-.]+|[-.]+$", "");
        return String.format(
                Locale.ROOT,
                "%04d-%s.patch",
                number,
                words.substring(0, Math.min(words.length(), MAX_NAME)));
    }
}
