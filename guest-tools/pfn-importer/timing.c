// SPDX-License-Identifier: GPL-2.0
/*
 * Times what importers ask for, without the system calls and copies that user
 * space would measure along with it.
 */
#include <linux/dma-buf-mapping.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "pfn_importer.h"
#include "timing.h"

#define BATCH  512 /* queries under one hold of resv */
#define RANGES 512

static int time_pfns(struct dma_buf_attachment *attach,
		     const struct pfn_importer_time *t, u64 done, u64 n)
{
	u64 nr_pages = attach->dmabuf->size >> PAGE_SHIFT;
	bool attrs = t->what == PFN_IMPORTER_TIME_ATTRS;
	int max_order, ret;
	u64 page, pfn, i;

	for (i = 0; i < n; i++) {
		page = (t->first + (done + i) * t->step) % nr_pages;
		ret = dma_buf_get_pfn(attach, page, &pfn, &max_order);
		if (ret)
			return ret;
		if (attrs && !dma_buf_get_pfn_attrs(attach, page, pfn))
			return -ENODATA;
	}
	return 0;
}

static int time_ranges(struct dma_buf_attachment *attach,
		       struct dma_buf_pfn_range *ranges)
{
	u64 nr_pages = attach->dmabuf->size >> PAGE_SHIFT;
	u64 page = 0;
	int n, i;

	while (page < nr_pages) {
		n = dma_buf_get_pfn_ranges(attach, page, nr_pages - page,
					   ranges, RANGES);
		if (n < 0)
			return n;
		for (i = 0; i < n; i++)
			page += ranges[i].nr_pages;
	}
	return 0;
}

static int time_map(struct dma_buf_attachment *attach)
{
	struct scatterlist *sg;
	struct sg_table *sgt;
	u64 length = 0;
	int i;

	sgt = dma_buf_map_attachment(attach, DMA_BIDIRECTIONAL);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	for_each_sgtable_dma_sg(sgt, sg, i) length += sg_dma_len(sg);
	dma_buf_unmap_attachment(attach, sgt, DMA_BIDIRECTIONAL);
	return length == attach->dmabuf->size ? 0 : -ENODATA;
}

static int time_some(struct dma_buf_attachment *attach,
		     const struct pfn_importer_time *t,
		     struct dma_buf_pfn_range *ranges, u64 done, u64 n)
{
	switch (t->what) {
	case PFN_IMPORTER_TIME_PFN:
	case PFN_IMPORTER_TIME_ATTRS:
		return time_pfns(attach, t, done, n);
	case PFN_IMPORTER_TIME_RANGES:
		return time_ranges(attach, ranges);
	case PFN_IMPORTER_TIME_MAP:
		return time_map(attach);
	default:
		return -EINVAL;
	}
}

long timing_run(struct dma_buf_attachment *attach,
		struct pfn_importer_time __user *arg)
{
	struct dma_buf_pfn_range *ranges __free(kvfree) = NULL;
	struct dma_resv *resv = attach->dmabuf->resv;
	struct pfn_importer_time t;
	u64 done, n, start;
	bool single;
	int ret = 0;

	if (copy_from_user(&t, arg, sizeof(t)))
		return -EFAULT;
	ranges = kvmalloc_objs(*ranges, RANGES);
	if (!ranges)
		return -ENOMEM;

	single = t.what == PFN_IMPORTER_TIME_RANGES ||
		 t.what == PFN_IMPORTER_TIME_MAP;
	t.ns = 0;
	for (done = 0; done < t.count; done += n) {
		n = single ? 1 : min(t.count - done, BATCH);
		ret = dma_resv_lock_interruptible(resv, NULL);
		if (ret)
			return ret;
		start = ktime_get_ns();
		ret = time_some(attach, &t, ranges, done, n);
		t.ns += ktime_get_ns() - start;
		dma_resv_unlock(resv);
		if (ret)
			return ret;
		if (signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return copy_to_user(arg, &t, sizeof(t)) ? -EFAULT : 0;
}
