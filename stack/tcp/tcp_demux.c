/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_demux.c - a segment comes up from IP: verify, parse, find its owner, carry out the
 * verdict.  And what the network says about segments we sent (ICMP).
 */
#include "stack/inet/filter.h"
#include "stack/tcp/tcp.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

/*
 * Many segments in one frame.  Offsets of payload have 16 bits, which the headers of the longest
 * would overflow: they are taken off.
 */
static void joined(struct stack *st, struct rx_pkt *pkt, struct tcp_rx *rx)
{
	if (pkt->m->tso_segsz != 0 && rx->seg.len > pkt->m->tso_segsz)
		rx->segsz = pkt->m->tso_segsz;
	MIB_ADD(st, TCP_IN_SEGS, tcp_rx_segments(rx) - 1);
	if (rte_pktmbuf_adj(pkt->m, rx->off) != NULL)
		rx->off = 0;
}

static bool parse(struct stack *st, struct rx_pkt *pkt, struct tcp_rx *rx)
{
	uint32_t avail = rte_pktmbuf_data_len(pkt->m) - pkt->l4_off;
	const uint8_t *hdr;

	rx->pkt = pkt;
	rx->taken = false;
	rx->tw_iss = 0;
	/* The header may end in the next mbuf of a chain: make it contiguous. */
	if (unlikely(avail < TCP_MAX_HDR_LEN && avail < pkt->l4_len)) {
		uint32_t want = pkt->l4_len < TCP_MAX_HDR_LEN ? pkt->l4_len : TCP_MAX_HDR_LEN;

		if (!pkt_pullup(pkt->m, pkt->l4_off + want))
			return false;
		avail = rte_pktmbuf_data_len(pkt->m) - pkt->l4_off;
	}
	hdr = rte_pktmbuf_mtod_offset(pkt->m, const uint8_t *, pkt->l4_off);
	if (!tcp_seg_parse(&rx->seg, hdr, avail, pkt->l4_len)) {
		MIB_INC(st, TCP_IN_ERRS);
		return false;
	}
	/* RFC 2385: who signs takes part in what we did not agree on; as Linux without a key. */
	if (unlikely(rx->seg.opts & TCP_HAS_MD5)) {
		MIB_INC(st, TCP_MD5_UNEXPECTED);
		return false;
	}
	rx->seg.ecn = pkt->tos & 3;
	rx->off = (uint16_t)(pkt->l4_off + rx->seg.hdr_len);
	rx->segsz = 0;
	if (unlikely(pkt->m->ol_flags & RTE_MBUF_F_RX_LRO) && !pkt->local)
		joined(st, pkt, rx);
	return true;
}

/*
 * SO_ATTACH_FILTER: the segment as the socket is to see it, or not at all.  (A connection that
 * this very segment makes has been asked already: its listener's program is its own.)
 */
static bool filter_drops(struct stack *st, struct tcp_sock *tp, struct tcp_rx *rx)
{
	struct tcp_seg *seg = &rx->seg;
	struct rx_pkt *pkt = rx->pkt;
	uint32_t len = seg->hdr_len + seg->len, n;
	uint16_t gone = rx->off == 0 ? (uint16_t)(pkt->l4_off + seg->hdr_len) : 0;

	if (likely(tp->inet.sk.filter == NULL))
		return false;
	/* joined() took the headers off; they are still there. */
	if (gone > 0 && rte_pktmbuf_prepend(pkt->m, gone) == NULL)
		return true;
	n = filter_apply(st, &tp->inet.sk, pkt, pkt->l4_off, len, seg->hdr_len);
	if (gone > 0)
		rte_pktmbuf_adj(pkt->m, gone);
	if (n == 0) {
		tp->inet.sk.drops++;
		return true;
	}
	seg->end_seq -= len - n;
	seg->len -= len - n;
	return false;
}

/* The connection's state says what the segment has led to. */
static void settle(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	if (tp->inet.sk.state == TCPS_TIME_WAIT) {
		if (tp->flags & TF_ACK_NOW)
			tcp_send_ack(st, tp, now);
		tcp_time_wait(st, tp, false, st->cfg.time_wait_ns, now);
	}
	if (tp->inet.sk.state == TCPS_CLOSED && (tp->inet.sk.flags & SOCK_F_DEAD))
		tcp_destroy(st, tp);
	else
		tcp_check_invariants(st, tp);
}

static enum tcp_verdict to_sock(struct stack *st, struct tcp_sock *tp, struct tcp_rx *rx,
				uint64_t now)
{
	enum tcp_verdict v;

	/* RFC 5082 (GTSM): IP_MINTTL, IPV6_MINHOPCOUNT */
	if (unlikely((tp->inet.min_ttl | tp->inet.in6.min_hops) != 0) &&
	    rx->pkt->ttl < (ipaddr_is_v4(&rx->pkt->src) ? tp->inet.min_ttl : tp->inet.in6.min_hops))
		return TCP_V_DONE;
	st->in_hand = tcp_to_sk(tp);
	v = tcp_segment_arrives(st, tp, rx, now);
	settle(st, tp, now);
	st->in_hand = NULL;
	return v;
}

static enum tcp_verdict to_req(struct stack *st, struct tcp_req *req, struct tcp_rx *rx,
			       uint64_t now)
{
	struct tcp_sock *child = NULL;
	enum tcp_verdict v = tcp_req_input(st, req, rx, &child, now);

	/* The handshake's last ACK may carry data. */
	if (child != NULL)
		return to_sock(st, child, rx, now);
	return v;
}

static enum tcp_verdict deliver(struct stack *st, struct tcp_rx *rx, const struct tcp_key *key,
				uint64_t now)
{
	struct tcp_node *node = tcp_table_find(st, key, rx->hash);
	struct tcp_sock *sk, *lsk, *child = NULL;
	struct tcp_req *req;
	enum tcp_verdict v;

	if (likely(node != NULL)) {
		switch (node->kind) {
		case TCP_NODE_SOCK:
			sk = container_of(node, struct tcp_sock, node);
			return filter_drops(st, sk, rx) ? TCP_V_DONE : to_sock(st, sk, rx, now);
		case TCP_NODE_REQ:
			req = container_of(node, struct tcp_req, node);
			return filter_drops(st, req->listener, rx) ? TCP_V_DONE : to_req(st, req, rx, now);
		default:
			return tcp_tw_input(st, container_of(node, struct tcp_tw, node), rx, now);
		}
	}
	/* RFC 1122 4.2.3.10: a SYN to a broadcast or multicast address is discarded silently. */
	if (rx->pkt->multicast)
		return TCP_V_DONE;
	lsk = tcp_table_find_listener(st, key, rx->hash);
	if (lsk == NULL)
		return TCP_V_RESET;
	if (filter_drops(st, lsk, rx))
		return TCP_V_DONE;
	v = tcp_listen_input(st, lsk, rx, &child, now);
	return child != NULL ? to_sock(st, child, rx, now) : v;
}

void tcp_input(struct stack *st, struct rx_pkt *pkt, uint64_t now)
{
	struct tcp_rx rx;
	struct tcp_key key;
	enum tcp_verdict v;

	MIB_INC(st, TCP_IN_SEGS);
	if (!pkt->local && !ip_l4_csum_ok(pkt)) {
		MIB_INC(st, TCP_IN_CSUM_ERRORS);
		MIB_INC(st, TCP_IN_ERRS);
		rte_pktmbuf_free(pkt->m);
		return;
	}
	if (!parse(st, pkt, &rx)) {
		rte_pktmbuf_free(pkt->m);
		return;
	}
	key.laddr = pkt->dst;
	key.raddr = pkt->src;
	key.lport = rx.seg.dport;
	key.rport = rx.seg.sport;
	key.zero = 0;
	rx.hash = tcp_hash(&st->tcp, &key);
	do
		v = deliver(st, &rx, &key, now);
	while (v == TCP_V_RETRY);
	if (v == TCP_V_RESET)
		tcp_reply_reset(st, &rx, now);
	if (!rx.taken)
		rte_pktmbuf_free(pkt->m);
}

/* -- ICMP: RFC 5927, RFC 1122 4.2.3.9 ------------------------------------------------------------ */

/* ip(7), ipv6(7): IP_MTU_DISCOVER says whether the network is believed. */
static bool accepts_pmtu(const struct tcp_sock *tp)
{
	uint8_t how = ipaddr_is_v4(&tp->node.key.raddr) ? tp->inet.pmtudisc : tp->inet.in6.pmtudisc;

	return how != IP_PMTUDISC_DONT && how != IP_PMTUDISC_INTERFACE && how != IP_PMTUDISC_OMIT;
}

void tcp_mtu_reduced(struct stack *st, struct tcp_sock *tp, uint16_t mtu, uint64_t now)
{
	struct rte_mbuf *m;
	uint16_t old = tp->mss;
	/* Linux's min_pmtu; RFC 8201 4. */
	uint16_t floor = ipaddr_is_v4(&tp->node.key.raddr) ? 552 : 1280;

	if (mtu >= tp->pmtu || !accepts_pmtu(tp))
		return;
	ip_update_pmtu(st, &tp->node.key.raddr, mtu, now);
	if (mtu < floor)
		mtu = floor;
	dst_check(st, &tp->inet.dst, &tp->node.key.raddr, &tp->node.key.laddr, now);
	if (tp->inet.dst.mtu > mtu)
		tp->inet.dst.mtu = mtu;
	tcp_mss_sync(st, tp, now);
	if (tp->mss >= old)
		return;
	/* What was too big is lost, but not by congestion: send it again in pieces. */
	for (m = tp->snd_head; m != tp->send_head; m = pkt_cb(m)->qnext)
		if (pkt_cb(m)->len > tp->mss)
			tcp_mark_lost(tp, m);
	if (tp->lost_unsent > 0)
		tcp_loss_without_congestion(tp);
	tcp_sndq_recut(st, tp);
	tcp_mark_pending(st, tp);
}

/* RFC 6069 2: the time-out was a broken path's doing, not congestion's.  A router must have said so. */
static bool says_unreachable(struct stack *st, const struct icmp_err *e)
{
	if (ip_addr_is_ours(st, &e->from))
		return false;
	return ipaddr_is_v4(&e->dst) ? e->type == ICMP_DEST_UNREACH && e->code <= ICMP_HOST_UNREACH :
				       e->type == ICMP6_DST_UNREACH && e->code == ICMP6_DST_UNREACH_NOROUTE;
}

static void sock_icmp_error(struct stack *st, struct tcp_sock *tp, const struct icmp_err *e,
			    uint32_t seq, uint64_t now)
{
	struct sock *sk = tcp_to_sk(tp);
	bool opening = tcp_state_in(tp, TCPS_BIT(TCPS_SYN_SENT) | TCPS_BIT(TCPS_SYN_RECEIVED));

	/* RFC 5927 4.1: the quoted number must be of something in flight. */
	if (!seq_between(tcp_is_embryo(tp) ? tp->iss : tp->snd_una, seq, tp->snd_nxt))
		return;
	if (e->mtu != 0) {
		if (sk->state != TCPS_LISTEN)
			tcp_mtu_reduced(st, tp, e->mtu, now);
		return;
	}
	if (e->err == 0)
		return;
	/*
	 * As Linux: any error ends an attempt to connect.  RFC 5927 5.2: on an open connection
	 * even a hard one is only remembered, and told if the connection times out; ip(7): or at
	 * once, to who asked for that.
	 */
	if (tcp_is_embryo(tp)) {
		/* As Linux: like a half-open one while nobody has accepted it. */
		if (sk->socket != NULL)
			sk->err_soft = e->err;
	} else if (opening)
		tcp_done(st, tp, e->err, now);
	else if (sk->flags & (ipaddr_is_v4(&tp->node.key.raddr) ? SOCK_F_RECVERR : SOCK_F_RECVERR6))
		sock_error(st, sk, e->err);
	else
		sk->err_soft = e->err;
	if (says_unreachable(st, e) && seq == tp->snd_una && !opening)
		tcp_rto_revert(st, tp, now);
}

void tcp_icmp_error(struct stack *st, const struct icmp_err *e, uint64_t now)
{
	struct tcp_node *node;
	struct tcp_key key;
	uint32_t seq;

	if (e->l4_len < 8)
		return;
	key.laddr = e->src;
	key.raddr = e->dst;
	key.lport = (uint16_t)(e->l4[0] << 8 | e->l4[1]);
	key.rport = (uint16_t)(e->l4[2] << 8 | e->l4[3]);
	key.zero = 0;
	seq = (uint32_t)e->l4[4] << 24 | (uint32_t)e->l4[5] << 16 | (uint32_t)e->l4[6] << 8 | e->l4[7];
	node = tcp_table_find(st, &key, tcp_hash(&st->tcp, &key));
	if (node == NULL || node->kind == TCP_NODE_TW)
		return;
	if (node->kind == TCP_NODE_REQ) {
		struct tcp_req *req = container_of(node, struct tcp_req, node);

		if (e->hard && e->mtu == 0 && seq == req->iss)
			tcp_req_free(st, req);
		return;
	}
	st->in_hand = tcp_to_sk(container_of(node, struct tcp_sock, node));
	sock_icmp_error(st, tcp_sk(st->in_hand), e, seq, now);
	settle(st, tcp_sk(st->in_hand), now);
	st->in_hand = NULL;
}
