/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/test_exporter: a dma-buf exporter driven from user space.
 *
 * One open file is one buffer. It has places, which are pieces of RAM, parts of
 * BARs and pages of user space that add up to its size, and is in one of them at
 * a time. Closing the
 * file ends a move and takes the memory away for ever, unless it was promised
 * to stay; the buffer's own file descriptor stays what it is.
 */
#ifndef TEST_EXPORTER_H
#define TEST_EXPORTER_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define TEST_EXPORTER_NO_CPU 0x1 /* attribute: the CPU must not map it */
#define TEST_EXPORTER_BAR    0x2 /* part of a BAR, not RAM */
#define TEST_EXPORTER_USER   0x4 /* pages of the caller, pinned */

struct test_exporter_segment {
	__u64 nr_pages;
	__u32 flags;
	__u32 order;  /* of each piece of RAM */
	__u64 offset; /* into the BAR in bytes, or where the caller has them */
	__u32 domain; /* from here on only of a BAR */
	__u16 bus;
	__u16 devfn;
	__u32 bar;
	__u32 reserved;
};

#define TEST_EXPORTER_SEGMENTS_MAX 16
#define TEST_EXPORTER_PLACES_MAX   8

struct test_exporter_place {
	__u64 segments; /* user pointer to nr_segments */
	__u32 nr_segments;
	__u32 index; /* out */
};

/* The first three are those of enum dma_buf_lifetime. */
#define TEST_EXPORTER_PINNED	0x1
#define TEST_EXPORTER_REVOCABLE 0x2
#define TEST_EXPORTER_DYNAMIC	0x4
/* Offers to stay put for importers that tolerate nothing else. */
#define TEST_EXPORTER_CAN_PIN 0x8
/* Can be mapped by scatterlist, as far as the place is RAM. */
#define TEST_EXPORTER_MAPPABLE 0x10

struct test_exporter_create {
	struct test_exporter_place first;
	__u32 flags;
	__s32 dmabuf_fd; /* out */
};

/* A move that waits leaves the content behind until it is finished. */
#define TEST_EXPORTER_WAIT 0x1

struct test_exporter_move {
	__u32 to;
	__u32 flags;
};

struct test_exporter_fail {
	__u32 attach; /* errno that attaching fails with, 0 for none */
	__u32 query;  /* errno that the next queries fail with */
	__u64 count;  /* how many of them */
};

struct test_exporter_pfn {
	__u32 place;
	__u32 reserved;
	__u64 pgoff;
	__u64 pfn; /* out */
};

/* The buffer has to be created before anything else. */
#define TEST_EXPORTER_CREATE  _IOWR('P', 0x70, struct test_exporter_create)
#define TEST_EXPORTER_PLACE   _IOWR('P', 0x71, struct test_exporter_place)
#define TEST_EXPORTER_MOVE    _IOW('P', 0x72, struct test_exporter_move)
#define TEST_EXPORTER_FINISH  _IO('P', 0x73)
#define TEST_EXPORTER_REVOKE  _IO('P', 0x74)
#define TEST_EXPORTER_RESTORE _IO('P', 0x75)
#define TEST_EXPORTER_FAIL    _IOW('P', 0x76, struct test_exporter_fail)
#define TEST_EXPORTER_PFN     _IOWR('P', 0x77, struct test_exporter_pfn)

#ifdef __KERNEL__
int exporter_init(void);
void exporter_exit(void);
#endif

#endif
