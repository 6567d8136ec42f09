// SPDX-License-Identifier: Apache-2.0
/*
 * Everything that a caller has given a name. A handle that an operation is
 * using, in whichever thread, cannot be closed: that would be a close that has
 * returned and not happened yet.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "labctl.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct handle *handles;

static const char *const kinds[] = {
	[HANDLE_DMABUF] = "dma-buf",	[HANDLE_VFIO] = "vfio device",
	[HANDLE_IOMMUFD] = "iommufd",	[HANDLE_IOAS] = "ioas",
	[HANDLE_IMPORTER] = "importer",
};

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
	for (i = 0; i < CALL_HANDLES && c->held[i]; i++)
		c->held[i]->users--;
	pthread_mutex_unlock(&lock);
}

/* With the lock held. */
static struct handle **find_kind(struct call *c, const char *arg,
				 enum handle_kind kind)
{
	const char *name = call_text(c, arg, "");
	struct handle **h = find(name);

	if (!*h) {
		errno = ENOENT;
		call_fail(c, "handle", "there is no %s named %s", kinds[kind],
			  name);
		return NULL;
	}
	if ((*h)->kind != kind) {
		errno = EINVAL;
		call_fail(c, "handle", "%s is not a %s but a %s", name,
			  kinds[kind], kinds[(*h)->kind]);
		return NULL;
	}
	return h;
}

struct handle *handle_get(struct call *c, const char *arg,
			  enum handle_kind kind)
{
	struct handle **h;

	pthread_mutex_lock(&lock);
	h = find_kind(c, arg, kind);
	if (h)
		hold(c, *h);
	pthread_mutex_unlock(&lock);
	return h ? *h : NULL;
}

struct handle *handle_take(struct call *c, const char *arg,
			   enum handle_kind kind)
{
	struct handle *taken = NULL;
	struct handle **h;

	pthread_mutex_lock(&lock);
	h = find_kind(c, arg, kind);
	if (h && (*h)->users) {
		errno = EBUSY;
		call_fail(c, "handle", "%s is in use", (*h)->name);
	} else if (h) {
		taken = *h;
		*h = taken->next;
	}
	pthread_mutex_unlock(&lock);
	return taken;
}

/* With the lock held. */
static struct handle *add(struct call *c, const char *name,
			  enum handle_kind kind, int fd)
{
	struct handle *h = *find(name);

	if (h) {
		errno = EEXIST;
		call_fail(c, "handle", "%s is the name of a %s already", name,
			  kinds[h->kind]);
		return NULL;
	}

	h = calloc(1, sizeof(*h));
	if (h)
		h->name = strdup(name);
	if (!h || !h->name)
		abort();
	h->kind = kind;
	h->fd = fd;
	h->next = handles;
	handles = h;
	hold(c, h);
	return h;
}

struct handle *handle_add(struct call *c, const char *arg,
			  enum handle_kind kind, int fd)
{
	struct handle *h;

	pthread_mutex_lock(&lock);
	h = add(c, call_text(c, arg, ""), kind, fd);
	pthread_mutex_unlock(&lock);
	if (!h)
		close(fd);
	return h;
}

struct handle *handle_iommufd(struct call *c, const char *name)
{
	struct handle *h;
	int fd;

	pthread_mutex_lock(&lock);
	h = *find(name);
	if (h && h->kind != HANDLE_IOMMUFD) {
		errno = EINVAL;
		call_fail(c, "handle", "%s is not an iommufd but a %s", name,
			  kinds[h->kind]);
		h = NULL;
	} else if (h) {
		hold(c, h);
	} else {
		fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			call_fail(c, "open(/dev/iommu)", "cannot open iommufd");
		else
			h = add(c, name, HANDLE_IOMMUFD, fd);
	}
	pthread_mutex_unlock(&lock);
	return h;
}

void handle_put_back(struct handle *h)
{
	pthread_mutex_lock(&lock);
	h->next = handles;
	handles = h;
	pthread_mutex_unlock(&lock);
}

void handle_free(struct handle *h)
{
	close(h->fd);
	json_decref(h->events);
	free(h->name);
	free(h);
}

int handle_close(struct call *c)
{
	struct handle *h;
	bool is_iommufd;

	pthread_mutex_lock(&lock);
	h = *find(call_text(c, "name", ""));
	is_iommufd = h && h->kind == HANDLE_IOMMUFD;
	pthread_mutex_unlock(&lock);

	h = handle_take(c, "name", is_iommufd ? HANDLE_IOMMUFD : HANDLE_DMABUF);
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
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:i}", "name", h->name,
					"kind", kinds[h->kind], "fd", h->fd));
	pthread_mutex_unlock(&lock);
	answer_json(c, "handles", list);
	return 0;
}
