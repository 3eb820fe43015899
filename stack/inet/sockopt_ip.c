/* SPDX-License-Identifier: BSD-3-Clause */
/* sockopt_ip.c - SOL_IP: ip(7). */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "stack/inet/dgram.h"
#include "stack/inet/mcast.h"
#include "stack/inet/sockopt.h"

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif
#ifndef IP_PROTOCOL
#define IP_PROTOCOL 52
#endif

static int set_cmsg(const struct optctx *c, uint32_t flag, int val)
{
	if (val != 0)
		c->isk->cmsg_flags |= flag;
	else
		c->isk->cmsg_flags &= ~flag;
	return 0;
}

#define CMSG_OPTION(name, flag)                                       \
	static int set_##name(const struct optctx *c, int val)        \
	{                                                             \
		return set_cmsg(c, flag, val);                        \
	}                                                             \
	static int get_##name(const struct optctx *c, int *val)       \
	{                                                             \
		*val = (c->isk->cmsg_flags & (flag)) != 0;            \
		return 0;                                             \
	}

CMSG_OPTION(pktinfo, CMSG_F_PKTINFO)
CMSG_OPTION(recvttl, CMSG_F_TTL)
CMSG_OPTION(recvtos, CMSG_F_TOS)
CMSG_OPTION(origdstaddr, CMSG_F_ORIGDSTADDR)

/* The ECN bits of a TCP socket are the stack's: RFC 3168 6.1. */
static int set_tos(const struct optctx *c, int val)
{
	if (c->sk->type == SOCK_STREAM)
		val = (val & ~3) | (c->isk->tos & 3);
	c->isk->tos = (uint8_t)val;
	return 0;
}

static int get_tos(const struct optctx *c, int *val)
{
	*val = c->isk->tos;
	return 0;
}

static int set_ttl(const struct optctx *c, int val)
{
	if (val != -1 && (val < 1 || val > 255))
		return -EINVAL;
	c->isk->ttl = val == -1 ? 0 : (uint8_t)val;
	return 0;
}

static int get_ttl(const struct optctx *c, int *val)
{
	*val = c->isk->ttl != 0 ? c->isk->ttl : INET_DEFAULT_TTL;
	return 0;
}

static int set_minttl(const struct optctx *c, int val)
{
	if (val < 0 || val > 255)
		return -EINVAL;
	c->isk->min_ttl = (uint8_t)val;
	return 0;
}

static int get_minttl(const struct optctx *c, int *val)
{
	*val = c->isk->min_ttl;
	return 0;
}

static int set_hdrincl(const struct optctx *c, int val)
{
	if (c->sk->type != SOCK_RAW)
		return -ENOPROTOOPT;
	if (val != 0)
		c->sk->flags |= SOCK_F_HDRINCL;
	else
		c->sk->flags &= ~SOCK_F_HDRINCL;
	return 0;
}

static int get_hdrincl(const struct optctx *c, int *val)
{
	*val = (c->sk->flags & SOCK_F_HDRINCL) != 0;
	return 0;
}

static int set_mtu_discover(const struct optctx *c, int val)
{
	if (val < IP_PMTUDISC_DONT || val > IP_PMTUDISC_OMIT)
		return -EINVAL;
	c->isk->pmtudisc = (uint8_t)val;
	return 0;
}

static int get_mtu_discover(const struct optctx *c, int *val)
{
	*val = c->isk->pmtudisc;
	return 0;
}

/* The route is what counts, of whatever family. */
static bool is_connected(const struct sock *sk)
{
	return sk->type == SOCK_STREAM ? ((const struct inet_sock *)sk)->peer.port != 0 : sk->state == DGRAM_CONNECTED;
}

int sockopt_path_mtu(const struct optctx *c, int *val)
{
	struct inet_sock *isk = c->isk;

	if (!is_connected(c->sk))
		return -ENOTCONN;
	if (dst_check(c->st, &isk->dst, &isk->peer.addr, &isk->local.addr, c->now) < 0)
		return -ENOTCONN;
	*val = isk->dst.mtu;
	return 0;
}

static int get_mtu(const struct optctx *c, int *val)
{
	return sockopt_path_mtu(c, val);
}

/* IP_OPTIONS: none can be set, so that there are none. */
static int set_options(const struct optctx *c, const void *val, socklen_t len)
{
	(void)c;
	(void)val;
	return len == 0 ? 0 : -ENOPROTOOPT;
}

static int get_options(const struct optctx *c, void *val, socklen_t *len)
{
	(void)c;
	(void)val;
	*len = 0;
	return 0;
}

/* Of raw sockets alone, and the stack does not take packets for others that carry the option. */
static int set_router_alert(const struct optctx *c, int val)
{
	(void)val;
	return c->sk->type == SOCK_RAW ? -ENOPROTOOPT : -EINVAL;
}

static int get_router_alert(const struct optctx *c, int *val)
{
	(void)c;
	*val = 0;
	return 0;
}

/* Turning it off throws the queued errors away. */
static int set_recverr(const struct optctx *c, int val)
{
	if (val != 0) {
		c->sk->flags |= SOCK_F_RECVERR;
		return 0;
	}
	c->sk->flags &= ~SOCK_F_RECVERR;
	pktq_purge(&inet_sk(c->sk)->errq);
	return 0;
}

/* Low port in the low half, high port in the high half; 0: the default end. */
static int set_local_port_range(const struct optctx *c, const void *optval, socklen_t len)
{
	uint32_t val;
	uint16_t lo, hi;

	if (len != (socklen_t)sizeof(val))
		return -EINVAL;
	memcpy(&val, optval, sizeof(val));
	lo = (uint16_t)val;
	hi = (uint16_t)(val >> 16);
	if (lo != 0 && hi != 0 && lo > hi)
		return -EINVAL;
	c->isk->port_lo = lo;
	c->isk->port_hi = hi;
	return 0;
}

static int get_local_port_range(const struct optctx *c, int *val)
{
	*val = (int)((uint32_t)c->isk->port_hi << 16 | c->isk->port_lo);
	return 0;
}

/* Made for raw sockets; of others Linux, too, tells the port, which lies in the same place. */
static int get_protocol(const struct optctx *c, int *val)
{
	*val = c->sk->type == SOCK_RAW ? c->sk->protocol : c->isk->local.port;
	return 0;
}

/* -- multicast ---------------------------------------------------------------------------- */

static int set_mc_ttl(const struct optctx *c, int val)
{
	if (c->sk->type == SOCK_STREAM)
		return -EINVAL;
	if (val == -1)
		val = 1;
	if (val < 0 || val > 255)
		return -EINVAL;
	c->isk->mc_ttl = (uint8_t)val;
	return 0;
}

static int get_mc_ttl(const struct optctx *c, int *val)
{
	*val = c->isk->mc_ttl;
	return 0;
}

static int set_mc_loop(const struct optctx *c, int val)
{
	c->isk->mc_loop = val != 0;
	return 0;
}

static int get_mc_loop(const struct optctx *c, int *val)
{
	*val = c->isk->mc_loop;
	return 0;
}

static int set_mc_all(const struct optctx *c, int val)
{
	if (val != 0 && val != 1)
		return -EINVAL;
	c->isk->mc_all = val != 0;
	return 0;
}

static int get_mc_all(const struct optctx *c, int *val)
{
	*val = c->isk->mc_all;
	return 0;
}

/* struct ip_mreqn, struct ip_mreq without the index, or one address. */
static int read_mreqn(const void *val, socklen_t len, struct ip_mreqn *mreq)
{
	memset(mreq, 0, sizeof(*mreq));
	if (len >= (socklen_t)sizeof(*mreq))
		memcpy(mreq, val, sizeof(*mreq));
	else if (len >= (socklen_t)sizeof(struct ip_mreq))
		memcpy(mreq, val, sizeof(struct ip_mreq));
	else
		return -EINVAL;
	return 0;
}

static int set_mc_if(const struct optctx *c, const void *val, socklen_t len)
{
	struct ip_mreqn mreq;
	struct ipaddr addr;

	if (c->sk->type == SOCK_STREAM)
		return -EINVAL;
	if (read_mreqn(val, len, &mreq) < 0) {
		if (len < (socklen_t)sizeof(struct in_addr))
			return -EINVAL;
		memcpy(&mreq.imr_address, val, sizeof(mreq.imr_address));
	}
	addr = ipaddr_from_v4(mreq.imr_address.s_addr);
	if (mreq.imr_ifindex != 0) {
		if (inet_netif(c->st, (uint32_t)mreq.imr_ifindex) == NULL)
			return -EADDRNOTAVAIL;
	} else if (!ipaddr_is_any(&addr)) {
		mreq.imr_ifindex = (int)inet_ifindex_of_addr(c->st, &addr);
		if (mreq.imr_ifindex == 0)
			return -EADDRNOTAVAIL;
	}
	c->isk->mc_ifindex = (uint32_t)mreq.imr_ifindex;
	c->isk->mc_addr = addr;
	return 0;
}

static int get_mc_if(const struct optctx *c, void *val, socklen_t *len)
{
	struct in_addr addr = { .s_addr = ipaddr_to_v4(&c->isk->mc_addr) };

	return sockopt_put(val, len, &addr, sizeof(addr));
}

static int set_membership(const struct optctx *c, const void *val, socklen_t len, bool add)
{
	struct ipaddr group, local;
	struct ip_mreqn mreq;

	if (c->sk->type == SOCK_STREAM)
		return -EPROTO;
	if (read_mreqn(val, len, &mreq) < 0)
		return -EINVAL;
	group = ipaddr_from_v4(mreq.imr_multiaddr.s_addr);
	local = ipaddr_from_v4(mreq.imr_address.s_addr);
	if (add)
		return mcast_join(c->st, c->isk, &group, (uint32_t)mreq.imr_ifindex, &local, c->now);
	return mcast_leave(c->st, c->isk, &group, (uint32_t)mreq.imr_ifindex, &local, c->now);
}

static int add_membership(const struct optctx *c, const void *val, socklen_t len)
{
	return set_membership(c, val, len, true);
}

static int drop_membership(const struct optctx *c, const void *val, socklen_t len)
{
	return set_membership(c, val, len, false);
}

static int source_membership(const struct optctx *c, const void *val, socklen_t len,
			     enum mcast_source_op op)
{
	struct ipaddr group, source, local;
	struct ip_mreq_source mreq;

	if (len != (socklen_t)sizeof(mreq))
		return -EINVAL;
	memcpy(&mreq, val, sizeof(mreq));
	group = ipaddr_from_v4(mreq.imr_multiaddr.s_addr);
	source = ipaddr_from_v4(mreq.imr_sourceaddr.s_addr);
	local = ipaddr_from_v4(mreq.imr_interface.s_addr);
	return mcast_source(c->st, c->isk, op, &group, &source, 0, &local, c->now);
}

static int add_source(const struct optctx *c, const void *val, socklen_t len)
{
	return source_membership(c, val, len, MCAST_SOURCE_JOIN);
}

static int drop_source(const struct optctx *c, const void *val, socklen_t len)
{
	return source_membership(c, val, len, MCAST_SOURCE_LEAVE);
}

static int block_source(const struct optctx *c, const void *val, socklen_t len)
{
	return source_membership(c, val, len, MCAST_SOURCE_BLOCK);
}

static int unblock_source(const struct optctx *c, const void *val, socklen_t len)
{
	return source_membership(c, val, len, MCAST_SOURCE_UNBLOCK);
}

static const struct sockopt rows[] = {
	{ IP_TOS, .set_int = set_tos, .get_int = get_tos },
	{ IP_TTL, .set_int = set_ttl, .get_int = get_ttl },
	{ IP_HDRINCL, .set_int = set_hdrincl, .get_int = get_hdrincl },
	{ IP_PKTINFO, .set_int = set_pktinfo, .get_int = get_pktinfo },
	{ IP_MTU_DISCOVER, .set_int = set_mtu_discover, .get_int = get_mtu_discover },
	{ IP_RECVERR, .flag = SOCK_F_RECVERR, .set_int = set_recverr },
	{ IP_OPTIONS, .set = set_options, .get = get_options },
	{ IP_ROUTER_ALERT, .set_int = set_router_alert, .get_int = get_router_alert },
	{ IP_RECVTTL, .set_int = set_recvttl, .get_int = get_recvttl },
	{ IP_RECVTOS, .set_int = set_recvtos, .get_int = get_recvtos },
	{ IP_MTU, .get_int = get_mtu },
	{ IP_FREEBIND, .flag = SOCK_F_FREEBIND, .min_len = 1 },
	{ IP_TRANSPARENT, .flag = SOCK_F_TRANSPARENT, .min_len = 1 },
	{ IP_ORIGDSTADDR, .set_int = set_origdstaddr, .get_int = get_origdstaddr },
	{ IP_MINTTL, .set_int = set_minttl, .get_int = get_minttl, .min_len = 1 },
	{ IP_BIND_ADDRESS_NO_PORT, .flag = SOCK_F_BINDADDR_NOPORT },
	{ IP_MULTICAST_IF, .set = set_mc_if, .get = get_mc_if },
	{ IP_MULTICAST_TTL, .set_int = set_mc_ttl, .get_int = get_mc_ttl, .min_len = 1 },
	{ IP_MULTICAST_LOOP, .set_int = set_mc_loop, .get_int = get_mc_loop, .min_len = 1 },
	{ IP_ADD_MEMBERSHIP, .set = add_membership },
	{ IP_DROP_MEMBERSHIP, .set = drop_membership },
	{ IP_UNBLOCK_SOURCE, .set = unblock_source },
	{ IP_BLOCK_SOURCE, .set = block_source },
	{ IP_ADD_SOURCE_MEMBERSHIP, .set = add_source },
	{ IP_DROP_SOURCE_MEMBERSHIP, .set = drop_source },
	SOCKOPT_MCAST_ROWS(4),
	{ IP_MULTICAST_ALL, .set_int = set_mc_all, .get_int = get_mc_all, .min_len = 1 },
	{ IP_LOCAL_PORT_RANGE, .set = set_local_port_range, .get_int = get_local_port_range },
	{ IP_PROTOCOL, .get_int = get_protocol },
};

const struct sockopt_table sockopt_ip = { rows, sizeof(rows) / sizeof(rows[0]), 0, true, NULL };
