// SPDX-License-Identifier: Apache-2.0
/* KVM inside this guest, which needs nested virtualization from the host. */
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vm.h"

/* What only a kernel with the series knows. */
#ifndef KVM_MEM_VFIO_DMABUF
#define KVM_MEM_VFIO_DMABUF (1UL << 3)
#endif
#ifndef KVM_MEM_DMABUF_PRIVATE
#define KVM_MEM_DMABUF_PRIVATE (1UL << 4)
#endif

int kvm_open(struct call *c)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm < 0)
		call_fail(c, "open(/dev/kvm)", "no KVM in this guest");
	return kvm;
}

/* The descriptor, or -1 with the answer written. */
static int create_vm(struct call *c, unsigned long type)
{
	int kvm = kvm_open(c), fd;

	if (kvm < 0)
		return -1;
	fd = ioctl(kvm, KVM_CREATE_VM, type);
	if (fd < 0)
		call_fail(c, "ioctl(KVM_CREATE_VM)", "no virtual machine");
	close(kvm);
	return fd;
}

int kvm_check(struct call *c)
{
	int vm = create_vm(c, 0), vcpu;

	if (vm < 0)
		return -1;
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0)
		call_fail(c, "ioctl(KVM_CREATE_VCPU)", "no virtual CPU");
	else
		close(vcpu);
	close(vm);
	return vcpu < 0 ? -1 : 0;
}

int kvm_create(struct call *c)
{
	struct kvm_userspace_memory_region2 slot = { .memory_size = L2_RAM };
	struct handle h = { .kind = HANDLE_VM };
	const char *type = call_text(c, "type", "default");
	bool protected = !strcmp(type, "sw-protected");

	if (!protected && strcmp(type, "default"))
		return call_usage(c, "type is default or sw-protected");
	h.fd = create_vm(c, protected ? KVM_X86_SW_PROTECTED_VM :
					KVM_X86_DEFAULT_VM);
	if (h.fd < 0)
		return -1;
	h.vm = vm_new();
	if (!h.vm) {
		call_fail(c, "mmap", "no memory for a virtual machine");
		close(h.fd);
		return -1;
	}
	slot.userspace_addr = (uintptr_t)h.vm->ram;
	if (ioctl(h.fd, KVM_SET_USER_MEMORY_REGION2, &slot)) {
		call_fail(c, "ioctl(KVM_SET_USER_MEMORY_REGION2)",
			  "no memory for %s", call_text(c, "name", ""));
		close(h.fd);
		vm_put(h.vm);
		return -1;
	}
	return handle_add(c, "name", h) ? 0 : -1;
}

int kvm_extension(struct call *c)
{
	uint64_t cap = call_number(c, "cap", 0);
	struct handle *vm = NULL;
	int kvm = -1, value;

	if (call_has(c, "vm")) {
		vm = handle_get(c, "vm", HANDLE_VM);
		if (!vm)
			return -1;
	} else {
		kvm = kvm_open(c);
		if (kvm < 0)
			return -1;
	}
	value = ioctl(vm ? vm->fd : kvm, KVM_CHECK_EXTENSION, cap);
	if (value < 0)
		call_fail(c, "ioctl(KVM_CHECK_EXTENSION)",
			  "cannot ask for capability %lu", cap);
	else
		answer_number(c, "value", value);
	if (kvm >= 0)
		close(kvm);
	return value < 0 ? -1 : 0;
}

/* Takes what the slot is made of from the arguments; false if one is wrong. */
static bool back_slot(struct call *c, struct kvm_userspace_memory_region2 *slot)
{
	uint64_t offset = call_number(c, "offset", 0);
	struct handle *h;

	slot->guest_memfd_offset = offset;
	if (call_has(c, "mapping")) {
		h = handle_get(c, "mapping", HANDLE_MAPPING);
		if (!h)
			return false;
		slot->userspace_addr = (uintptr_t)h->address +
				       call_number(c, "mapping_offset", 0);
	}
	if (call_has(c, "dmabuf")) {
		h = handle_get(c, "dmabuf", HANDLE_DMABUF | HANDLE_GUEST_MEMFD);
		if (!h)
			return false;
		slot->guest_memfd = h->fd;
		slot->flags |= KVM_MEM_VFIO_DMABUF;
		if (call_number(c, "private", 0))
			slot->flags |= KVM_MEM_DMABUF_PRIVATE;
	}
	if (call_has(c, "memfd")) {
		h = handle_get(c, "memfd", HANDLE_DMABUF | HANDLE_GUEST_MEMFD);
		if (!h)
			return false;
		slot->guest_memfd = h->fd;
		slot->flags |= KVM_MEM_GUEST_MEMFD;
	}
	return true;
}

int kvm_memslot(struct call *c)
{
	struct handle *vm = handle_get(c, "vm", HANDLE_VM);
	struct kvm_userspace_memory_region2 slot = {
		.slot = call_number(c, "slot", 0),
		.flags = call_number(c, "flags", 0),
		.guest_phys_addr = call_number(c, "gpa", 0),
		.memory_size = call_number(c, "size", 0),
	};

	if (!vm || !back_slot(c, &slot))
		return -1;
	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION2, &slot))
		return call_fail(c, "ioctl(KVM_SET_USER_MEMORY_REGION2)",
				 "cannot set slot %u of %s", slot.slot,
				 vm->name);
	return 0;
}

int kvm_guest_memfd(struct call *c)
{
	struct handle *vm = handle_get(c, "vm", HANDLE_VM);
	struct handle h = { .kind = HANDLE_GUEST_MEMFD };
	struct kvm_create_guest_memfd create = {
		.size = call_number(c, "size", 0),
		.flags = call_number(c, "flags", 0),
	};

	if (!vm)
		return -1;
	h.fd = ioctl(vm->fd, KVM_CREATE_GUEST_MEMFD, &create);
	if (h.fd < 0)
		return call_fail(c, "ioctl(KVM_CREATE_GUEST_MEMFD)",
				 "no guest_memfd of %llu bytes for %s",
				 create.size, vm->name);
	return handle_add(c, "name", h) ? 0 : -1;
}

int kvm_attributes(struct call *c)
{
	struct handle *vm = handle_get(c, "vm", HANDLE_VM);
	struct kvm_memory_attributes set = {
		.address = call_number(c, "gpa", 0),
		.size = call_number(c, "size", 0),
	};

	if (!vm)
		return -1;
	if (call_number(c, "private", 0))
		set.attributes = KVM_MEMORY_ATTRIBUTE_PRIVATE;
	if (ioctl(vm->fd, KVM_SET_MEMORY_ATTRIBUTES, &set))
		return call_fail(c, "ioctl(KVM_SET_MEMORY_ATTRIBUTES)",
				 "cannot convert %#llx of %s", set.address,
				 vm->name);
	return 0;
}
