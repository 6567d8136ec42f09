// SPDX-License-Identifier: Apache-2.0
/* RDMA devices, what is open of them, and how that ends. */
#define RDMA_STATIC_PROVIDERS rxe
#include "rdma.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define GIDS 64 /* that a port has at most, and more than any here */

/* The device of that name in a list; NULL with errno. */
static struct ibv_device *find_device(struct ibv_device **list,
				      const char *name)
{
	struct ibv_device **device;

	for (device = list; device && *device; device++) {
		if (!strcmp(ibv_get_device_name(*device), name))
			return *device;
	}
	if (list)
		errno = ENODEV;
	return NULL;
}

struct ibv_context *rdma_open_device(const char *name)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_device *device = find_device(list, name);
	struct ibv_context *context = device ? ibv_open_device(device) : NULL;
	int error = errno;

	if (list)
		ibv_free_device_list(list);
	errno = error;
	return context;
}

int rdma_device_index(const char *name)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_device *device = find_device(list, name);
	int index = device ? ibv_get_device_index(device) : -1;
	int error = errno;

	if (list)
		ibv_free_device_list(list);
	errno = error;
	return index;
}

bool rdma_find_gid(struct ibv_context *context, struct ibv_gid_entry *gid)
{
	struct ibv_gid_entry entries[GIDS];
	ssize_t count, i;

	count = ibv_query_gid_table(context, entries, GIDS, 0);
	for (i = 0; i < count; i++) {
		if (entries[i].gid_type == IBV_GID_TYPE_ROCE_V2 &&
		    IN6_IS_ADDR_V4MAPPED(
			    (struct in6_addr *)entries[i].gid.raw)) {
			*gid = entries[i];
			return true;
		}
	}
	return false;
}

static void put(struct endpoint *endpoint)
{
	unsigned int left;

	pthread_mutex_lock(&endpoint->lock);
	left = --endpoint->users;
	pthread_mutex_unlock(&endpoint->lock);
	if (left)
		return;
	close(endpoint->gone);
	pthread_cond_destroy(&endpoint->changed);
	pthread_mutex_destroy(&endpoint->lock);
	free(endpoint);
}

static bool enter(struct endpoint *endpoint)
{
	bool open;

	pthread_mutex_lock(&endpoint->lock);
	open = !endpoint->closing;
	if (open)
		endpoint->inside++;
	pthread_mutex_unlock(&endpoint->lock);
	return open;
}

int endpoint_enter(struct call *c, struct endpoint *endpoint)
{
	if (enter(endpoint))
		return 0;
	errno = ENODEV;
	return call_fail(c, "endpoint", "its endpoint is closed");
}

void endpoint_leave(struct endpoint *endpoint)
{
	pthread_mutex_lock(&endpoint->lock);
	endpoint->inside--;
	pthread_cond_broadcast(&endpoint->changed);
	pthread_mutex_unlock(&endpoint->lock);
}

void endpoint_interrupt(struct endpoint *endpoint)
{
	pthread_mutex_lock(&endpoint->lock);
	endpoint->closing = true;
	pthread_mutex_unlock(&endpoint->lock);
	eventfd_write(endpoint->gone, 1);
}

void rdma_object_add(struct endpoint *endpoint, struct rdma_object *object)
{
	pthread_mutex_lock(&endpoint->lock);
	object->endpoint = endpoint;
	object->listed = true;
	object->next = endpoint->objects;
	endpoint->objects = object;
	endpoint->users++;
	pthread_mutex_unlock(&endpoint->lock);
}

static void unlist(struct rdma_object *object)
{
	struct endpoint *endpoint = object->endpoint;
	struct rdma_object **at;

	pthread_mutex_lock(&endpoint->lock);
	for (at = &endpoint->objects; *at != object; at = &(*at)->next)
		;
	*at = object->next;
	object->listed = false;
	pthread_mutex_unlock(&endpoint->lock);
}

static int destroy(struct rdma_object *object)
{
	int error = object->destroy(object);

	if (!error)
		unlist(object);
	return error;
}

int rdma_object_end(struct rdma_object *object)
{
	struct endpoint *endpoint = object->endpoint;
	int error = 0;

	if (!enter(endpoint))
		return 0;
	if (object->listed)
		error = destroy(object);
	endpoint_leave(endpoint);
	return error;
}

/* An object may have to wait for another: a region for a window on it. */
static void destroy_all(struct endpoint *endpoint)
{
	struct rdma_object *object, *next;
	bool progress;

	do {
		progress = false;
		for (object = endpoint->objects; object; object = next) {
			next = object->next;
			if (!destroy(object))
				progress = true;
		}
	} while (progress);
}

void endpoint_close(struct endpoint *endpoint)
{
	endpoint_interrupt(endpoint);
	pthread_mutex_lock(&endpoint->lock);
	while (endpoint->inside)
		pthread_cond_wait(&endpoint->changed, &endpoint->lock);
	pthread_mutex_unlock(&endpoint->lock);

	/* Nobody else comes in: what cannot be destroyed the kernel does. */
	destroy_all(endpoint);
	ibv_dealloc_pd(endpoint->pd);
	ibv_close_device(endpoint->context);
	pthread_mutex_lock(&endpoint->lock);
	endpoint->closed = true;
	pthread_cond_broadcast(&endpoint->changed);
	pthread_mutex_unlock(&endpoint->lock);
	put(endpoint);
}

void rdma_object_free(struct rdma_object *object)
{
	struct endpoint *endpoint = object->endpoint;

	if (enter(endpoint)) {
		if (object->listed) {
			object->destroy(object);
			unlist(object);
		}
		endpoint_leave(endpoint);
	} else {
		pthread_mutex_lock(&endpoint->lock);
		while (!endpoint->closed)
			pthread_cond_wait(&endpoint->changed, &endpoint->lock);
		pthread_mutex_unlock(&endpoint->lock);
	}
	object->free(object);
	put(endpoint);
}

static const struct {
	const char *word;
	unsigned int flag;
} access_words[] = {
	{ "local-write", IBV_ACCESS_LOCAL_WRITE },
	{ "remote-write", IBV_ACCESS_REMOTE_WRITE },
	{ "remote-read", IBV_ACCESS_REMOTE_READ },
	{ "remote-atomic", IBV_ACCESS_REMOTE_ATOMIC },
	{ "mw-bind", IBV_ACCESS_MW_BIND },
	{ "zero-based", IBV_ACCESS_ZERO_BASED },
	{ "on-demand", IBV_ACCESS_ON_DEMAND },
	{ "relaxed-ordering", IBV_ACCESS_RELAXED_ORDERING },
};

static unsigned int access_flag(const char *word)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(access_words); i++) {
		if (!strcmp(access_words[i].word, word))
			return access_words[i].flag;
	}
	return 0;
}

bool rdma_access(struct call *c, const char *arg, unsigned int *access)
{
	json_t *word;
	size_t i;

	*access = 0;
	json_array_foreach(call_json(c, arg), i, word) {
		unsigned int flag = access_flag(json_string_value(word));

		if (!flag)
			return false;
		*access |= flag;
	}
	return true;
}

/* All of an endpoint; the context is closed on failure. */
static struct endpoint *endpoint_new(struct call *c,
				     struct ibv_context *context)
{
	struct endpoint *endpoint = calloc(1, sizeof(*endpoint));

	if (!endpoint)
		abort();
	endpoint->context = context;
	endpoint->users = 1;
	pthread_mutex_init(&endpoint->lock, NULL);
	pthread_cond_init(&endpoint->changed, NULL);
	endpoint->gone = eventfd(0, EFD_CLOEXEC);
	if (endpoint->gone < 0) {
		call_fail(c, "eventfd", "no descriptor for an endpoint");
		goto fail;
	}
	if (!rdma_find_gid(context, &endpoint->gid)) {
		errno = EADDRNOTAVAIL;
		call_fail(c, "ibv_query_gid_table",
			  "%s has no RoCE v2 GID of an IPv4 address",
			  call_text(c, "dev", ""));
		goto fail_gone;
	}
	endpoint->pd = ibv_alloc_pd(context);
	if (endpoint->pd)
		return endpoint;
	call_fail(c, "ibv_alloc_pd", "no protection domain");
fail_gone:
	close(endpoint->gone);
fail:
	ibv_close_device(context);
	free(endpoint);
	return NULL;
}

int rdma_open(struct call *c)
{
	struct handle h = { .kind = HANDLE_ENDPOINT, .fd = -1 };
	const char *name = call_text(c, "dev", "");
	struct ibv_context *context = rdma_open_device(name);

	if (!context)
		return call_fail(c, "ibv_open_device", "cannot open %s", name);
	h.endpoint = endpoint_new(c, context);
	if (!h.endpoint)
		return -1;
	return handle_add(c, "name", h) ? 0 : -1;
}
