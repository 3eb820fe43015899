/* SPDX-License-Identifier: BSD-3-Clause */
/* mcast.h - multicast groups that sockets have joined, with their source filters. */
#ifndef STACK_INET_MCAST_H
#define STACK_INET_MCAST_H

#include "stack/inet/inet_priv.h"

#define MCAST_MEMBERS_MAX 4096	  /* of all sockets */
#define MCAST_PER_SOCKET 20	  /* Linux's igmp_max_memberships */
#define MCAST_SOURCES_MAX 64	  /* per membership; Linux's mld_max_msf */

/* One group on one link that a socket has joined. */
struct mc_member {
	struct mc_member *next;
	struct inet_sock *owner;
	struct ipaddr group;
	struct ipaddr local;	 /* an address of ours on the link: names it to ip_mcast_join() */
	uint32_t ifindex;
	bool include;		 /* only from sources; else from all but sources */
	uint16_t nsources;
	struct ipaddr sources[MCAST_SOURCES_MAX];
};

/*
 * ifindex 0 and local any: the link by route.  -EINVAL (not a group), -ENODEV,
 * -EADDRINUSE (joined already), -ENOBUFS.
 */
int mcast_join(struct stack *st, struct inet_sock *isk, const struct ipaddr *group,
	       uint32_t ifindex, const struct ipaddr *local, uint64_t now);
/* -EADDRNOTAVAIL: not a member */
int mcast_leave(struct stack *st, struct inet_sock *isk, const struct ipaddr *group,
		uint32_t ifindex, const struct ipaddr *local, uint64_t now);

enum mcast_source_op { MCAST_SOURCE_JOIN, MCAST_SOURCE_LEAVE, MCAST_SOURCE_BLOCK, MCAST_SOURCE_UNBLOCK };
/* IP_ADD_SOURCE_MEMBERSHIP and its three relatives, as ip_mc_source(). */
int mcast_source(struct stack *st, struct inet_sock *isk, enum mcast_source_op op,
		 const struct ipaddr *group, const struct ipaddr *source, uint32_t ifindex,
		 const struct ipaddr *local, uint64_t now);

#endif
