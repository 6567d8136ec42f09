// SPDX-License-Identifier: Apache-2.0
/* Where dma-bufs come from. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <unistd.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <linux/vfio.h>

#include "labctl.h"

#define PAGE	  4096
#define HUGE_PAGE (2ul << 20)

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
 * Pieces that follow each other are allocated far from each other, whichever
 * way the allocator goes through memory.
 */
static void populate(struct call *c, uint8_t *memory, uint64_t size,
		     uint64_t piece)
{
	uint64_t pieces = size / piece, step = 1, first, i, at;

	while (step * step < pieces)
		step++;
	for (first = 0; first < step; first++) {
		call_progress(c, "step", first);
		for (i = first; i < pieces; i += step) {
			for (at = i * piece; at < (i + 1) * piece; at += PAGE)
				*(volatile uint8_t *)(memory + at) = 0;
		}
	}
}

/* Of pieces of the memfd, each of which is @gap bytes behind the one before. */
static int udmabuf_of(int memfd, uint64_t pieces, uint64_t piece, uint64_t gap)
{
	struct udmabuf_create_list *create;
	int dev, fd = -1;
	uint64_t i;

	create = calloc(1, sizeof(*create) + pieces * sizeof(create->list[0]));
	if (!create)
		return -1;
	create->flags = UDMABUF_FLAGS_CLOEXEC;
	create->count = pieces;
	for (i = 0; i < pieces; i++) {
		create->list[i].memfd = memfd;
		create->list[i].offset = i * (piece + gap);
		create->list[i].size = piece;
	}
	dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (dev >= 0) {
		fd = ioctl(dev, UDMABUF_CREATE_LIST, create);
		close(dev);
	}
	free(create);
	return fd;
}

static int make_udmabuf(struct call *c, int memfd, struct handle *mapping)
{
	uint64_t length = mapping->length;
	uint64_t piece = call_number(c, "piece", length);
	uint64_t gap = call_number(c, "gap", 0);
	uint64_t size;
	int fd;

	if (!piece || piece % PAGE || length % piece || gap % PAGE)
		return call_usage(
			c, "size is a multiple of piece, and that of pages");
	size = length / piece * (piece + gap);
	if (call_number(c, "huge", 0))
		size = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	mapping->length = size;

	if (ftruncate(memfd, size) || fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		return call_fail(c, "ftruncate",
				 "cannot make a memfd of %lu bytes", size);
	mapping->address =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	if (mapping->address == MAP_FAILED) {
		mapping->address = NULL;
		return call_fail(c, "mmap", "no memory of %lu bytes", size);
	}
	populate(c, mapping->address, size, piece);
	/* There is a limit to their number, and without gaps no need for it. */
	fd = gap ? udmabuf_of(memfd, length / piece, piece, gap) :
		   udmabuf_of(memfd, 1, length, 0);
	if (fd < 0)
		return call_fail(c, "ioctl(UDMABUF_CREATE_LIST)",
				 "cannot make a dma-buf of %lu bytes", length);
	return add_dmabuf(c, "name", fd);
}

int dmabuf_udmabuf(struct call *c)
{
	struct handle mapping = {
		.kind = HANDLE_MAPPING,
		.fd = -1,
		.length = call_number(c, "size", 0),
	};
	int memfd, ret;

	memfd = memfd_create(
		"udmabuf",
		MFD_ALLOW_SEALING | MFD_CLOEXEC |
			(call_number(c, "huge", 0) ? MFD_HUGETLB : 0));
	if (memfd < 0)
		return call_fail(c, "memfd_create", "cannot make a memfd");
	ret = make_udmabuf(c, memfd, &mapping);
	close(memfd);
	if (!ret && call_has(c, "mapping"))
		return handle_add(c, "mapping", mapping) ? 0 : -1;
	if (mapping.address)
		munmap(mapping.address, mapping.length);
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
