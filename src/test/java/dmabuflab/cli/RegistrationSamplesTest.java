// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.cli.RegistrationSamples.Cost;
import dmabuflab.cli.RegistrationSamples.Round;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class RegistrationSamplesTest {
    private static final double KIB = 1024;
    private static final long HALF_A_GIB = 512 << 20;

    private final RegistrationSamples samples =
            new RegistrationSamples("RAM", "scatterlist: a list", HALF_A_GIB);

    private static Round round(double page, double all) {
        return new Round(
                new Cost(page * KIB, page * KIB, 1000, 1000),
                new Cost(all * KIB, all * KIB / 2, 8000, 3000));
    }

    private String line(String what) {
        return samples.toString()
                .lines()
                .filter(line -> line.strip().startsWith(what))
                .map(line -> line.replaceAll(" +", " ").strip())
                .findFirst()
                .orElse("");
    }

    @Test
    void aGibIsWhatARegionTakesBeyondThatOfAPage() {
        samples.add(round(1, 101), round(2, 302));

        assertThat(line("kernel memory, PFN")).contains("median 200.00 KiB/GiB");
        assertThat(line("kernel memory, scatterlist")).contains("median 600.00 KiB/GiB");
        assertThat(line("kernel memory, ratio")).contains("median 3.00 x");
        assertThat(line("of it slab, PFN")).contains("median 99.00 KiB/GiB");
        assertThat(line("a page's region, scatterlist")).contains("median 2.00 KiB");
        assertThat(line("register, PFN")).contains("median 8.00 us");
        assertThat(samples.kernelMemoryByPfn()).isEqualTo(200);
        assertThat(samples.kernelMemoryByScatterlist()).isEqualTo(600);
    }

    @Test
    void nothingHasNoRatio() {
        samples.add(round(1, 1.1), round(2, 302));

        assertThat(line("kernel memory, PFN")).contains("median 0.20 KiB/GiB");
        assertThat(line("kernel memory, ratio")).isEmpty();
    }

    @Test
    void whatOnlyPfnsCanHasNoRatio() {
        samples.addRate("both", "1/s", 10, OptionalDouble.of(5));
        samples.addRate("one", "1/s", 10, OptionalDouble.empty());

        assertThat(line("both, ratio")).contains("median 0.50 x");
        assertThat(line("one, PFN")).contains("median 10.00 1/s");
        assertThat(line("one, ratio")).isEmpty();
    }
}
