/* SPDX-License-Identifier: BSD-3-Clause */
/* udp_input.c - received datagrams and ICMP errors, to the sockets that they concern. */
#include <errno.h>

#include <netinet/ip_icmp.h>

#include <rte_prefetch.h>
#include <rte_udp.h>

#include "stack/inet/filter.h"
#include "stack/inet/udp.h"

static void udp_drop_nobuf(struct stack *st, struct rte_mbuf *m)
{
	MIB_INC(st, UDP_RCVBUF_ERRORS);
	rte_pktmbuf_free(m);
}

/* m, pkt's own or a copy of it, is consumed. */
static void udp_deliver(struct stack *st, struct inet_sock *isk, const struct rx_pkt *pkt,
			struct rte_mbuf *m, uint64_t now)
{
	uint32_t len = pkt->l4_len, n;

	st->in_hand = &isk->sk;
	n = filter_apply(st, &isk->sk, pkt, pkt->l4_off, len, UDP_HLEN);
	if (unlikely(n == 0)) {
		isk->sk.drops++;
		MIB_INC(st, UDP_IN_ERRORS);
		rte_pktmbuf_free(m);
		return;
	}
	len = n - UDP_HLEN;
	dgram_note(st, pkt, m, pkt->l4_off + UDP_HLEN, len);
	if (likely(dgram_queue(st, (struct dgram_sock *)isk, m, now)))
		MIB_INC(st, UDP_IN_DATAGRAMS);
	else
		udp_drop_nobuf(st, m);
}

static bool udp_checksum_ok(const struct rx_pkt *pkt, const struct rte_udp_hdr *uh)
{
	return uh->dgram_cksum == 0 || ip_l4_csum_ok(pkt);
}

/*
 * RFC 768: IPv4 may come without a checksum.  RFC 8200 8.1, RFC 6935: IPv6 only to whom it
 * was agreed with, by UDP_NO_CHECK6_RX.
 */
static bool no_checksum_ok(const struct rx_pkt *pkt, const struct rte_udp_hdr *uh,
			   const struct inet_sock *isk)
{
	return uh->dgram_cksum != 0 || ipaddr_is_v4(&pkt->dst) ||
	       (isk != NULL && ((const struct udp_sock *)isk)->no_check6_rx);
}

/* Multicast and broadcast: a copy for each socket that matches, the packet itself for the last. */
static void udp_deliver_group(struct stack *st, struct rx_pkt *pkt, uint16_t sport, uint16_t dport,
			      uint64_t now)
{
	const struct port_slot *slot = port_slot(st, PORT_SPACE_UDP, dport);
	const struct port_owner *lists[2] = { slot->bound, slot->conns }, *po;
	const struct rte_udp_hdr *uh =
		rte_pktmbuf_mtod_offset(pkt->m, const struct rte_udp_hdr *, pkt->l4_off);
	uint32_t ifindex = inet_ifindex(st, pkt->nif);
	struct inet_sock *isk, *last = NULL;
	struct rte_mbuf *copy;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		for (po = lists[i]; po != NULL; po = po->next) {
			isk = container_of(po, struct inet_sock, port);
			if (!no_checksum_ok(pkt, uh, isk) || !udp_table_matches_group(isk, &pkt->dst, dport, &pkt->src, sport, ifindex))
				continue;
			if (last != NULL) {
				copy = pkt_copy(st, pkt->m, 0, rte_pktmbuf_pkt_len(pkt->m));
				if (copy != NULL)
					udp_deliver(st, last, pkt, copy, now);
			}
			last = isk;
		}
	}
	if (last != NULL) {
		udp_deliver(st, last, pkt, pkt->m, now);
		return;
	}
	/* RFC 1122 3.2.2: no ICMP error about a multicast or broadcast. */
	MIB_INC(st, UDP_NO_PORTS);
	rte_pktmbuf_free(pkt->m);
}

void udp_input(struct stack *st, struct rx_pkt *pkt, uint64_t now)
{
	const struct rte_udp_hdr *uh =
		rte_pktmbuf_mtod_offset(pkt->m, const struct rte_udp_hdr *, pkt->l4_off);
	uint16_t sport = rte_be_to_cpu_16(uh->src_port), dport = rte_be_to_cpu_16(uh->dst_port);
	uint32_t len = rte_be_to_cpu_16(uh->dgram_len);
	struct inet_sock *isk;

	/* RFC 2675 4: IPv6 may leave it to the packet, as Linux takes it. */
	if (unlikely(len == 0 && !ipaddr_is_v4(&pkt->dst)))
		len = pkt->l4_len;
	if (pkt->l4_len < UDP_HLEN || len < UDP_HLEN || len > pkt->l4_len) {
		MIB_INC(st, UDP_IN_ERRORS);
		rte_pktmbuf_free(pkt->m);
		return;
	}
	/* Bytes between the datagram's end and the packet's are nobody's. */
	pkt->l4_len = len;
	if (unlikely(!udp_checksum_ok(pkt, uh))) {
		MIB_INC(st, UDP_IN_CSUM_ERRORS);
		rte_pktmbuf_free(pkt->m);
		return;
	}
	if (unlikely(pkt->multicast || ipaddr_is_multicast(&pkt->dst) ||
		     ip_addr_is_broadcast(st, &pkt->dst))) {
		udp_deliver_group(st, pkt, sport, dport, now);
		return;
	}
	isk = udp_table_find(st, &pkt->dst, dport, &pkt->src, sport, inet_ifindex(st, pkt->nif));
	if (unlikely(!no_checksum_ok(pkt, uh, isk))) {
		MIB_INC(st, UDP_IN_CSUM_ERRORS);
		rte_pktmbuf_free(pkt->m);
		return;
	}
	if (likely(isk != NULL)) {
		udp_deliver(st, isk, pkt, pkt->m, now);
		return;
	}
	MIB_INC(st, UDP_NO_PORTS);
	icmp_send_unreach(st, pkt, ICMP_PORT_UNREACH, now);
	rte_pktmbuf_free(pkt->m);
}

/*
 * An error about a datagram of ours, as __udp4_lib_err().  Without IP_RECVERR only a
 * connected socket hears of hard errors; with it, every one is queued.
 */
void udp_icmp_error(struct stack *st, const struct icmp_err *e, uint64_t now)
{
	uint16_t sport, dport;
	struct inet_sock *isk;
	uint32_t recverr;
	bool hard = e->hard;
	uint8_t pmtudisc;
	struct sock *sk;

	if (e->l4_len < UDP_HLEN)
		return;
	sport = (uint16_t)(e->l4[0] << 8 | e->l4[1]);
	dport = (uint16_t)(e->l4[2] << 8 | e->l4[3]);
	isk = udp_table_find(st, &e->src, sport, &e->dst, dport, 0);
	if (isk == NULL)
		return;
	sk = &isk->sk;
	st->in_hand = sk;
	if (e->mtu != 0) {
		pmtudisc = ipaddr_is_v4(&e->dst) ? isk->pmtudisc : isk->in6.pmtudisc;
		/* Who goes by the link's MTU alone does not let others tell him another. */
		if (pmtudisc != IP_PMTUDISC_INTERFACE && pmtudisc != IP_PMTUDISC_OMIT)
			ip_update_pmtu(st, &e->dst, e->mtu, now);
		if (ipaddr_is_v4(&e->dst) && isk->pmtudisc == IP_PMTUDISC_DONT)
			return;
		hard = true;
	}
	/* The packet's family decides, not the socket's. */
	recverr = ipaddr_is_v4(&e->dst) ? SOCK_F_RECVERR : SOCK_F_RECVERR6;
	if ((sk->flags & recverr) != 0)
		errqueue_icmp(st, inet_sk(sk), e, dport, UDP_HLEN, now);
	else if (!hard || sk->state != DGRAM_CONNECTED)
		return;
	sock_error(st, sk, e->err);
}
