// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import java.util.Locale;
import java.util.Map;

/**
 * A virtual machine inside the guest: KVM as importer. A program of ours is in its first MiB, slot
 * 0, and has its {@link Vcpu}s access memory on command.
 */
public final class Vm {
    /** What KVM_CREATE_VM is asked for. */
    public enum Type {
        DEFAULT,
        /** Has private memory; KVM_X86_SW_PROTECTED_VM. */
        SW_PROTECTED;

        private String word() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    private final Agent agent;
    private final String name;

    private Vm(Agent agent, String name) {
        this.agent = agent;
        this.name = name;
    }

    public static Vm create(Agent agent, String name) {
        return create(agent, name, Type.DEFAULT);
    }

    public static Vm create(Agent agent, String name, Type type) {
        agent.call("kvm.create", Map.of("name", name, "type", type.word()));
        return new Vm(agent, name);
    }

    /** KVM_CHECK_EXTENSION of KVM itself: 0 for what it cannot do. */
    public static long extension(Agent agent, int capability) {
        return agent.call("kvm.extension", Map.of("cap", capability)).number("value");
    }

    /** KVM_CHECK_EXTENSION of this machine. */
    public long extension(int capability) {
        return agent.call("kvm.extension", Map.of("cap", capability, "vm", name)).number("value");
    }

    public String name() {
        return name;
    }

    /** Makes the next virtual CPU. */
    public Vcpu vcpu(String vcpuName) {
        agent.call("kvm.vcpu", Map.of("vm", name, "name", vcpuName));
        return new Vcpu(agent, vcpuName);
    }

    /** KVM_SET_USER_MEMORY_REGION2: adds the slot, or changes the one with its number. */
    public void set(Memslot slot) {
        agent.call("kvm.memslot", slot.arguments(this));
    }

    /** Sets it where the kernel is expected to refuse, or may. */
    public Answer trySet(Memslot slot) {
        return agent.attempt("kvm.memslot", slot.arguments(this));
    }

    /** Deletes the slot with this one's number. */
    public void delete(Memslot slot) {
        set(slot.deleted());
    }

    /** Deletes it where the kernel is expected to refuse, or may. */
    public Answer tryDelete(Memslot slot) {
        return trySet(slot.deleted());
    }

    public GuestMemfd guestMemfd(String memfdName, long size) {
        agent.call("kvm.guestmemfd", Map.of("vm", name, "name", memfdName, "size", size));
        return new GuestMemfd(agent, memfdName);
    }

    /** Makes guest memory private or shared: KVM_SET_MEMORY_ATTRIBUTES. */
    public void convert(long gpa, long size, boolean toPrivate) {
        agent.call("kvm.attributes", attributes(gpa, size, toPrivate));
    }

    /** Converts it where the kernel is expected to refuse, or may. */
    public Answer tryConvert(long gpa, long size, boolean toPrivate) {
        return agent.attempt("kvm.attributes", attributes(gpa, size, toPrivate));
    }

    private Map<String, ?> attributes(long gpa, long size, boolean toPrivate) {
        return Map.of("vm", name, "gpa", gpa, "size", size, "private", toPrivate ? 1 : 0);
    }

    /** Closes it as a job, for an end that is made to take long. */
    public Job closeAsJob() {
        return Job.start(agent, "handle.close", Map.of("name", name));
    }

    /** Closes the machine; it lives on in its vCPUs until they are closed too. */
    public void close() {
        agent.call("handle.close", Map.of("name", name));
    }
}
