/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/pfn_importer: a dma-buf importer driven from user space.
 *
 * One open file is one attachment. It lives until the file is closed; closing
 * signals a held fence, undoes the mappings and detaches, in whatever state
 * the attachment is.
 */
#ifndef PFN_IMPORTER_H
#define PFN_IMPORTER_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * What the importer offers the exporter. With none of the first three it is a
 * static importer, attached by dma_buf_attach().
 */
#define PFN_IMPORTER_NOTIFY 0x1 /* has an invalidate callback */
#define PFN_IMPORTER_P2P    0x2 /* can handle memory without pages */
#define PFN_IMPORTER_PFN    0x4 /* queries PFNs */
#define PFN_IMPORTER_DEVICE 0x8 /* attaches a PCI device */
/* An access it cannot make is the end of the context, see below. */
#define PFN_IMPORTER_COMPOSITOR 0x10

struct pfn_importer_attach {
	__s32 dmabuf_fd;
	__u32 flags;
	__u32 tolerates; /* mask of the kernel's enum dma_buf_lifetime */
	__u32 domain;	 /* these three only with PFN_IMPORTER_DEVICE */
	__u16 bus;
	__u16 devfn;
};

#define PFN_IMPORTER_LOCK_CALLER 0x1 /* dma_buf_get_pfn() under resv */

struct pfn_importer_query {
	__u64 pgoff;
	__u64 pfn;	 /* out */
	__s32 max_order; /* out */
	__u32 flags;
};

/*
 * Asks for first, first + step, … and ends at the first refusal, which is the
 * ioctl's own result; done tells how many answers are in the arrays either way.
 */
struct pfn_importer_range {
	__u64 first;
	__u64 count;
	__u64 step;
	__u64 pfns;   /* user pointer to count __u64 */
	__u64 orders; /* user pointer to count __s32 */
	__u64 done;   /* out */
};

/* Physically contiguous pages of one kind. */
struct pfn_importer_run {
	__u64 pfn;
	__u32 nr_pages;
	__u32 attrs; /* enum dma_buf_pfn_attrs */
};

/* One dma_buf_get_pfn_ranges(), however much of the pages it covers. */
struct pfn_importer_runs {
	__u64 pgoff;
	__u64 nr_pages;
	__u64 runs; /* user pointer to max_runs struct pfn_importer_run */
	__u32 max_runs;
	__u32 nr_runs; /* out */
};

#define PFN_IMPORTER_RUNS_MAX 512

struct pfn_importer_map {
	__u64 dma_addr; /* of the first segment */
	__u64 dma_len;	/* of the first segment */
	__u32 nents;
	__u32 mappings; /* held now */
};

#define PFN_IMPORTER_FENCE_KERNEL   0
#define PFN_IMPORTER_FENCE_BOOKKEEP 1

struct pfn_importer_info {
	__u64 size;	/* of the dma-buf, in bytes */
	__u64 notifies; /* seen so far */
	__u64 lost;	/* records overwritten before they were read */
	__u32 flags;	/* as attached */
	__u32 mappings;
	__u32 fences;
	__u32 reserved;
};

/*
 * What read() returns, oldest first. The re-query asks for page 0 from inside
 * the callback; where that could wait, for a KERNEL fence, it is not made and
 * error is EBUSY.
 */
struct pfn_importer_notify {
	__u64 seq;     /* from 1; a gap means lost records */
	__u64 time_ns; /* CLOCK_MONOTONIC on entry to the callback */
	__u64 pfn;
	__s32 error; /* 0, or the errno of the re-query, positive */
	__u32 reserved;
};

/*
 * What a device with page faults would do. The page is asked for at its first
 * access and known until the next notify. Once an access of a compositor has
 * failed all further ones do, with EIO.
 */
#define PFN_IMPORTER_WRITE 0x1

struct pfn_importer_access {
	__u64 offset; /* into the buffer, a multiple of 8 */
	__u64 value;  /* out, unless it is written */
	__u32 flags;
	__u32 faults; /* out: how often the page was asked for */
};

/* Each of these so often, and how long all together took under resv. */
#define PFN_IMPORTER_TIME_PFN	 0 /* one page: dma_buf_get_pfn() */
#define PFN_IMPORTER_TIME_ATTRS	 1 /* the same and what kind of memory it is */
#define PFN_IMPORTER_TIME_RANGES 2 /* all pages: dma_buf_get_pfn_ranges() */
#define PFN_IMPORTER_TIME_MAP	 3 /* all pages: map, walk, unmap */

struct pfn_importer_time {
	__u64 first; /* page; the next ones are step apart, modulo all */
	__u64 step;
	__u64 count;
	__u32 what;
	__u32 reserved;
	__u64 ns; /* out */
};

#define PFN_IMPORTER_ATTACH	  _IOW('P', 0x40, struct pfn_importer_attach)
#define PFN_IMPORTER_QUERY	  _IOWR('P', 0x41, struct pfn_importer_query)
#define PFN_IMPORTER_RANGE	  _IOWR('P', 0x42, struct pfn_importer_range)
#define PFN_IMPORTER_MAP	  _IOR('P', 0x43, struct pfn_importer_map)
#define PFN_IMPORTER_UNMAP	  _IOR('P', 0x44, __u32)
#define PFN_IMPORTER_FENCE_HOLD	  _IOW('P', 0x45, __u32)
#define PFN_IMPORTER_FENCE_SIGNAL _IO('P', 0x46)
#define PFN_IMPORTER_GET_INFO	  _IOR('P', 0x47, struct pfn_importer_info)
#define PFN_IMPORTER_RUNS	  _IOWR('P', 0x48, struct pfn_importer_runs)
#define PFN_IMPORTER_ACCESS	  _IOWR('P', 0x49, struct pfn_importer_access)
#define PFN_IMPORTER_TIME	  _IOWR('P', 0x4a, struct pfn_importer_time)

#endif
