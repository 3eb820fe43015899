/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_tso.c - segments that leave together: TCP segmentation offload.
 *
 * Where the link cuts (NETIF_TX_TSO), segments of the send queue that may be sent in this very
 * moment go down as one chain with one header, and what each costs below TCP is paid once.
 * The queue stays what it is: one mbuf is one segment, and RACK, SACK and retransmission know of
 * nothing else.  The chain is made by the mbufs' next pointers, over the payload of each where it
 * lies; the header is in the headroom of the first.
 *
 *	   queue:  cb->qnext  A ──► B ──► C ──► D        the stack's reference
 *	   link:   next       A ──► B ──► C              the link's reference to each
 *
 * While the link has it, it alone follows next, and gives each reference back in any order; a
 * segment that is acknowledged before that leaves the queue by itself (pkt_let_go_seg()).
 * So next of an mbuf on the queue means nothing to TCP, may point to what is long gone, and is
 * set anew by whoever transmits it again.  Only new data goes this way; what is lost is sent
 * again in single segments.
 *
 * What a chain may hold is what would leave anyhow, one segment after the other, in the same
 * call: cwnd, the peer's window and Nagle are asked about each.  So Linux's sizing by the rate
 * (tcp_tso_autosize()) is for paced connections only, whose segments would not.
 */
#include "stack/tcp/tcp.h"

#define TSO_MAX_BYTES	65535u /* of the IP packet: its length field */
#define TSO_MIN_SEGS	2u     /* net.ipv4.tcp_min_tso_segs */
#define TSO_PACED_PER_S 1024u  /* packets a second, Linux's sk_pacing_shift of 10 */
#define PUSH_SEGS	16u    /* without TSO: half of a transmit burst */

/* The link as of now cuts, and our idea of the path's MTU is what the network layer has, too. */
static bool link_cuts(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	struct dst *d = &tp->inet.dst;

	if (!(d->nif->caps & NETIF_TX_TSO) || d->loop)
		return false;
	return dst_check(st, d, &tp->node.key.raddr, &tp->node.key.laddr, now) == 0 &&
	       (d->nif->caps & NETIF_TX_TSO) && !d->loop && d->mtu == tp->pmtu;
}

/*
 * Urgent pointers differ from segment to segment.  CWR is for the first alone (RFC 3168
 * 6.1.2), which not every link sees to: that one goes by itself.
 */
static bool headers_are_alike(const struct tcp_sock *tp)
{
	return !(tp->flags & TF_SND_URG) &&
	       (tp->flags & (TF_ECN | TF_ECN_CWR)) != (TF_ECN | TF_ECN_CWR);
}

static uint32_t paced_segs(const struct tcp_sock *tp, uint32_t segsz)
{
	uint64_t rate = RTE_MIN(tp->pacing_rate, tp->inet.sk.max_pacing_rate);
	uint64_t n = rate / TSO_PACED_PER_S / segsz;

	return n < TSO_MIN_SEGS ? TSO_MIN_SEGS : (uint32_t)RTE_MIN(n, (uint64_t)UINT16_MAX);
}

static uint32_t most_segs(const struct tcp_sock *tp, uint32_t segsz)
{
	uint32_t hdrs = (ipaddr_is_v4(&tp->node.key.raddr) ? 20 : 40) + TCP_MAX_HDR_LEN;
	uint32_t n = RTE_MIN((TSO_MAX_BYTES - hdrs) / segsz, (uint32_t)tp->inet.dst.nif->tso_segs);

	if (unlikely(tcp_is_paced(tp)))
		n = RTE_MIN(n, paced_segs(tp, segsz));
	return n;
}

/*
 * How many segments from send_head on leave together, the first of which may: all as long as
 * the first, the last maybe shorter.
 */
uint32_t tcp_tso_count(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	struct rte_mbuf *m = tp->send_head;
	uint32_t segsz = pkt_cb(m)->len, most, room, n;

	if (segsz == 0 || !headers_are_alike(tp) || rte_mbuf_refcnt_read(m) != 1 ||
	    !link_cuts(st, tp, now))
		return 1;
	most = most_segs(tp, segsz);
	room = tcp_in_flight(tp) < tp->cwnd ? tp->cwnd - tcp_in_flight(tp) : 1;
	for (n = 1; n < most && n < room && pkt_cb(m)->len == segsz; n++) {
		m = pkt_cb(m)->qnext;
		if (m != NULL && unlikely(pkt_cb(m)->len < segsz))
			tcp_sndq_fill_up(st, tp, m);
		if (m == NULL || pkt_cb(m)->len == 0 || pkt_cb(m)->len > segsz ||
		    tcp_window_allows(tp, m) != pkt_cb(m)->len || tcp_nagle_holds(tp, m) ||
		    rte_mbuf_refcnt_read(m) != 1)
			break;
	}
	return n;
}

/* Hang the n - 1 segments behind m to w, which is m's for the link.  Returns the last. */
struct rte_mbuf *tcp_tso_chain(struct rte_mbuf *w, struct rte_mbuf *m, uint32_t n)
{
	struct rte_mbuf *last = w;

	for (; n > 1; n--) {
		const struct pkt_cb *cb;

		m = pkt_cb(m)->qnext;
		cb = pkt_cb(m);
		rte_mbuf_refcnt_set(m, 2);
		m->data_off = cb->off;
		m->data_len = (uint16_t)cb->len;
		m->next = NULL;
		m->nb_segs = 1;
		last->next = m;
		w->nb_segs++;
		w->pkt_len += cb->len;
		last = m;
	}
	return last;
}

/* Linux's tcp_update_pacing_rate(), in bytes per packet interval. */
static uint64_t bytes_per_packet(const struct tcp_sock *tp)
{
	uint64_t percent = tp->cwnd < tp->ssthresh / 2 ? 200 : 120;
	uint64_t flight = (uint64_t)RTE_MAX(tp->cwnd, tp->packets_out) * tp->mss;
	uint64_t near = tp->min_rtt / 512000; /* a neighbour's packets may be long: tcp_tso_rtt_log */

	if (tp->srtt == 0)
		return 0;
	return flight * percent / 100 * (NS_PER_SEC / TSO_PACED_PER_S) / ((tp->srtt >> 3) + 1) +
	       (near < 32 ? (uint64_t)TSO_MAX_BYTES >> near : 0);
}

uint16_t tcp_packet_segs(const struct tcp_sock *tp)
{
	uint32_t n = (uint32_t)RTE_MIN(bytes_per_packet(tp), (uint64_t)TSO_MAX_BYTES) / tp->mss;

	return (uint16_t)RTE_MAX(n, TSO_MIN_SEGS);
}

uint32_t tcp_tso_goal(const struct tcp_sock *tp)
{
	const struct netif *nif = tp->inet.dst.nif;

	if (nif == NULL || !(nif->caps & NETIF_TX_TSO) || tp->mss == 0)
		return PUSH_SEGS;
	return RTE_MAX(most_segs(tp, tp->mss), 1u);
}
