// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.guest.Guest;
import dmabuflab.guest.GuestImage;
import dmabuflab.host.InfrastructureException;
import dmabuflab.witness.FaultRecord;
import dmabuflab.witness.IommuFault;
import dmabuflab.witness.IommuTables;
import dmabuflab.witness.MappedMemory;
import dmabuflab.witness.QemuTrace;
import dmabuflab.witness.VtdTables;
import java.util.Optional;

/** Intel VT-d: tables in guest memory, faults in a register. */
final class VtdView extends TracedIommu {
    /** Register base of the first VT-d unit, and in it the root table address. */
    private static final long REGISTERS = 0xfed90000L;

    private static final long ROOT_TABLE_ADDRESS = 0x20;
    private static final long FAULT_RECORD = 0x220;

    private final Registers registers;
    private final MappedMemory memory;
    private final boolean scalable;

    /**
     * @param scalable the mode the guest has to use
     */
    VtdView(Guest guest, QemuTrace trace, Testimony testimony, boolean scalable) {
        super(trace, testimony);
        this.registers = new Registers(guest.qmp(), REGISTERS);
        this.memory = MappedMemory.of(guest.memory(), GuestImage.MEMORY);
        this.scalable = scalable;
    }

    @Override
    IommuTables tables() {
        VtdTables tables = new VtdTables(memory, registers.read(ROOT_TABLE_ADDRESS));
        if (tables.scalable() != scalable) {
            // A verdict under the wrong name would be worse than none.
            throw new InfrastructureException(
                    "the guest does not use the IOMMU as this model says",
                    "scalable mode is " + (scalable ? "off" : "on"),
                    "look for intel_iommu= on the kernel's command line, and DMAR in console.log");
        }
        return tables;
    }

    @Override
    Optional<IommuFault> faultRecord() {
        long[] record = registers.read(FAULT_RECORD, 2);
        return Optional.of(FaultRecord.decode(record[0], record[1]));
    }

    @Override
    public void close() {
        memory.close();
    }
}
