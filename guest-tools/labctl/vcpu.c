// SPDX-License-Identifier: Apache-2.0
/* A CPU of a virtual machine: its state, how it is run, and how that ended. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "vm.h"

#define CR0_PE	 (1UL << 0)
#define CR0_WP	 (1UL << 16)
#define CR0_PG	 (1UL << 31)
#define CR4_PAE	 (1UL << 5)
#define EFER_LME (1UL << 8)
#define EFER_LMA (1UL << 10)
#define RFLAGS	 (1UL << 1) /* always set */

extern const uint8_t __start_l2_text[];

void vcpu_free(struct vcpu *vcpu)
{
	if (vcpu->run)
		munmap(vcpu->run, vcpu->run_size);
	vm_put(vcpu->vm);
	pthread_mutex_destroy(&vcpu->lock);
	free(vcpu);
}

int vcpu_reset(int fd)
{
	struct kvm_segment code = {
		.limit = UINT32_MAX,
		.selector = 0x08,
		.type = 0xb,
		.present = 1,
		.s = 1,
		.l = 1,
		.g = 1,
	};
	struct kvm_segment data = {
		.limit = UINT32_MAX,
		.selector = 0x10,
		.type = 0x3,
		.present = 1,
		.s = 1,
		.db = 1,
		.g = 1,
	};
	struct kvm_sregs sregs;

	if (ioctl(fd, KVM_GET_SREGS, &sregs))
		return -1;
	sregs.cr0 = CR0_PE | CR0_WP | CR0_PG;
	sregs.cr3 = L2_PML4;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME | EFER_LMA;
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.ss = data;
	return ioctl(fd, KVM_SET_SREGS, &sregs);
}

int vcpu_begin(struct call *c, struct handle *h)
{
	struct vcpu *vcpu = h->vcpu;
	bool running;

	pthread_mutex_lock(&vcpu->lock);
	running = vcpu->running;
	if (!running) {
		vcpu->running = true;
		vcpu->kicked = false;
		vcpu->runner = pthread_self();
	}
	pthread_mutex_unlock(&vcpu->lock);
	if (!running)
		return 0;
	errno = EBUSY;
	return call_fail(c, "vcpu", "%s is running", h->name);
}

void vcpu_end(struct vcpu *vcpu)
{
	pthread_mutex_lock(&vcpu->lock);
	vcpu->running = false;
	vcpu->run->immediate_exit = 0;
	pthread_mutex_unlock(&vcpu->lock);
}

static void on_kick(int signal)
{
	(void)signal;
}

static void install_handler(void)
{
	/* Without SA_RESTART: KVM_RUN is to return. */
	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = on_kick }, NULL);
}

int vcpu_kick(struct vcpu *vcpu)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int error = ESRCH;

	pthread_once(&once, install_handler);
	pthread_mutex_lock(&vcpu->lock);
	if (vcpu->running) {
		vcpu->kicked = true;
		vcpu->run->immediate_exit = 1;
		error = pthread_kill(vcpu->runner, SIGUSR1);
	}
	pthread_mutex_unlock(&vcpu->lock);
	errno = error;
	return error ? -1 : 0;
}

/* Nobody is there to answer a load: the bus reads as ones. */
static int run(struct handle *h)
{
	struct kvm_run *run = h->vcpu->run;
	int ret;

	run->exit_reason = KVM_EXIT_UNKNOWN;
	ret = ioctl(h->fd, KVM_RUN, 0);
	if (!ret && run->exit_reason == KVM_EXIT_MMIO && !run->mmio.is_write)
		memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
	return ret;
}

/* An instruction that an exit interrupted has to end before RIP is set. */
static void finish_instruction(struct handle *h)
{
	struct vcpu *vcpu = h->vcpu;

	while (vcpu->run->exit_reason == KVM_EXIT_MMIO) {
		vcpu->run->immediate_exit = 1;
		run(h);
	}
	pthread_mutex_lock(&vcpu->lock);
	vcpu->run->immediate_exit = vcpu->kicked;
	pthread_mutex_unlock(&vcpu->lock);
}

static const char *exit_name(uint32_t reason, int error)
{
	static const char *const names[] = {
		[KVM_EXIT_HLT] = "complete",
		[KVM_EXIT_MMIO] = "mmio",
		[KVM_EXIT_SHUTDOWN] = "shutdown",
		[KVM_EXIT_FAIL_ENTRY] = "fail-entry",
		[KVM_EXIT_INTERNAL_ERROR] = "internal-error",
		[KVM_EXIT_MEMORY_FAULT] = "memory-fault",
	};

	if (error == EINTR)
		return "intr";
	if (error && reason != KVM_EXIT_MEMORY_FAULT)
		return "error";
	if (reason >= ARRAY_SIZE(names) || !names[reason])
		return "unexpected";
	return names[reason];
}

static void answer_mmio(struct call *c, const struct kvm_run *run)
{
	uint64_t data = 0;

	answer_number(c, "gpa", run->mmio.phys_addr);
	answer_number(c, "size", run->mmio.len);
	answer_json(c, "write", json_boolean(run->mmio.is_write));
	if (run->mmio.is_write) {
		memcpy(&data, run->mmio.data, run->mmio.len);
		answer_number(c, "data", data);
	}
}

static json_t *values(const struct l2_mailbox *box)
{
	json_t *list = json_array();
	uint64_t i;

	for (i = 0; i < box->done && i < L2_VALUES; i++)
		json_array_append_new(list, json_integer(box->values[i]));
	return list;
}

/* How it ended and how far it came. */
static void answer_exit(struct call *c, struct vcpu *vcpu, int error)
{
	const struct kvm_run *run = vcpu->run;

	answer_text(c, "exit", exit_name(run->exit_reason, error));
	answer_number(c, "reason", run->exit_reason);
	if (error)
		answer_text(c, "errno", errno_name(error));
	switch (run->exit_reason) {
	case KVM_EXIT_MMIO:
		answer_mmio(c, run);
		break;
	case KVM_EXIT_MEMORY_FAULT:
		answer_number(c, "gpa", run->memory_fault.gpa);
		answer_number(c, "size", run->memory_fault.size);
		answer_number(c, "flags", run->memory_fault.flags);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		answer_number(c, "suberror", run->internal.suberror);
		break;
	}
	answer_number(c, "done", vcpu->box->done);
	answer_number(c, "value", vcpu->box->last);
	if (vcpu->box->op == L2_READ && vcpu->box->count > 1)
		answer_json(c, "values", values(vcpu->box));
}

int vcpu_continue(struct call *c, struct handle *h)
{
	struct vcpu *vcpu = h->vcpu;
	uint64_t begin = monotonic_ns();
	int ret, error;

	/* Other signals than a kick are none of its business. */
	do {
		ret = run(h);
		error = ret ? errno : 0;
	} while (error == EINTR && !vcpu->kicked);
	answer_number(c, "ns", monotonic_ns() - begin);

	answer_exit(c, vcpu, error);
	if (vcpu->run->exit_reason == KVM_EXIT_SHUTDOWN && vcpu_reset(h->fd))
		return call_fail(c, "ioctl(KVM_SET_SREGS)",
				 "%s cannot be used any more", h->name);
	return 0;
}

int vcpu_start(struct call *c, struct handle *h)
{
	struct vcpu *vcpu = h->vcpu;
	struct kvm_regs regs = {
		.rip = L2_TEXT +
		       ((uintptr_t)l2_main - (uintptr_t)__start_l2_text),
		.rsp = vcpu->block + L2_BLOCK - sizeof(uint64_t),
		.rdi = vcpu->block,
		.rflags = RFLAGS,
	};

	finish_instruction(h);
	if (ioctl(h->fd, KVM_SET_REGS, &regs))
		return call_fail(c, "ioctl(KVM_SET_REGS)", "cannot start %s",
				 h->name);
	return vcpu_continue(c, h);
}
