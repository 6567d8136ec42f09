// SPDX-License-Identifier: Apache-2.0
/*
 * Everything that a caller has given a name. A handle that an operation is
 * using, in whichever thread, cannot be closed: that would be a close that has
 * returned and not happened yet, and its descriptor's number could mean
 * something else by the time it is used.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "labctl.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t unused = PTHREAD_COND_INITIALIZER;
static struct handle *handles;

static const char *kind_name(unsigned int kind)
{
	static const char *const names[] = {
		"dma-buf",
		"vfio device",
		"iommufd",
		"ioas",
		"hwpt",
		"importer",
		"mapping",
		"process",
		"event",
		"vm",
		"vcpu",
		"guest_memfd",
		"endpoint",
		"memory region",
		"memory window",
		"queue pair",
		"hold",
		"exporter",
		"graphics buffer",
	};

	return names[ffs(kind) - 1];
}

static struct handle **find(const char *name)
{
	struct handle **h;

	for (h = &handles; *h; h = &(*h)->next) {
		if (!strcmp((*h)->name, name))
			break;
	}
	return h;
}

/* With the lock held. */
static void hold(struct call *c, struct handle *h)
{
	size_t i;

	for (i = 0; i < CALL_HANDLES; i++) {
		if (!c->held[i]) {
			c->held[i] = h;
			h->users++;
			return;
		}
	}
	abort();
}

void handle_release(struct call *c)
{
	size_t i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < CALL_HANDLES && c->held[i]; i++) {
		if (!--c->held[i]->users)
			pthread_cond_broadcast(&unused);
	}
	pthread_mutex_unlock(&lock);
}

/* "ioas or hwpt" */
static void print_kinds(char *text, size_t size, unsigned int kinds)
{
	size_t length = 0;

	for (; kinds; kinds &= kinds - 1)
		length += snprintf(text + length, size - length, "%s%s",
				   length ? " or " : "", kind_name(kinds));
}

/* With the lock held. */
static struct handle *lookup(struct call *c, const char *name,
			     unsigned int kinds)
{
	struct handle *h = *find(name);
	char wanted[128];

	print_kinds(wanted, sizeof(wanted), kinds);
	if (!h) {
		errno = ENOENT;
		call_fail(c, "handle", "there is no %s named %s", wanted, name);
		return NULL;
	}
	if (!(h->kind & kinds)) {
		errno = EINVAL;
		call_fail(c, "handle", "%s is not a %s but a %s", name, wanted,
			  kind_name(h->kind));
		return NULL;
	}
	if (h->taken) {
		errno = EBUSY;
		call_fail(c, "handle", "%s is being closed", name);
		return NULL;
	}
	return h;
}

struct handle *handle_get_named(struct call *c, const char *name,
				unsigned int kinds)
{
	struct handle *h;

	pthread_mutex_lock(&lock);
	h = lookup(c, name, kinds);
	if (h)
		hold(c, h);
	pthread_mutex_unlock(&lock);
	return h;
}

struct handle *handle_get(struct call *c, const char *arg, unsigned int kinds)
{
	return handle_get_named(c, call_text(c, arg, ""), kinds);
}

/* With the lock held. */
static void await_unused(struct handle *h)
{
	while (h->users)
		pthread_cond_wait(&unused, &lock);
}

struct handle *handle_take(struct call *c, const char *arg, unsigned int kinds)
{
	struct handle *h;

	pthread_mutex_lock(&lock);
	h = lookup(c, call_text(c, arg, ""), kinds);
	if (h && h->users && !c->caller.patient) {
		errno = EBUSY;
		call_fail(c, "handle", "%s is in use", h->name);
		h = NULL;
	}
	if (h) {
		h->taken = true;
		await_unused(h);
	}
	pthread_mutex_unlock(&lock);
	return h;
}

struct handle *handle_seize(struct call *c, const char *arg, unsigned int kinds)
{
	struct handle *h;

	pthread_mutex_lock(&lock);
	h = lookup(c, call_text(c, arg, ""), kinds);
	if (h)
		h->taken = true;
	pthread_mutex_unlock(&lock);
	return h;
}

void handle_await_unused(struct handle *h)
{
	pthread_mutex_lock(&lock);
	await_unused(h);
	pthread_mutex_unlock(&lock);
}

static void discard(struct handle *h)
{
	if (h->fd >= 0)
		close(h->fd);
	if (h->address)
		munmap(h->address, h->length);
	if (h->vcpu)
		vcpu_free(h->vcpu);
	if (h->vm)
		vm_put(h->vm);
	if (h->rdma)
		rdma_object_free(h->rdma);
	if (h->endpoint)
		endpoint_close(h->endpoint);
	json_decref(h->events);
}

/* With the lock held. */
static struct handle *add(struct call *c, const char *name,
			  const struct handle *content)
{
	struct handle *h = *find(name);

	if (h) {
		errno = EEXIST;
		call_fail(c, "handle", "%s is the name of a %s already", name,
			  kind_name(h->kind));
		return NULL;
	}

	h = malloc(sizeof(*h));
	if (!h)
		abort();
	*h = *content;
	h->name = strdup(name);
	if (!h->name)
		abort();
	h->next = handles;
	handles = h;
	hold(c, h);
	return h;
}

struct handle *handle_add(struct call *c, const char *arg,
			  struct handle content)
{
	struct handle *h;

	pthread_mutex_lock(&lock);
	h = add(c, call_text(c, arg, ""), &content);
	pthread_mutex_unlock(&lock);
	if (!h)
		discard(&content);
	return h;
}

struct handle *handle_iommufd(struct call *c, const char *name)
{
	struct handle content = { .kind = HANDLE_IOMMUFD };
	struct handle *h;

	pthread_mutex_lock(&lock);
	h = *find(name);
	if (h && h->kind != HANDLE_IOMMUFD) {
		errno = EINVAL;
		call_fail(c, "handle", "%s is not an iommufd but a %s", name,
			  kind_name(h->kind));
		h = NULL;
	} else if (h && h->taken) {
		errno = EBUSY;
		call_fail(c, "handle", "%s is being closed", name);
		h = NULL;
	} else if (h) {
		hold(c, h);
	} else {
		content.fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
		if (content.fd < 0)
			call_fail(c, "open(/dev/iommu)", "cannot open iommufd");
		else
			h = add(c, name, &content);
	}
	pthread_mutex_unlock(&lock);
	return h;
}

void handle_put_back(struct handle *h)
{
	pthread_mutex_lock(&lock);
	h->taken = false;
	pthread_mutex_unlock(&lock);
}

void handle_free(struct handle *h)
{
	discard(h);
	pthread_mutex_lock(&lock);
	*find(h->name) = h->next;
	pthread_mutex_unlock(&lock);
	free(h->name);
	free(h);
}

int handle_close(struct call *c)
{
	struct handle *h =
		handle_take(c, "name",
			    HANDLE_DMABUF | HANDLE_IOMMUFD | HANDLE_VM |
				    HANDLE_VCPU | HANDLE_GUEST_MEMFD |
				    HANDLE_HOLD | HANDLE_EXPORTER | HANDLE_DRM);

	if (!h)
		return -1;
	handle_free(h);
	return 0;
}

int handle_list(struct call *c)
{
	json_t *list = json_array();
	struct handle *h;

	pthread_mutex_lock(&lock);
	for (h = handles; h; h = h->next)
		json_array_append_new(list, json_pack("{s:s, s:s, s:i}", "name",
						      h->name, "kind",
						      kind_name(h->kind), "fd",
						      h->fd));
	pthread_mutex_unlock(&lock);
	answer_json(c, "handles", list);
	return 0;
}
