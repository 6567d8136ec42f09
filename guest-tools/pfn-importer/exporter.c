// SPDX-License-Identifier: GPL-2.0
/*
 * A dma-buf exporter for tests: it moves, revokes and refuses when user space
 * tells it to.
 *
 * Its ioctls come one at a time, but for those that only look. A buffer
 * outlives the file that controls it and has what it is made of until its own
 * end.
 */
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "place.h"
#include "test_exporter.h"

#define LIFETIMES \
	(TEST_EXPORTER_PINNED | TEST_EXPORTER_REVOCABLE | TEST_EXPORTER_DYNAMIC)

struct exporter {
	struct mutex lock; /* one ioctl at a time */
	struct dma_buf *dmabuf;
	u32 flags;
	void *bounce;

	struct place *places[TEST_EXPORTER_PLACES_MAX];
	u32 nr_places;

	/* of a move that is not finished */
	struct dma_fence *moving;
	u32 from;

	/* under the dma-buf's resv */
	u32 place;
	bool revoked;
	u32 pinned; /* importers that must not see a move */
	u32 mappings;
	struct test_exporter_fail fail;

	wait_queue_head_t unmapped;
	struct kref kref; /* the control file, and the buffer */
};

static void exporter_free(struct kref *kref)
{
	struct exporter *exp = container_of(kref, struct exporter, kref);
	u32 i;

	for (i = 0; i < exp->nr_places; i++)
		place_free(exp->places[i]);
	kfree(exp->bounce);
	mutex_destroy(&exp->lock);
	kfree(exp);
}

static u32 attachment_tolerates(struct dma_buf_attachment *attach)
{
	return attach->importer_ops ? attach->importer_ops->tolerates : 0;
}

static enum dma_buf_lifetime
exporter_lifetime(struct dma_buf_attachment *attach)
{
	struct exporter *exp = attach->dmabuf->priv;

	if (exp->flags & TEST_EXPORTER_CAN_PIN &&
	    attachment_tolerates(attach) == DMA_BUF_PINNED)
		return DMA_BUF_PINNED;
	return exp->flags & LIFETIMES;
}

static bool attachment_is_pinned(struct dma_buf_attachment *attach)
{
	return attach->lifetime == DMA_BUF_PINNED;
}

static int exporter_attach(struct dma_buf *dmabuf,
			   struct dma_buf_attachment *attach)
{
	struct exporter *exp = dmabuf->priv;
	int ret;

	dma_resv_lock(dmabuf->resv, NULL);
	ret = -(int)exp->fail.attach;
	if (!ret && exp->revoked)
		ret = -ENODEV;
	if (!ret && attachment_is_pinned(attach))
		exp->pinned++;
	dma_resv_unlock(dmabuf->resv);
	return ret;
}

static void exporter_detach(struct dma_buf *dmabuf,
			    struct dma_buf_attachment *attach)
{
	struct exporter *exp = dmabuf->priv;

	dma_resv_lock(dmabuf->resv, NULL);
	if (attachment_is_pinned(attach))
		exp->pinned--;
	dma_resv_unlock(dmabuf->resv);
}

static int exporter_pin(struct dma_buf_attachment *attach)
{
	struct exporter *exp = attach->dmabuf->priv;

	/* Whoever pins what can be revoked has to expect that nevertheless. */
	if (!(exp->flags & TEST_EXPORTER_REVOCABLE))
		exp->pinned++;
	return 0;
}

static void exporter_unpin(struct dma_buf_attachment *attach)
{
	struct exporter *exp = attach->dmabuf->priv;

	if (!(exp->flags & TEST_EXPORTER_REVOCABLE))
		exp->pinned--;
}

static int exporter_get_pfn(struct dma_buf_attachment *attach, pgoff_t pgoff,
			    u64 *pfn, int *max_order)
{
	struct exporter *exp = attach->dmabuf->priv;

	if (exp->revoked)
		return -ENODEV;
	if (exp->fail.count) {
		exp->fail.count--;
		return -(int)exp->fail.query;
	}
	place_get_pfn(exp->places[exp->place], pgoff, pfn, max_order);
	return 0;
}

static u32 exporter_pfn_attrs(struct dma_buf_attachment *attach, pgoff_t pgoff)
{
	struct exporter *exp = attach->dmabuf->priv;

	return place_attrs(exp->places[exp->place], attach, pgoff);
}

static int exporter_fill_table(const struct place *place, struct sg_table *sgt)
{
	u64 nr_pages = place_nr_pages(place), i;
	struct page **pages;
	int ret;

	pages = kvmalloc_objs(*pages, nr_pages);
	if (!pages)
		return -ENOMEM;
	for (i = 0; i < nr_pages; i++)
		pages[i] = place_page(place, i);
	ret = sg_alloc_table_from_pages(sgt, pages, nr_pages, 0,
					nr_pages << PAGE_SHIFT, GFP_KERNEL);
	kvfree(pages);
	return ret;
}

static struct sg_table *exporter_map(struct dma_buf_attachment *attach,
				     enum dma_data_direction dir)
{
	struct exporter *exp = attach->dmabuf->priv;
	const struct place *place = exp->places[exp->place];
	struct sg_table *sgt;
	int ret;

	if (exp->revoked)
		return ERR_PTR(-ENODEV);
	if (!place_is_ram(place))
		return ERR_PTR(-EOPNOTSUPP);

	sgt = kzalloc_obj(*sgt);
	if (!sgt)
		return ERR_PTR(-ENOMEM);
	ret = exporter_fill_table(place, sgt);
	if (ret)
		goto err_free;
	ret = dma_map_sgtable(attach->dev, sgt, dir, 0);
	if (ret)
		goto err_table;

	exp->mappings++;
	return sgt;

err_table:
	sg_free_table(sgt);
err_free:
	kfree(sgt);
	return ERR_PTR(ret);
}

static void exporter_unmap(struct dma_buf_attachment *attach,
			   struct sg_table *sgt, enum dma_data_direction dir)
{
	struct exporter *exp = attach->dmabuf->priv;

	dma_unmap_sgtable(attach->dev, sgt, dir, 0);
	sg_free_table(sgt);
	kfree(sgt);
	if (!--exp->mappings)
		wake_up(&exp->unmapped);
}

static void exporter_release_buffer(struct dma_buf *dmabuf)
{
	struct exporter *exp = dmabuf->priv;

	kref_put(&exp->kref, exporter_free);
}

static const struct dma_buf_ops pfn_ops = {
	.attach = exporter_attach,
	.detach = exporter_detach,
	.lifetime = exporter_lifetime,
	.get_pfn = exporter_get_pfn,
	.pfn_attrs = exporter_pfn_attrs,
	.release = exporter_release_buffer,
};

static const struct dma_buf_ops map_ops = {
	.attach = exporter_attach,
	.detach = exporter_detach,
	.lifetime = exporter_lifetime,
	.pin = exporter_pin,
	.unpin = exporter_unpin,
	.get_pfn = exporter_get_pfn,
	.pfn_attrs = exporter_pfn_attrs,
	.map_dma_buf = exporter_map,
	.unmap_dma_buf = exporter_unmap,
	.release = exporter_release_buffer,
};

static int exporter_add_place(struct exporter *exp,
			      struct test_exporter_place *arg)
{
	struct test_exporter_segment *segments;
	struct place *place;

	if (!arg->nr_segments || arg->nr_segments > TEST_EXPORTER_SEGMENTS_MAX)
		return -EINVAL;
	if (exp->nr_places == TEST_EXPORTER_PLACES_MAX)
		return -ENOSPC;

	segments = memdup_array_user(u64_to_user_ptr(arg->segments),
				     arg->nr_segments, sizeof(*segments));
	if (IS_ERR(segments))
		return PTR_ERR(segments);
	place = place_create(segments, arg->nr_segments);
	kfree(segments);
	if (IS_ERR(place))
		return PTR_ERR(place);

	if (exp->nr_places &&
	    place_nr_pages(place) != place_nr_pages(exp->places[0])) {
		place_free(place);
		return -EINVAL;
	}
	arg->index = exp->nr_places;
	exp->places[exp->nr_places++] = place;
	return 0;
}

static int exporter_export(struct exporter *exp, u32 flags)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *dmabuf;

	info.ops = flags & TEST_EXPORTER_MAPPABLE ? &map_ops : &pfn_ops;
	info.size = place_nr_pages(exp->places[0]) << PAGE_SHIFT;
	info.flags = O_RDWR;
	info.priv = exp;
	exp->flags = flags;
	kref_get(&exp->kref);
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf)) {
		kref_put(&exp->kref, exporter_free);
		return PTR_ERR(dmabuf);
	}
	exp->dmabuf = dmabuf;
	return 0;
}

static long exporter_create(struct exporter *exp, void __user *uarg)
{
	struct test_exporter_create arg;
	int ret;

	if (exp->dmabuf)
		return -EISCONN;
	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return -EFAULT;
	if (arg.flags & ~(LIFETIMES | TEST_EXPORTER_CAN_PIN |
			  TEST_EXPORTER_MAPPABLE) ||
	    !is_power_of_2(arg.flags & LIFETIMES))
		return -EINVAL;

	if (!exp->nr_places) {
		ret = exporter_add_place(exp, &arg.first);
		if (ret)
			return ret;
	}
	ret = exporter_export(exp, arg.flags);
	if (ret)
		return ret;

	/* One reference for the descriptor, one for the control file. */
	get_dma_buf(exp->dmabuf);
	ret = dma_buf_fd(exp->dmabuf, O_CLOEXEC);
	if (ret < 0) {
		dma_buf_put(exp->dmabuf);
		return ret;
	}
	arg.dmabuf_fd = ret;
	return copy_to_user(uarg, &arg, sizeof(arg)) ? -EFAULT : 0;
}

static long exporter_place(struct exporter *exp, void __user *uarg)
{
	struct test_exporter_place arg;
	int ret;

	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return -EFAULT;
	ret = exporter_add_place(exp, &arg);
	if (ret)
		return ret;
	return copy_to_user(uarg, &arg, sizeof(arg)) ? -EFAULT : 0;
}

static const char *exporter_fence_name(struct dma_fence *fence)
{
	return "test_exporter";
}

/* As the importer's: see there why the module may go before the fence. */
static const struct dma_fence_ops exporter_fence_ops = {
	.get_driver_name = exporter_fence_name,
	.get_timeline_name = exporter_fence_name,
};

/* Everybody else's: what they still do is done to the old place. */
static void exporter_wait_for_others(struct exporter *exp,
				     struct dma_fence *own)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_for_each_fence(
		&cursor, exp->dmabuf->resv, DMA_RESV_USAGE_BOOKKEEP,
		fence) if (fence != own) dma_fence_wait(fence, false);
}

static void exporter_wait_unmapped(struct exporter *exp)
{
	wait_event(exp->unmapped, !READ_ONCE(exp->mappings));
}

/* Only with nothing moving, so nobody waits for a fence of ours under resv. */
static int exporter_start_move(struct exporter *exp, u32 to)
{
	struct dma_resv *resv = exp->dmabuf->resv;
	struct dma_fence *fence;
	int ret;

	fence = kzalloc_obj(*fence);
	if (!fence)
		return -ENOMEM;
	dma_fence_init(fence, &exporter_fence_ops, NULL,
		       dma_fence_context_alloc(1), 1);

	dma_resv_lock(resv, NULL);
	ret = exp->revoked ? -ENODEV : exp->pinned ? -EBUSY : 0;
	if (!ret)
		ret = dma_resv_reserve_fences(resv, 1);
	if (ret) {
		dma_resv_unlock(resv);
		dma_fence_signal(fence);
		dma_fence_put(fence);
		return ret;
	}
	dma_resv_add_fence(resv, fence, DMA_RESV_USAGE_KERNEL);
	exp->from = exp->place;
	exp->place = to;
	exp->moving = fence;
	dma_buf_invalidate_mappings(exp->dmabuf);
	exporter_wait_for_others(exp, fence);
	dma_resv_unlock(resv);

	exporter_wait_unmapped(exp);
	return 0;
}

static void exporter_finish_move(struct exporter *exp)
{
	place_copy(exp->places[exp->place], exp->places[exp->from],
		   exp->bounce);
	dma_fence_signal(exp->moving);
	dma_fence_put(exp->moving);
	exp->moving = NULL;
	place_poison(exp->places[exp->from], exp->bounce);
}

static long exporter_move(struct exporter *exp, void __user *uarg)
{
	struct test_exporter_move arg;
	int ret;

	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return -EFAULT;
	if (arg.flags & ~TEST_EXPORTER_WAIT || arg.to >= exp->nr_places ||
	    arg.to == exp->place)
		return -EINVAL;
	if (!(exp->flags & TEST_EXPORTER_DYNAMIC))
		return -EOPNOTSUPP;
	if (exp->moving)
		return -EALREADY;

	ret = exporter_start_move(exp, arg.to);
	if (!ret && !(arg.flags & TEST_EXPORTER_WAIT))
		exporter_finish_move(exp);
	return ret;
}

static long exporter_finish(struct exporter *exp)
{
	if (!exp->moving)
		return -ENOENT;
	exporter_finish_move(exp);
	return 0;
}

/* Unless somebody was promised that it stays */
static void exporter_take_away(struct exporter *exp)
{
	struct dma_resv *resv = exp->dmabuf->resv;
	bool pinned;

	dma_resv_lock(resv, NULL);
	pinned = exp->pinned;
	if (!pinned) {
		exp->revoked = true;
		dma_buf_invalidate_mappings(exp->dmabuf);
		exporter_wait_for_others(exp, NULL);
	}
	dma_resv_unlock(resv);

	if (!pinned)
		exporter_wait_unmapped(exp);
}

static long exporter_revoke(struct exporter *exp)
{
	if (!(exp->flags & TEST_EXPORTER_REVOCABLE))
		return -EOPNOTSUPP;

	exporter_take_away(exp);
	return 0;
}

static long exporter_restore(struct exporter *exp)
{
	struct dma_resv *resv = exp->dmabuf->resv;

	dma_resv_lock(resv, NULL);
	if (exp->revoked) {
		exp->revoked = false;
		dma_buf_invalidate_mappings(exp->dmabuf);
	}
	dma_resv_unlock(resv);
	return 0;
}

static long exporter_fail(struct exporter *exp, void __user *uarg)
{
	struct test_exporter_fail arg;

	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return -EFAULT;
	if (arg.attach > MAX_ERRNO || arg.query > MAX_ERRNO)
		return -EINVAL;

	dma_resv_lock(exp->dmabuf->resv, NULL);
	exp->fail = arg;
	dma_resv_unlock(exp->dmabuf->resv);
	return 0;
}

static long exporter_pfn(struct exporter *exp, void __user *uarg)
{
	struct test_exporter_pfn arg;
	int order;

	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return -EFAULT;
	if (arg.place >= exp->nr_places ||
	    arg.pgoff >= place_nr_pages(exp->places[arg.place]))
		return -EINVAL;
	place_get_pfn(exp->places[arg.place], arg.pgoff, &arg.pfn, &order);
	return copy_to_user(uarg, &arg, sizeof(arg)) ? -EFAULT : 0;
}

static long exporter_ioctl(struct file *file, unsigned int cmd,
			   unsigned long uarg)
{
	struct exporter *exp = file->private_data;
	void __user *arg = (void __user *)uarg;

	guard(mutex)(&exp->lock);
	if (cmd == TEST_EXPORTER_CREATE)
		return exporter_create(exp, arg);
	if (!exp->dmabuf)
		return -ENOTCONN;

	switch (cmd) {
	case TEST_EXPORTER_PLACE:
		return exporter_place(exp, arg);
	case TEST_EXPORTER_MOVE:
		return exporter_move(exp, arg);
	case TEST_EXPORTER_FINISH:
		return exporter_finish(exp);
	case TEST_EXPORTER_REVOKE:
		return exporter_revoke(exp);
	case TEST_EXPORTER_RESTORE:
		return exporter_restore(exp);
	case TEST_EXPORTER_FAIL:
		return exporter_fail(exp, arg);
	case TEST_EXPORTER_PFN:
		return exporter_pfn(exp, arg);
	default:
		return -ENOTTY;
	}
}

static int exporter_open(struct inode *inode, struct file *file)
{
	struct exporter *exp;

	exp = kzalloc_obj(*exp);
	if (!exp)
		return -ENOMEM;
	exp->bounce = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!exp->bounce) {
		kfree(exp);
		return -ENOMEM;
	}
	mutex_init(&exp->lock);
	init_waitqueue_head(&exp->unmapped);
	kref_init(&exp->kref);
	file->private_data = exp;
	return 0;
}

static int exporter_release(struct inode *inode, struct file *file)
{
	struct exporter *exp = file->private_data;

	if (exp->dmabuf) {
		if (exp->moving)
			exporter_finish_move(exp);
		exporter_take_away(exp);
		dma_buf_put(exp->dmabuf);
	}
	kref_put(&exp->kref, exporter_free);
	return 0;
}

static const struct file_operations exporter_fops = {
	.owner = THIS_MODULE,
	.open = exporter_open,
	.release = exporter_release,
	.unlocked_ioctl = exporter_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice exporter_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "test_exporter",
	.fops = &exporter_fops,
};

int exporter_init(void)
{
	return misc_register(&exporter_misc);
}

void exporter_exit(void)
{
	misc_deregister(&exporter_misc);
}
