// SPDX-License-Identifier: Apache-2.0
package dmabuflab.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dmabuflab.host.Command;
import dmabuflab.report.SequenceDiagram.Lane;
import dmabuflab.report.SequenceDiagram.Row;
import dmabuflab.report.SequenceDiagram.Source;
import dmabuflab.report.SequenceDiagram.Tone;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a real browser makes of the page of a run, without a network. */
class BrowserTest {
    private static final int BAD_IN_LIGHT = 0xb3121d;
    private static final int BAD_IN_DARK = 0xff7b80;

    private static final SequenceDiagram DIAGRAM =
            new SequenceDiagram(
                    List.of(
                            row(0, Source.LAB, Lane.SCENARIO, Lane.EXPORTER, Tone.PLAIN, "reset"),
                            row(
                                    1,
                                    Source.KERNEL,
                                    Lane.EXPORTER,
                                    Lane.IMPORTER,
                                    Tone.CHANGE,
                                    "notify"),
                            Row.gap(0.002, "12 events left out: 12 query"),
                            row(
                                    3,
                                    Source.QEMU,
                                    Lane.DEVICE,
                                    Lane.IOMMU,
                                    Tone.REFUSED,
                                    "<DMA> & \"more\"")),
                    List.of("a note"));

    @TempDir Path report;

    private Path browser;

    @BeforeEach
    void findBrowser() {
        browser = Command.find("chromium").orElse(null);
        assumeTrue(browser != null, "there is no chromium: apt-get install chromium");
    }

    @Test
    void aDiagramHasItsLanesAndArrowsInThePage() throws IOException {
        String dom = browse(page(), "--dump-dom");
        String diagram = dom.substring(dom.indexOf("<svg"), dom.indexOf("</svg>"));
        assertThat(count(diagram, "class=\"lane\"")).isEqualTo(5);
        assertThat(diagram).contains(">exporter<", ">importer<", ">IOMMU<", ">device<");
        assertThat(diagram).doesNotContain(">CPU<").contains("12 events left out", ">a note<");
        assertThat(count(diagram, "class=\"arrow ")).isEqualTo(3);
        // A <title> with markup of its own would be another element in the DOM.
        assertThat(diagram).contains("&lt;DMA&gt; &amp; \"more\"").doesNotContain("<dma");
        assertThat(dom).contains("<details open=\"\"").contains("id=\"Revoke.byReset\"");
    }

    @Test
    void itNeedsNothingElse() throws IOException {
        assertThat(Files.readString(page()).replace("http://www.w3.org/2000/svg", ""))
                .doesNotContain(
                        "http:", "https:", "src=", "<link", "<script", "url(", "@import", "${");
    }

    @Test
    void itCanBeReadInLightAndDark() throws IOException {
        BufferedImage light = screenshot("1");
        BufferedImage dark = screenshot("0");
        assertThat(light.getRGB(2, 2) & 0xffffff).isEqualTo(0xffffff);
        assertThat(brightness(dark.getRGB(2, 2))).isLessThan(80);
        // The verdict and what was refused, in red; and not only a speck of it.
        assertThat(pixels(light, BAD_IN_LIGHT)).isGreaterThan(200);
        assertThat(pixels(dark, BAD_IN_DARK)).isGreaterThan(200);
        assertThat(pixels(dark, BAD_IN_LIGHT)).isZero();
    }

    @Test
    void aDiagramStandsAlone() throws IOException {
        Path file = Files.writeString(report.resolve("a.svg"), DIAGRAM.svg());
        BufferedImage image = screenshot(file, "1");
        // An arrow of the refused request, from the device to the IOMMU.
        assertThat(pixels(image, BAD_IN_LIGHT)).isGreaterThan(20);
    }

    private Path page() throws IOException {
        RunResult run = SampleRun.in(report);
        Path folder = report.resolve("Revoke.byReset");
        Files.createDirectories(folder);
        Files.writeString(folder.resolve(SequenceDiagram.FILE), DIAGRAM.svg());
        return Files.writeString(report.resolve("report.html"), RunPage.of(run));
    }

    private BufferedImage screenshot(String scheme) throws IOException {
        return screenshot(page(), scheme);
    }

    private BufferedImage screenshot(Path page, String scheme) throws IOException {
        Path image = report.resolve("shot-" + scheme + ".png");
        browse(
                page,
                "--blink-settings=preferredColorScheme=" + scheme,
                "--window-size=1280,2400",
                "--screenshot=" + image);
        return ImageIO.read(image.toFile());
    }

    private String browse(Path page, String... how) {
        List<String> words = new ArrayList<>(List.of(browser.toString(), "--headless"));
        words.addAll(List.of("--no-sandbox", "--disable-gpu", "--hide-scrollbars"));
        words.add("--user-data-dir=" + report.resolve("profile"));
        words.add("--host-resolver-rules=MAP * ~NOTFOUND");
        words.addAll(List.of(how));
        words.add(page.toUri().toString());
        return Command.of(words).timeout(Duration.ofMinutes(2)).output();
    }

    private static int count(String text, String part) {
        return text.split(Pattern.quote(part), -1).length - 1;
    }

    private static long pixels(BufferedImage image, int colour) {
        return IntStream.range(0, image.getWidth() * image.getHeight())
                .map(i -> image.getRGB(i % image.getWidth(), i / image.getWidth()) & 0xffffff)
                .filter(each -> each == colour)
                .count();
    }

    private static int brightness(int rgb) {
        return ((rgb >> 16 & 0xff) + (rgb >> 8 & 0xff) + (rgb & 0xff)) / 3;
    }

    private static Row row(int ms, Source source, Lane from, Lane to, Tone tone, String words) {
        return new Row(ms / 1000.0, false, source, from, to, tone, words);
    }
}
