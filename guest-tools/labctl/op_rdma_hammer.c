// SPDX-License-Identifier: Apache-2.0
/* Transfers without end, of which it is known which were acknowledged. */
#include "rdma.h"

#include <errno.h>
#include <string.h>

#define DEPTH 8

struct hammer {
	struct queue_pair *qp;
	struct region *region; /* a buffer for each request in flight */
	enum ibv_wr_opcode opcode;
	uint64_t offset;
	uint64_t length;
	uint64_t remote_addr;
	uint64_t places;
	uint64_t stride;
	uint64_t depth;
	uint64_t count; /* 0 for no end */
	uint32_t rkey;
	uint64_t first_id; /* the first request's */
	uint64_t completed;
	bool failed;
	struct ibv_wc failure; /* the first one */
};

static uint64_t buffer_offset(const struct hammer *hammer, uint64_t counter)
{
	return hammer->offset + (counter - 1) % hammer->depth * hammer->length;
}

/* The counter, over and over. */
static void fill(const struct hammer *hammer, uint64_t counter)
{
	uint8_t *at = hammer->region->memory + buffer_offset(hammer, counter);
	uint64_t i, left;

	for (i = 0; i < hammer->length; i += sizeof(counter)) {
		left = hammer->length - i;
		memcpy(at + i, &counter,
		       left < sizeof(counter) ? left : sizeof(counter));
	}
}

static int post(struct hammer *hammer, uint64_t counter)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)hammer->region->mr.addr +
			buffer_offset(hammer, counter),
		.length = hammer->length,
		.lkey = hammer->region->mr.lkey,
	};
	struct ibv_send_wr wr = {
		.wr_id = hammer->first_id + counter - 1,
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = hammer->opcode,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = {
			.remote_addr = hammer->remote_addr +
				       (counter - 1) % hammer->places *
					       hammer->stride,
			.rkey = hammer->rkey,
		},
	};
	struct ibv_send_wr *bad;

	if (hammer->opcode == IBV_WR_RDMA_WRITE)
		fill(hammer, counter);
	return ibv_post_send(hammer->qp->qp, &wr, &bad);
}

static bool may_post(const struct hammer *hammer)
{
	uint64_t posted = hammer->qp->posted;

	return !hammer->failed && !hammer->qp->stop &&
	       posted - hammer->completed < hammer->depth &&
	       (!hammer->count || posted < hammer->count);
}

static void note(struct hammer *hammer, const struct ibv_wc *wc)
{
	/* Of a request that was given up before. */
	if (wc->wr_id < hammer->first_id)
		return;
	hammer->completed++;
	if (wc->status == IBV_WC_SUCCESS) {
		hammer->qp->acknowledged++;
	} else if (!hammer->failed) {
		hammer->failed = true;
		hammer->failure = *wc;
	}
}

/*
 * Until nothing is in flight any more; what it ended with, as a word, or NULL
 * with the answer of a failure written.
 */
static const char *run(struct call *c, struct hammer *hammer)
{
	struct queue_pair *qp = hammer->qp;
	struct ibv_wc wcs[DEPTH];
	int count, i;

	for (;;) {
		while (may_post(hammer)) {
			errno = post(hammer, qp->posted + 1);
			if (errno == EIO) {
				/* It is in the queue, and may get sent. */
				qp->posted++;
				return completion_missing(ENODEV);
			}
			if (errno) {
				call_fail(c, "ibv_post_send", "cannot post");
				return NULL;
			}
			qp->posted++;
		}
		if (hammer->completed == qp->posted)
			break;
		count = completions_take(qp, &qp->sends, wcs, DEPTH,
					 UINT64_MAX);
		if (count < 0)
			return completion_missing(errno);
		for (i = 0; i < count; i++)
			note(hammer, &wcs[i]);
		if (count)
			call_progress(c, "acknowledged", qp->acknowledged);
	}
	return completion_status(hammer->failed ? hammer->failure.status :
						  IBV_WC_SUCCESS);
}

static int hammer_away(struct call *c, struct handle *h, struct hammer *hammer)
{
	struct queue_pair *qp = hammer->qp;
	uint64_t begin = monotonic_ns(), last = 0;
	const char *status;

	if (!qp->connected) {
		errno = ENOTCONN;
		return call_fail(c, "qp", "%s is not connected", h->name);
	}
	hammer->first_id = qp->last_id + 1;
	qp->stop = false;
	qp->posted = 0;
	qp->acknowledged = 0;
	status = run(c, hammer);
	qp->last_id += qp->posted;
	if (!status)
		return -1;
	answer_text(c, "status", status);
	answer_number(c, "ns", monotonic_ns() - begin);
	answer_number(c, "posted", qp->posted);
	/* In their order: these are the counters from 1 to that. */
	answer_number(c, "acknowledged", qp->acknowledged);
	if (hammer->failed)
		answer_number(c, "vendor_error", hammer->failure.vendor_err);
	if (hammer->opcode == IBV_WR_RDMA_READ && qp->acknowledged &&
	    hammer->region->memory) {
		memcpy(&last,
		       hammer->region->memory +
			       buffer_offset(hammer, qp->acknowledged),
		       sizeof(last));
		answer_number(c, "value", last);
	}
	return 0;
}

static int check(struct call *c, const struct hammer *hammer,
		 const struct handle *mr)
{
	const struct region *region = hammer->region;
	uint64_t size = hammer->length * hammer->depth;

	if (hammer->length < sizeof(uint64_t) || !hammer->places)
		return call_usage(c, "length is 8 or more, places 1 or more");
	if (!hammer->depth || hammer->depth > RDMA_WRS)
		return call_usage(c, "depth is 1 to %d", RDMA_WRS);
	if (hammer->offset > region->length ||
	    size > region->length - hammer->offset)
		return call_usage(c, "%s is too small for %lu buffers of %lu",
				  mr->name, hammer->depth, hammer->length);
	if (hammer->opcode == IBV_WR_RDMA_WRITE && !region->memory)
		return call_usage(c, "%s is no memory of a process", mr->name);
	return 0;
}

int rdma_hammer(struct call *c)
{
	struct handle *h = handle_get(c, "qp", HANDLE_QP);
	struct handle *mr = h ? handle_get(c, "mr", HANDLE_REGION) : NULL;
	const char *direction = call_text(c, "direction", "write");
	bool read = !strcmp(direction, "read");
	struct hammer hammer;
	int ret = -1;

	if (!mr)
		return -1;
	if (!read && strcmp(direction, "write"))
		return call_usage(c, "direction is write or read");
	hammer = (struct hammer){
		.qp = rdma_qp_of(h),
		.region = rdma_region_of(mr),
		.opcode = read ? IBV_WR_RDMA_READ : IBV_WR_RDMA_WRITE,
		.offset = call_number(c, "offset", 0),
		.length = call_number(c, "length", sizeof(uint64_t)),
		.remote_addr = call_number(c, "remote_addr", 0),
		.places = call_number(c, "places", 1),
		.depth = call_number(c, "depth", DEPTH),
		.count = call_number(c, "count", 0),
		.rkey = call_number(c, "rkey", 0),
	};
	hammer.stride = call_number(c, "stride", hammer.length);
	if (check(c, &hammer, mr) || endpoint_enter(c, h->rdma->endpoint))
		return -1;
	if (!completions_begin(c, hammer.qp, &hammer.qp->sends)) {
		ret = hammer_away(c, h, &hammer);
		completions_end(hammer.qp, &hammer.qp->sends);
	}
	endpoint_leave(h->rdma->endpoint);
	return ret;
}

int rdma_stop(struct call *c)
{
	struct handle *h = handle_get(c, "qp", HANDLE_QP);

	if (!h)
		return -1;
	rdma_qp_of(h)->stop = true;
	return 0;
}

int rdma_state(struct call *c)
{
	struct handle *h = handle_get(c, "qp", HANDLE_QP);
	struct queue_pair *qp;

	if (!h)
		return -1;
	qp = rdma_qp_of(h);
	pthread_mutex_lock(&qp->lock);
	answer_json(c, "running", json_boolean(qp->sends.busy));
	pthread_mutex_unlock(&qp->lock);
	answer_number(c, "posted", qp->posted);
	answer_number(c, "acknowledged", qp->acknowledged);
	return 0;
}
