/* SPDX-License-Identifier: BSD-3-Clause */
/* raw_input.c - received packets and ICMP errors, to the raw and ping sockets that they concern. */
#include "stack/inet/filter.h"
#include "stack/inet/mcast.h"
#include "stack/inet/raw.h"

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

/* RFC 3542 3.1: with IPV6_CHECKSUM what arrives is checked, too. */
static bool checksum_ok(const struct raw_sock *rs, const struct rx_pkt *pkt)
{
	if (rs->csum_off < 0 || rs->dg.inet.sk.domain != AF_INET6 || pkt->local)
		return true;
	return csum6_over(pkt->m, pkt->l4_off, pkt->l4_len, &pkt->src, &pkt->dst, pkt->proto) == 0;
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
	return !raw_filtered(rs, pkt) && checksum_ok(rs, pkt);
}

/* The link that it is bound to, and the groups that it wants to hear: for ping sockets, too. */
static bool link_matches(struct stack *st, const struct inet_sock *isk, const struct rx_pkt *pkt)
{
	uint32_t ifindex = inet_ifindex(st, pkt->nif);

	if (isk->sk.bound_if != 0 && isk->sk.bound_if != ifindex)
		return false;
	return !ipaddr_is_multicast(&pkt->dst) || mcast_allows(isk, &pkt->dst, &pkt->src, ifindex);
}

/* A copy of its own for each socket, from the IP header on. */
static void raw_deliver(struct stack *st, struct raw_sock *rs, const struct rx_pkt *pkt, uint64_t now)
{
	uint32_t hlen = (uint32_t)pkt->l4_off - pkt->l3_off, len = hlen + pkt->l4_len, skip, n;
	struct sock *sk = &rs->dg.inet.sk;
	struct rte_mbuf *m;

	st->in_hand = sk;
	skip = sk->domain == AF_INET && !raw_is_ping(sk) ? 0 : hlen;
	n = filter_apply(st, sk, pkt, pkt->l3_off + skip, len - skip, 1);
	if (n == 0)
		return;
	/* Full: do not even copy.  dgram_queue() decides about what may just fit. */
	if (sk->rmem >= sk->rcvbuf) {
		sk->drops++;
		return;
	}
	len = skip + n;
	/* The header whole, however little is to be read: it has the addresses. */
	m = pkt_copy(st, pkt->m, pkt->l3_off, RTE_MAX(len, hlen));
	if (m == NULL)
		return;
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
		if (!link_matches(st, isk, pkt))
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
			errqueue_icmp(st, isk, e, 0, 0, now);
		else if (!e->hard || sk->state != DGRAM_CONNECTED)
			continue;
		sock_error(st, sk, e->err);
	}
}
