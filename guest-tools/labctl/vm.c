// SPDX-License-Identifier: Apache-2.0
/* What a virtual machine has of its own: the memory that its program is in. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

#define TABLE_NEXT 0x003 /* present, writable */
#define TABLE_GIB  0x083 /* and a page of 1 GiB */

extern const uint8_t __start_l2_text[], __stop_l2_text[];

struct vm *vm_new(void)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	uint64_t *pml4, *pdpt, i;

	if (!vm)
		abort();
	vm->ram = mmap(NULL, L2_RAM, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (vm->ram == MAP_FAILED) {
		free(vm);
		return NULL;
	}
	vm->users = 1;
	pthread_mutex_init(&vm->lock, NULL);

	memcpy(vm->ram + L2_TEXT, __start_l2_text,
	       __stop_l2_text - __start_l2_text);
	pml4 = (uint64_t *)(vm->ram + L2_PML4);
	pml4[0] = L2_PDPT | TABLE_NEXT;
	pdpt = (uint64_t *)(vm->ram + L2_PDPT);
	for (i = 0; i < L2_GPA_SIZE >> 30; i++)
		pdpt[i] = i << 30 | TABLE_GIB;
	return vm;
}

void vm_put(struct vm *vm)
{
	unsigned int left;

	pthread_mutex_lock(&vm->lock);
	left = --vm->users;
	pthread_mutex_unlock(&vm->lock);
	if (left)
		return;
	munmap(vm->ram, L2_RAM);
	pthread_mutex_destroy(&vm->lock);
	free(vm);
}

int vm_add_device(int vm, int device)
{
	struct kvm_create_device list = { .type = KVM_DEV_TYPE_VFIO };
	int32_t added = device;
	struct kvm_device_attr add = {
		.group = KVM_DEV_VFIO_FILE,
		.attr = KVM_DEV_VFIO_FILE_ADD,
		.addr = (uintptr_t)&added,
	};
	int error;

	if (ioctl(vm, KVM_CREATE_DEVICE, &list))
		return -1;
	if (!ioctl(list.fd, KVM_SET_DEVICE_ATTR, &add))
		return list.fd;
	error = errno;
	close(list.fd);
	errno = error;
	return -1;
}

int vm_create_vcpu(int fd, struct vm *vm, uint64_t *block)
{
	int vcpu = -1;

	pthread_mutex_lock(&vm->lock);
	errno = ENOSPC;
	if (vm->vcpus < L2_VCPUS)
		vcpu = ioctl(fd, KVM_CREATE_VCPU, vm->vcpus);
	if (vcpu >= 0) {
		*block = L2_BLOCKS + vm->vcpus++ * L2_BLOCK;
		vm->users++;
	}
	pthread_mutex_unlock(&vm->lock);
	return vcpu;
}
