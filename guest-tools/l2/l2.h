/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What labctl and the program inside a virtual machine (L2) agree on.
 *
 * L2 runs in long mode on page tables that map every GPA to itself. It knows
 * nothing but its mailbox: a command is there when the vCPU starts, and is done
 * when the vCPU halts. It has no interrupt handlers, so whatever goes wrong
 * inside ends in a shutdown.
 */
#ifndef L2_H
#define L2_H

#include <stddef.h>
#include <stdint.h>

enum l2_op {
	L2_READ,
	L2_WRITE,
	L2_XADD,    /* lock xadd */
	L2_CMPXCHG, /* lock cmpxchg */
	L2_HAMMER,  /* writes 1, 2, 3, ... */
};

/*
 * The memory of a program, from GPA 0: text, page tables, then a block for each
 * vCPU, with its mailbox first and its stack at the end.
 */
#define L2_TEXT	    0x0000
#define L2_PML4	    0x1000
#define L2_PDPT	    0x2000
#define L2_BLOCKS   0x10000
#define L2_BLOCK    0x10000
#define L2_VCPUS    15
#define L2_RAM	    (L2_BLOCKS + L2_VCPUS * L2_BLOCK)
#define L2_GPA_SIZE (512ULL << 30) /* what the page tables map */
#define L2_VALUES   4096

/* Written by L2 are done, last and values, read by it all the others. */
struct l2_mailbox {
	uint64_t op;
	uint64_t width; /* bytes: 1, 2, 4 or 8 */
	uint64_t gpa;
	uint64_t stride; /* from one place to the next */
	uint64_t places; /* that are accessed in turn */
	uint64_t count;	 /* of accesses, 0 for no end */
	uint64_t value;
	uint64_t expected; /* of L2_CMPXCHG */
	volatile uint64_t stop;
	volatile uint64_t done;	    /* accesses that have happened */
	volatile uint64_t last;	    /* read by the last of them, or written */
	uint64_t values[L2_VALUES]; /* read by the first of them */
};

_Static_assert(sizeof(struct l2_mailbox) <= L2_BLOCK - 4096, "no stack");

void l2_main(struct l2_mailbox *box) __attribute__((noreturn));

#endif
