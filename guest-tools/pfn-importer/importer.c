// SPDX-License-Identifier: GPL-2.0
/*
 * A dma-buf importer for tests: it does what user space tells it, when user
 * space tells it, and writes down what it saw.
 *
 * An attachment is made once per file and never replaced, so every ioctl but
 * ATTACH finds it without a lock. Nothing here serialises ioctls that wait: a
 * query blocked on a fence must not keep the fence from being signalled.
 */
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/error-injection.h>
#include <linux/iommu.h>
#include <linux/kfifo.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "gpu.h"
#include "hold.h"
#include "pfn_importer.h"
#include "test_exporter.h"
#include "timing.h"

MODULE_IMPORT_NS("DMA_BUF");

#define RECORDS 256 /* of notify, per file; a power of two */
#define BATCH	512 /* pages asked for under one hold of resv */

#define ATTACH_FLAGS                                                 \
	(PFN_IMPORTER_NOTIFY | PFN_IMPORTER_P2P | PFN_IMPORTER_PFN | \
	 PFN_IMPORTER_DEVICE | PFN_IMPORTER_COMPOSITOR)
#define TOLERATES (DMA_BUF_PINNED | DMA_BUF_REVOCABLE | DMA_BUF_DYNAMIC)
#define DYNAMIC_FLAGS \
	(PFN_IMPORTER_NOTIFY | PFN_IMPORTER_P2P | PFN_IMPORTER_PFN)

struct mapping {
	struct list_head node;
	struct sg_table *sgt;
};

struct importer {
	struct mutex attach_lock;	   /* one ATTACH at a time */
	struct dma_buf_attachment *attach; /* set once, with release order */
	struct dma_buf_attach_ops ops;
	struct pci_dev *pdev;
	u32 flags;
	struct gpu gpu;

	/* under the dma-buf's resv */
	struct list_head mappings;
	u32 nr_mappings;

	spinlock_t lock; /* everything below */
	struct dma_fence *fence;
	u64 seq;
	u64 lost;
	wait_queue_head_t readers;
	DECLARE_KFIFO(records, struct pfn_importer_notify, RECORDS);
};

/* Runs with resv held, in the middle of the exporter's move or revoke. */
static void importer_invalidate(struct dma_buf_attachment *attach)
{
	struct pfn_importer_notify rec = { .time_ns = ktime_get_ns() };
	struct importer *imp = attach->importer_priv;

	gpu_invalidate(&imp->gpu);

	/* A fence held by the test must not turn the callback into a wait. */
	if (!dma_resv_test_signaled(attach->dmabuf->resv,
				    DMA_RESV_USAGE_KERNEL))
		rec.error = EBUSY;
	else
		rec.error = -dma_buf_get_pfn(attach, 0, &rec.pfn, NULL);
	if (rec.error)
		rec.pfn = 0;

	spin_lock(&imp->lock);
	rec.seq = ++imp->seq;
	if (kfifo_is_full(&imp->records)) {
		kfifo_skip(&imp->records);
		imp->lost++;
	}
	kfifo_put(&imp->records, rec);
	spin_unlock(&imp->lock);

	wake_up_interruptible(&imp->readers);
}

static struct dma_buf_attachment *importer_attachment(struct importer *imp)
{
	/* Pairs with importer_attach(): its fields are valid once seen. */
	return smp_load_acquire(&imp->attach);
}

static long importer_attach(struct importer *imp, void __user *arg)
{
	struct dma_buf_attachment *attach;
	struct pfn_importer_attach req;
	struct pci_dev *pdev = NULL;
	struct dma_buf *dmabuf;
	struct device *dev;
	int ret;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	if (req.flags & ~ATTACH_FLAGS || req.tolerates & ~TOLERATES ||
	    req.bus > 0xff || req.devfn > 0xff)
		return -EINVAL;

	guard(mutex)(&imp->attach_lock);
	if (imp->attach)
		return -EISCONN;

	if (req.flags & PFN_IMPORTER_DEVICE) {
		pdev = pci_get_domain_bus_and_slot(req.domain, req.bus,
						   req.devfn);
		if (!pdev)
			return -ENXIO;
	}

	dmabuf = dma_buf_get(req.dmabuf_fd);
	if (IS_ERR(dmabuf)) {
		ret = PTR_ERR(dmabuf);
		goto err_put_pdev;
	}

	imp->flags = req.flags;
	imp->gpu.compositor = req.flags & PFN_IMPORTER_COMPOSITOR;
	imp->ops.allow_peer2peer = req.flags & PFN_IMPORTER_P2P;
	imp->ops.requires_pfn = req.flags & PFN_IMPORTER_PFN;
	imp->ops.tolerates = req.tolerates;
	imp->ops.invalidate_mappings = NULL;
	if (req.flags & PFN_IMPORTER_NOTIFY)
		imp->ops.invalidate_mappings = importer_invalidate;

	dev = pdev ? &pdev->dev : NULL;
	if (req.flags & DYNAMIC_FLAGS || req.tolerates)
		attach = dma_buf_dynamic_attach(dmabuf, dev, &imp->ops, imp);
	else
		attach = dma_buf_attach(dmabuf, dev);
	if (IS_ERR(attach)) {
		ret = PTR_ERR(attach);
		goto err_put_dmabuf;
	}

	imp->pdev = pdev;
	/* Pairs with importer_attachment(). */
	smp_store_release(&imp->attach, attach);
	return 0;

err_put_dmabuf:
	dma_buf_put(dmabuf);
err_put_pdev:
	pci_dev_put(pdev);
	return ret;
}

static long importer_query(struct dma_buf_attachment *attach, void __user *arg)
{
	struct dma_resv *resv = attach->dmabuf->resv;
	struct pfn_importer_query q;
	int ret;

	if (copy_from_user(&q, arg, sizeof(q)))
		return -EFAULT;
	if (q.flags & ~PFN_IMPORTER_LOCK_CALLER)
		return -EINVAL;

	if (q.flags & PFN_IMPORTER_LOCK_CALLER) {
		ret = dma_resv_lock_interruptible(resv, NULL);
		if (ret)
			return ret;
		ret = dma_buf_get_pfn(attach, q.pgoff, &q.pfn, &q.max_order);
		dma_resv_unlock(resv);
	} else {
		ret = dma_buf_get_pfn_unlocked(attach, q.pgoff, &q.pfn,
					       &q.max_order);
	}
	if (ret)
		return ret;

	return copy_to_user(arg, &q, sizeof(q)) ? -EFAULT : 0;
}

struct batch {
	u64 pfns[BATCH];
	s32 orders[BATCH];
};

/* Fills the batch; *done is the number of answers, also on error. */
static int importer_query_batch(struct dma_buf_attachment *attach,
				const struct pfn_importer_range *r,
				struct batch *b, u64 count, u64 *done)
{
	struct dma_resv *resv = attach->dmabuf->resv;
	int ret;

	*done = 0;
	ret = dma_resv_lock_interruptible(resv, NULL);
	if (ret)
		return ret;

	while (*done < count) {
		ret = dma_buf_get_pfn(attach,
				      r->first + (r->done + *done) * r->step,
				      &b->pfns[*done], &b->orders[*done]);
		if (ret)
			break;
		(*done)++;
	}
	dma_resv_unlock(resv);
	return ret;
}

static long importer_range(struct dma_buf_attachment *attach, void __user *arg)
{
	struct batch *b __free(kvfree) = NULL;
	struct pfn_importer_range r;
	int ret = 0;
	u64 n;

	if (copy_from_user(&r, arg, sizeof(r)))
		return -EFAULT;

	b = kvmalloc_obj(*b);
	if (!b)
		return -ENOMEM;

	for (r.done = 0; !ret && r.done < r.count; r.done += n) {
		u64 __user *pfns = u64_to_user_ptr(r.pfns);
		s32 __user *orders = u64_to_user_ptr(r.orders);

		ret = importer_query_batch(attach, &r, b,
					   min(r.count - r.done, BATCH), &n);
		if (copy_to_user(pfns + r.done, b->pfns,
				 n * sizeof(*b->pfns)) ||
		    copy_to_user(orders + r.done, b->orders,
				 n * sizeof(*b->orders)))
			return -EFAULT;
		if (signal_pending(current) && !ret)
			ret = -EINTR;
		cond_resched();
	}

	return copy_to_user(arg, &r, sizeof(r)) ? -EFAULT : ret;
}

static long importer_runs(struct dma_buf_attachment *attach, void __user *arg)
{
	struct dma_buf_pfn_range *ranges __free(kvfree) = NULL;
	struct dma_resv *resv = attach->dmabuf->resv;
	struct pfn_importer_run run;
	struct pfn_importer_runs r;
	int n, i;

	if (copy_from_user(&r, arg, sizeof(r)))
		return -EFAULT;
	if (!r.nr_pages || !r.max_runs || r.max_runs > PFN_IMPORTER_RUNS_MAX)
		return -EINVAL;

	ranges = kvmalloc_objs(*ranges, r.max_runs);
	if (!ranges)
		return -ENOMEM;

	n = dma_resv_lock_interruptible(resv, NULL);
	if (n)
		return n;
	n = dma_buf_get_pfn_ranges(attach, r.pgoff, r.nr_pages, ranges,
				   r.max_runs);
	dma_resv_unlock(resv);
	if (n < 0)
		return n;

	for (i = 0; i < n; i++) {
		run.pfn = ranges[i].pfn;
		run.nr_pages = ranges[i].nr_pages;
		run.attrs = ranges[i].attrs;
		if (copy_to_user(u64_to_user_ptr(r.runs) + i * sizeof(run),
				 &run, sizeof(run)))
			return -EFAULT;
	}
	r.nr_runs = n;
	return copy_to_user(arg, &r, sizeof(r)) ? -EFAULT : 0;
}

static int importer_map_locked(struct importer *imp,
			       struct dma_buf_attachment *attach,
			       struct mapping *m)
{
	long ret;

	/* Dynamic importers wait for a buffer still being moved themselves. */
	ret = dma_resv_wait_timeout(attach->dmabuf->resv, DMA_RESV_USAGE_KERNEL,
				    true, MAX_SCHEDULE_TIMEOUT);
	if (ret < 0)
		return ret;

	m->sgt = dma_buf_map_attachment(attach, DMA_BIDIRECTIONAL);
	if (IS_ERR(m->sgt))
		return PTR_ERR(m->sgt);

	list_add(&m->node, &imp->mappings);
	imp->nr_mappings++;
	return 0;
}

static long importer_map(struct importer *imp,
			 struct dma_buf_attachment *attach, void __user *arg)
{
	struct dma_resv *resv = attach->dmabuf->resv;
	struct pfn_importer_map res = {};
	struct mapping *m;
	int ret;

	m = kzalloc_obj(*m);
	if (!m)
		return -ENOMEM;

	ret = dma_resv_lock_interruptible(resv, NULL);
	if (ret)
		goto err_free;
	ret = importer_map_locked(imp, attach, m);
	if (!ret) {
		res.dma_addr = sg_dma_address(m->sgt->sgl);
		res.dma_len = sg_dma_len(m->sgt->sgl);
		res.nents = m->sgt->nents;
		res.mappings = imp->nr_mappings;
	}
	dma_resv_unlock(resv);
	if (ret)
		goto err_free;

	return copy_to_user(arg, &res, sizeof(res)) ? -EFAULT : 0;

err_free:
	kfree(m);
	return ret;
}

/* The newest mapping; false when there is none. */
static bool importer_unmap_locked(struct importer *imp,
				  struct dma_buf_attachment *attach)
{
	struct mapping *m =
		list_first_entry_or_null(&imp->mappings, struct mapping, node);

	if (!m)
		return false;

	dma_buf_unmap_attachment(attach, m->sgt, DMA_BIDIRECTIONAL);
	list_del(&m->node);
	imp->nr_mappings--;
	kfree(m);
	return true;
}

static long importer_unmap(struct importer *imp,
			   struct dma_buf_attachment *attach, void __user *arg)
{
	struct dma_resv *resv = attach->dmabuf->resv;
	u32 left;
	int ret;

	ret = dma_resv_lock_interruptible(resv, NULL);
	if (ret)
		return ret;
	if (!importer_unmap_locked(imp, attach))
		ret = -ENOENT;
	left = imp->nr_mappings;
	dma_resv_unlock(resv);
	if (ret)
		return ret;

	return put_user(left, (u32 __user *)arg);
}

static const char *importer_fence_name(struct dma_fence *fence)
{
	return "pfn_importer";
}

/*
 * No release and no wait: such a fence drops its ops when it is signalled, so
 * one still lying in a resv does not need this module any more.
 */
static const struct dma_fence_ops importer_fence_ops = {
	.get_driver_name = importer_fence_name,
	.get_timeline_name = importer_fence_name,
};

static int importer_fence_add(struct importer *imp, struct dma_resv *resv,
			      struct dma_fence *fence,
			      enum dma_resv_usage usage)
{
	int ret;

	ret = dma_resv_lock_interruptible(resv, NULL);
	if (ret)
		return ret;

	ret = dma_resv_reserve_fences(resv, 1);
	if (ret)
		goto out_unlock;

	spin_lock(&imp->lock);
	if (imp->fence)
		ret = -EBUSY;
	else
		imp->fence = dma_fence_get(fence);
	spin_unlock(&imp->lock);

	/* Adding is right even if user space has signalled it meanwhile. */
	if (!ret)
		dma_resv_add_fence(resv, fence, usage);
out_unlock:
	dma_resv_unlock(resv);
	return ret;
}

static long importer_fence_hold(struct importer *imp,
				struct dma_buf_attachment *attach,
				u32 __user *arg)
{
	enum dma_resv_usage usage;
	struct dma_fence *fence;
	u32 which;
	int ret;

	if (get_user(which, arg))
		return -EFAULT;
	switch (which) {
	case PFN_IMPORTER_FENCE_KERNEL:
		usage = DMA_RESV_USAGE_KERNEL;
		break;
	case PFN_IMPORTER_FENCE_BOOKKEEP:
		usage = DMA_RESV_USAGE_BOOKKEEP;
		break;
	default:
		return -EINVAL;
	}

	fence = kzalloc_obj(*fence);
	if (!fence)
		return -ENOMEM;
	dma_fence_init(fence, &importer_fence_ops, NULL,
		       dma_fence_context_alloc(1), 1);

	ret = importer_fence_add(imp, attach->dmabuf->resv, fence, usage);
	if (ret)
		dma_fence_signal(fence);
	dma_fence_put(fence);
	return ret;
}

/* Takes no resv: whoever waits for the fence may hold it. */
static long importer_fence_signal(struct importer *imp)
{
	struct dma_fence *fence;

	spin_lock(&imp->lock);
	fence = imp->fence;
	imp->fence = NULL;
	spin_unlock(&imp->lock);
	if (!fence)
		return -ENOENT;

	dma_fence_signal(fence);
	dma_fence_put(fence);
	return 0;
}

static long importer_get_info(struct importer *imp,
			      struct dma_buf_attachment *attach,
			      void __user *arg)
{
	struct pfn_importer_info info = {
		.size = attach->dmabuf->size,
		.flags = imp->flags,
		.mappings = READ_ONCE(imp->nr_mappings),
	};

	spin_lock(&imp->lock);
	info.notifies = imp->seq;
	info.lost = imp->lost;
	info.fences = !!imp->fence;
	spin_unlock(&imp->lock);

	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static long importer_ioctl(struct file *file, unsigned int cmd,
			   unsigned long uarg)
{
	struct importer *imp = file->private_data;
	void __user *arg = (void __user *)uarg;
	struct dma_buf_attachment *attach;

	if (cmd == PFN_IMPORTER_ATTACH)
		return importer_attach(imp, arg);

	attach = importer_attachment(imp);
	if (!attach)
		return -ENOTCONN;

	switch (cmd) {
	case PFN_IMPORTER_QUERY:
		return importer_query(attach, arg);
	case PFN_IMPORTER_RANGE:
		return importer_range(attach, arg);
	case PFN_IMPORTER_RUNS:
		return importer_runs(attach, arg);
	case PFN_IMPORTER_ACCESS:
		return gpu_access(&imp->gpu, attach, arg);
	case PFN_IMPORTER_TIME:
		return timing_run(attach, arg);
	case PFN_IMPORTER_MAP:
		return importer_map(imp, attach, arg);
	case PFN_IMPORTER_UNMAP:
		return importer_unmap(imp, attach, arg);
	case PFN_IMPORTER_FENCE_HOLD:
		return importer_fence_hold(imp, attach, arg);
	case PFN_IMPORTER_FENCE_SIGNAL:
		return importer_fence_signal(imp);
	case PFN_IMPORTER_GET_INFO:
		return importer_get_info(imp, attach, arg);
	default:
		return -ENOTTY;
	}
}

static bool importer_next(struct importer *imp, struct pfn_importer_notify *rec)
{
	bool got;

	spin_lock(&imp->lock);
	got = kfifo_get(&imp->records, rec);
	spin_unlock(&imp->lock);
	return got;
}

static ssize_t importer_read(struct file *file, char __user *buf, size_t size,
			     loff_t *ppos)
{
	struct importer *imp = file->private_data;
	struct pfn_importer_notify rec;
	size_t done = 0;
	int ret;

	if (size < sizeof(rec))
		return -EINVAL;

	while (!importer_next(imp, &rec)) {
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		ret = wait_event_interruptible(imp->readers,
					       !kfifo_is_empty(&imp->records));
		if (ret)
			return ret;
	}

	do {
		if (copy_to_user(buf + done, &rec, sizeof(rec)))
			return -EFAULT;
		done += sizeof(rec);
	} while (size - done >= sizeof(rec) && importer_next(imp, &rec));

	return done;
}

static __poll_t importer_poll(struct file *file, poll_table *wait)
{
	struct importer *imp = file->private_data;

	poll_wait(file, &imp->readers, wait);
	return kfifo_is_empty(&imp->records) ? 0 : EPOLLIN | EPOLLRDNORM;
}

static int importer_open(struct inode *inode, struct file *file)
{
	struct importer *imp;

	imp = kvzalloc_obj(*imp);
	if (!imp)
		return -ENOMEM;

	mutex_init(&imp->attach_lock);
	gpu_init(&imp->gpu);
	INIT_LIST_HEAD(&imp->mappings);
	spin_lock_init(&imp->lock);
	init_waitqueue_head(&imp->readers);
	INIT_KFIFO(imp->records);
	file->private_data = imp;
	return 0;
}

static int importer_release(struct inode *inode, struct file *file)
{
	struct importer *imp = file->private_data;
	struct dma_buf_attachment *attach = imp->attach;

	/* First: a revoke may hold resv while it waits for this fence. */
	importer_fence_signal(imp);

	if (attach) {
		struct dma_buf *dmabuf = attach->dmabuf;

		dma_resv_lock(dmabuf->resv, NULL);
		while (importer_unmap_locked(imp, attach))
			;
		dma_resv_unlock(dmabuf->resv);

		/* No callback runs after this. */
		dma_buf_detach(dmabuf, attach);
		dma_buf_put(dmabuf);
		pci_dev_put(imp->pdev);
	}

	gpu_exit(&imp->gpu);
	mutex_destroy(&imp->attach_lock);
	kvfree(imp);
	return 0;
}

static const struct file_operations importer_fops = {
	.owner = THIS_MODULE,
	.open = importer_open,
	.release = importer_release,
	.unlocked_ioctl = importer_ioctl,
	.read = importer_read,
	.poll = importer_poll,
	.llseek = noop_llseek,
};

static struct miscdevice importer_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "pfn_importer",
	.fops = &importer_fops,
};

/*
 * What scenarios make fail, through debugfs' fail_function: the hardware's
 * share of a trigger, and of a mapping.
 */
ALLOW_ERROR_INJECTION(iommu_map, ERRNO);
ALLOW_ERROR_INJECTION(pci_reset_bus, ERRNO);
ALLOW_ERROR_INJECTION(pci_set_power_state, ERRNO);
ALLOW_ERROR_INJECTION(pci_try_reset_function, ERRNO);
ALLOW_ERROR_INJECTION(pci_user_write_config_word, ERRNO);

static int __init importer_init(void)
{
	int ret;

	ret = hold_init();
	if (ret)
		return ret;
	ret = exporter_init();
	if (ret)
		goto err_hold;
	ret = misc_register(&importer_misc);
	if (ret)
		goto err_exporter;
	return 0;

err_exporter:
	exporter_exit();
err_hold:
	hold_exit();
	return ret;
}
module_init(importer_init);

static void __exit importer_exit(void)
{
	misc_deregister(&importer_misc);
	exporter_exit();
	hold_exit();
	/* A reader of a fence may still be in importer_fence_name(). */
	synchronize_rcu();
}
module_exit(importer_exit);

MODULE_DESCRIPTION("dma-buf importer for tests, driven from user space");
MODULE_LICENSE("GPL");
