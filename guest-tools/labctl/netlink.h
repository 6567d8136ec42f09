/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the kernel over netlink, with the errno it answers. */
#ifndef NETLINK_H
#define NETLINK_H

#include <stddef.h>
#include <stdint.h>
#include <linux/netlink.h>

struct netlink {
	struct nlmsghdr header;
	uint8_t bytes[1024];
};

/* What follows the header is fixed: length bytes, without attributes. */
void netlink_begin(struct netlink *request, int type, int flags,
		   const void *fixed, size_t length);
void netlink_put(struct netlink *request, int attribute, const void *data,
		 size_t length);
void netlink_put_text(struct netlink *request, int attribute, const char *text);
void netlink_put_u32(struct netlink *request, int attribute, uint32_t value);
/* Attributes put between these two are inside that one. */
struct nlattr *netlink_nest(struct netlink *request, int attribute,
			    const void *fixed, size_t length);
void netlink_nest_end(struct netlink *request, struct nlattr *nest);
/* 0 once the kernel has done it, or -1 with the errno it refuses with. */
int netlink_perform(struct netlink *request, int protocol);

#endif
