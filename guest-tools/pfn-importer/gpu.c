// SPDX-License-Identifier: GPL-2.0
/*
 * Accesses by page tables that are filled on demand, with the pattern that the
 * documentation of dma_buf_get_pfn_unlocked() asks for.
 */
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/io.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "gpu.h"
#include "pfn_importer.h"

struct entry {
	u64 __iomem *mmio; /* of memory without pages, else */
	u64 *ram;
};

void gpu_init(struct gpu *gpu)
{
	mutex_init(&gpu->lock);
	xa_init(&gpu->entries);
}

static void entry_free(struct entry *entry)
{
	if (entry->mmio)
		iounmap(entry->mmio);
	kfree(entry);
}

static void gpu_zap(struct gpu *gpu)
{
	struct entry *entry;
	unsigned long pgoff;

	xa_for_each(&gpu->entries, pgoff, entry)
	{
		xa_erase(&gpu->entries, pgoff);
		entry_free(entry);
	}
}

void gpu_exit(struct gpu *gpu)
{
	gpu_zap(gpu);
	xa_destroy(&gpu->entries);
	mutex_destroy(&gpu->lock);
}

void gpu_invalidate(struct gpu *gpu)
{
	guard(mutex)(&gpu->lock);
	gpu->seq++;
	gpu_zap(gpu);
}

static int entry_query(struct dma_buf_attachment *attach, pgoff_t pgoff,
		       u64 *pfn, u32 *attrs)
{
	struct dma_resv *resv = attach->dmabuf->resv;
	int ret;

	ret = dma_resv_lock_interruptible(resv, NULL);
	if (ret)
		return ret;
	ret = dma_buf_get_pfn(attach, pgoff, pfn, NULL);
	if (!ret)
		*attrs = dma_buf_get_pfn_attrs(attach, pgoff, *pfn);
	dma_resv_unlock(resv);
	return ret;
}

static struct entry *entry_create(struct dma_buf_attachment *attach,
				  pgoff_t pgoff)
{
	struct entry *entry;
	u32 attrs;
	u64 pfn;
	int ret;

	ret = entry_query(attach, pgoff, &pfn, &attrs);
	if (ret)
		return ERR_PTR(ret);
	if (!(attrs & DMA_BUF_PFN_CPU))
		return ERR_PTR(-EOPNOTSUPP);

	entry = kzalloc_obj(*entry);
	if (!entry)
		return ERR_PTR(-ENOMEM);
	if (attrs & DMA_BUF_PFN_PAGES) {
		entry->ram = page_address(pfn_to_page(pfn));
		return entry;
	}
	entry->mmio = ioremap(PFN_PHYS(pfn), PAGE_SIZE);
	if (!entry->mmio) {
		kfree(entry);
		return ERR_PTR(-ENOMEM);
	}
	return entry;
}

/* With the lock held, which invalidations wait for. */
static void entry_access(struct entry *entry, struct pfn_importer_access *a)
{
	size_t word = offset_in_page(a->offset) / sizeof(u64);

	if (a->flags & PFN_IMPORTER_WRITE) {
		if (entry->mmio)
			writeq(a->value, &entry->mmio[word]);
		else
			WRITE_ONCE(entry->ram[word], a->value);
	} else {
		a->value = entry->mmio ? readq(&entry->mmio[word]) :
					 READ_ONCE(entry->ram[word]);
	}
}

/* False if the page has to be asked for first. */
static bool gpu_try(struct gpu *gpu, struct pfn_importer_access *a,
		    unsigned long *seq, bool *dead)
{
	struct entry *entry;

	guard(mutex)(&gpu->lock);
	*dead = gpu->dead;
	if (gpu->dead)
		return true;
	*seq = gpu->seq;
	entry = xa_load(&gpu->entries, a->offset >> PAGE_SHIFT);
	if (entry)
		entry_access(entry, a);
	return entry;
}

static int gpu_fault(struct gpu *gpu, struct dma_buf_attachment *attach,
		     struct pfn_importer_access *a, unsigned long seq)
{
	pgoff_t pgoff = a->offset >> PAGE_SHIFT;
	struct entry *entry;
	int ret;

	a->faults++;
	entry = entry_create(attach, pgoff);
	if (IS_ERR(entry)) {
		ret = PTR_ERR(entry);
		if (gpu->compositor && ret != -EINTR && ret != -ERESTARTSYS) {
			guard(mutex)(&gpu->lock);
			gpu->dead = true;
		}
		return ret;
	}

	guard(mutex)(&gpu->lock);
	ret = -EAGAIN;
	/* Invalidated meanwhile, or somebody else was faster: look again. */
	if (seq == gpu->seq && !xa_load(&gpu->entries, pgoff))
		ret = xa_err(xa_store(&gpu->entries, pgoff, entry, GFP_KERNEL));
	if (ret)
		entry_free(entry);
	return ret == -EAGAIN ? 0 : ret;
}

long gpu_access(struct gpu *gpu, struct dma_buf_attachment *attach,
		struct pfn_importer_access __user *arg)
{
	struct pfn_importer_access a;
	unsigned long seq;
	bool dead;
	int ret;

	if (copy_from_user(&a, arg, sizeof(a)))
		return -EFAULT;
	if (a.flags & ~PFN_IMPORTER_WRITE || a.offset % sizeof(u64))
		return -EINVAL;

	a.faults = 0;
	while (!gpu_try(gpu, &a, &seq, &dead)) {
		ret = gpu_fault(gpu, attach, &a, seq);
		if (ret)
			return ret;
	}
	if (dead)
		return -EIO;
	return copy_to_user(arg, &a, sizeof(a)) ? -EFAULT : 0;
}
