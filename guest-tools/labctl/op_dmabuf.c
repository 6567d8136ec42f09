// SPDX-License-Identifier: Apache-2.0
/* Where dma-bufs come from. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <unistd.h>
#include <linux/dma-heap.h>
#include <linux/iommufd.h>
#include <linux/udmabuf.h>
#include <linux/vfio.h>

#include "labctl.h"

/* What iommufd's selftest asks for, of which no header is installed. */
#define IOMMU_TEST_CMD		 _IO(IOMMUFD_TYPE, IOMMUFD_CMD_BASE + 32)
#define IOMMU_TEST_OP_DMABUF_GET 22

int add_dmabuf(struct call *c, const char *arg, int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);

	if (size < 0) {
		call_fail(c, "lseek", "cannot tell the size of %s",
			  call_text(c, arg, ""));
		close(fd);
		return -1;
	}
	if (!handle_add(c, arg,
			(struct handle){ .kind = HANDLE_DMABUF, .fd = fd }))
		return -1;
	answer_number(c, "size", size);
	return 0;
}

int dmabuf_export(struct call *c)
{
	struct handle *dev = handle_get(c, "dev", HANDLE_VFIO);
	uint64_t bar = call_number(c, "bar", 0);
	json_t *ranges = call_json(c, "ranges");
	size_t n = json_array_size(ranges), i;
	struct vfio_device_feature_dma_buf *export;
	struct vfio_device_feature *feature;
	size_t size;
	int fd;

	if (!dev)
		return -1;

	size = sizeof(*feature) + sizeof(*export) +
	       n * sizeof(export->dma_ranges[0]);
	feature = calloc(1, size);
	if (!feature)
		return call_fail(c, "calloc", "too many ranges");
	feature->argsz = size;
	feature->flags = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_BUF;
	export = (void *)feature->data;
	export->region_index = bar;
	export->open_flags =
		(call_number(c, "readonly", 0) ? O_RDONLY : O_RDWR) | O_CLOEXEC;
	export->nr_ranges = n;
	for (i = 0; i < n; i++) {
		json_t *range = json_array_get(ranges, i);

		export->dma_ranges[i].offset =
			json_integer_value(json_object_get(range, "offset"));
		export->dma_ranges[i].length =
			json_integer_value(json_object_get(range, "length"));
	}
	fd = ioctl(dev->fd, VFIO_DEVICE_FEATURE, feature);
	free(feature);
	if (fd < 0)
		return call_fail(c, "ioctl(VFIO_DEVICE_FEATURE)",
				 "cannot export BAR %lu of %s", bar, dev->name);
	return add_dmabuf(c, "name", fd);
}

/*
 * Every second piece of the memfd, then those between: none continues the one
 * before in memory, whether the kernel takes pages upwards or downwards.
 */
static int udmabuf_of_pieces(int dev, int memfd, uint64_t size, uint64_t piece)
{
	uint32_t count = size / piece, half = count / 2, i;
	struct udmabuf_create_list *list;
	int fd;

	list = calloc(1, sizeof(*list) + count * sizeof(list->list[0]));
	if (!list)
		return -1;
	list->flags = UDMABUF_FLAGS_CLOEXEC;
	list->count = count;
	for (i = 0; i < count; i++) {
		list->list[i].memfd = memfd;
		list->list[i].offset =
			(i < half ? 2 * i + 1 : 2 * (i - half)) * piece;
		list->list[i].size = piece;
	}
	fd = ioctl(dev, UDMABUF_CREATE_LIST, list);
	free(list);
	return fd;
}

static int make_udmabuf(struct call *c, int memfd, uint64_t size)
{
	uint64_t piece = call_number(c, "piece", size);
	int dev, fd;

	if (!piece || size % piece || size / piece > UINT32_MAX)
		return call_usage(c, "size is a multiple of piece");

	/* Or udmabuf would take new pages in the order of the list. */
	if (fallocate(memfd, 0, 0, size) ||
	    fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		return call_fail(c, "fallocate",
				 "cannot make a memfd of %lu bytes", size);
	dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		return call_fail(c, "open(/dev/udmabuf)",
				 "this kernel has no udmabuf");
	fd = udmabuf_of_pieces(dev, memfd, size, piece);
	if (fd < 0)
		call_fail(c, "ioctl(UDMABUF_CREATE_LIST)",
			  "cannot make a dma-buf of %lu bytes", size);
	close(dev);
	return fd < 0 ? -1 : add_dmabuf(c, "name", fd);
}

int dmabuf_udmabuf(struct call *c)
{
	int memfd, ret;

	memfd = memfd_create(
		"udmabuf",
		MFD_ALLOW_SEALING | MFD_CLOEXEC |
			(call_number(c, "huge", 0) ? MFD_HUGETLB : 0));
	if (memfd < 0)
		return call_fail(c, "memfd_create", "cannot make a memfd");
	ret = make_udmabuf(c, memfd, call_number(c, "size", 0));
	close(memfd);
	return ret;
}

int dmabuf_heap(struct call *c)
{
	struct dma_heap_allocation_data data = {
		.len = call_number(c, "size", 0),
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	int heap, ret;

	heap = open("/dev/dma_heap/system", O_RDONLY | O_CLOEXEC);
	if (heap < 0)
		return call_fail(c, "open(/dev/dma_heap/system)",
				 "this kernel has no system heap");
	ret = ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data);
	if (ret)
		call_fail(c, "ioctl(DMA_HEAP_IOCTL_ALLOC)",
			  "cannot allocate %llu bytes", data.len);
	close(heap);
	return ret ? -1 : add_dmabuf(c, "name", data.fd);
}

int dmabuf_mock(struct call *c)
{
	struct {
		uint32_t size;
		uint32_t op;
		uint32_t id;
		uint32_t reserved;
		uint32_t length;
		uint32_t open_flags;
		uint32_t range_length;
		uint32_t rest[25]; /* of the other operations: as long as any */
	} get = {
		.size = sizeof(get),
		.op = IOMMU_TEST_OP_DMABUF_GET,
		.length = call_number(c, "size", 0),
		.open_flags = O_RDWR | O_CLOEXEC,
	};
	struct handle *iommufd = handle_iommufd(c, "iommufd");
	int fd;

	if (!iommufd)
		return -1;
	fd = ioctl(iommufd->fd, IOMMU_TEST_CMD, &get);
	if (fd < 0)
		return call_fail(c, "ioctl(IOMMU_TEST_CMD)",
				 "iommufd makes no mock of %u bytes",
				 get.length);
	return add_dmabuf(c, "name", fd);
}

int dmabuf_adopt(struct call *c)
{
	uint64_t pid = call_number(c, "pid", 0);
	uint64_t number = call_number(c, "fd", 0);
	int process, fd;

	process = pidfd_open(pid, 0);
	if (process < 0)
		return call_fail(c, "pidfd_open", "there is no process %lu",
				 pid);
	fd = pidfd_getfd(process, number, 0);
	if (fd < 0)
		call_fail(c, "pidfd_getfd",
			  "cannot take descriptor %lu of process %lu", number,
			  pid);
	close(process);
	return fd < 0 ? -1 : add_dmabuf(c, "name", fd);
}

int dmabuf_size(struct call *c)
{
	struct handle *dmabuf = handle_get(c, "name", HANDLE_DMABUF);
	off_t size;

	if (!dmabuf)
		return -1;
	size = lseek(dmabuf->fd, 0, SEEK_END);
	if (size < 0)
		return call_fail(c, "lseek", "cannot tell the size of %s",
				 dmabuf->name);
	answer_number(c, "size", size);
	return 0;
}
