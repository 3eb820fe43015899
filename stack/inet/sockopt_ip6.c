/* SPDX-License-Identifier: BSD-3-Clause */
/* sockopt_ip6.c - SOL_IPV6: ipv6(7), RFC 3493, RFC 3542. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "stack/inet/dgram.h"
#include "stack/inet/mcast.h"
#include "stack/inet/raw.h"
#include "stack/inet/sockopt.h"

#ifndef IPV6_FLOWINFO /* <linux/in6.h>, which glibc's headers exclude */
#define IPV6_FLOWINFO 11
#define IPV6_FLOWINFO_SEND 33
#endif
#ifndef IPV6_ORIGDSTADDR
#define IPV6_ORIGDSTADDR 74
#endif
#define IP6_MIN_MTU 1280 /* RFC 8200 5 */

#define CMSG_OPTION(name, flag)                                 \
	static int set_##name(const struct optctx *c, int val)  \
	{                                                       \
		if (val != 0)                                   \
			c->isk->cmsg_flags |= (flag);           \
		else                                            \
			c->isk->cmsg_flags &= ~(uint32_t)(flag); \
		return 0;                                       \
	}                                                       \
	static int get_##name(const struct optctx *c, int *val) \
	{                                                       \
		*val = (c->isk->cmsg_flags & (flag)) != 0;      \
		return 0;                                       \
	}

CMSG_OPTION(recvpktinfo, CMSG_F_RXPKTINFO6)
CMSG_OPTION(recvhoplimit, CMSG_F_HOPLIMIT6)
CMSG_OPTION(recvtclass, CMSG_F_TCLASS6)

CMSG_OPTION(origdstaddr, CMSG_F_ORIGDSTADDR6)
CMSG_OPTION(flowinfo, CMSG_F_FLOWINFO6)

static int set_autolabel(const struct optctx *c, int val)
{
	c->isk->in6.no_autolabel = val == 0;
	return 0;
}

static int get_autolabel(const struct optctx *c, int *val)
{
	*val = !c->isk->in6.no_autolabel;
	return 0;
}

static int set_sndflow(const struct optctx *c, int val)
{
	c->isk->in6.sndflow = val != 0;
	return 0;
}

static int get_sndflow(const struct optctx *c, int *val)
{
	*val = c->isk->in6.sndflow;
	return 0;
}

static int set_hdrincl(const struct optctx *c, int val)
{
	if (val != 0)
		c->sk->flags |= SOCK_F_HDRINCL;
	else
		c->sk->flags &= ~SOCK_F_HDRINCL;
	return 0;
}

static int get_hdrincl(const struct optctx *c, int *val)
{
	if (c->sk->type != SOCK_RAW)
		return -ENOPROTOOPT;
	*val = (c->sk->flags & SOCK_F_HDRINCL) != 0;
	return 0;
}

/*
 * Only before the socket has a port, which a raw one has from the beginning: its place in the
 * tables depends on it.
 */
static int set_v6only(const struct optctx *c, int val)
{
	if (c->sk->type == SOCK_RAW || (c->isk->bound & (BOUND_HASHED | BOUND_ADDR)) != 0)
		return -EINVAL;
	if (val != 0)
		c->sk->flags |= SOCK_F_V6ONLY;
	else
		c->sk->flags &= ~SOCK_F_V6ONLY;
	return 0;
}

static int set_unicast_hops(const struct optctx *c, int val)
{
	if (val < -1 || val > 255)
		return -EINVAL;
	c->isk->in6.hops = (int16_t)val;
	return 0;
}

static int get_unicast_hops(const struct optctx *c, int *val)
{
	*val = c->isk->in6.hops >= 0 ? c->isk->in6.hops : INET_DEFAULT_TTL;
	return 0;
}

static int set_mc_hops(const struct optctx *c, const void *optval, socklen_t len)
{
	int val;

	if (c->sk->type == SOCK_STREAM)
		return -ENOPROTOOPT;
	if (len < (socklen_t)sizeof(val))
		return -EINVAL;
	memcpy(&val, optval, sizeof(val));
	if (val < -1 || val > 255)
		return -EINVAL;
	c->isk->in6.mc_hops = (int16_t)(val == -1 ? 1 : val);
	return 0;
}

static int get_mc_hops(const struct optctx *c, int *val)
{
	*val = c->isk->in6.mc_hops >= 0 ? c->isk->in6.mc_hops : 1;
	return 0;
}

static int set_mc_loop(const struct optctx *c, int val)
{
	if (val != 0 && val != 1)
		return -EINVAL;
	c->isk->in6.mc_loop = val != 0;
	return 0;
}

static int get_mc_loop(const struct optctx *c, int *val)
{
	*val = c->isk->in6.mc_loop;
	return 0;
}

static int set_mc_all(const struct optctx *c, int val)
{
	c->isk->in6.mc_all = val != 0;
	return 0;
}

static int get_mc_all(const struct optctx *c, int *val)
{
	*val = c->isk->in6.mc_all;
	return 0;
}

static int set_mc_if(const struct optctx *c, int val)
{
	if (val != 0 && inet_netif(c->st, (uint32_t)val) == NULL)
		return -ENODEV;
	c->isk->in6.mc_ifindex = (uint32_t)val;
	return 0;
}

static int get_mc_if(const struct optctx *c, int *val)
{
	*val = (int)c->isk->in6.mc_ifindex;
	return 0;
}

static int set_tclass(const struct optctx *c, int val)
{
	if (val < -1 || val > 0xff)
		return -EINVAL;
	if (val == -1)
		val = 0;
	if (c->sk->type == SOCK_STREAM)
		val = (val & ~3) | (c->isk->in6.tclass & 3);
	c->isk->in6.tclass = (uint8_t)val;
	return 0;
}

static int get_tclass(const struct optctx *c, int *val)
{
	*val = c->isk->in6.tclass;
	return 0;
}

static int set_mtu_discover(const struct optctx *c, int val)
{
	if (val < IPV6_PMTUDISC_DONT || val > IPV6_PMTUDISC_OMIT)
		return -EINVAL;
	c->isk->in6.pmtudisc = (uint8_t)val;
	return 0;
}

static int get_mtu_discover(const struct optctx *c, int *val)
{
	*val = c->isk->in6.pmtudisc;
	return 0;
}

static int get_mtu(const struct optctx *c, int *val)
{
	return sockopt_path_mtu(c, val);
}

/* ipv6(7): the size of fragments, no matter what the path would take. */
static int set_mtu(const struct optctx *c, int val)
{
	if (val != 0 && val < IP6_MIN_MTU)
		return -EINVAL;
	c->isk->in6.frag_size = val > UINT16_MAX ? 0 : (uint16_t)val;
	return 0;
}

static int set_min_hops(const struct optctx *c, int val)
{
	if (val < 0 || val > 255)
		return -EINVAL;
	c->isk->in6.min_hops = (uint8_t)val;
	return 0;
}

static int get_min_hops(const struct optctx *c, int *val)
{
	*val = c->isk->in6.min_hops;
	return 0;
}

static int set_dontfrag(const struct optctx *c, int val)
{
	c->isk->in6.dontfrag = val != 0;
	return 0;
}

static int get_dontfrag(const struct optctx *c, int *val)
{
	*val = c->isk->in6.dontfrag;
	return 0;
}

static int set_recverr(const struct optctx *c, int val)
{
	if (val != 0) {
		c->sk->flags |= SOCK_F_RECVERR6;
		return 0;
	}
	c->sk->flags &= ~SOCK_F_RECVERR6;
	pktq_purge(&inet_sk(c->sk)->errq);
	return 0;
}

/* RFC 3542 3.1: where the checksum of a raw socket's packets is; ICMPv6's is fixed. */
static int set_checksum(const struct optctx *c, int val)
{
	if (c->sk->protocol == IPPROTO_ICMPV6 || (val > 0 && (val & 1) != 0))
		return -EINVAL;
	raw_sk(c->sk)->csum_off = val < 0 ? -1 : val;
	return 0;
}

static int get_checksum(const struct optctx *c, int *val)
{
	if (c->sk->type != SOCK_RAW)
		return -ENOPROTOOPT;
	*val = raw_sk(c->sk)->csum_off;
	return 0;
}

static int set_membership(const struct optctx *c, const void *val, socklen_t len, bool add)
{
	struct ipv6_mreq mreq;
	struct ipaddr group, any = ipaddr_from_v4(INADDR_ANY);

	if (len < (socklen_t)sizeof(mreq))
		return -EINVAL;
	if (c->sk->type == SOCK_STREAM)
		return -EPROTO;
	memcpy(&mreq, val, sizeof(mreq));
	group = ipaddr_from_in6(&mreq.ipv6mr_multiaddr);
	if (ipaddr_is_v4(&group) || !ipaddr_is_multicast(&group))
		return -EINVAL;
	if (add)
		return mcast_join(c->st, c->isk, &group, mreq.ipv6mr_interface, &any, c->now);
	return mcast_leave(c->st, c->isk, &group, mreq.ipv6mr_interface, &any, c->now);
}

static int join_group(const struct optctx *c, const void *val, socklen_t len)
{
	return set_membership(c, val, len, true);
}

static int leave_group(const struct optctx *c, const void *val, socklen_t len)
{
	return set_membership(c, val, len, false);
}

static const struct sockopt rows[] = {
	{ IPV6_V6ONLY, .flag = SOCK_F_V6ONLY, .set_int = set_v6only },
	{ IPV6_UNICAST_HOPS, .set_int = set_unicast_hops, .get_int = get_unicast_hops },
	{ IPV6_MULTICAST_HOPS, .set = set_mc_hops, .get_int = get_mc_hops },
	{ IPV6_MULTICAST_LOOP, .set_int = set_mc_loop, .get_int = get_mc_loop },
	{ IPV6_MULTICAST_IF, .set_int = set_mc_if, .get_int = get_mc_if,
	  .not_set_of = OPT_TYPE(SOCK_STREAM) },
	{ IPV6_MULTICAST_ALL, .set_int = set_mc_all, .get_int = get_mc_all },
	{ IPV6_ADD_MEMBERSHIP, .set = join_group },
	{ IPV6_DROP_MEMBERSHIP, .set = leave_group },
	{ IPV6_MTU, .set_int = set_mtu, .get_int = get_mtu },
	{ IPV6_MTU_DISCOVER, .set_int = set_mtu_discover, .get_int = get_mtu_discover },
	{ IPV6_RECVERR, .flag = SOCK_F_RECVERR6, .set_int = set_recverr },
	{ IPV6_RECVPKTINFO, .set_int = set_recvpktinfo, .get_int = get_recvpktinfo },
	{ IPV6_RECVHOPLIMIT, .set_int = set_recvhoplimit, .get_int = get_recvhoplimit },
	{ IPV6_RECVTCLASS, .set_int = set_recvtclass, .get_int = get_recvtclass },
	{ IPV6_TCLASS, .set_int = set_tclass, .get_int = get_tclass },
	{ IPV6_DONTFRAG, .set_int = set_dontfrag, .get_int = get_dontfrag, .min_len = OPT_LEN_ANY },
	{ IPV6_FREEBIND, .flag = SOCK_F_FREEBIND },
	{ IPV6_TRANSPARENT, .flag = SOCK_F_TRANSPARENT },
	{ IPV6_AUTOFLOWLABEL, .set_int = set_autolabel, .get_int = get_autolabel,
	  .min_len = OPT_LEN_ANY },
	{ IPV6_FLOWINFO, .set_int = set_flowinfo, .get_int = get_flowinfo },
	{ IPV6_FLOWINFO_SEND, .set_int = set_sndflow, .get_int = get_sndflow },
	{ IPV6_HDRINCL, .set_int = set_hdrincl, .get_int = get_hdrincl,
	  .not_set_of = OPT_TYPE(SOCK_STREAM) | OPT_TYPE(SOCK_DGRAM) },
	{ IPV6_CHECKSUM, .set_int = set_checksum, .get_int = get_checksum,
	  .not_set_of = OPT_TYPE(SOCK_STREAM) | OPT_TYPE(SOCK_DGRAM) },
	{ IPV6_MINHOPCOUNT, .set_int = set_min_hops, .get_int = get_min_hops },
	{ IPV6_ORIGDSTADDR, .set_int = set_origdstaddr, .get_int = get_origdstaddr },
	SOCKOPT_MCAST_ROWS(6),
};

const struct sockopt_table sockopt_ip6 = { rows, sizeof(rows) / sizeof(rows[0]), sizeof(int), false, NULL };
