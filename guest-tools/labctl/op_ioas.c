// SPDX-License-Identifier: Apache-2.0
/* iommufd as an importer. */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/iommufd.h>

#include "labctl.h"

int ioas_alloc(struct call *c)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct handle *iommufd, *h;
	int fd;

	iommufd = handle_iommufd(c, call_text(c, "iommufd", "iommufd"));
	if (!iommufd)
		return -1;
	if (ioctl(iommufd->fd, IOMMU_IOAS_ALLOC, &alloc))
		return call_fail(c, "ioctl(IOMMU_IOAS_ALLOC)",
				 "cannot make an address space");

	fd = fcntl(iommufd->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return call_fail(c, "fcntl(F_DUPFD_CLOEXEC)", "cannot keep %s",
				 iommufd->name);
	h = handle_add(c, "name", HANDLE_IOAS, fd);
	if (!h)
		return -1;
	h->id = alloc.out_ioas_id;
	answer_number(c, "ioas_id", alloc.out_ioas_id);
	return 0;
}

int ioas_destroy(struct call *c)
{
	struct handle *ioas = handle_take(c, "name", HANDLE_IOAS);
	struct iommu_destroy destroy = { .size = sizeof(destroy) };

	if (!ioas)
		return -1;
	destroy.id = ioas->id;
	if (ioctl(ioas->fd, IOMMU_DESTROY, &destroy)) {
		call_fail(c, "ioctl(IOMMU_DESTROY)", "cannot destroy %s",
			  ioas->name);
		handle_put_back(ioas);
		return -1;
	}
	handle_free(ioas);
	return 0;
}

int ioas_map(struct call *c)
{
	struct handle *ioas = handle_get(c, "ioas", HANDLE_IOAS);
	struct handle *dmabuf =
		ioas ? handle_get(c, "dmabuf", HANDLE_DMABUF) : NULL;
	struct iommu_ioas_map_file map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_WRITEABLE |
			 IOMMU_IOAS_MAP_READABLE,
		.start = call_number(c, "start", 0),
		.length = call_number(c, "length", 0),
		.iova = call_number(c, "iova", 0),
	};

	if (!dmabuf)
		return -1;
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
