// SPDX-License-Identifier: Apache-2.0
/*
 * What a CPU of a virtual machine is told to do. An access that does not reach
 * its memory is an exit, and that is an answer, no failure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

#define CPUID_ENTRIES 256

/* The processor as KVM can do it, with its width of physical addresses. */
static int set_cpuid(struct call *c, int kvm, int fd)
{
	struct kvm_cpuid2 *cpuid;
	int ret;

	cpuid = calloc(1, sizeof(*cpuid) +
				  CPUID_ENTRIES * sizeof(cpuid->entries[0]));
	if (!cpuid)
		abort();
	cpuid->nent = CPUID_ENTRIES;
	ret = ioctl(kvm, KVM_GET_SUPPORTED_CPUID, cpuid) ||
	      ioctl(fd, KVM_SET_CPUID2, cpuid);
	free(cpuid);
	return ret ? call_fail(c, "ioctl(KVM_SET_CPUID2)",
			       "cannot make a processor of it") :
		     0;
}

/* All that comes after the descriptor; -1 with the answer written. */
static int prepare(struct call *c, int kvm, int fd, struct vcpu *vcpu)
{
	int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	if (size < 0)
		return call_fail(c, "ioctl(KVM_GET_VCPU_MMAP_SIZE)",
				 "cannot run a virtual CPU");
	vcpu->run_size = size;
	vcpu->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (vcpu->run == MAP_FAILED) {
		vcpu->run = NULL;
		return call_fail(c, "mmap", "cannot run a virtual CPU");
	}
	if (set_cpuid(c, kvm, fd))
		return -1;
	return vcpu_reset(fd) ?
		       call_fail(c, "ioctl(KVM_SET_SREGS)", "no long mode") :
		       0;
}

static struct vcpu *vcpu_new(struct vm *vm, uint64_t block)
{
	struct vcpu *vcpu = calloc(1, sizeof(*vcpu));

	if (!vcpu)
		abort();
	vcpu->vm = vm;
	vcpu->block = block;
	vcpu->box = (struct l2_mailbox *)(vm->ram + block);
	pthread_mutex_init(&vcpu->lock, NULL);
	return vcpu;
}

int kvm_vcpu(struct call *c)
{
	struct handle *vm = handle_get(c, "vm", HANDLE_VM);
	struct handle h = { .kind = HANDLE_VCPU };
	uint64_t block;
	int kvm, ret;

	if (!vm)
		return -1;
	h.fd = vm_create_vcpu(vm->fd, vm->vm, &block);
	if (h.fd < 0)
		return call_fail(c, "ioctl(KVM_CREATE_VCPU)",
				 "no virtual CPU for %s", vm->name);
	h.vcpu = vcpu_new(vm->vm, block);

	kvm = kvm_open(c);
	ret = kvm < 0 ? -1 : prepare(c, kvm, h.fd, h.vcpu);
	if (kvm >= 0)
		close(kvm);
	if (ret) {
		close(h.fd);
		vcpu_free(h.vcpu);
		return -1;
	}
	return handle_add(c, "name", h) ? 0 : -1;
}

/* Writes the mailbox from the arguments, and has it obeyed. */
static int command(struct call *c, enum l2_op op)
{
	struct handle *h = handle_get(c, "vcpu", HANDLE_VCPU);
	uint64_t width = call_number(c, "width", 8);
	uint64_t count = call_number(c, "count", op != L2_HAMMER);
	uint64_t places = call_number(c, "places", op == L2_HAMMER ? 1 : count);
	struct l2_mailbox *box;
	int ret;

	if (!h)
		return -1;
	if (width != 1 && width != 2 && width != 4 && width != 8)
		return call_usage(c, "width is 1, 2, 4 or 8");
	if ((!count && op != L2_HAMMER) || !places)
		return call_usage(c, "there is nothing to access");
	if (vcpu_begin(c, h))
		return -1;

	box = h->vcpu->box;
	box->op = op;
	box->width = width;
	box->gpa = call_number(c, "gpa", 0);
	box->stride = call_number(c, "stride", width);
	box->places = places;
	box->count = count;
	box->value = call_number(c, "value", 0);
	box->expected = call_number(c, "expected", 0);
	box->stop = 0;
	box->done = 0;
	box->last = 0;
	ret = vcpu_start(c, h);
	vcpu_end(h->vcpu);
	return ret;
}

int vcpu_read(struct call *c)
{
	return command(c, L2_READ);
}

int vcpu_write(struct call *c)
{
	return command(c, L2_WRITE);
}

int vcpu_xadd(struct call *c)
{
	return command(c, L2_XADD);
}

int vcpu_cmpxchg(struct call *c)
{
	return command(c, L2_CMPXCHG);
}

int vcpu_hammer(struct call *c)
{
	return command(c, L2_HAMMER);
}

int vcpu_resume(struct call *c)
{
	struct handle *h = handle_get(c, "vcpu", HANDLE_VCPU);
	int ret;

	if (!h || vcpu_begin(c, h))
		return -1;
	ret = vcpu_continue(c, h);
	vcpu_end(h->vcpu);
	return ret;
}

int vcpu_prefault(struct call *c)
{
	struct handle *h = handle_get(c, "vcpu", HANDLE_VCPU);
	struct kvm_pre_fault_memory range = {
		.gpa = call_number(c, "gpa", 0),
		.size = call_number(c, "size", 0),
	};
	int ret;

	if (!h || vcpu_begin(c, h))
		return -1;
	ret = ioctl(h->fd, KVM_PRE_FAULT_MEMORY, &range);
	if (ret)
		call_fail(c, "ioctl(KVM_PRE_FAULT_MEMORY)",
			  "cannot map %#lx for %s", call_number(c, "gpa", 0),
			  h->name);
	/* Also said on failure: that nothing was done has to be seen. */
	answer_number(c, "gpa", range.gpa);
	answer_number(c, "left", range.size);
	vcpu_end(h->vcpu);
	return ret;
}

int vcpu_stop(struct call *c)
{
	struct handle *h = handle_get(c, "vcpu", HANDLE_VCPU);

	if (!h)
		return -1;
	h->vcpu->box->stop = 1;
	return 0;
}

int vcpu_interrupt(struct call *c)
{
	struct handle *h = handle_get(c, "vcpu", HANDLE_VCPU);

	if (!h)
		return -1;
	if (vcpu_kick(h->vcpu))
		return call_fail(c, "pthread_kill", "cannot interrupt %s",
				 h->name);
	return 0;
}

int vcpu_state(struct call *c)
{
	struct handle *h = handle_get(c, "vcpu", HANDLE_VCPU);
	struct vcpu *vcpu;

	if (!h)
		return -1;
	vcpu = h->vcpu;
	pthread_mutex_lock(&vcpu->lock);
	answer_json(c, "running", json_boolean(vcpu->running));
	pthread_mutex_unlock(&vcpu->lock);
	answer_number(c, "done", vcpu->box->done);
	answer_number(c, "value", vcpu->box->last);
	return 0;
}
