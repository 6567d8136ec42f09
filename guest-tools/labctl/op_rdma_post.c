// SPDX-License-Identifier: Apache-2.0
/*
 * Work requests, one at a time. One that fails has completed too: its status
 * is an answer, no failure.
 */
#include "rdma.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define TIMEOUT_MS 10000

static const struct {
	const char *word;
	enum ibv_wr_opcode opcode;
} operations[] = {
	{ "write", IBV_WR_RDMA_WRITE },
	{ "write-imm", IBV_WR_RDMA_WRITE_WITH_IMM },
	{ "read", IBV_WR_RDMA_READ },
	{ "send", IBV_WR_SEND },
	{ "send-imm", IBV_WR_SEND_WITH_IMM },
	{ "send-inv", IBV_WR_SEND_WITH_INV },
	{ "fetch-add", IBV_WR_ATOMIC_FETCH_AND_ADD },
	{ "cmp-swap", IBV_WR_ATOMIC_CMP_AND_SWP },
	{ "bind-mw", IBV_WR_BIND_MW },
	{ "local-inv", IBV_WR_LOCAL_INV },
};

static bool parse_operation(const char *word, enum ibv_wr_opcode *opcode)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(operations); i++) {
		if (!strcmp(operations[i].word, word)) {
			*opcode = operations[i].opcode;
			return true;
		}
	}
	return false;
}

static struct ibv_sge part(const struct region *region, uint64_t offset,
			   uint64_t length)
{
	return (struct ibv_sge){
		.addr = (uintptr_t)region->mr.addr + offset,
		.length = length,
		.lkey = region->mr.lkey,
	};
}

/* Of [{"mr":NAME,"offset":0,"length":8},...]: how many, or -1. */
static int parse_list(struct call *c, json_t *list, struct ibv_sge *sges)
{
	json_t *item;
	size_t i;

	if (json_array_size(list) > RDMA_SGES)
		return call_usage(c, "sges are %d at most", RDMA_SGES);
	json_array_foreach(list, i, item) {
		const char *name =
			json_string_value(json_object_get(item, "mr"));
		struct handle *h =
			handle_get_named(c, name ?: "", HANDLE_REGION);

		if (!h)
			return -1;
		sges[i] = part(
			rdma_region_of(h),
			json_integer_value(json_object_get(item, "offset")),
			json_integer_value(json_object_get(item, "length")));
	}
	return i;
}

/* What is local of a work request: how many parts, or -1 with the answer. */
static int parse_sges(struct call *c, struct ibv_sge *sges)
{
	struct handle *h;

	if (call_has(c, "sges"))
		return parse_list(c, call_json(c, "sges"), sges);
	if (!call_has(c, "mr"))
		return 0;
	h = handle_get(c, "mr", HANDLE_REGION);
	if (!h)
		return -1;
	sges[0] = part(rdma_region_of(h), call_number(c, "offset", 0),
		       call_number(c, "length", 0));
	if (call_has(c, "lkey"))
		sges[0].lkey = call_number(c, "lkey", 0);
	return 1;
}

static void set_target(struct call *c, struct ibv_send_wr *wr)
{
	uint64_t addr = call_number(c, "remote_addr", 0);
	uint32_t rkey = call_number(c, "rkey", 0);

	switch (wr->opcode) {
	case IBV_WR_ATOMIC_FETCH_AND_ADD:
	case IBV_WR_ATOMIC_CMP_AND_SWP:
		wr->wr.atomic.remote_addr = addr;
		wr->wr.atomic.rkey = rkey;
		wr->wr.atomic.compare_add =
			call_number(c, "add", call_number(c, "compare", 0));
		wr->wr.atomic.swap = call_number(c, "swap", 0);
		break;
	case IBV_WR_SEND_WITH_INV:
	case IBV_WR_LOCAL_INV:
		wr->invalidate_rkey = rkey;
		break;
	default:
		wr->wr.rdma.remote_addr = addr;
		wr->wr.rdma.rkey = rkey;
		wr->imm_data = htonl(call_number(c, "imm", 0));
		break;
	}
}

/* Until the one of that number is there; -1 with the answer written. */
static int await_completion(struct call *c, struct queue_pair *qp,
			    struct completions *from, uint64_t id)
{
	uint64_t timeout = call_number(c, "timeout_ms", TIMEOUT_MS);
	uint64_t deadline = monotonic_ns() + timeout * NSEC_PER_MSEC, now;
	struct ibv_wc wc;
	int count;

	for (;;) {
		count = completions_take(qp, from, &wc, 1, deadline);
		if (count < 0) {
			answer_text(c, "status", completion_missing(errno));
			return 0;
		}
		/* An older one is of a request that was given up. */
		if (count && wc.wr_id >= id)
			break;
		now = monotonic_ns();
		if (now >= deadline) {
			errno = ETIMEDOUT;
			return call_fail(c, "ibv_poll_cq", "no completion");
		}
		call_progress(c, "waits_ms", (deadline - now) / NSEC_PER_MSEC);
	}
	answer_completion(c, &wc);
	return 0;
}

/* The window gets a new key, and the one before is of no use any more. */
static int bind_window(struct call *c, struct queue_pair *qp,
		       struct ibv_send_wr *wr, unsigned int access)
{
	struct handle *h = handle_get(c, "mw", HANDLE_WINDOW);
	struct handle *mr = h ? handle_get(c, "mr", HANDLE_REGION) : NULL;
	struct ibv_mw_bind bind = { .wr_id = wr->wr_id,
				    .send_flags = wr->send_flags };
	struct region *region;
	struct ibv_mw *mw;

	if (!mr)
		return -1;
	region = rdma_region_of(mr);
	mw = rdma_window_of(h)->mw;
	bind.bind_info.mr = &region->mr;
	bind.bind_info.addr = wr->sg_list[0].addr;
	bind.bind_info.length = wr->sg_list[0].length;
	bind.bind_info.mw_access_flags = access;
	if (mw->type == IBV_MW_TYPE_1) {
		errno = ibv_bind_mw(qp->qp, mw, &bind);
	} else {
		struct ibv_send_wr *bad;

		wr->num_sge = 0;
		wr->bind_mw.mw = mw;
		wr->bind_mw.rkey = ibv_inc_rkey(mw->rkey);
		wr->bind_mw.bind_info = bind.bind_info;
		errno = ibv_post_send(qp->qp, wr, &bad);
		if (!errno)
			mw->rkey = wr->bind_mw.rkey;
	}
	if (errno)
		return call_fail(c, "ibv_bind_mw", "cannot bind %s", h->name);
	answer_number(c, "rkey", mw->rkey);
	return 0;
}

static int post(struct call *c, struct handle *h, struct ibv_send_wr *wr,
		unsigned int access)
{
	struct queue_pair *qp = rdma_qp_of(h);
	struct ibv_send_wr *bad;

	if (!qp->connected) {
		errno = ENOTCONN;
		return call_fail(c, "qp", "%s is not connected", h->name);
	}
	wr->wr_id = ++qp->last_id;
	if (wr->opcode == IBV_WR_BIND_MW) {
		if (bind_window(c, qp, wr, access))
			return -1;
	} else {
		set_target(c, wr);
		errno = ibv_post_send(qp->qp, wr, &bad);
		if (errno)
			return call_fail(c, "ibv_post_send",
					 "cannot post to %s", h->name);
	}
	return await_completion(c, qp, &qp->sends, wr->wr_id);
}

int rdma_post(struct call *c)
{
	struct handle *h = handle_get(c, "qp", HANDLE_QP);
	struct queue_pair *qp = h ? rdma_qp_of(h) : NULL;
	struct ibv_sge sges[RDMA_SGES] = {};
	struct ibv_send_wr wr = { .sg_list = sges,
				  .send_flags = IBV_SEND_SIGNALED };
	unsigned int access;
	int ret = -1;

	if (!h)
		return -1;
	if (!parse_operation(call_text(c, "verb", ""), &wr.opcode))
		return call_usage(c, "there is no such verb");
	if (!rdma_access(c, "access", &access))
		return call_usage(c, "there is no such access");
	wr.num_sge = parse_sges(c, sges);
	if (wr.num_sge < 0 || endpoint_enter(c, h->rdma->endpoint))
		return -1;
	if (!completions_begin(c, qp, &qp->sends)) {
		ret = post(c, h, &wr, access);
		completions_end(qp, &qp->sends);
	}
	endpoint_leave(h->rdma->endpoint);
	return ret;
}

int rdma_recv(struct call *c)
{
	struct handle *h = handle_get(c, "qp", HANDLE_QP);
	struct queue_pair *qp = h ? rdma_qp_of(h) : NULL;
	struct ibv_sge sges[RDMA_SGES] = {};
	struct ibv_recv_wr wr = { .sg_list = sges }, *bad;
	int ret = 0;

	if (!h)
		return -1;
	wr.num_sge = parse_sges(c, sges);
	if (wr.num_sge < 0 || endpoint_enter(c, h->rdma->endpoint))
		return -1;
	pthread_mutex_lock(&qp->lock);
	wr.wr_id = ++qp->last_receive_id;
	errno = ibv_post_recv(qp->qp, &wr, &bad);
	pthread_mutex_unlock(&qp->lock);
	if (errno)
		ret = call_fail(c, "ibv_post_recv", "cannot post to %s",
				h->name);
	endpoint_leave(h->rdma->endpoint);
	return ret;
}

int rdma_completion(struct call *c)
{
	struct handle *h = handle_get(c, "qp", HANDLE_QP);
	struct queue_pair *qp = h ? rdma_qp_of(h) : NULL;
	int ret = -1;

	if (!h || endpoint_enter(c, h->rdma->endpoint))
		return -1;
	if (!completions_begin(c, qp, &qp->receives)) {
		ret = await_completion(c, qp, &qp->receives, 0);
		completions_end(qp, &qp->receives);
	}
	endpoint_leave(h->rdma->endpoint);
	return ret;
}
