/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual machines and their CPUs, between the operations on them. */
#ifndef VM_H
#define VM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <linux/kvm.h>

#include "l2.h"
#include "labctl.h"

/* The memory that L2's program is in. A vCPU can outlive its machine's handle.
 */
struct vm {
	uint8_t *ram; /* L2_RAM bytes, slot 0 */
	pthread_mutex_t lock;
	unsigned int users;
	unsigned int vcpus; /* made so far */
};

struct vcpu {
	struct vm *vm;
	struct kvm_run *run;
	size_t run_size;
	uint64_t block; /* GPA of what is its own */
	struct l2_mailbox *box;
	pthread_mutex_t lock;
	bool running;
	atomic_bool kicked; /* since it runs */
	pthread_t runner;
};

/* -1 with the answer written. */
int kvm_open(struct call *c);

/* NULL with errno. */
struct vm *vm_new(void);
/*
 * Tells a machine that it has a device, both by their descriptors: until the
 * one returned is closed; -1 with errno.
 */
int vm_add_device(int vm, int device);
/* A user of the machine with a block of its memory; -1 with errno. */
int vm_create_vcpu(int fd, struct vm *vm, uint64_t *block);

/* Long mode, on the program's page tables; 0, or -1 with errno. */
int vcpu_reset(int fd);
/* A vCPU is run by one thread at a time: -1 with the answer written. */
int vcpu_begin(struct call *c, struct handle *h);
void vcpu_end(struct vcpu *vcpu);
/*
 * Between these two. Has the program obey its mailbox from the start, or go on
 * where the last exit was, until the next one: that is the answer. -1 with
 * another answer if the vCPU cannot be run.
 */
int vcpu_start(struct call *c, struct handle *h);
int vcpu_continue(struct call *c, struct handle *h);
/* Has KVM_RUN return, whatever it is doing; -1 with ESRCH if nobody runs it. */
int vcpu_kick(struct vcpu *vcpu);

#endif
