/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/kernel_hold: stops the kernel where a function returns.
 *
 * An open file holds one function, and there is one such file at a time. The
 * first call to come to its end waits there, all others return as ever. poll()
 * tells when one waits; closing the file lets it go.
 *
 * The function is one that may sleep where it returns, and has up to six
 * arguments, none larger than a register.
 */
#ifndef HOLD_H
#define HOLD_H

#include <linux/ioctl.h>

struct kernel_hold {
	char function[64];
};

#define KERNEL_HOLD_AT _IOW('P', 0x60, struct kernel_hold)

#ifdef __KERNEL__
int hold_init(void);
void hold_exit(void);
#endif

#endif
