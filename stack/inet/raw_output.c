/* SPDX-License-Identifier: BSD-3-Clause */
/* raw_output.c - sendmsg(2) on raw sockets: a header of ours, or the program's. */
#include <errno.h>
#include <string.h>

#include "stack/inet/raw.h"

#define IP4_HLEN 20
#define IP6_HLEN 40

/* ICMPv6's checksum (RFC 4443 2.3), or where IPV6_CHECKSUM says one is. */
static int raw_checksum6(struct rte_mbuf *m, const struct dgram_tx *tx, uint8_t proto, int off)
{
	uint16_t sum = 0;
	char *field;

	if (off + 2 > (int)rte_pktmbuf_data_len(m))
		return -EINVAL;
	field = rte_pktmbuf_mtod_offset(m, char *, off);
	memcpy(field, &sum, sizeof(sum));
	sum = csum6_over(m, 0, rte_pktmbuf_pkt_len(m), &tx->src, &tx->to.addr, proto);
	memcpy(field, &sum, sizeof(sum));
	return 0;
}

/* The protocol may stand in sin6_port, but no other than the socket's: rawv6_sendmsg(). */
static bool protocol_ok(const struct sock *sk, const struct dgram_tx *tx)
{
	return sk->domain == AF_INET || tx->connected || tx->to.port == 0 ||
	       tx->to.port == sk->protocol ||
	       (sk->protocol == IPPROTO_RAW && tx->to.port <= 255);
}

/* IP_HDRINCL: the packet as it is. */
static int send_own_header(struct stack *st, struct sock *sk, struct dgram_tx *tx,
			   struct iov_iter *it, uint64_t now)
{
	struct rte_mbuf *m;

	if (it->count > tx->dst->mtu)
		return -EMSGSIZE;
	m = dgram_copy_in(st, it, 0, (uint32_t)it->count);
	if (m == NULL)
		return -ENOBUFS;
	return dgram_output(st, sk, tx, m, NULL, now);
}

/* A header of ours before the program's payload. */
static int send_payload(struct stack *st, struct sock *sk, struct dgram_tx *tx, struct iov_iter *it,
			uint64_t now)
{
	uint32_t len = (sk->domain == AF_INET ? IP4_HLEN : IP6_HLEN) + (uint32_t)it->count;
	struct raw_sock *rs = raw_sk(sk);
	struct rte_mbuf *m;
	struct ip_tx ip;
	int err;

	err = dgram_tx_size(st, sk, tx, len, now);
	if (err < 0)
		return err;
	m = dgram_copy_in(st, it, 0, (uint32_t)it->count);
	if (m == NULL)
		return -ENOBUFS;
	if (rs->csum_off >= 0 && sk->domain == AF_INET6)
		err = raw_checksum6(m, tx, sk->protocol, rs->csum_off);
	if (err < 0) {
		rte_pktmbuf_free(m);
		return err;
	}
	dgram_tx_ip(sk, tx, len, &ip);
	return dgram_output(st, sk, tx, m, &ip, now);
}

ssize_t raw_sendmsg(struct stack *st, struct socket *so, const struct msghdr *msg, int flags,
		    uint64_t now)
{
	struct sock *sk = so->sk;
	struct iov_iter it;
	struct dgram_tx tx;
	size_t len;
	int err;

	iov_iter_init(&it, msg->msg_iov, msg->msg_iovlen);
	len = it.count;
	if (len > 0xffff)
		return -EMSGSIZE;
	if ((flags & MSG_OOB) != 0)
		return -EOPNOTSUPP;
	err = dgram_tx_prepare(st, sk, msg, false, &tx);
	if (err == 0 && !protocol_ok(sk, &tx))
		err = -EINVAL;
	if (err == 0)
		err = dgram_tx_route(st, sk, &tx, now);
	if (err < 0)
		return err;
	if ((sk->flags & SOCK_F_HDRINCL) != 0) {
		if (sk->err != 0)
			return -sock_take_error(sk);
		if ((sk->shutdown & SEND_SHUTDOWN) != 0)
			return -EPIPE;
		err = send_own_header(st, sk, &tx, &it, now);
	} else {
		/* Linux looks at neither here: traceroute counts on it, whose probes bring errors. */
		err = send_payload(st, sk, &tx, &it, now);
	}
	return err < 0 ? err : (ssize_t)len;
}
