// SPDX-License-Identifier: Apache-2.0
/* Soft-RoCE devices over network interfaces. */
#include "rdma.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <rdma/rdma_netlink.h>

#include "netlink.h"

#define NLDEV(command) RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, RDMA_NLDEV_CMD_##command)

static bool usable(struct ibv_context *context, struct ibv_gid_entry *gid)
{
	struct ibv_port_attr port;

	return !ibv_query_port(context, RDMA_PORT, &port) &&
	       port.state == IBV_PORT_ACTIVE && rdma_find_gid(context, gid);
}

/* The kernel fills the table of GIDs later on, and then sends an event. */
static int await_usable(struct call *c, struct ibv_context *context,
			struct ibv_gid_entry *gid)
{
	uint64_t timeout = call_number(c, "timeout_ms", 10000) * NSEC_PER_MSEC;
	uint64_t deadline = monotonic_ns() + timeout, now;
	struct ibv_async_event event;

	if (fcntl(context->async_fd, F_SETFL, O_NONBLOCK))
		return call_fail(c, "fcntl(O_NONBLOCK)", "cannot get events");
	while (!usable(context, gid)) {
		now = monotonic_ns();
		if (now >= deadline) {
			errno = ETIMEDOUT;
			return call_fail(c, "rdma",
					 "the port of %s is not active with a "
					 "RoCE v2 GID of an IPv4 address",
					 call_text(c, "name", ""));
		}
		call_progress(c, "waits_ms", (deadline - now) / NSEC_PER_MSEC);
		poll_input(context->async_fd, deadline);
		while (!ibv_get_async_event(context, &event))
			ibv_ack_async_event(&event);
	}
	return 0;
}

int rdma_link(struct call *c)
{
	const char *name = call_text(c, "name", "");
	const char *interface = call_text(c, "interface", "");
	struct ibv_context *context;
	struct ibv_gid_entry gid;
	struct netlink request;
	char text[INET6_ADDRSTRLEN];
	int ret;

	netlink_begin(&request, NLDEV(NEWLINK), 0, NULL, 0);
	netlink_put_text(&request, RDMA_NLDEV_ATTR_DEV_NAME, name);
	netlink_put_text(&request, RDMA_NLDEV_ATTR_LINK_TYPE, "rxe");
	netlink_put_text(&request, RDMA_NLDEV_ATTR_NDEV_NAME, interface);
	if (netlink_perform(&request, NETLINK_RDMA))
		return call_fail(c, "netlink(RDMA_NLDEV_CMD_NEWLINK)",
				 "cannot make %s over %s", name, interface);

	context = rdma_open_device(name);
	if (!context)
		return call_fail(c, "ibv_open_device", "cannot open %s", name);
	ret = await_usable(c, context, &gid);
	ibv_close_device(context);
	if (ret)
		return -1;
	answer_text(c, "gid",
		    inet_ntop(AF_INET6, gid.gid.raw, text, sizeof(text)));
	return 0;
}

int rdma_unlink(struct call *c)
{
	const char *name = call_text(c, "name", "");
	int index = rdma_device_index(name);
	struct netlink request;

	if (index < 0)
		return call_fail(c, "ibv_get_device_list",
				 "there is no RDMA device %s", name);
	netlink_begin(&request, NLDEV(DELLINK), 0, NULL, 0);
	netlink_put_u32(&request, RDMA_NLDEV_ATTR_DEV_INDEX, index);
	if (netlink_perform(&request, NETLINK_RDMA))
		return call_fail(c, "netlink(RDMA_NLDEV_CMD_DELLINK)",
				 "cannot remove %s", name);
	return 0;
}
