/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * raw.c - SOCK_RAW: raw(7).
 *
 * A raw socket gets a copy of each packet of its protocol, IPv4 with the IP header, IPv6
 * without, before the protocol itself sees it.  What it sends goes out with a header of
 * ours, or with IP_HDRINCL with one made after the program's own: addresses, TOS, TTL,
 * protocol and DF are taken from it.  Deviation: identification and IP options that
 * the program wrote are not kept.
 */
#include "stack/inet/raw.h"

#include <errno.h>
#include <string.h>

#include <netinet/icmp6.h>

#include <rte_ip.h>

#include "stack/inet/sockopt.h"

#define SOL_RAW_ICMP_FILTER 1 /* ICMP_FILTER of <linux/icmp.h> */
#define IP4_HLEN 20
#define IP6_HLEN 40

struct sock *raw_alloc_type(struct stack *st, int domain, int type, int protocol)
{
	struct raw_sock *rs = pool_alloc(&st->inet.raw_socks);
	struct inet_sock *isk;

	if (rs == NULL)
		return NULL;
	isk = &rs->dg.inet;
	sock_init(st, &isk->sk, domain, type, protocol);
	rs->csum_off = domain == AF_INET6 && protocol == IPPROTO_ICMPV6 ? 2 : -1;
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
	struct endpoint peer;
	struct dst d;
	int err;

	if (ep == NULL) {
		sk->state = DGRAM_CLOSED;
		memset(&isk->peer, 0, sizeof(isk->peer));
		if ((isk->bound & BOUND_ADDR) == 0)
			raw_reset_addr(sk);
		return 0;
	}
	peer = *ep;
	err = dgram_connect_route(st, sk, &peer, &d, now);
	if (err < 0)
		return err;
	if ((isk->bound & BOUND_ADDR) == 0)
		isk->local.addr = d.src;
	isk->peer = peer;
	isk->dst = d;
	sk->state = DGRAM_CONNECTED;
	return 0;
}

static int raw_getname(struct stack *st, struct sock *sk, struct endpoint *ep, bool peer)
{
	struct inet_sock *isk = inet_sk(sk);

	(void)st;
	if (peer && sk->state != DGRAM_CONNECTED)
		return -ENOTCONN;
	*ep = peer ? isk->peer : isk->local;
	/* Linux shows the protocol as the port of a raw IPv4 socket. */
	if (!peer && sk->domain == AF_INET)
		ep->port = sk->protocol;
	return 0;
}

/* -- receiving ------------------------------------------------------------------------------- */

static bool raw_filtered(const struct raw_sock *rs, const struct rx_pkt *pkt)
{
	uint8_t type;

	if (pkt->l4_len < 1 ||
	    (pkt->proto != IPPROTO_ICMP && pkt->proto != IPPROTO_ICMPV6))
		return false;
	type = *rte_pktmbuf_mtod_offset(pkt->m, const uint8_t *, pkt->l4_off);
	if (pkt->proto == IPPROTO_ICMP && type >= 32)
		return false;
	return (rs->icmp_filter[type / 32] >> (type % 32) & 1) != 0;
}

static bool raw_matches(const struct raw_sock *rs, const struct rx_pkt *pkt)
{
	const struct inet_sock *isk = &rs->dg.inet;
	const struct sock *sk = &isk->sk;

	if (sk->protocol != pkt->proto || sk->protocol == IPPROTO_RAW ||
	    (sk->domain == AF_INET) != ipaddr_is_v4(&pkt->dst))
		return false;
	if (!ipaddr_is_any(&isk->local.addr) && !ipaddr_equal(&isk->local.addr, &pkt->dst))
		return false;
	if (sk->state == DGRAM_CONNECTED && !ipaddr_equal(&isk->peer.addr, &pkt->src))
		return false;
	return !raw_filtered(rs, pkt);
}

/* A copy of its own for each socket, from the IP header on. */
static void raw_deliver(struct stack *st, struct raw_sock *rs, const struct rx_pkt *pkt, uint64_t now)
{
	uint32_t hlen = (uint32_t)pkt->l4_off - pkt->l3_off, len = hlen + pkt->l4_len, skip;
	struct sock *sk = &rs->dg.inet.sk;
	struct rte_mbuf *m;

	st->in_hand = sk;
	/* Full: do not even copy.  dgram_queue() decides about what may just fit. */
	if (sk->rmem >= sk->rcvbuf) {
		sk->drops++;
		return;
	}
	m = pkt_copy(st, pkt->m, pkt->l3_off, len);
	if (m == NULL)
		return;
	skip = sk->domain == AF_INET && !raw_is_ping(sk) ? 0 : hlen;
	dgram_note(st, pkt, m, skip, len - skip);
	pkt_cb(m)->l3_off = 0;
	pkt_cb(m)->l4_off = (uint16_t)hlen;
	if (!dgram_queue(st, &rs->dg, m, now))
		rte_pktmbuf_free(m);
}

bool raw_input(struct stack *st, struct rx_pkt *pkt, uint64_t now)
{
	struct inet_sock *isk;
	struct raw_sock *rs;
	bool taken = false;

	for (isk = st->inet.raw_list; isk != NULL; isk = isk->hash_next) {
		rs = (struct raw_sock *)isk;
		if (raw_is_ping(&isk->sk) ? !ping_matches(rs, pkt) : !raw_matches(rs, pkt))
			continue;
		raw_deliver(st, rs, pkt, now);
		taken = true;
	}
	return taken;
}

static bool raw_error_concerns(const struct raw_sock *rs, const struct icmp_err *e)
{
	const struct inet_sock *isk = &rs->dg.inet;

	if ((isk->sk.domain == AF_INET) != ipaddr_is_v4(&e->dst) || isk->sk.protocol != e->proto)
		return false;
	if (raw_is_ping(&isk->sk))
		return e->l4_len >= 8 && (uint16_t)(e->l4[4] << 8 | e->l4[5]) == isk->local.port;
	if (!ipaddr_is_any(&isk->local.addr) && !ipaddr_equal(&isk->local.addr, &e->src))
		return false;
	return isk->sk.state != DGRAM_CONNECTED || ipaddr_equal(&isk->peer.addr, &e->dst);
}

/* As raw_err() and ping_err(): connected sockets and those with IP_RECVERR hear of it. */
void raw_icmp_error(struct stack *st, const struct icmp_err *e, uint64_t now)
{
	struct inet_sock *isk;
	struct sock *sk;
	bool recverr;

	for (isk = st->inet.raw_list; isk != NULL; isk = isk->hash_next) {
		if (!raw_error_concerns((struct raw_sock *)isk, e))
			continue;
		sk = &isk->sk;
		st->in_hand = sk;
		recverr = (sk->flags &
			   (sk->domain == AF_INET ? SOCK_F_RECVERR : SOCK_F_RECVERR6)) != 0;
		if (recverr)
			errqueue_icmp(st, &((struct raw_sock *)isk)->dg, e, 0, 0, now);
		else if (!e->hard || sk->state != DGRAM_CONNECTED)
			continue;
		sock_error(st, sk, e->err);
	}
}

/* -- sending ----------------------------------------------------------------------------------- */

/* ICMPv6's checksum (RFC 4443 2.3), or where IPV6_CHECKSUM says one is. */
static int raw_checksum6(struct rte_mbuf *m, const struct dgram_tx *tx, uint8_t proto, int off)
{
	struct {
		struct ipaddr src, dst;
		uint32_t len, proto;
	} ph = { tx->src, tx->to.addr, htonl(rte_pktmbuf_pkt_len(m)), htonl(proto) };
	uint16_t sum = 0;
	uint32_t total;

	if (off + 2 > (int)rte_pktmbuf_data_len(m))
		return -EINVAL;
	memcpy(rte_pktmbuf_mtod_offset(m, char *, off), &sum, sizeof(sum));
	total = (uint32_t)pkt_sum(m, 0, rte_pktmbuf_pkt_len(m)) + rte_raw_cksum(&ph, sizeof(ph));
	total = (total & 0xffff) + (total >> 16);
	sum = (uint16_t)~total;
	memcpy(rte_pktmbuf_mtod_offset(m, char *, off), &sum, sizeof(sum));
	return 0;
}

/* IP_HDRINCL: what the program's header says, and the rest as payload. */
static int raw_take_header(struct iov_iter *it, struct dgram_tx *tx, struct ip_tx *ip)
{
	struct rte_ipv4_hdr h;
	char options[40];
	uint32_t hlen;

	if (it->count < sizeof(h))
		return -EINVAL;
	iov_iter_read(it, &h, sizeof(h));
	hlen = rte_ipv4_hdr_len(&h);
	if (hlen < sizeof(h) || hlen - sizeof(h) > it->count)
		return -EINVAL;
	iov_iter_read(it, options, hlen - sizeof(h));
	if (h.src_addr != 0)
		tx->src = ipaddr_from_v4(h.src_addr);
	tx->to.addr = ipaddr_from_v4(h.dst_addr);
	ip->src = &tx->src;
	ip->dst = &tx->to.addr;
	ip->proto = h.next_proto_id;
	ip->ttl = h.time_to_live;
	ip->tos = h.type_of_service;
	ip->df = (h.fragment_offset & htons(RTE_IPV4_HDR_DF_FLAG)) != 0;
	return 0;
}

static ssize_t raw_sendmsg(struct stack *st, struct socket *so, const struct msghdr *msg, int flags,
			   uint64_t now)
{
	struct raw_sock *rs = raw_sk(so->sk);
	struct sock *sk = so->sk;
	struct rte_mbuf *m;
	struct iov_iter it;
	struct dgram_tx tx;
	struct ip_tx ip;
	size_t len;
	int err;

	iov_iter_init(&it, msg->msg_iov, msg->msg_iovlen);
	len = it.count;
	if (len > 0xffff)
		return -EMSGSIZE;
	if ((flags & MSG_OOB) != 0)
		return -EOPNOTSUPP;
	err = dgram_tx_prepare(st, sk, msg, false, &tx);
	if (err == 0)
		err = dgram_tx_route(st, sk, &tx, now);
	if (err < 0)
		return err;
	if (sk->err != 0)
		return -sock_take_error(sk);
	if ((sk->shutdown & SEND_SHUTDOWN) != 0)
		return -EPIPE;
	dgram_tx_ip(sk, &tx, IP4_HLEN + (uint32_t)len, &ip);
	if (sk->domain == AF_INET && (sk->flags & SOCK_F_HDRINCL) != 0)
		err = raw_take_header(&it, &tx, &ip);
	else
		err = dgram_tx_size(st, sk, &tx,
				    (sk->domain == AF_INET ? IP4_HLEN : IP6_HLEN) + (uint32_t)len,
				    now);
	if (err < 0)
		return err;
	m = dgram_copy_in(st, &it, 0, (uint32_t)it.count);
	if (m == NULL)
		return -ENOBUFS;
	if (rs->csum_off >= 0 && sk->domain == AF_INET6)
		err = raw_checksum6(m, &tx, sk->protocol, rs->csum_off);
	if (err < 0) {
		rte_pktmbuf_free(m);
		return err;
	}
	err = dgram_tx_error(sk, ip_output(st, m, tx.dst, &ip, now));
	return err < 0 ? err : (ssize_t)len;
}

/* -- options ----------------------------------------------------------------------------------- */

/*
 * IPV6_CHECKSUM at the level of the raw protocol, where ping sets it; Linux lets even
 * an ICMPv6 socket say so there, and only there.
 */
static int raw_set_checksum6(struct raw_sock *rs, int name, const void *val, socklen_t len)
{
	int offset;

	if (name != IPV6_CHECKSUM)
		return -ENOPROTOOPT;
	if (len < sizeof(offset))
		return -EINVAL;
	memcpy(&offset, val, sizeof(offset));
	if (offset > 0 && (offset & 1) != 0)
		return -EINVAL;
	rs->csum_off = offset < 0 ? -1 : offset;
	return 0;
}

static int raw_setsockopt(struct stack *st, struct sock *sk, int level, int name, const void *val,
			  socklen_t len, uint64_t now)
{
	struct raw_sock *rs = raw_sk(sk);

	(void)st;
	(void)now;
	if (level == SOL_RAW && sk->domain == AF_INET6)
		return raw_set_checksum6(rs, name, val, len);
	if (level == SOL_RAW && name == SOL_RAW_ICMP_FILTER) {
		if (sk->protocol != IPPROTO_ICMP)
			return -EOPNOTSUPP;
		memcpy(rs->icmp_filter, val, len < 4 ? len : 4);
		return 0;
	}
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
		return name == IPV6_CHECKSUM ?
			       sockopt_put(val, len, &rs->csum_off, sizeof(rs->csum_off)) :
			       -ENOPROTOOPT;
	if (level == SOL_RAW && name == SOL_RAW_ICMP_FILTER && sk->protocol == IPPROTO_ICMP)
		size = 4;
	else if (level == IPPROTO_ICMPV6 && name == ICMP6_FILTER && sk->protocol == IPPROTO_ICMPV6)
		size = sizeof(rs->icmp_filter);
	else
		return level == SOL_RAW && name == SOL_RAW_ICMP_FILTER ? -EOPNOTSUPP : -ENOPROTOOPT;
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
