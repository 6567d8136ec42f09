// SPDX-License-Identifier: Apache-2.0
/* iommufd as an importer. */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/iommufd.h>

#include "labctl.h"

static int destroy(int iommufd, uint32_t id)
{
	struct iommu_destroy destroy = { .size = sizeof(destroy), .id = id };

	return ioctl(iommufd, IOMMU_DESTROY, &destroy);
}

/* An object of an iommufd under the name asked for. */
static int add_object(struct call *c, enum handle_kind kind, int iommufd,
		      uint32_t id)
{
	int fd = fcntl(iommufd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		call_fail(c, "fcntl(F_DUPFD_CLOEXEC)", "cannot keep %s",
			  call_text(c, "name", ""));
	else if (handle_add(
			 c, "name",
			 (struct handle){ .kind = kind, .fd = fd, .id = id }))
		return 0;
	destroy(iommufd, id);
	return -1;
}

static int destroy_object(struct call *c, enum handle_kind kind)
{
	struct handle *h = handle_take(c, "name", kind);

	if (!h)
		return -1;
	if (destroy(h->fd, h->id)) {
		call_fail(c, "ioctl(IOMMU_DESTROY)", "cannot destroy %s",
			  h->name);
		handle_put_back(h);
		return -1;
	}
	handle_free(h);
	return 0;
}

int ioas_alloc(struct call *c)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct handle *iommufd;

	iommufd = handle_iommufd(c, call_text(c, "iommufd", "iommufd"));
	if (!iommufd)
		return -1;
	if (ioctl(iommufd->fd, IOMMU_IOAS_ALLOC, &alloc))
		return call_fail(c, "ioctl(IOMMU_IOAS_ALLOC)",
				 "cannot make an address space");
	if (add_object(c, HANDLE_IOAS, iommufd->fd, alloc.out_ioas_id))
		return -1;
	answer_number(c, "ioas_id", alloc.out_ioas_id);
	return 0;
}

int ioas_destroy(struct call *c)
{
	return destroy_object(c, HANDLE_IOAS);
}

int hwpt_alloc(struct call *c)
{
	struct iommu_hwpt_alloc alloc = { .size = sizeof(alloc) };
	struct handle *dev = handle_get(c, "dev", HANDLE_VFIO);
	struct handle *ioas = dev ? handle_get(c, "ioas", HANDLE_IOAS) : NULL;

	if (!ioas)
		return -1;
	alloc.dev_id = dev->id;
	alloc.pt_id = ioas->id;
	if (ioctl(ioas->fd, IOMMU_HWPT_ALLOC, &alloc))
		return call_fail(c, "ioctl(IOMMU_HWPT_ALLOC)",
				 "cannot make a page table of %s for %s",
				 ioas->name, dev->name);
	if (add_object(c, HANDLE_HWPT, ioas->fd, alloc.out_hwpt_id))
		return -1;
	answer_number(c, "hwpt_id", alloc.out_hwpt_id);
	return 0;
}

int hwpt_destroy(struct call *c)
{
	return destroy_object(c, HANDLE_HWPT);
}

int ioas_map(struct call *c)
{
	struct handle *ioas = handle_get(c, "ioas", HANDLE_IOAS);
	struct handle *dmabuf =
		ioas ? handle_get(c, "dmabuf", HANDLE_DMABUF) : NULL;
	struct iommu_ioas_map_file map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE,
		.start = call_number(c, "start", 0),
		.length = call_number(c, "length", 0),
		.iova = call_number(c, "iova", 0),
	};

	if (!dmabuf)
		return -1;
	if (call_number(c, "write", 1))
		map.flags |= IOMMU_IOAS_MAP_WRITEABLE;
	map.ioas_id = ioas->id;
	map.fd = dmabuf->fd;
	if (ioctl(ioas->fd, IOMMU_IOAS_MAP_FILE, &map))
		return call_fail(c, "ioctl(IOMMU_IOAS_MAP_FILE)",
				 "cannot map %s into %s", dmabuf->name,
				 ioas->name);
	answer_number(c, "iova", map.iova);
	return 0;
}

int ioas_unmap(struct call *c)
{
	struct handle *ioas = handle_get(c, "ioas", HANDLE_IOAS);
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.iova = call_number(c, "iova", 0),
		.length = call_number(c, "length", 0),
	};

	if (!ioas)
		return -1;
	unmap.ioas_id = ioas->id;
	if (ioctl(ioas->fd, IOMMU_IOAS_UNMAP, &unmap))
		return call_fail(c, "ioctl(IOMMU_IOAS_UNMAP)",
				 "cannot unmap %#llx of %s", unmap.iova,
				 ioas->name);
	answer_number(c, "length", unmap.length);
	return 0;
}

int ioas_restore(struct call *c)
{
	struct handle *ioas = handle_get(c, "ioas", HANDLE_IOAS);

	if (!ioas)
		return -1;
#ifdef IOMMU_IOAS_RESTORE
	struct iommu_ioas_restore restore = {
		.size = sizeof(restore),
		.ioas_id = ioas->id,
		.flags = call_number(c, "report", 0) ?
				 IOMMU_IOAS_RESTORE_REPORT_ONLY :
				 0,
		.iova = call_number(c, "iova", 0),
		.length = call_number(c, "length", UINT64_MAX),
	};

	if (!ioctl(ioas->fd, IOMMU_IOAS_RESTORE, &restore)) {
		answer_number(c, "missing", restore.out_missing);
		answer_number(c, "revoked", restore.out_revoked);
		return 0;
	}
#else
	/* What a kernel that does not know it says. */
	errno = ENOTTY;
#endif
	return call_fail(c, "ioctl(IOMMU_IOAS_RESTORE)",
			 "cannot restore what is missing in %s", ioas->name);
}
