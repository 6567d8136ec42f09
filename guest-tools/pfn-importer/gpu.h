/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What makes the test importer like a GPU: page tables of its own, filled by
 * faults, by which it reads and writes the buffer.
 */
#ifndef GPU_H
#define GPU_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/xarray.h>

struct dma_buf_attachment;
struct pfn_importer_access;

struct gpu {
	bool compositor; /* an access that fails is the end of the context */

	struct mutex lock; /* nested inside of resv; around everything below */
	struct xarray entries;
	unsigned long seq; /* of invalidations */
	bool dead;
};

void gpu_init(struct gpu *gpu);
void gpu_exit(struct gpu *gpu);

/* With resv held. When this returns nothing is accessed by what was known. */
void gpu_invalidate(struct gpu *gpu);

long gpu_access(struct gpu *gpu, struct dma_buf_attachment *attach,
		struct pfn_importer_access __user *arg);

#endif
