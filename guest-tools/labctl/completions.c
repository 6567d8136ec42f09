// SPDX-License-Identifier: Apache-2.0
/* Completion queues: waiting for what comes in, and what it says. */
#include "rdma.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

int completions_init(struct endpoint *endpoint, struct completions *from)
{
	from->channel = ibv_create_comp_channel(endpoint->context);
	if (!from->channel)
		return -1;
	if (fcntl(from->channel->fd, F_SETFL, O_NONBLOCK))
		return -1;
	from->cq = ibv_create_cq(endpoint->context, RDMA_WRS, NULL,
				 from->channel, 0);
	return from->cq ? 0 : -1;
}

void completions_free(struct completions *from)
{
	if (from->cq)
		ibv_destroy_cq(from->cq);
	if (from->channel)
		ibv_destroy_comp_channel(from->channel);
	from->cq = NULL;
	from->channel = NULL;
}

void completions_discard(struct completions *from)
{
	struct ibv_wc wc;

	while (ibv_poll_cq(from->cq, 1, &wc) > 0)
		;
}

/* Until something may have come in, for a second at most. */
static int wait_event(struct queue_pair *qp, struct completions *from,
		      uint64_t deadline)
{
	struct pollfd fds[] = {
		{ .fd = from->channel->fd, .events = POLLIN },
		{ .fd = qp->gone, .events = POLLIN },
		{ .fd = qp->object.endpoint->gone, .events = POLLIN },
	};
	uint64_t now = monotonic_ns(), wait = 0;
	struct ibv_cq *cq;
	void *context;

	if (now < deadline)
		wait = deadline - now;
	if (wait > NSEC_PER_SEC)
		wait = NSEC_PER_SEC;
	poll(fds, ARRAY_SIZE(fds), (wait + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC);
	if (fds[1].revents || fds[2].revents) {
		errno = ECANCELED;
		return -1;
	}
	if (fds[0].revents & (POLLERR | POLLHUP)) {
		errno = ENODEV;
		return -1;
	}
	while (!ibv_get_cq_event(from->channel, &cq, &context))
		ibv_ack_cq_events(cq, 1);
	return 0;
}

int completions_take(struct queue_pair *qp, struct completions *from,
		     struct ibv_wc *taken, int space, uint64_t deadline)
{
	int count = ibv_poll_cq(from->cq, space, taken);

	if (count)
		return count;
	/* What came before it was asked to tell does not make it tell. */
	errno = ibv_req_notify_cq(from->cq, 0);
	if (errno == EIO)
		errno = ENODEV;
	if (errno)
		return -1;
	count = ibv_poll_cq(from->cq, space, taken);
	if (count)
		return count;
	if (wait_event(qp, from, deadline))
		return -1;
	return ibv_poll_cq(from->cq, space, taken);
}

int completions_begin(struct call *c, struct queue_pair *qp,
		      struct completions *from)
{
	bool busy;

	pthread_mutex_lock(&qp->lock);
	busy = from->busy;
	from->busy = true;
	pthread_mutex_unlock(&qp->lock);
	if (!busy)
		return 0;
	errno = EBUSY;
	return call_fail(c, "qp", "somebody waits for its completions");
}

void completions_end(struct queue_pair *qp, struct completions *from)
{
	pthread_mutex_lock(&qp->lock);
	from->busy = false;
	pthread_mutex_unlock(&qp->lock);
}

const char *completion_status(enum ibv_wc_status status)
{
	static const char *const words[] = {
		[IBV_WC_SUCCESS] = "success",
		[IBV_WC_LOC_LEN_ERR] = "local-length",
		[IBV_WC_LOC_QP_OP_ERR] = "local-qp-operation",
		[IBV_WC_LOC_PROT_ERR] = "local-protection",
		[IBV_WC_WR_FLUSH_ERR] = "flush",
		[IBV_WC_MW_BIND_ERR] = "mw-bind",
		[IBV_WC_BAD_RESP_ERR] = "bad-response",
		[IBV_WC_LOC_ACCESS_ERR] = "local-access",
		[IBV_WC_REM_INV_REQ_ERR] = "remote-invalid-request",
		[IBV_WC_REM_ACCESS_ERR] = "remote-access",
		[IBV_WC_REM_OP_ERR] = "remote-operation",
		[IBV_WC_RETRY_EXC_ERR] = "retry-exceeded",
		[IBV_WC_RNR_RETRY_EXC_ERR] = "rnr-retry-exceeded",
		[IBV_WC_FATAL_ERR] = "fatal",
		[IBV_WC_RESP_TIMEOUT_ERR] = "response-timeout",
		[IBV_WC_GENERAL_ERR] = "general",
	};

	return status < ARRAY_SIZE(words) && words[status] ? words[status] :
							     "unexpected";
}

const char *completion_missing(int error)
{
	return error == ECANCELED ? "closed" : "device-removed";
}

static const char *opcode_name(enum ibv_wc_opcode opcode)
{
	switch (opcode) {
	case IBV_WC_SEND:
		return "send";
	case IBV_WC_RDMA_WRITE:
		return "write";
	case IBV_WC_RDMA_READ:
		return "read";
	case IBV_WC_COMP_SWAP:
		return "cmp-swap";
	case IBV_WC_FETCH_ADD:
		return "fetch-add";
	case IBV_WC_BIND_MW:
		return "bind-mw";
	case IBV_WC_LOCAL_INV:
		return "local-inv";
	case IBV_WC_RECV:
		return "recv";
	case IBV_WC_RECV_RDMA_WITH_IMM:
		return "recv-write-imm";
	default:
		return "unexpected";
	}
}

void answer_completion(struct call *c, const struct ibv_wc *wc)
{
	answer_text(c, "status", completion_status(wc->status));
	answer_number(c, "vendor_error", wc->vendor_err);
	/* Only of a success is the rest defined. */
	if (wc->status != IBV_WC_SUCCESS)
		return;
	answer_text(c, "opcode", opcode_name(wc->opcode));
	answer_number(c, "length", wc->byte_len);
	if (wc->wc_flags & IBV_WC_WITH_IMM)
		answer_number(c, "imm", ntohl(wc->imm_data));
	/* rxe passes on the kernel's flag, which is that other one here. */
	if (wc->wc_flags & (IBV_WC_WITH_INV | IBV_WC_IP_CSUM_OK))
		answer_number(c, "invalidated", wc->invalidated_rkey);
}
