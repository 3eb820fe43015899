/* SPDX-License-Identifier: BSD-3-Clause */
/* sockopt_mcast.c - groups and sources by sockaddr, of either family: RFC 3678 5.1. */
#include <errno.h>
#include <string.h>

#include "stack/inet/mcast.h"
#include "stack/inet/sockopt.h"

static int group_address(const struct sockaddr_storage *ss, int family, struct ipaddr *addr)
{
	struct endpoint ep;

	if (ss->ss_family != family)
		return -EADDRNOTAVAIL;
	endpoint_from_sockaddr(&ep, (const struct sockaddr *)ss, sizeof(*ss));
	*addr = ep.addr;
	return 0;
}

static int mcast_group(const struct optctx *c, int family, int name, const void *val, socklen_t len)
{
	struct ipaddr group, source, any = ipaddr_from_v4(INADDR_ANY);
	struct group_source_req gsr;
	struct group_req gr;
	enum mcast_source_op op;

	if (name == MCAST_JOIN_GROUP || name == MCAST_LEAVE_GROUP) {
		if (len < (socklen_t)sizeof(gr))
			return -EINVAL;
		memcpy(&gr, val, sizeof(gr));
		if (group_address(&gr.gr_group, family, &group) < 0)
			return -EINVAL;
		if (name == MCAST_JOIN_GROUP)
			return mcast_join(c->st, c->isk, &group, gr.gr_interface, &any, c->now);
		return mcast_leave(c->st, c->isk, &group, gr.gr_interface, &any, c->now);
	}
	if (len != (socklen_t)sizeof(gsr))
		return -EINVAL;
	memcpy(&gsr, val, sizeof(gsr));
	if (group_address(&gsr.gsr_group, family, &group) < 0 ||
	    group_address(&gsr.gsr_source, family, &source) < 0)
		return -EADDRNOTAVAIL;
	op = name == MCAST_JOIN_SOURCE_GROUP  ? MCAST_SOURCE_JOIN :
	     name == MCAST_LEAVE_SOURCE_GROUP ? MCAST_SOURCE_LEAVE :
	     name == MCAST_BLOCK_SOURCE	      ? MCAST_SOURCE_BLOCK :
						MCAST_SOURCE_UNBLOCK;
	return mcast_source(c->st, c->isk, op, &group, &source, gsr.gsr_interface, &any, c->now);
}

#define GROUP_OPTION(function, option)                                                         \
	int sockopt_##function##_4(const struct optctx *c, const void *val, socklen_t len)     \
	{                                                                                      \
		return mcast_group(c, AF_INET, option, val, len);                              \
	}                                                                                      \
	int sockopt_##function##_6(const struct optctx *c, const void *val, socklen_t len)     \
	{                                                                                      \
		return mcast_group(c, AF_INET6, option, val, len);                             \
	}

GROUP_OPTION(join_group, MCAST_JOIN_GROUP)
GROUP_OPTION(leave_group, MCAST_LEAVE_GROUP)
GROUP_OPTION(join_source, MCAST_JOIN_SOURCE_GROUP)
GROUP_OPTION(leave_source, MCAST_LEAVE_SOURCE_GROUP)
GROUP_OPTION(block_source, MCAST_BLOCK_SOURCE)
GROUP_OPTION(unblock_source, MCAST_UNBLOCK_SOURCE)
