// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.guest.Answer;
import dmabuflab.guest.VfioDevice;
import dmabuflab.guest.VfioDevice.Range;
import dmabuflab.guest.Vm;
import dmabuflab.scenario.Catalogue;
import dmabuflab.scenario.Devices;
import dmabuflab.scenario.Exporter;
import dmabuflab.scenario.Proves;
import dmabuflab.scenario.Testbed;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What a private device has besides BARs, and what is out of reach like them. */
@Catalogue
class KvmPrivateRegions {
    /** VFIO_REGION_INFO_FLAG_PRIVATE. */
    private static final Range PAGE = new Range(0, Exporter.PAGE);

    @Test
    @DisplayName("nobody reads the ROM of a private device, and it is not even decoded")
    @Proves("KV6")
    @Devices("ivshmem-rom:16M")
    void rom(Testbed bed) {
        KvmWindow.requireSeries(bed);
        Vm vm = bed.vm(bed.agent(), Vm.Type.SW_PROTECTED);
        VfioDevice vfio = bed.privateExporter(vm).vfio();
        long before = bed.decoded(vfio, VfioDevice.ROM);

        assertClosed(vfio, VfioDevice.ROM);

        assertThat(bed.decoded(vfio, VfioDevice.ROM)).isEqualTo(before);
        vfio.close();
        VfioDevice again = VfioDevice.reopen(bed.agent(), vfio.bdf(), vfio.name());
        assertThat(again.regionFlags(VfioDevice.ROM) & VfioDevice.REGION_PRIVATE).isZero();
        assertThat(again.tryRead(VfioDevice.ROM, 0, 2).text("data")).isEqualTo("55aa");
        assertThat(bed.decoded(vfio, VfioDevice.ROM)).isGreaterThan(before);
    }

    @Test
    @DisplayName("nobody gets at legacy VGA by a private device, and none is routed to it")
    @Proves("KV6")
    @Devices("vga")
    void legacyVga(Testbed bed) {
        KvmWindow.requireSeries(bed);
        Vm vm = bed.vm(bed.agent(), Vm.Type.SW_PROTECTED);
        String bdf = bed.vfioDevice("vga");
        VfioDevice vfio = VfioDevice.openPrivate(bed.agent(), bdf, "vga", vm);
        bed.trace().add(List.of(), List.of("p:dmabuflab/vga_get vga_get"));

        assertClosed(vfio, VfioDevice.VGA);
        assertThat(vfio.tryRead(VfioDevice.VGA, 0x3c0, 1).errno()).isEqualTo("EPERM");
        assertThat(vfio.tryRead(VfioDevice.VGA, 0xa0000, 8).errno()).isEqualTo("EPERM");

        assertThat(bed.events("vga_get:")).as("requests to route VGA").isEmpty();
        vfio.close();
        VfioDevice again = VfioDevice.reopen(bed.agent(), bdf, "vga");
        assertThat(again.tryRead(VfioDevice.VGA, 0x3c0, 1)).matches(Answer::ok);
        assertThat(again.tryRead(VfioDevice.VGA, 0xa0000, 8)).matches(Answer::ok);
        assertThat(bed.events("vga_get:")).hasSize(2);
    }

    private static void assertClosed(VfioDevice vfio, int region) {
        assertThat(vfio.regionFlags(region)).isEqualTo(VfioDevice.REGION_PRIVATE);
        assertThat(vfio.tryRead(region, 0, 2).errno()).isEqualTo("EPERM");
        assertThat(vfio.tryWrite(region, 0, "55aa").errno()).isEqualTo("EPERM");
        assertThat(vfio.tryMap(region, PAGE, "mapping").errno()).isEqualTo("EPERM");
        assertThat(vfio.tryIoeventfd(region, 0, 7).errno()).isEqualTo("EPERM");
    }
}
