// SPDX-License-Identifier: Apache-2.0
/* KVM inside this guest, which needs nested virtualization from the host. */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/kvm.h>

#include "labctl.h"

int kvm_check(struct call *c)
{
	int kvm, vm, vcpu, ret = -1;

	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		return call_fail(c, "open(/dev/kvm)", "no KVM in this guest");

	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0) {
		call_fail(c, "ioctl(KVM_CREATE_VM)", "no virtual machine");
		goto close_kvm;
	}
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0) {
		call_fail(c, "ioctl(KVM_CREATE_VCPU)", "no virtual CPU");
		goto close_vm;
	}
	close(vcpu);
	ret = 0;

close_vm:
	close(vm);
close_kvm:
	close(kvm);
	return ret;
}
