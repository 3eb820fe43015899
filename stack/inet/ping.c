/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ping.c - ping sockets: SOCK_DGRAM with IPPROTO_ICMP or ICMPV6, icmp(7).
 *
 * They send echo requests only; the identifier is the socket's "port", chosen by bind(2)
 * or at the first send, and replies with it come back.
 */
#include <errno.h>
#include <string.h>

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#include <rte_ip.h>

#include "stack/inet/raw.h"

#define ICMP_HLEN 8

static struct sock *ping_alloc(struct stack *st, int domain, int protocol, uint64_t now)
{
	struct sock *sk = raw_alloc_type(st, domain, SOCK_DGRAM, protocol);

	(void)now;
	if (sk != NULL && domain == AF_INET6)
		sk->flags |= SOCK_F_V6ONLY;
	return sk;
}

static int ping_bind(struct stack *st, struct sock *sk, const struct endpoint *ep, uint64_t now)
{
	return port_bind(st, inet_sk(sk), ep, now);
}

static void ping_unbind(struct stack *st, struct sock *sk, uint64_t now)
{
	(void)now;
	dgram_unname(st, inet_sk(sk));
}

static int ping_autobind(struct stack *st, struct inet_sock *isk, uint64_t now)
{
	struct endpoint ep = isk->local;

	if ((isk->bound & BOUND_HASHED) != 0)
		return 0;
	ep.port = 0;
	return port_bind(st, isk, &ep, now) < 0 ? -EAGAIN : 0;
}

static int ping_connect(struct stack *st, struct socket *so, const struct endpoint *ep, uint64_t now)
{
	struct inet_sock *isk = inet_sk(so->sk);
	int err;

	if (ep != NULL) {
		err = ping_autobind(st, isk, now);
		if (err < 0)
			return err;
	}
	return inet_raw_ops.connect(st, so, ep, now);
}

static int ping_getname(struct stack *st, struct sock *sk, struct endpoint *ep, bool peer)
{
	struct inet_sock *isk = inet_sk(sk);

	(void)st;
	if (peer && sk->state != DGRAM_CONNECTED)
		return -ENOTCONN;
	*ep = peer ? isk->peer : isk->local;
	return 0;
}

bool ping_matches(const struct raw_sock *rs, const struct rx_pkt *pkt)
{
	const struct inet_sock *isk = &rs->dg.inet;
	const uint8_t *h;

	if (isk->sk.protocol != pkt->proto || pkt->l4_len < ICMP_HLEN ||
	    (isk->sk.domain == AF_INET) != ipaddr_is_v4(&pkt->dst) ||
	    !pkt_pullup(pkt->m, pkt->l4_off + ICMP_HLEN))
		return false;
	h = rte_pktmbuf_mtod_offset(pkt->m, const uint8_t *, pkt->l4_off);
	if (h[0] != (isk->sk.domain == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) || h[1] != 0)
		return false;
	if ((isk->bound & BOUND_HASHED) == 0 || (uint16_t)(h[4] << 8 | h[5]) != isk->local.port)
		return false;
	return ipaddr_is_any(&isk->local.addr) || ipaddr_equal(&isk->local.addr, &pkt->dst);
}

/* Identifier and checksum are ours; the rest is the program's. */
static void ping_fill(const struct inet_sock *isk, const struct dgram_tx *tx, struct rte_mbuf *m)
{
	uint32_t len = rte_pktmbuf_pkt_len(m);
	uint16_t id = htons(isk->local.port), sum = 0;

	memcpy(rte_pktmbuf_mtod_offset(m, char *, 4), &id, sizeof(id));
	memcpy(rte_pktmbuf_mtod_offset(m, char *, 2), &sum, sizeof(sum));
	if (isk->sk.domain == AF_INET)
		sum = (uint16_t)~pkt_sum(m, 0, len);
	else
		sum = csum6_over(m, 0, len, &tx->src, &tx->to.addr, IPPROTO_ICMPV6);
	memcpy(rte_pktmbuf_mtod_offset(m, char *, 2), &sum, sizeof(sum));
}

static ssize_t ping_sendmsg(struct stack *st, struct socket *so, const struct msghdr *msg, int flags,
			    uint64_t now)
{
	struct sock *sk = so->sk;
	struct inet_sock *isk = inet_sk(sk);
	uint32_t hlen = sk->domain == AF_INET ? 20 : 40, len;
	struct rte_mbuf *m;
	struct iov_iter it;
	struct dgram_tx tx;
	struct ip_tx ip;
	const uint8_t *h;
	int err;

	err = ping_autobind(st, isk, now);
	if (err < 0)
		return err;
	iov_iter_init(&it, msg->msg_iov, msg->msg_iovlen);
	if (it.count > 0xffff)
		return -EMSGSIZE;
	len = (uint32_t)it.count;
	if (len < ICMP_HLEN)
		return -EINVAL;
	if ((flags & MSG_OOB) != 0)
		return -EOPNOTSUPP;
	err = dgram_tx_prepare(st, sk, msg, false, &tx);
	if (err == 0)
		err = dgram_tx_route(st, sk, &tx, now);
	if (err < 0)
		return err;
	if (sk->err != 0)
		return -sock_take_error(sk);
	err = dgram_tx_size(st, sk, &tx, hlen + len, now);
	if (err < 0)
		return err;
	m = dgram_copy_in(st, &it, 0, len);
	if (m == NULL)
		return -ENOBUFS;
	h = rte_pktmbuf_mtod(m, const uint8_t *);
	if (h[0] != (sk->domain == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST) || h[1] != 0) {
		rte_pktmbuf_free(m);
		return -EINVAL;
	}
	ping_fill(isk, &tx, m);
	dgram_tx_ip(sk, &tx, hlen + len, &ip);
	err = dgram_output(st, sk, &tx, m, &ip, now);
	return err < 0 ? err : (ssize_t)len;
}

const struct proto_ops inet_ping_ops = {
	.type = SOCK_DGRAM,
	.protocol = IPPROTO_ICMP,
	.alloc = ping_alloc,
	.release = raw_release,
	.bind = ping_bind,
	.unbind = ping_unbind,
	.connect = ping_connect,
	.shutdown = dgram_shutdown,
	.getname = ping_getname,
	.poll = dgram_poll,
	.sendmsg = ping_sendmsg,
	.recvmsg = dgram_recvmsg,
	.ioctl = dgram_ioctl,
};
