// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.guest.Guest;
import dmabuflab.guest.GuestImage;
import dmabuflab.host.InfrastructureException;
import dmabuflab.witness.AmdTables;
import dmabuflab.witness.IommuFault;
import dmabuflab.witness.IommuTables;
import dmabuflab.witness.MappedMemory;
import dmabuflab.witness.QemuTrace;
import java.util.Optional;

/** AMD-Vi: tables in guest memory. QEMU 7.2 tells the guest of no fault for a missing mapping. */
final class AmdView extends TracedIommu {
    private static final long REGISTERS = 0xfed80000L;
    private static final long DEVICE_TABLE_BASE = 0x0;
    private static final long CONTROL = 0x18;

    private final Registers registers;
    private final MappedMemory memory;

    AmdView(Guest guest, QemuTrace trace, Testimony testimony) {
        super(trace, testimony);
        this.registers = new Registers(guest.qmp(), REGISTERS);
        this.memory = MappedMemory.of(guest.memory(), GuestImage.MEMORY);
    }

    @Override
    IommuTables tables() {
        long control = registers.read(CONTROL);
        if ((control & 1) == 0) {
            throw new InfrastructureException(
                    "the guest does not use the IOMMU",
                    "its control register is 0x" + Long.toHexString(control),
                    "look for AMD-Vi in console.log");
        }
        return new AmdTables(memory, registers.read(DEVICE_TABLE_BASE), control);
    }

    @Override
    Optional<IommuFault> faultRecord() {
        return Optional.empty();
    }

    @Override
    public void close() {
        memory.close();
    }
}
