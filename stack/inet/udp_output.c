/* SPDX-License-Identifier: BSD-3-Clause */
/* udp_output.c - sendmsg(2) on UDP sockets: one datagram, corked pieces, UDP_SEGMENT. */
#include <errno.h>
#include <string.h>

#include <rte_udp.h>

#include "stack/inet/udp.h"

#define IP4_HLEN 20
#define IP6_HLEN 40

static uint32_t ip_hlen(const struct dgram_tx *tx)
{
	return ipaddr_is_v4(&tx->to.addr) ? IP4_HLEN : IP6_HLEN;
}

/*
 * m holds the header's room and the payload; consumed.  whole: bytes with the header of all that is
 * sent with it, which is more where UDP_SEGMENT cuts.  What is cut has no DF, as from Linux.
 */
static int udp_xmit(struct stack *st, struct udp_sock *up, struct dgram_tx *tx,
		    struct rte_mbuf *m, uint32_t whole, uint64_t now)
{
	struct sock *sk = &up->dg.inet.sk;
	struct rte_udp_hdr *uh = rte_pktmbuf_mtod(m, struct rte_udp_hdr *);
	bool v4 = ipaddr_is_v4(&tx->to.addr);
	struct ip_tx ip;

	uh->src_port = rte_cpu_to_be_16(up->dg.inet.local.port);
	uh->dst_port = rte_cpu_to_be_16(tx->to.port);
	uh->dgram_len = rte_cpu_to_be_16((uint16_t)rte_pktmbuf_pkt_len(m));
	uh->dgram_cksum = 0;
	if (v4 ? (sk->flags & SOCK_F_NO_CHECK_TX) == 0 : !up->no_check6_tx) {
		m->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM;
		m->l4_len = UDP_HLEN;
	}
	dgram_tx_ip(sk, tx, ip_hlen(tx) + whole, &ip);
	MIB_INC(st, UDP_OUT_DATAGRAMS);
	return dgram_output(st, sk, tx, m, &ip, now);
}

/* The program waits until the link has taken some of what is queued. */
static bool link_is_full(struct stack *st, struct udp_sock *up, const struct dgram_tx *tx,
			 uint64_t now)
{
	if (likely(dgram_may_send(st, tx->dst)))
		return false;
	stack_tx_flush(st, now);
	if (dgram_may_send(st, tx->dst))
		return false;
	up->dg.inet.sk.flags |= SOCK_F_NOSPACE;
	up->dg.tx_dst = *tx->dst;
	up->dg.tx_cached = false;
	st->inet.tx_waiters = true;
	return true;
}

/* May a datagram of len bytes be cut into segments?  In the order of udp_send_skb(). */
static int gso_check(const struct udp_sock *up, const struct dgram_tx *tx, uint32_t len)
{
	bool v4 = ipaddr_is_v4(&tx->to.addr);
	uint32_t segment = len < tx->gso_size ? len : tx->gso_size;

	if (ip_hlen(tx) + UDP_HLEN + segment > tx->dst->mtu)
		return -EMSGSIZE;
	if (len > (uint32_t)tx->gso_size * UDP_MAX_SEGMENTS)
		return -EINVAL;
	/* The link sums up each segment: without sums there is nothing to do it. */
	if (v4 ? (up->dg.inet.sk.flags & SOCK_F_NO_CHECK_TX) != 0 : up->no_check6_tx)
		return -EINVAL;
	return 0;
}

/* UDP_SEGMENT: one buffer, many datagrams of gso_size. */
static ssize_t udp_send_segments(struct stack *st, struct udp_sock *up, struct dgram_tx *tx,
				 struct iov_iter *it, uint64_t now)
{
	uint32_t len = (uint32_t)it->count, left = len, n;
	struct rte_mbuf *m;
	int err;

	while (left > 0) {
		n = left < tx->gso_size ? left : tx->gso_size;
		m = dgram_copy_in(st, it, UDP_HLEN, n);
		if (m == NULL)
			return -ENOBUFS;
		err = udp_xmit(st, up, tx, m, UDP_HLEN + len, now);
		if (err < 0)
			return err;
		left -= n;
	}
	return len;
}

/* The same with what was collected under a cork; whole is consumed. */
static int udp_push_segments(struct stack *st, struct udp_sock *up, struct dgram_tx *tx,
			     struct rte_mbuf *whole, uint64_t now)
{
	uint32_t end = rte_pktmbuf_pkt_len(whole), off, n;
	struct rte_mbuf *m;
	int err = gso_check(up, tx, end - UDP_HLEN);

	for (off = UDP_HLEN; off < end && err == 0; off += n) {
		n = RTE_MIN(end - off, (uint32_t)tx->gso_size);
		m = pkt_copy(st, whole, off, n);
		if (m == NULL || pkt_push(st, m, UDP_HLEN) == NULL)
			err = -ENOBUFS;
		else
			err = udp_xmit(st, up, tx, m, end, now);
	}
	rte_pktmbuf_free(whole);
	return err;
}

int udp_push(struct stack *st, struct udp_sock *up, uint64_t now)
{
	struct rte_mbuf *m = up->cork;
	struct dgram_tx *tx = &up->cork_tx;
	int err;

	up->cork = NULL;
	err = dgram_tx_route(st, &up->dg.inet.sk, tx, now);
	if (err < 0) {
		rte_pktmbuf_free(m);
		return err;
	}
	if (tx->gso_size > 0)
		return udp_push_segments(st, up, tx, m, now);
	return udp_xmit(st, up, tx, m, rte_pktmbuf_pkt_len(m), now);
}

/* Does a datagram of len bytes, with its header, find room in a packet, or in many?  0, -EMSGSIZE. */
static int udp_check_size(struct stack *st, struct udp_sock *up, const struct dgram_tx *tx,
			  uint32_t len, uint64_t now)
{
	if (tx->gso_size == 0)
		return dgram_tx_size(st, &up->dg.inet.sk, tx, ip_hlen(tx) + len, now);
	return len + (ipaddr_is_v4(&tx->to.addr) ? IP4_HLEN : 0) > 65535 ? -EMSGSIZE : 0;
}

/* Data for the datagram that is being collected; its destination is fixed. */
static ssize_t udp_cork_append(struct stack *st, struct udp_sock *up, struct iov_iter *it, bool more,
			       uint64_t now)
{
	struct rte_mbuf *m = up->cork;
	uint32_t len = (uint32_t)it->count;
	int err;

	err = udp_check_size(st, up, &up->cork_tx, rte_pktmbuf_pkt_len(m) + len, now);
	if (err == 0)
		err = dgram_append(st, m, it, len);
	if (err < 0) {
		/* As udp_flush_pending_frames(): the whole datagram is lost. */
		up->cork = NULL;
		rte_pktmbuf_free(m);
		return err;
	}
	if (!more)
		err = udp_push(st, up, now);
	return err < 0 ? err : (ssize_t)len;
}

static int udp_cork_check(struct udp_sock *up, const struct msghdr *msg)
{
	sa_family_t family;

	if (msg->msg_name == NULL || msg->msg_namelen < sizeof(family))
		return 0;
	memcpy(&family, msg->msg_name, sizeof(family));
	return family == up->dg.inet.sk.domain ? 0 : -EINVAL;
}

static ssize_t udp_send_one(struct stack *st, struct udp_sock *up, struct dgram_tx *tx,
			    struct iov_iter *it, bool more, uint64_t now)
{
	uint32_t len = (uint32_t)it->count;
	struct rte_mbuf *m;
	int err;

	err = udp_check_size(st, up, tx, UDP_HLEN + len, now);
	if (err == 0 && tx->gso_size > 0 && !more)
		err = gso_check(up, tx, len);
	if (err < 0)
		return err;
	if (len > tx->gso_size && tx->gso_size > 0 && !more)
		return udp_send_segments(st, up, tx, it, now);
	m = dgram_copy_in(st, it, UDP_HLEN, len);
	if (m == NULL)
		return -ENOBUFS;
	if (more) {
		up->cork_tx = *tx;
		up->cork = m;
		return len;
	}
	err = udp_xmit(st, up, tx, m, UDP_HLEN + len, now);
	return err < 0 ? err : (ssize_t)len;
}

static ssize_t udp_do_sendmsg(struct stack *st, struct socket *so, const struct msghdr *msg,
			      int flags, uint64_t now)
{
	struct udp_sock *up = udp_sk(so->sk);
	struct sock *sk = so->sk;
	bool more = up->cork_opt || (flags & MSG_MORE) != 0;
	struct iov_iter it;
	struct dgram_tx tx;
	int err;

	/* inet_send_prepare(): even a call that fails leaves the socket with a port. */
	err = udp_autobind(st, &up->dg.inet, now);
	if (err < 0)
		return err;
	iov_iter_init(&it, msg->msg_iov, msg->msg_iovlen);
	if (it.count > 0xffff)
		return -EMSGSIZE;
	if ((flags & MSG_OOB) != 0 && sk->domain == AF_INET)
		return -EOPNOTSUPP;
	if (up->cork != NULL) {
		err = udp_cork_check(up, msg);
		return err < 0 ? err : udp_cork_append(st, up, &it, more, now);
	}
	tx.gso_size = 0;
	err = dgram_tx_prepare(st, sk, msg, true, &tx);
	if (err < 0)
		return err;
	/* As udpv6_sendmsg(), which minds MSG_OOB only when it hands over to IPv4. */
	if ((flags & MSG_OOB) != 0 && ipaddr_is_v4(&tx.to.addr))
		return -EOPNOTSUPP;
	if (tx.gso_size == 0)
		tx.gso_size = up->gso_size;
	err = dgram_tx_route(st, sk, &tx, now);
	if (err < 0)
		return err;
	if (sk->err != 0)
		return -sock_take_error(sk);
	if ((sk->shutdown & SEND_SHUTDOWN) != 0)
		return -EPIPE;
	if (link_is_full(st, up, &tx, now))
		return -EAGAIN;
	return udp_send_one(st, up, &tx, &it, more, now);
}

ssize_t udp_sendmsg(struct stack *st, struct socket *so, const struct msghdr *msg, int flags,
		    uint64_t now)
{
	ssize_t r = udp_do_sendmsg(st, so, msg, flags, now);

	if (unlikely((flags & MSG_ZEROCOPY) != 0 && r > 0 &&
		     (so->sk->flags & SOCK_F_ZEROCOPY) != 0)) {
		struct rte_mbuf *m = errqueue_zerocopy(st, inet_sk(so->sk), now);

		if (m != NULL)
			errqueue_zerocopy_done(st, inet_sk(so->sk), m);
	}
	return r;
}

void inet_tx_space(struct stack *st)
{
	struct udp_sock *up;
	struct sock *sk;
	bool waiting = false;
	uint32_t i;

	pool_for_each(&st->inet.udp_socks, i, up) {
		sk = &up->dg.inet.sk;
		if ((sk->flags & SOCK_F_NOSPACE) == 0)
			continue;
		if (!dgram_may_send(st, &up->dg.tx_dst)) {
			waiting = true;
			continue;
		}
		sk->flags &= ~SOCK_F_NOSPACE;
		sock_raise(st, sk, EPOLLOUT | EPOLLWRNORM);
	}
	st->inet.tx_waiters = waiting;
}
