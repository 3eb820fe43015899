/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_xmit.c - segments on their way to the network: header, options, ECN, what is noted of them.
 *
 * What is sent stays in the send queue; the network gets a reference to it, or a copy where
 * the queue's mbuf cannot be lent (tcp_sndq.c, tcp_tso.c).
 */
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_cc.h"

#include <netinet/in.h>
#include <string.h>

/* The ACK goes out with whatever segment is being built. */
static void ack_sent(struct tcp_sock *tp)
{
	if (tp->ack_quick > 0 && --tp->ack_quick == 0)
		tp->ato = TCP_DELACK_MAX; /* leaving quick-ACK mode */
	tp->flags &= ~(TF_ACK_NOW | TF_ACK_SCHED | TF_ACK_PUSHED | TF_ACK_PUSHED2);
	tp->dsack_out = false;
	tcp_timer_clear(tp, TCPT_DELACK);
}

/* Window, options and numbers that every segment of a synchronised connection carries. */
static void fill_header(struct stack *st, struct tcp_sock *tp, struct tcp_hdr *h,
			struct tcp_sack sacks[TCP_MAX_SACKS], uint32_t room, uint64_t now)
{
	const struct tcp_key *key = &tp->node.key;
	uint32_t nsacks = 0, max;

	h->sport = key->lport;
	h->dport = key->rport;
	h->ack = tp->rcv_nxt;
	h->wnd = (uint16_t)tcp_select_window(st, tp);
	h->urp = 0;
	h->opts = 0;
	h->nsacks = 0;
	if (tp->flags & TF_TS) {
		h->opts = TCP_HAS_TS;
		h->tsval = tcp_ts_clock(now) + tp->ts_off;
		h->tsecr = tp->ts_recent;
	}
	if (likely(!tp->dsack_out && tp->nsacks_out == 0) || !(tp->flags & TF_SACK) || room < 12)
		return;
	/* RFC 2018 3, RFC 2883: the duplicate first, then the newest; as many as fit. */
	max = (tp->flags & TF_TS) ? 3 : 4;
	if (max > (room - 4) / 8)
		max = (room - 4) / 8;
	if (tp->dsack_out)
		sacks[nsacks++] = tp->dsack;
	for (unsigned int i = 0; i < tp->nsacks_out && nsacks < max; i++)
		sacks[nsacks++] = tp->sacks_out[i];
	if (tp->dsack_out)
		MIB_INC(st, TCP_DSACK_SENT);
	h->opts |= TCP_HAS_SACK;
	h->nsacks = (uint8_t)nsacks;
	h->sacks = sacks;
}

/* RFC 3168 6.1: mark new data ECT, echo congestion until the peer says CWR, say CWR once. */
static uint8_t ecn_bits(struct tcp_sock *tp, struct tcp_hdr *h, bool new_data)
{
	if (!(tp->flags & TF_ECN))
		return 0;
	if (tp->flags & TF_ECN_ECE)
		h->flags |= TH_ECE;
	if (!new_data)
		return 0;
	if (tp->flags & TF_ECN_CWR) {
		tp->flags &= ~TF_ECN_CWR;
		h->flags |= TH_CWR;
	}
	return 2; /* ECT(0) */
}

/* w holds nsegs segments; where there are several it is itself the first of them. */
static int to_network(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *w, uint32_t hdr_len,
		      uint8_t ecn, uint32_t nsegs, uint64_t now)
{
	bool v4 = ipaddr_is_v4(&tp->node.key.raddr);
	struct ip_tx tx = {
		.src = &tp->node.key.laddr,
		.dst = &tp->node.key.raddr,
		.proto = IPPROTO_TCP,
		.ttl = inet_ttl(&tp->inet, v4),
		.tos = (uint8_t)((inet_tos(&tp->inet, v4) & ~3) | ecn),
		.df = tp->inet.pmtudisc != IP_PMTUDISC_DONT &&
		      !(tp->inet.dst.mtu_locked && tp->inet.pmtudisc == IP_PMTUDISC_WANT),
	};

	w->ol_flags = RTE_MBUF_F_TX_TCP_CKSUM;
	w->tx_offload = 0;
	w->l4_len = hdr_len;
	if (nsegs > 1) {
		w->ol_flags = RTE_MBUF_F_TX_TCP_SEG;
		w->tso_segsz = pkt_cb(w)->len;
	}
	MIB_ADD(st, TCP_OUT_SEGS, nsegs);
	tp->segs_out += nsegs;
	return ip_output(st, w, &tp->inet.dst, &tx, now);
}

/* The same for the segments first to last, which may have bytes to be stamped. */
static int to_network_stamped(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *w, uint32_t hdr_len,
			      uint8_t ecn, uint32_t nsegs, const struct rte_mbuf *first,
			      const struct rte_mbuf *last, uint64_t now)
{
	int err;

	rte_mbuf_refcnt_update(w, 1);
	err = to_network(st, tp, w, hdr_len, ecn, nsegs, now);
	if (err == 0)
		tcp_txstamp_sent(st, tp, pkt_cb(first)->seq, pkt_cb(last)->end_seq, w, now);
	if (w == first)
		rte_mbuf_refcnt_update(w, -1); /* the queue has it still */
	else
		rte_pktmbuf_free_seg(w); /* it waits for the link: who hands it over notes the owner */
	return err;
}

/*
 * The mbuf to give to the link for a queued segment: itself with one more reference, or a
 * copy if the link still has it from the last time.
 */
static struct rte_mbuf *wire_mbuf(struct stack *st, struct rte_mbuf *m)
{
	struct pkt_cb *cb = pkt_cb(m);
	struct rte_mbuf *w = m;

	if (likely(rte_mbuf_refcnt_read(m) == 1)) {
		rte_mbuf_refcnt_set(m, 2);
		m->data_off = cb->off;
		/* It may have been in a chain last time. */
		m->next = NULL;
		m->nb_segs = 1;
	} else {
		w = pkt_alloc(st);
		if (w == NULL)
			return NULL;
		memcpy(rte_pktmbuf_mtod(w, void *), tcp_sndq_payload(m), cb->len);
	}
	w->data_len = (uint16_t)cb->len;
	w->pkt_len = cb->len;
	return w;
}

static void note_sent(struct tcp_sock *tp, struct rte_mbuf *m, uint32_t n, uint64_t now)
{
	struct pkt_cb *cb;

	do {
		cb = pkt_cb(m);
		tp->data_segs_out += cb->len > 0;
		tcp_rate_seg_sent(tp, cb, now);
		cb->tstamp = now;
		tp->bytes_sent += cb->len;
		m = cb->qnext;
	} while (--n > 0);
}

int tcp_xmit_segments(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m, uint32_t n,
		      bool retrans, uint64_t now)
{
	struct pkt_cb *cb = pkt_cb(m);
	struct tcp_sack sacks[TCP_MAX_SACKS];
	struct rte_mbuf *w, *last = m;
	struct tcp_hdr h;
	uint32_t hdr_len;
	uint8_t ecn;

	w = wire_mbuf(st, m);
	if (unlikely(w == NULL)) {
		MIB_INC(st, TCP_NOMEM);
		return -ENOBUFS;
	}
	if (n > 1)
		last = tcp_tso_chain(w, m, n);
	/* A full segment leaves no room for SACK blocks; the ACKs they belong to went alone. */
	fill_header(st, tp, &h, sacks, tp->mss > cb->len ? tp->mss - cb->len : 0, now);
	h.seq = cb->seq;
	h.flags = TH_ACK | (pkt_cb(last)->tcp_flags & (TH_PUSH | TH_FIN));
	if (unlikely(tp->flags & TF_SND_URG) && seq_lt(cb->seq, tp->snd_up) &&
	    tp->snd_up - cb->seq <= 0xffff) {
		h.flags |= TH_URG;
		h.urp = (uint16_t)(tp->snd_up - cb->seq);
	}
	ecn = ecn_bits(tp, &h, cb->len > 0 && !retrans);
	hdr_len = (uint32_t)tcp_seg_hdr_len(&h);
	w->data_off -= (uint16_t)hdr_len;
	w->data_len += (uint16_t)hdr_len;
	w->pkt_len += hdr_len;
	tcp_seg_build(rte_pktmbuf_mtod(w, uint8_t *), &h);

	note_sent(tp, m, n, now);
	ack_sent(tp);
	if (unlikely(tp->stampq.head != NULL))
		return to_network_stamped(st, tp, w, hdr_len, ecn, n, m, last, now);
	return to_network(st, tp, w, hdr_len, ecn, n, now);
}

int tcp_xmit_segment(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *m, bool retrans,
		     uint64_t now)
{
	return tcp_xmit_segments(st, tp, m, 1, retrans, now);
}

/* A header without data. */
static void send_bare(struct stack *st, struct tcp_sock *tp, struct rte_mbuf *w,
		      const struct tcp_hdr *h, uint64_t now)
{
	uint32_t hdr_len = (uint32_t)tcp_seg_build(rte_pktmbuf_mtod(w, uint8_t *), h);

	w->data_len = (uint16_t)hdr_len;
	w->pkt_len = hdr_len;
	to_network(st, tp, w, hdr_len, 0, 1, now);
}

void tcp_send_ack(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	struct rte_mbuf *w = pkt_alloc(st);
	struct tcp_sack sacks[TCP_MAX_SACKS];
	struct tcp_hdr h;

	if (w == NULL) {
		/* Try again when memory may be back. */
		tp->flags = (tp->flags & ~TF_ACK_NOW) | TF_ACK_SCHED;
		tcp_timer_set(st, tp, TCPT_DELACK, now + TCP_DELACK_MAX);
		return;
	}
	fill_header(st, tp, &h, sacks, TCP_MAX_OPT_LEN, now);
	h.seq = tp->snd_nxt;
	h.flags = TH_ACK;
	if (unlikely(tp->flags & TF_SND_URG) && seq_lt(h.seq, tp->snd_up)) {
		h.flags |= TH_URG;
		h.urp = (uint16_t)RTE_MIN(tp->snd_up - h.seq, 0xffffu);
	}
	ecn_bits(tp, &h, false);
	ack_sent(tp);
	send_bare(st, tp, w, &h, now);
}

/*
 * Keepalive and window probe: an old sequence number makes the peer answer with an ACK
 * (RFC 1122 4.2.3.6).
 */
void tcp_send_probe(struct stack *st, struct tcp_sock *tp, bool urgent, uint64_t now)
{
	struct rte_mbuf *w = pkt_alloc(st);
	struct tcp_sack sacks[TCP_MAX_SACKS];
	struct tcp_hdr h;

	if (w == NULL)
		return;
	fill_header(st, tp, &h, sacks, TCP_MAX_OPT_LEN, now);
	h.seq = tp->snd_una - !urgent;
	h.flags = TH_ACK;
	send_bare(st, tp, w, &h, now);
}

/*
 * Abort a synchronised connection (RFC 9293 3.10.5): <SEQ=SND.NXT><CTL=RST,ACK>, with all that
 * Linux has in it, its SACK blocks as well.
 */
void tcp_send_reset(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	struct rte_mbuf *w = pkt_alloc(st);
	struct tcp_sack sacks[TCP_MAX_SACKS];
	struct tcp_hdr h;

	if (w == NULL) {
		MIB_INC(st, TCP_NOMEM);
		return;
	}
	fill_header(st, tp, &h, sacks, TCP_MAX_OPT_LEN, now);
	h.seq = tp->snd_nxt;
	h.flags = TH_RST | TH_ACK;
	MIB_INC(st, TCP_OUT_RSTS);
	send_bare(st, tp, w, &h, now);
}
