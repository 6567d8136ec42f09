// SPDX-License-Identifier: Apache-2.0
package dmabuflab.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dmabuflab.host.InfrastructureException;
import dmabuflab.host.ProjectFiles;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KernelTargetTest {

    @TempDir Path root;
    private ProjectFiles files;

    @BeforeEach
    void open() {
        files = ProjectFiles.at(root);
    }

    private void target(String name, String json) throws IOException {
        FakeKernel.write(root.resolve("kernel-config/targets/" + name + ".json"), json);
    }

    @Test
    void readsATarget() throws IOException {
        target(
                "7.3",
                """
                {"name": "7.3", "source": {"package": "linux-source-7.3", "suite": "some-suite"},
                 "fragments": ["base"], "variants": {"debug": ["debug", "more"]},
                 "commandLine": "console=ttyS0", "objects": 2900}
                """);
        KernelTarget target = KernelTarget.load(files, "7.3");
        assertThat(target.source().packageName()).isEqualTo("linux-source-7.3");
        assertThat(target.objects()).isEqualTo(2900);
        assertThat(target.patches(files).patches()).isEmpty();
        assertThat(target.fragmentFiles(files, "debug"))
                .extracting(file -> file.getFileName().toString())
                .containsExactly("base.config", "debug.config", "more.config");
        assertThat(target.title("")).isEqualTo("7.3");
        assertThat(target.title("debug")).isEqualTo("7.3-debug");
        assertThatThrownBy(() -> target.fragmentFiles(files, "fast"))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("no variant 'fast'")
                .hasMessageContaining("known variants: debug");
    }

    @Test
    void sharesTheSourceOfAnotherTarget() throws IOException {
        target("7.3", "{\"name\": \"7.3\", \"source\": {\"tree\": \"/t\"}}");
        target(
                "plain",
                "{\"name\": \"plain\", \"source\": {\"target\": \"7.3\"}, \"importer\": false}");

        KernelTarget own = KernelTarget.load(files, "7.3");
        KernelTarget sharing = KernelTarget.load(files, "plain");

        assertThat(own.home()).isEqualTo("7.3");
        assertThat(own.importer()).isTrue();
        assertThat(sharing.home()).isEqualTo("7.3");
        assertThat(sharing.source()).isEqualTo(own.source());
        assertThat(sharing.title("debug")).isEqualTo("plain-debug");
        assertThat(sharing.importer()).isFalse();
    }

    @Test
    void listsTheTargetsThereAre() throws IOException {
        assertThat(KernelTarget.names(files)).isEmpty();
        target("7.3", "{}");
        target("6.12", "{}");
        assertThat(KernelTarget.names(files)).containsExactly("6.12", "7.3");
        assertThatThrownBy(() -> KernelTarget.load(files, "../7.3"))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("no kernel target '../7.3'")
                .hasMessageContaining("known targets: 6.12, 7.3");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"name\": \"x\"}",
                "{\"name\": \"y\", \"source\": {\"tree\": \"/t\"}}",
                "{\"name\": \"x\", \"source\": {}}",
                "{\"name\": \"x\", \"source\": {\"package\": \"p\"}}",
                "{\"name\": \"x\", \"source\": {\"target\": \"x\"}}",
                "{\"name\": \"x\", \"source\": {\"tree\": \"/t\"}, \"home\": \"y\"}",
                "{\"name\": \"x\", \"source\": {\"tarball\": \"p\"}}",
                "{\"name\": \"x\", \"source\": {\"tree\": \"/t\", \"tarball\": \"p\", \"sha256\":"
                        + " \"0\"}}",
                "{\"name\": \"x\", \"source\": {\"tree\": \"/t\"}, \"fragment\": []}",
                "{\"name\": "
            })
    void refusesAWrongTarget(String json) throws IOException {
        target("x", json);
        assertThatThrownBy(() -> KernelTarget.load(files, "x"))
                .isInstanceOf(InfrastructureException.class)
                .hasMessageContaining("cannot use kernel target " + root);
    }
}
