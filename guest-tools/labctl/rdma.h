/* SPDX-License-Identifier: Apache-2.0 */
/* What hangs on the handles of RDMA, between the operations on them. */
#ifndef RDMA_H
#define RDMA_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <infiniband/verbs.h>

#include "labctl.h"

#define RDMA_PORT 1
#define RDMA_SGES 4  /* of a work request */
#define RDMA_WRS  64 /* in a queue */

/*
 * A device that is open, and a protection domain. All that is made of it is an
 * object in its list. It is closed when nobody is inside any more, and whoever
 * waits inside is told; objects that are there then are destroyed along, so a
 * handle can outlive what it stands for.
 */
struct endpoint {
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_gid_entry gid;
	int gone; /* an eventfd, readable once it is being closed */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned int inside;
	bool closing;
	bool closed;
	struct rdma_object *objects;
	unsigned int users; /* its handle and objects */
};

struct rdma_object {
	struct endpoint *endpoint;
	int (*destroy)(struct rdma_object *object); /* 0 or an error number */
	void (*free)(struct rdma_object *object);
	bool listed; /* not destroyed yet */
	struct rdma_object *next;
};

struct region {
	struct rdma_object object;
	struct ibv_mr mr;	   /* libibverbs' own, or like it */
	struct ibv_mr *registered; /* by libibverbs, or NULL */
	uint8_t *memory;	   /* of this process, or NULL */
	size_t length;
};

struct window {
	struct rdma_object object;
	struct ibv_mw *mw;
};

struct completions {
	struct ibv_comp_channel *channel;
	struct ibv_cq *cq;
	bool busy; /* somebody takes them */
};

struct queue_pair {
	struct rdma_object object;
	struct ibv_qp *qp;
	struct completions sends;
	struct completions receives;
	int gone; /* an eventfd, readable once it is being closed */
	pthread_mutex_t lock;
	bool connected;
	uint32_t psn;	  /* of what it sends first */
	uint64_t last_id; /* of a work request that sends */
	uint64_t last_receive_id;
	/* A hammer's */
	atomic_bool stop;
	_Atomic uint64_t posted;
	_Atomic uint64_t acknowledged;
};

static inline struct region *rdma_region_of(const struct handle *h)
{
	return (struct region *)h->rdma;
}

static inline struct window *rdma_window_of(const struct handle *h)
{
	return (struct window *)h->rdma;
}

static inline struct queue_pair *rdma_qp_of(const struct handle *h)
{
	return (struct queue_pair *)h->rdma;
}

/*
 * Devices and endpoints (rdma.c)
 */
/* NULL with errno. */
struct ibv_context *rdma_open_device(const char *name);
/* Index of the device as netlink knows it, or -1 with errno. */
int rdma_device_index(const char *name);
/* RoCE v2 and of an IPv4 address; false if there is none yet. */
bool rdma_find_gid(struct ibv_context *context, struct ibv_gid_entry *gid);

/* -1 with the answer written if it is being closed. */
int endpoint_enter(struct call *c, struct endpoint *endpoint);
void endpoint_leave(struct endpoint *endpoint);
/* Has those leave who wait inside. */
void endpoint_interrupt(struct endpoint *endpoint);
/* Lists an object; for those who are inside. */
void rdma_object_add(struct endpoint *endpoint, struct rdma_object *object);
/* 0 or an error number, and it stays then. A closed endpoint took it along. */
int rdma_object_end(struct rdma_object *object);

/* Of "local-write" and so on; false if one of the words is none. */
bool rdma_access(struct call *c, const char *arg, unsigned int *access);

/*
 * What libibverbs' provider for rxe has no function for (uverbs.c)
 */
int uverbs_reg_dmabuf(struct ibv_pd *pd, int fd, uint64_t offset,
		      uint64_t length, uint64_t iova, unsigned int access,
		      struct ibv_mr *mr);
int uverbs_destroy_mr(struct ibv_mr *mr);
int uverbs_rereg_access(struct ibv_mr *mr, unsigned int access);

/*
 * Completions (completions.c)
 */
int completions_init(struct endpoint *endpoint, struct completions *from);
void completions_free(struct completions *from);
void completions_discard(struct completions *from);
/*
 * Some completions: how many, after a second at most, or at the deadline. -1
 * with ENODEV if the device was removed, ECANCELED if the queue pair is being
 * closed.
 */
int completions_take(struct queue_pair *qp, struct completions *from,
		     struct ibv_wc *taken, int space, uint64_t deadline);
/* One at a time takes completions: -1 with the answer written. */
int completions_begin(struct call *c, struct queue_pair *qp,
		      struct completions *from);
void completions_end(struct queue_pair *qp, struct completions *from);
const char *completion_status(enum ibv_wc_status status);
/* The status when there is none: why completions_take() failed. */
const char *completion_missing(int error);
void answer_completion(struct call *c, const struct ibv_wc *wc);

#endif
