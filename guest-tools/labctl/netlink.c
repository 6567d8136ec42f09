// SPDX-License-Identifier: Apache-2.0
/*
 * Netlink by hand: a library of it would turn the kernel's errno into a number
 * of its own.
 */
#include "netlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void append(struct netlink *request, const void *data, size_t length)
{
	size_t at = NLMSG_ALIGN(request->header.nlmsg_len);

	/* Interfaces have short names: nothing here is long. */
	if (at + length > sizeof(*request))
		abort();
	if (length)
		memcpy((uint8_t *)request + at, data, length);
	request->header.nlmsg_len = at + length;
}

void netlink_begin(struct netlink *request, int type, int flags,
		   const void *fixed, size_t length)
{
	memset(request, 0, sizeof(*request));
	request->header.nlmsg_len = NLMSG_HDRLEN;
	request->header.nlmsg_type = type;
	request->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	append(request, fixed, length);
}

static struct nlattr *put_header(struct netlink *request, int attribute,
				 size_t length)
{
	struct nlattr header = { .nla_type = attribute,
				 .nla_len = NLA_HDRLEN + length };

	append(request, &header, sizeof(header));
	return (struct nlattr *)((uint8_t *)request +
				 request->header.nlmsg_len - sizeof(header));
}

void netlink_put(struct netlink *request, int attribute, const void *data,
		 size_t length)
{
	put_header(request, attribute, length);
	append(request, data, length);
}

void netlink_put_text(struct netlink *request, int attribute, const char *text)
{
	netlink_put(request, attribute, text, strlen(text) + 1);
}

void netlink_put_u32(struct netlink *request, int attribute, uint32_t value)
{
	netlink_put(request, attribute, &value, sizeof(value));
}

struct nlattr *netlink_nest(struct netlink *request, int attribute,
			    const void *fixed, size_t length)
{
	struct nlattr *nest = put_header(request, attribute, 0);

	append(request, fixed, length);
	return nest;
}

void netlink_nest_end(struct netlink *request, struct nlattr *nest)
{
	nest->nla_len = (uint8_t *)request + request->header.nlmsg_len -
			(uint8_t *)nest;
}

int netlink_perform(struct netlink *request, int protocol)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		uint8_t quoted[sizeof(*request)];
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	int error = 0;
	ssize_t got;

	if (fd < 0)
		return -1;
	got = send(fd, request, request->header.nlmsg_len, 0);
	if (got >= 0)
		got = recv(fd, &answer, sizeof(answer), 0);
	if (got < 0)
		error = errno;
	else if ((size_t)got < sizeof(answer.header) + sizeof(answer.error) ||
		 answer.header.nlmsg_type != NLMSG_ERROR)
		error = EPROTO;
	else
		error = -answer.error.error;
	close(fd);
	errno = error;
	return error ? -1 : 0;
}
