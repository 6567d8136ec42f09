// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A memory slot of a {@link Vm}, as a wish. Starts out as nothing but a range of GPAs.
 *
 * @param slot 1 or more; slot 0 is the program's
 * @param gpa where it starts; the first MiB is the program's
 * @param size in bytes
 * @param backing what it is made of, as the agent's arguments
 */
public record Memslot(int slot, long gpa, long size, Map<String, Object> backing) {
    /** KVM_MEM_LOG_DIRTY_PAGES. */
    public static final long LOG_DIRTY = 1;

    /** KVM_MEM_READONLY. */
    public static final long READONLY = 1 << 1;

    public Memslot {
        backing = Map.copyOf(backing);
    }

    public static Memslot at(int slot, long gpa, long size) {
        return new Memslot(slot, gpa, size, Map.of());
    }

    /** Part of a dma-buf, from an offset in bytes; no userspace mapping. */
    public Memslot of(DmaBuf buffer, long offset) {
        return with("dmabuf", buffer.name()).with("offset", offset);
    }

    /** Part of a dma-buf that is private to the machine. */
    public Memslot ofPrivate(DmaBuf buffer, long offset) {
        return of(buffer, offset).with("private", 1);
    }

    /** The same, saying that its dma-buf is private to nobody. */
    public Memslot notPrivate() {
        return with("private", 0);
    }

    /** Part of a guest_memfd, from an offset in bytes. */
    public Memslot of(GuestMemfd memory, long offset) {
        return with("memfd", memory.name()).with("offset", offset);
    }

    /** The addresses of part of a mapping: the classic way, and shared memory beside another. */
    public Memslot over(BarMapping mapping, long offset) {
        return with("mapping", mapping.name()).with("mapping_offset", offset);
    }

    /** Further flags of KVM_SET_USER_MEMORY_REGION2. */
    public Memslot flags(long flags) {
        return with("flags", flags);
    }

    /** As a wish that the slot be no more. */
    public Memslot deleted() {
        return at(slot, gpa, 0);
    }

    /** The same elsewhere. */
    public Memslot movedTo(long otherGpa) {
        return new Memslot(slot, otherGpa, size, backing);
    }

    /** The same, larger or smaller. */
    public Memslot resized(long otherSize) {
        return new Memslot(slot, gpa, otherSize, backing);
    }

    private Memslot with(String key, Object value) {
        Map<String, Object> more = new LinkedHashMap<>(backing);
        more.put(key, value);
        return new Memslot(slot, gpa, size, more);
    }

    /** What an agent is asked for to set it, for others to ask. */
    public Map<String, Object> arguments(Vm vm) {
        Map<String, Object> arguments = new LinkedHashMap<>(backing);
        arguments.put("vm", vm.name());
        arguments.put("slot", slot);
        arguments.put("gpa", gpa);
        arguments.put("size", size);
        return arguments;
    }
}
