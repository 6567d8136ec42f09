// SPDX-License-Identifier: Apache-2.0
/* Queue pairs: reliable connections between two. */
#include "rdma.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/*
 * An unanswered request is given up after (RETRIES + 1) * 4.096 us * 2^TIMEOUT,
 * half a second; a receiver that is not ready after about as long.
 */
#define TIMEOUT	      14
#define RETRIES	      6 /* rxe takes 7 for without end */
#define RNR_RETRIES   6
#define RNR_TIMER     24 /* code of 40.96 ms */
#define MAX_RD_ATOMIC 16
#define HOPS	      64
/* From one life of a queue pair to the next: what is late is then too old. */
#define PSN_STEP 0x100000
#define PSN_MASK 0xffffff

static struct queue_pair *to_qp(struct rdma_object *object)
{
	return (struct queue_pair *)object;
}

static int destroy_qp(struct rdma_object *object)
{
	struct queue_pair *qp = to_qp(object);
	int error = qp->qp ? ibv_destroy_qp(qp->qp) : 0;

	if (error)
		return error;
	qp->qp = NULL;
	completions_free(&qp->sends);
	completions_free(&qp->receives);
	return 0;
}

static void free_qp(struct rdma_object *object)
{
	struct queue_pair *qp = to_qp(object);

	if (qp->gone >= 0)
		close(qp->gone);
	pthread_mutex_destroy(&qp->lock);
	free(qp);
}

/* False with errno; what there is by then is destroyed by destroy_qp(). */
static bool init_qp(struct endpoint *endpoint, struct queue_pair *qp)
{
	struct ibv_qp_init_attr init = {
		.qp_type = IBV_QPT_RC,
		.cap = {
			.max_send_wr = RDMA_WRS,
			.max_recv_wr = RDMA_WRS,
			.max_send_sge = RDMA_SGES,
			.max_recv_sge = RDMA_SGES,
		},
	};

	qp->object.destroy = destroy_qp;
	qp->object.free = free_qp;
	pthread_mutex_init(&qp->lock, NULL);
	qp->psn = PSN_STEP;
	qp->gone = eventfd(0, EFD_CLOEXEC);
	if (qp->gone < 0 || completions_init(endpoint, &qp->sends) ||
	    completions_init(endpoint, &qp->receives))
		return false;
	init.send_cq = qp->sends.cq;
	init.recv_cq = qp->receives.cq;
	qp->qp = ibv_create_qp(endpoint->pd, &init);
	return qp->qp;
}

static void answer_qp(struct call *c, struct queue_pair *qp)
{
	char text[INET6_ADDRSTRLEN];

	answer_number(c, "qpn", qp->qp->qp_num);
	answer_number(c, "psn", qp->psn);
	answer_text(c, "gid",
		    inet_ntop(AF_INET6, qp->object.endpoint->gid.gid.raw, text,
			      sizeof(text)));
}

int rdma_qp(struct call *c)
{
	struct handle *h = handle_get(c, "endpoint", HANDLE_ENDPOINT);
	struct handle made = { .kind = HANDLE_QP, .fd = -1 };
	struct queue_pair *qp;
	int ret = -1, error;

	if (!h || endpoint_enter(c, h->endpoint))
		return -1;
	qp = calloc(1, sizeof(*qp));
	if (!qp)
		abort();
	if (init_qp(h->endpoint, qp)) {
		rdma_object_add(h->endpoint, &qp->object);
		made.rdma = &qp->object;
		answer_qp(c, qp);
		ret = handle_add(c, "name", made) ? 0 : -1;
	} else {
		error = errno;
		destroy_qp(&qp->object);
		free_qp(&qp->object);
		errno = error;
		call_fail(c, "ibv_create_qp", "no queue pair");
	}
	endpoint_leave(h->endpoint);
	return ret;
}

static int to_init(struct queue_pair *qp)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = RDMA_PORT,
		.qp_access_flags =
			IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
			IBV_ACCESS_REMOTE_ATOMIC | IBV_ACCESS_MW_BIND,
	};

	return ibv_modify_qp(qp->qp, &attr,
			     IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
				     IBV_QP_ACCESS_FLAGS);
}

static int to_rtr(struct call *c, struct queue_pair *qp, enum ibv_mtu mtu,
		  const union ibv_gid *gid)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = mtu,
		.dest_qp_num = call_number(c, "remote_qpn", 0),
		.rq_psn = call_number(c, "psn", 0),
		.max_dest_rd_atomic = MAX_RD_ATOMIC,
		.min_rnr_timer = RNR_TIMER,
		.ah_attr = {
			.is_global = 1,
			.port_num = RDMA_PORT,
			.grh = {
				.dgid = *gid,
				.sgid_index = qp->object.endpoint->gid.gid_index,
				.hop_limit = HOPS,
			},
		},
	};

	return ibv_modify_qp(qp->qp, &attr,
			     IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU |
				     IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
				     IBV_QP_MAX_DEST_RD_ATOMIC |
				     IBV_QP_MIN_RNR_TIMER);
}

static int to_rts(struct call *c, struct queue_pair *qp)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTS,
		.timeout = call_number(c, "timeout", TIMEOUT),
		.retry_cnt = call_number(c, "retry", RETRIES),
		.rnr_retry = call_number(c, "rnr_retry", RNR_RETRIES),
		.sq_psn = qp->psn,
		.max_rd_atomic = MAX_RD_ATOMIC,
	};

	return ibv_modify_qp(qp->qp, &attr,
			     IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT |
				     IBV_QP_RNR_RETRY | IBV_QP_SQ_PSN |
				     IBV_QP_MAX_QP_RD_ATOMIC);
}

/* Of 256 to 4096 bytes; false if it is none. */
static bool parse_mtu(uint64_t bytes, enum ibv_mtu *mtu)
{
	for (*mtu = IBV_MTU_256; *mtu <= IBV_MTU_4096; (*mtu)++) {
		if (bytes == 128ULL << *mtu)
			return true;
	}
	return false;
}

static int connect_qp(struct call *c, struct handle *h, enum ibv_mtu mtu,
		      const union ibv_gid *gid)
{
	struct queue_pair *qp = rdma_qp_of(h);

	errno = to_init(qp);
	if (errno)
		return call_fail(c, "ibv_modify_qp(INIT)", "cannot connect %s",
				 h->name);
	errno = to_rtr(c, qp, mtu, gid);
	if (errno)
		return call_fail(c, "ibv_modify_qp(RTR)", "cannot connect %s",
				 h->name);
	errno = to_rts(c, qp);
	if (errno)
		return call_fail(c, "ibv_modify_qp(RTS)", "cannot connect %s",
				 h->name);
	qp->connected = true;
	return 0;
}

int rdma_connect(struct call *c)
{
	struct handle *h = handle_get(c, "qp", HANDLE_QP);
	union ibv_gid gid;
	enum ibv_mtu mtu;
	int ret;

	if (!h)
		return -1;
	if (!parse_mtu(call_number(c, "mtu", 1024), &mtu))
		return call_usage(c, "mtu is 256, 512, 1024, 2048 or 4096");
	if (inet_pton(AF_INET6, call_text(c, "remote_gid", ""), gid.raw) != 1)
		return call_usage(c, "remote_gid is like ::ffff:10.0.0.1");
	if (endpoint_enter(c, h->rdma->endpoint))
		return -1;
	ret = connect_qp(c, h, mtu, &gid);
	endpoint_leave(h->rdma->endpoint);
	return ret;
}

/* With nobody taking its completions: there will be none of what is dropped. */
static int reset_qp(struct call *c, struct handle *h)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RESET };
	struct queue_pair *qp = rdma_qp_of(h);

	errno = ibv_modify_qp(qp->qp, &attr, IBV_QP_STATE);
	if (errno)
		return call_fail(c, "ibv_modify_qp(RESET)", "cannot reset %s",
				 h->name);
	qp->connected = false;
	qp->psn = (qp->psn + PSN_STEP) & PSN_MASK;
	completions_discard(&qp->sends);
	completions_discard(&qp->receives);
	answer_qp(c, qp);
	return 0;
}

int rdma_reset(struct call *c)
{
	struct handle *h = handle_get(c, "qp", HANDLE_QP);
	struct queue_pair *qp = h ? rdma_qp_of(h) : NULL;
	int ret = -1;

	if (!h || endpoint_enter(c, h->rdma->endpoint))
		return -1;
	if (!completions_begin(c, qp, &qp->sends)) {
		if (!completions_begin(c, qp, &qp->receives)) {
			ret = reset_qp(c, h);
			completions_end(qp, &qp->receives);
		}
		completions_end(qp, &qp->sends);
	}
	endpoint_leave(h->rdma->endpoint);
	return ret;
}

static const char *state_name(enum ibv_qp_state state)
{
	static const char *const names[] = {
		[IBV_QPS_RESET] = "reset", [IBV_QPS_INIT] = "init",
		[IBV_QPS_RTR] = "rtr",	   [IBV_QPS_RTS] = "rts",
		[IBV_QPS_SQD] = "sqd",	   [IBV_QPS_SQE] = "sqe",
		[IBV_QPS_ERR] = "error",
	};

	return state < ARRAY_SIZE(names) ? names[state] : "unknown";
}

int rdma_qpstate(struct call *c)
{
	struct handle *h = handle_get(c, "qp", HANDLE_QP);
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;
	int ret = 0;

	if (!h || endpoint_enter(c, h->rdma->endpoint))
		return -1;
	errno = ibv_query_qp(rdma_qp_of(h)->qp, &attr, IBV_QP_STATE, &init);
	if (errno)
		ret = call_fail(c, "ibv_query_qp",
				"cannot tell the state of %s", h->name);
	else
		answer_text(c, "state", state_name(attr.qp_state));
	endpoint_leave(h->rdma->endpoint);
	return ret;
}

int rdma_close(struct call *c)
{
	struct handle *h = handle_seize(
		c, "name", HANDLE_ENDPOINT | HANDLE_QP | HANDLE_WINDOW);

	if (!h)
		return -1;
	if (h->kind == HANDLE_ENDPOINT)
		endpoint_interrupt(h->endpoint);
	if (h->kind == HANDLE_QP)
		eventfd_write(rdma_qp_of(h)->gone, 1);
	handle_await_unused(h);
	handle_free(h);
	return 0;
}
