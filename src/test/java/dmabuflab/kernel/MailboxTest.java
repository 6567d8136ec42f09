// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MailboxTest {
    private static final Path FIXTURES = Path.of("src/test/resources/dmabuflab/validate");

    @TempDir Path root;
    private Path into;

    @BeforeEach
    void empty() throws IOException {
        into = Files.createDirectory(root.resolve("into"));
    }

    @Test
    void anMboxIsTheSameAsItsPatches() throws IOException {
        List<Path> mails = Mailbox.read(FIXTURES.resolve("series.mbox"), into);
        List<Path> files = PatchSeries.in(FIXTURES.resolve("bug-in-3")).patches();
        assertThat(mails).hasSize(5);
        for (int i = 0; i < 5; i++) {
            assertThat(PatchSeries.subject(mails.get(i)))
                    .isEqualTo(PatchSeries.subject(files.get(i)));
            assertThat(PatchSeries.files(mails.get(i))).isEqualTo(PatchSeries.files(files.get(i)));
        }
        assertThat(into).isDirectoryNotContaining("glob:**mails*");
    }

    @Test
    void aCoverLetterAndAnAnswerAreLeftOutAndNumbersDecide() throws IOException {
        Path mbox = root.resolve("thread.mbox");
        Files.writeString(
                mbox,
                mail("[PATCH v3 0/2] A cover letter", "Both patches change one file.")
                        + mail("[PATCH v3 2/2] drivers: Second", "Why.\n---\n" + diff("b"))
                        + mail("Re: [PATCH v3 1/2] drivers: First", "> +a\nLooks good.")
                        + mail("[PATCH v3 1/2] drivers:\n First", "Why.\n---\n" + diff("a")));
        assertThat(Mailbox.read(mbox, into))
                .extracting(file -> file.getFileName().toString())
                .containsExactly("0001-drivers-First.patch", "0002-drivers-Second.patch");
        assertThat(into.resolve("0001-drivers-First.patch")).content().contains("Why.", "+a");
    }

    @Test
    void quotedPrintableMailsAreDecoded() throws IOException {
        Path mail = root.resolve("one.eml");
        Files.writeString(
                mail,
                "From: a <a@b>\nSubject: [PATCH] drivers: One\nMIME-Version: 1.0\n"
                        + "Content-Type: text/plain; charset=utf-8\n"
                        + "Content-Transfer-Encoding: quoted-printable\n\nWhy.\n---\n"
                        + diff("x =3D 1;"));
        assertThat(Mailbox.read(mail, into)).hasSize(1);
        assertThat(into.resolve("0001-drivers-One.patch")).content().contains("+x = 1;");
    }

    @Test
    void withoutAPatchItSaysSo() throws IOException {
        Path mail = Files.writeString(root.resolve("m"), mail("Re: your mail", "No."));
        assertThatThrownBy(() -> Mailbox.read(mail, into))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("no patch in " + mail);
    }

    @Test
    void aSeriesWithAHoleOrTwiceIsRefused() throws IOException {
        String second = mail("[PATCH 2/3] drivers: Second", "Why.\n---\n" + diff("b"));
        String first = mail("[PATCH 1/3] drivers: First", "Why.\n---\n" + diff("a"));
        Path hole = Files.writeString(root.resolve("hole"), first + second);
        assertThatThrownBy(() -> Mailbox.read(hole, into))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("patches 1 to 3, and has [1, 2]");
        Path twice = Files.writeString(root.resolve("twice"), first + first);
        assertThatThrownBy(() -> Mailbox.read(twice, into)).hasMessageContaining("[1, 1]");
    }

    @Test
    void anAnswerWithADiffOfItsOwnIsNoPatch() throws IOException {
        Path mbox = root.resolve("m");
        Files.writeString(
                mbox,
                mail("[PATCH] drivers: One", "Why.\n---\n" + diff("a"))
                        + mail("Re: [PATCH] drivers: One", "Rather so:\n---\n" + diff("b")));
        assertThat(Mailbox.read(mbox, into)).hasSize(1);
    }

    private static String mail(String subject, String body) {
        return "From git@z Thu Jan  1 00:00:00 1970\nFrom: a <a@b>\nSubject: "
                + subject
                + "\nDate: Wed, 25 Nov 2026 08:00:00 +0000\n\n"
                + body
                + "\n\n";
    }

    private static String diff(String line) {
        return "\ndiff --git a/drivers/one.c b/drivers/one.c\n--- a/drivers/one.c\n"
                + "+++ b/drivers/one.c\n@@ -1 +1,2 @@\n one\n+"
                + line
                + "\n";
    }
}
