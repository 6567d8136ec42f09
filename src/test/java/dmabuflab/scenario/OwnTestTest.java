// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dmabuflab.host.ProjectFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OwnTestTest {
    @TempDir Path directory;

    @Test
    void theExampleWantsOneDeviceOnTwoIommus() {
        OwnTest example = OwnTest.read(ProjectFiles.locate().guestTools().resolve("test/revoke.c"));

        assertThat(example.name()).isEqualTo("revoke");
        assertThat(example.devices()).containsExactly("ivshmem:16M");
        assertThat(example.iommus()).containsExactly(IommuModel.VTD, IommuModel.VIRTIO);
    }

    @Test
    void whatItWantsIsOnLinesOfComments() throws IOException {
        OwnTest test =
                read(
                        """
                        // Devices: edu nvme:64M
                        /* IOMMU: amd, amd */
                        static const char *text = "Devices: none";
                        int Devices;
                        """);

        assertThat(test.devices()).containsExactly("edu", "nvme:64M");
        assertThat(test.iommus()).containsExactly(IommuModel.AMD);
    }

    @Test
    void withoutAWishThereIsNoDeviceAndTheUsualIommu() throws IOException {
        OwnTest test = read("int main(void) { return 0; }\n");

        assertThat(test.devices()).isEmpty();
        assertThat(test.iommus()).containsExactly(IommuModel.VTD);
    }

    @ParameterizedTest
    @CsvSource({
        "Devices: gpu, there is no device gpu",
        "Devices: ivshmem, ivshmem needs a size",
        "Devices: edu:1M, edu has no memory",
        "IOMMU: smmu, there is no IOMMU smmu"
    })
    void whatThereIsNotIsNamed(String wish, String problem) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> read("// " + wish + "\n"))
                .withMessageContainingAll("mine.c", problem);
    }

    @Test
    void onlyCFilesThatCanBeReadAreTests() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> OwnTest.read(directory.resolve("not here.c")))
                .withMessageContaining("is not named like a C file");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> OwnTest.read(directory.resolve("mine.py")))
                .withMessageContaining("is not named like a C file");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> OwnTest.read(directory.resolve("nowhere.c")))
                .withMessageContaining("cannot read");
    }

    private OwnTest read(String text) throws IOException {
        return OwnTest.read(Files.writeString(directory.resolve("mine.c"), text));
    }
}
