// SPDX-License-Identifier: Apache-2.0
/* Network interfaces of software, for soft-RoCE to run over. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include "labctl.h"
#include "netlink.h"

#define NETEM_PACKETS 1000 /* that wait at most, its default */

/* Of an interface that is there: -1 with the answer written. */
static int find_interface(struct call *c, const char *arg)
{
	const char *name = call_text(c, arg, "");
	int index = if_nametoindex(name);

	return index ? index :
		       call_fail(c, "if_nametoindex", "no interface %s", name);
}

static void create(struct netlink *request, const char *name)
{
	netlink_begin(request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
		      &(struct ifinfomsg){}, sizeof(struct ifinfomsg));
	netlink_put_text(request, IFLA_IFNAME, name);
}

static int finish_creation(struct call *c, struct netlink *request,
			   const char *kind)
{
	if (netlink_perform(request, NETLINK_ROUTE))
		return call_fail(c, "netlink(RTM_NEWLINK)",
				 "cannot make %s interface %s", kind,
				 call_text(c, "name", ""));
	return 0;
}

int net_dummy(struct call *c)
{
	struct netlink request;
	struct nlattr *info;

	create(&request, call_text(c, "name", ""));
	info = netlink_nest(&request, IFLA_LINKINFO, NULL, 0);
	netlink_put_text(&request, IFLA_INFO_KIND, "dummy");
	netlink_nest_end(&request, info);
	return finish_creation(c, &request, "dummy");
}

int net_veth(struct call *c)
{
	struct nlattr *info, *data, *peer;
	struct netlink request;

	create(&request, call_text(c, "name", ""));
	info = netlink_nest(&request, IFLA_LINKINFO, NULL, 0);
	netlink_put_text(&request, IFLA_INFO_KIND, "veth");
	data = netlink_nest(&request, IFLA_INFO_DATA, NULL, 0);
	peer = netlink_nest(&request, VETH_INFO_PEER, &(struct ifinfomsg){},
			    sizeof(struct ifinfomsg));
	netlink_put_text(&request, IFLA_IFNAME, call_text(c, "peer", ""));
	netlink_nest_end(&request, peer);
	netlink_nest_end(&request, data);
	netlink_nest_end(&request, info);
	return finish_creation(c, &request, "veth");
}

int net_up(int index)
{
	struct ifinfomsg change = { .ifi_index = index,
				    .ifi_flags = IFF_UP,
				    .ifi_change = IFF_UP };
	struct netlink request;

	netlink_begin(&request, RTM_NEWLINK, 0, &change, sizeof(change));
	return netlink_perform(&request, NETLINK_ROUTE);
}

/* "10.0.0.1/24" */
static bool parse_address(const char *text, struct in_addr *address,
			  unsigned int *prefix)
{
	char dotted[INET_ADDRSTRLEN] = "";
	int end = 0;

	return sscanf(text, "%15[0-9.]/%u%n", dotted, prefix, &end) == 2 &&
	       !text[end] && *prefix <= 32 &&
	       inet_pton(AF_INET, dotted, address) == 1;
}

int net_address(struct call *c)
{
	const char *name = call_text(c, "name", "");
	const char *text = call_text(c, "address", "");
	struct ifaddrmsg header = { .ifa_family = AF_INET };
	struct in_addr address;
	struct netlink request;
	unsigned int prefix;
	int index;

	if (!parse_address(text, &address, &prefix))
		return call_usage(c, "address is like 10.0.0.1/24");
	index = find_interface(c, "name");
	if (index < 0)
		return -1;
	header.ifa_index = index;
	header.ifa_prefixlen = prefix;
	netlink_begin(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &header,
		      sizeof(header));
	netlink_put(&request, IFA_LOCAL, &address, sizeof(address));
	netlink_put(&request, IFA_ADDRESS, &address, sizeof(address));
	if (netlink_perform(&request, NETLINK_ROUTE))
		return call_fail(c, "netlink(RTM_NEWADDR)",
				 "cannot give %s the address %s", name, text);
	if (net_up(index))
		return call_fail(c, "netlink(RTM_NEWLINK)",
				 "cannot bring up %s", name);
	return 0;
}

int net_delete(struct call *c)
{
	struct ifinfomsg which = { .ifi_index = find_interface(c, "name") };
	struct netlink request;

	if (which.ifi_index < 0)
		return -1;
	netlink_begin(&request, RTM_DELLINK, 0, &which, sizeof(which));
	if (netlink_perform(&request, NETLINK_ROUTE))
		return call_fail(c, "netlink(RTM_DELLINK)", "cannot delete %s",
				 call_text(c, "name", ""));
	return 0;
}

int net_move(struct call *c)
{
	struct ifinfomsg which = { .ifi_index = find_interface(c, "name") };
	uint64_t pid = call_number(c, "pid", 0);
	struct netlink request;

	if (which.ifi_index < 0)
		return -1;
	netlink_begin(&request, RTM_NEWLINK, 0, &which, sizeof(which));
	netlink_put_u32(&request, IFLA_NET_NS_PID, pid);
	if (netlink_perform(&request, NETLINK_ROUTE))
		return call_fail(c, "netlink(IFLA_NET_NS_PID)",
				 "cannot move %s to process %lu",
				 call_text(c, "name", ""), pid);
	return 0;
}

int net_loss(struct call *c)
{
	struct tcmsg which = { .tcm_ifindex = find_interface(c, "name"),
			       .tcm_handle = TC_H_MAKE(1 << 16, 0),
			       .tcm_parent = TC_H_ROOT };
	uint64_t percent = call_number(c, "percent", 0);
	struct tc_netem_qopt options = { .limit = NETEM_PACKETS };
	struct netlink request;

	if (which.tcm_ifindex < 0)
		return -1;
	if (percent > 100)
		return call_usage(c, "percent is 0 to 100");
	options.loss = UINT32_MAX * percent / 100;
	netlink_begin(&request, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE,
		      &which, sizeof(which));
	netlink_put_text(&request, TCA_KIND, "netem");
	netlink_put(&request, TCA_OPTIONS, &options, sizeof(options));
	if (netlink_perform(&request, NETLINK_ROUTE))
		return call_fail(c, "netlink(RTM_NEWQDISC)",
				 "cannot have %s lose packets",
				 call_text(c, "name", ""));
	return 0;
}
