// SPDX-License-Identifier: Apache-2.0
/* Memory that RDMA may reach: regions and windows. */
#include "rdma.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BYTES_MAX 65536 /* of a region's content, in one answer */

static struct region *to_region(struct rdma_object *object)
{
	return (struct region *)object;
}

static int destroy_region(struct rdma_object *object)
{
	struct region *region = to_region(object);

	if (region->registered)
		return ibv_dereg_mr(region->registered);
	return uverbs_destroy_mr(&region->mr) ? errno : 0;
}

static void free_region(struct rdma_object *object)
{
	struct region *region = to_region(object);

	if (region->memory)
		munmap(region->memory, region->length);
	free(region);
}

/* -1 with the answer written. */
static int register_at(struct call *c, struct endpoint *endpoint,
		       struct region *region, void *memory, unsigned int access)
{
	uint64_t iova = call_number(c, "iova", (uintptr_t)memory);
	uint64_t begin = monotonic_ns();

	region->registered = ibv_reg_mr_iova(endpoint->pd, memory,
					     region->length, iova, access);
	if (!region->registered)
		return call_fail(c, "ibv_reg_mr", "cannot register %zu bytes",
				 region->length);
	answer_number(c, "ns", monotonic_ns() - begin);
	region->mr = *region->registered;
	region->mr.addr = (void *)(uintptr_t)iova;
	return 0;
}

/* Fresh memory of this process. */
static int register_memory(struct call *c, struct endpoint *endpoint,
			   struct region *region, unsigned int access)
{
	void *memory = mmap(NULL, region->length, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return call_fail(c, "mmap", "no memory of %zu bytes",
				 region->length);
	region->memory = memory;
	return register_at(c, endpoint, region, memory, access);
}

static int register_mapping(struct call *c, struct endpoint *endpoint,
			    struct region *region, unsigned int access)
{
	struct handle *mapping = handle_get(c, "mapping", HANDLE_MAPPING);

	if (!mapping)
		return -1;
	if (region->length > mapping->length)
		return call_usage(c, "%s has %lu bytes", mapping->name,
				  mapping->length);
	return register_at(c, endpoint, region, mapping->address, access);
}

static int register_dmabuf(struct call *c, struct endpoint *endpoint,
			   struct region *region, unsigned int access)
{
	struct handle *dmabuf = handle_get(c, "dmabuf", HANDLE_DMABUF);
	uint64_t begin = monotonic_ns();

	if (!dmabuf)
		return -1;
	if (uverbs_reg_dmabuf(endpoint->pd, dmabuf->fd,
			      call_number(c, "offset", 0), region->length,
			      call_number(c, "iova", 0), access, &region->mr))
		return call_fail(c, "ioctl(UVERBS_METHOD_REG_DMABUF_MR)",
				 "cannot register %zu bytes of %s",
				 region->length, dmabuf->name);
	answer_number(c, "ns", monotonic_ns() - begin);
	return 0;
}

static void answer_keys(struct call *c, const struct ibv_mr *mr)
{
	answer_number(c, "lkey", mr->lkey);
	answer_number(c, "rkey", mr->rkey);
}

/* With the endpoint entered. */
static int make_region(struct call *c, struct endpoint *endpoint,
		       unsigned int access)
{
	struct handle h = { .kind = HANDLE_REGION, .fd = -1 };
	struct region *region = calloc(1, sizeof(*region));
	int ret;

	if (!region)
		abort();
	region->object.destroy = destroy_region;
	region->object.free = free_region;
	region->length = call_number(c, "length", 0);
	if (call_has(c, "dmabuf"))
		ret = register_dmabuf(c, endpoint, region, access);
	else if (call_has(c, "mapping"))
		ret = register_mapping(c, endpoint, region, access);
	else
		ret = register_memory(c, endpoint, region, access);
	if (ret) {
		free_region(&region->object);
		return -1;
	}

	rdma_object_add(endpoint, &region->object);
	h.rdma = &region->object;
	if (!handle_add(c, "name", h))
		return -1;
	answer_keys(c, &region->mr);
	answer_number(c, "addr", (uintptr_t)region->mr.addr);
	answer_number(c, "length", region->length);
	return 0;
}

static bool take_access(struct call *c, unsigned int *access)
{
	*access = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
		  IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC;
	return !call_has(c, "access") || rdma_access(c, "access", access);
}

int rdma_mr(struct call *c)
{
	struct handle *h = handle_get(c, "endpoint", HANDLE_ENDPOINT);
	unsigned int access;
	int ret;

	if (!h)
		return -1;
	if (!take_access(c, &access))
		return call_usage(c, "there is no such access");
	if (call_has(c, "offset") && !call_has(c, "dmabuf"))
		return call_usage(c, "an offset is one in a dma-buf");
	if (endpoint_enter(c, h->endpoint))
		return -1;
	ret = make_region(c, h->endpoint, access);
	endpoint_leave(h->endpoint);
	return ret;
}

int rdma_rereg(struct call *c)
{
	struct handle *h = handle_get(c, "mr", HANDLE_REGION);
	struct region *region = h ? rdma_region_of(h) : NULL;
	unsigned int access;
	int ret;

	if (!h)
		return -1;
	if (!take_access(c, &access))
		return call_usage(c, "there is no such access");
	if (endpoint_enter(c, h->rdma->endpoint))
		return -1;
	ret = uverbs_rereg_access(&region->mr, access);
	if (ret)
		call_fail(c, "write(IB_USER_VERBS_CMD_REREG_MR)",
			  "cannot change the access to %s", h->name);
	else
		answer_keys(c, &region->mr);
	endpoint_leave(h->rdma->endpoint);
	return ret;
}

int rdma_dereg(struct call *c)
{
	struct handle *h = handle_take(c, "mr", HANDLE_REGION);
	uint64_t begin = monotonic_ns();

	if (!h)
		return -1;
	errno = rdma_object_end(h->rdma);
	if (errno) {
		call_fail(c, "ibv_dereg_mr", "cannot deregister %s", h->name);
		handle_put_back(h);
		return -1;
	}
	answer_number(c, "ns", monotonic_ns() - begin);
	handle_free(h);
	return 0;
}

/* Where in the memory of this process; NULL with the answer written. */
static uint8_t *locate(struct call *c, size_t length)
{
	struct handle *h = handle_get(c, "name", HANDLE_REGION);
	struct region *region = h ? rdma_region_of(h) : NULL;
	uint64_t offset = call_number(c, "offset", 0);

	if (!h)
		return NULL;
	if (!region->memory) {
		call_usage(c, "%s is no memory of a process", h->name);
		return NULL;
	}
	if (offset > region->length || length > region->length - offset) {
		call_usage(c, "%s is no longer than %zu", h->name,
			   region->length);
		return NULL;
	}
	return region->memory + offset;
}

int mr_read(struct call *c)
{
	uint64_t length = call_number(c, "length", 0);
	uint8_t *at;

	if (length > BYTES_MAX)
		return call_usage(c, "length is up to %d", BYTES_MAX);
	at = locate(c, length);
	if (!at)
		return -1;
	answer_bytes(c, "data", at, length);
	return 0;
}

int mr_write(struct call *c)
{
	static const size_t space = BYTES_MAX;
	uint8_t *bytes = malloc(space), *at;
	ssize_t length;
	int ret = 0;

	if (!bytes)
		abort();
	length = call_bytes(c, "data", bytes, space);
	if (length < 0) {
		ret = call_usage(c, "data is up to %zu bytes in hexadecimal",
				 space);
	} else {
		at = locate(c, length);
		if (at)
			memcpy(at, bytes, length);
		ret = at ? 0 : -1;
	}
	free(bytes);
	return ret;
}

int mr_fill(struct call *c)
{
	uint64_t length = call_number(c, "length", 0), i;
	uint64_t value = call_number(c, "byte", 0);
	uint8_t *at;

	if (value > UINT8_MAX)
		return call_usage(c, "byte is 0 to 255");
	at = locate(c, length);
	if (!at)
		return -1;
	for (i = 0; i < length; i++)
		at[i] = value;
	return 0;
}

static int destroy_window(struct rdma_object *object)
{
	return ibv_dealloc_mw(((struct window *)object)->mw);
}

static void free_window(struct rdma_object *object)
{
	free(object);
}

int rdma_mw(struct call *c)
{
	struct handle *h = handle_get(c, "endpoint", HANDLE_ENDPOINT);
	struct handle made = { .kind = HANDLE_WINDOW, .fd = -1 };
	uint64_t type = call_number(c, "type", 2);
	struct window *window;
	int ret = -1;

	if (!h)
		return -1;
	if (type != 1 && type != 2)
		return call_usage(c, "type is 1 or 2");
	if (endpoint_enter(c, h->endpoint))
		return -1;
	window = calloc(1, sizeof(*window));
	if (!window)
		abort();
	window->object.destroy = destroy_window;
	window->object.free = free_window;
	window->mw = ibv_alloc_mw(h->endpoint->pd,
				  type == 1 ? IBV_MW_TYPE_1 : IBV_MW_TYPE_2);
	if (window->mw) {
		rdma_object_add(h->endpoint, &window->object);
		made.rdma = &window->object;
		answer_number(c, "rkey", window->mw->rkey);
		ret = handle_add(c, "name", made) ? 0 : -1;
	} else {
		call_fail(c, "ibv_alloc_mw", "no memory window");
		free(window);
	}
	endpoint_leave(h->endpoint);
	return ret;
}
