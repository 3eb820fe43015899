/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * raw.c - SOCK_RAW: raw(7).
 *
 * A raw socket gets a copy of each packet of its protocol, IPv4 with the IP header, IPv6
 * without, before the protocol itself sees it (raw_input.c).  What it sends goes out with a
 * header of ours, or with IP_HDRINCL with the program's own (raw_output.c).
 */
#include "stack/inet/filter.h"
#include "stack/inet/raw.h"
#include "stack/inet/sockopt.h"

#include <errno.h>
#include <string.h>

#include <netinet/icmp6.h>

#define SOL_RAW_ICMP_FILTER 1 /* ICMP_FILTER of <linux/icmp.h> */

struct sock *raw_alloc_type(struct stack *st, int domain, int type, int protocol)
{
	struct raw_sock *rs = pool_alloc(&st->inet.raw_socks);
	struct inet_sock *isk;

	if (rs == NULL)
		return NULL;
	isk = &rs->dg.inet;
	sock_init(st, &isk->sk, domain, type, protocol);
	rs->csum_off = domain == AF_INET6 && protocol == IPPROTO_ICMPV6 ? 2 : -1;
	/* Nobody has a raw socket's "port" alone, and that is what SO_REUSEADDR says of it. */
	isk->sk.flags |= SOCK_F_REUSEADDR;
	if (protocol == IPPROTO_RAW)
		isk->sk.flags |= SOCK_F_HDRINCL;
	isk->hash_next = st->inet.raw_list;
	if (isk->hash_next != NULL)
		isk->hash_next->hash_pprev = &isk->hash_next;
	isk->hash_pprev = &st->inet.raw_list;
	st->inet.raw_list = isk;
	return &isk->sk;
}

struct sock *raw_alloc(struct stack *st, int domain, int protocol, uint64_t now)
{
	(void)now;
	return raw_alloc_type(st, domain, SOCK_RAW, protocol);
}

void raw_list_remove(struct raw_sock *rs)
{
	struct inet_sock *isk = &rs->dg.inet;

	if (isk->hash_pprev == NULL)
		return;
	*isk->hash_pprev = isk->hash_next;
	if (isk->hash_next != NULL)
		isk->hash_next->hash_pprev = isk->hash_pprev;
	isk->hash_next = NULL;
	isk->hash_pprev = NULL;
}

void raw_release(struct stack *st, struct sock *sk, uint64_t now)
{
	(void)now;
	raw_list_remove(raw_sk(sk));
	port_unbind(st, inet_sk(sk));
	dgram_purge(dgram_sk(sk));
	filter_detach(st, sk);
	pool_free(&st->inet.raw_socks, sk);
}

static void raw_reset_addr(struct sock *sk)
{
	struct inet_sock *isk = inet_sk(sk);

	memset(&isk->local.addr, 0, sizeof(isk->local.addr));
	if (sk->domain == AF_INET)
		isk->local.addr = ipaddr_from_v4(INADDR_ANY);
	isk->bound &= (uint8_t)~BOUND_ADDR;
}

static int raw_bind(struct stack *st, struct sock *sk, const struct endpoint *ep, uint64_t now)
{
	struct inet_sock *isk = inet_sk(sk);

	(void)st;
	(void)now;
	if (sk->state != DGRAM_CLOSED)
		return -EINVAL;
	isk->local.addr = ep->addr;
	if (!ipaddr_is_any(&ep->addr))
		isk->bound |= BOUND_ADDR;
	dgram_sk(sk)->tx_cached = false;
	return 0;
}

static void raw_unbind(struct stack *st, struct sock *sk, uint64_t now)
{
	(void)st;
	(void)now;
	raw_reset_addr(sk);
}

static int raw_connect(struct stack *st, struct socket *so, const struct endpoint *ep, uint64_t now)
{
	struct sock *sk = so->sk;
	struct inet_sock *isk = inet_sk(sk);

	if (ep != NULL)
		return dgram_connect(st, sk, ep, now);
	sk->state = DGRAM_CLOSED;
	memset(&isk->peer, 0, sizeof(isk->peer));
	if ((isk->bound & BOUND_ADDR) == 0)
		raw_reset_addr(sk);
	return 0;
}

static int raw_getname(struct stack *st, struct sock *sk, struct endpoint *ep, bool peer)
{
	struct inet_sock *isk = inet_sk(sk);

	(void)st;
	/* Without a port, which a raw socket need not name, Linux takes none for connected. */
	if (peer && (sk->state != DGRAM_CONNECTED || isk->peer.port == 0))
		return -ENOTCONN;
	*ep = peer ? isk->peer : isk->local;
	/* Linux shows the protocol as the port of a raw IPv4 socket. */
	if (!peer && sk->domain == AF_INET)
		ep->port = sk->protocol;
	return 0;
}

/* -- options ----------------------------------------------------------------------------------- */

/*
 * IPV6_CHECKSUM at the level of the raw protocol, where ping sets it; Linux lets even
 * an ICMPv6 socket say so there, and only there.  IPV6_HDRINCL is the same at both levels.
 */
static int raw_set6(struct raw_sock *rs, int name, const void *val, socklen_t len)
{
	int offset;

	if (len < sizeof(offset))
		return -EINVAL;
	memcpy(&offset, val, sizeof(offset));
	if (name == IPV6_HDRINCL) {
		rs->dg.inet.sk.flags &= ~(uint32_t)SOCK_F_HDRINCL;
		if (offset != 0)
			rs->dg.inet.sk.flags |= SOCK_F_HDRINCL;
		return 0;
	}
	if (name != IPV6_CHECKSUM)
		return -ENOPROTOOPT;
	if (offset > 0 && (offset & 1) != 0)
		return -EINVAL;
	rs->csum_off = offset < 0 ? -1 : offset;
	return 0;
}

static int raw_get6(const struct raw_sock *rs, int name, void *val, socklen_t *len)
{
	int hdrincl = (rs->dg.inet.sk.flags & SOCK_F_HDRINCL) != 0;

	if (name == IPV6_CHECKSUM)
		return sockopt_put(val, len, &rs->csum_off, sizeof(rs->csum_off));
	if (name == IPV6_HDRINCL)
		return sockopt_put(val, len, &hdrincl, sizeof(hdrincl));
	return -ENOPROTOOPT;
}

static int raw_setsockopt(struct stack *st, struct sock *sk, int level, int name, const void *val,
			  socklen_t len, uint64_t now)
{
	struct raw_sock *rs = raw_sk(sk);

	(void)st;
	(void)now;
	if (level == SOL_RAW && sk->domain == AF_INET6)
		return raw_set6(rs, name, val, len);
	if (level == SOL_RAW && name == SOL_RAW_ICMP_FILTER) {
		if (sk->protocol != IPPROTO_ICMP)
			return -EOPNOTSUPP;
		memcpy(rs->icmp_filter, val, len < 4 ? len : 4);
		return 0;
	}
	if (level == IPPROTO_ICMPV6 && sk->domain == AF_INET6 && sk->protocol != IPPROTO_ICMPV6)
		return -EOPNOTSUPP;
	if (level == IPPROTO_ICMPV6 && name == ICMP6_FILTER && sk->protocol == IPPROTO_ICMPV6) {
		memcpy(rs->icmp_filter, val,
		       len < sizeof(rs->icmp_filter) ? len : sizeof(rs->icmp_filter));
		return 0;
	}
	return -ENOPROTOOPT;
}

static int raw_getsockopt(struct stack *st, struct sock *sk, int level, int name, void *val,
			  socklen_t *len, uint64_t now)
{
	struct raw_sock *rs = raw_sk(sk);
	socklen_t size;

	(void)st;
	(void)now;
	if (level == SOL_RAW && sk->domain == AF_INET6)
		return raw_get6(rs, name, val, len);
	if (level == IPPROTO_ICMPV6 && sk->domain == AF_INET6 && sk->protocol != IPPROTO_ICMPV6)
		return -EOPNOTSUPP;
	if (level == SOL_RAW && name == SOL_RAW_ICMP_FILTER && sk->protocol == IPPROTO_ICMP)
		size = 4;
	else if (level == IPPROTO_ICMPV6 && name == ICMP6_FILTER && sk->protocol == IPPROTO_ICMPV6)
		size = sizeof(rs->icmp_filter);
	else
		return level == SOL_RAW && name == SOL_RAW_ICMP_FILTER ? -EOPNOTSUPP : -ENOPROTOOPT;
	if ((int)*len < 0)
		return -EINVAL;
	if (*len > size)
		*len = size;
	memcpy(val, rs->icmp_filter, *len);
	return 0;
}

static void raw_option_changed(struct stack *st, struct sock *sk, int level, int name, uint64_t now)
{
	(void)st;
	(void)level;
	(void)name;
	(void)now;
	dgram_sk(sk)->tx_cached = false;
}

const struct proto_ops inet_raw_ops = {
	.type = SOCK_RAW,
	.alloc = raw_alloc,
	.release = raw_release,
	.bind = raw_bind,
	.unbind = raw_unbind,
	.connect = raw_connect,
	.shutdown = dgram_shutdown,
	.getname = raw_getname,
	.poll = dgram_poll,
	.sendmsg = raw_sendmsg,
	.recvmsg = dgram_recvmsg,
	.setsockopt = raw_setsockopt,
	.getsockopt = raw_getsockopt,
	.ioctl = dgram_ioctl,
	.option_changed = raw_option_changed,
};

/* -- recovery ------------------------------------------------------------------------------- */

static void raw_sock_recover(struct stack *st, struct raw_sock *rs)
{
	struct inet_sock *isk = &rs->dg.inet;

	isk->mc_list = NULL;
	if (&isk->sk == st->in_hand) {
		dgram_reset(&rs->dg);
		rs->dg.tx_cached = false;
		isk->dst.gen = 0;
		isk->port.port = (isk->bound & BOUND_HASHED) != 0 ? isk->local.port : 0;
	}
	if (raw_is_ping(&isk->sk))
		port_restore(st, &isk->port);
	isk->hash_next = st->inet.raw_list;
	if (isk->hash_next != NULL)
		isk->hash_next->hash_pprev = &isk->hash_next;
	isk->hash_pprev = &st->inet.raw_list;
	st->inet.raw_list = isk;
}

void raw_recover(struct stack *st)
{
	struct pool *pool = &st->inet.raw_socks;
	struct raw_sock *rs;
	struct sock *sk;
	uint32_t i;

	st->inet.raw_list = NULL;
	pool_for_each(pool, i, rs) {
		sk = &rs->dg.inet.sk;
		if (sk->type != 0 && sk->socket != NULL && sk->socket->sk == sk) {
			raw_sock_recover(st, rs);
		} else {
			if (sk->socket != NULL)
				sk->socket->sk = NULL;
			pool->live[i] = 0;
		}
	}
	pool_rebuild(pool);
}

void raw_for_each_mbuf(struct stack *st, void (*fn)(struct rte_mbuf *m, void *arg), void *arg)
{
	struct raw_sock *rs;
	uint32_t i;

	pool_for_each(&st->inet.raw_socks, i, rs)
		dgram_for_each_mbuf(&rs->dg, fn, arg);
}
