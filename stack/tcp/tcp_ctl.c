/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_ctl.c - segments without data that belong to no send queue: SYN, SYN-ACK, RST, and the
 * ACKs of half-open and TIME_WAIT connections.
 */
#include "stack/tcp/tcp.h"

#include <netinet/in.h>
#include <string.h>

struct ctl {
	struct tcp_key key; /* local: us */
	struct tcp_hdr h;
	struct dst *dst;    /* NULL: look the route up */
	const struct rte_mbuf *data; /* a segment of the send queue; NULL: none */
	uint8_t ttl, tos;
};

/* Build and send; what cannot be sent is lost, as a packet may be. */
static int ctl_send(struct stack *st, struct ctl *c, uint64_t now)
{
	struct ip_tx tx = {
		.src = &c->key.laddr,
		.dst = &c->key.raddr,
		.proto = IPPROTO_TCP,
		.ttl = c->ttl,
		.tos = c->tos,
		.df = true,
	};
	struct dst dst;
	struct rte_mbuf *m;
	uint32_t len;

	if (c->dst == NULL) {
		int ret;

		memset(&dst, 0, sizeof(dst));
		ret = route_lookup(st, &c->key.raddr, &c->key.laddr, &dst, now);
		if (ret < 0)
			return ret;
		c->dst = &dst;
	}
	m = pkt_alloc(st);
	if (m == NULL) {
		MIB_INC(st, TCP_NOMEM);
		return -ENOBUFS;
	}
	c->h.sport = c->key.lport;
	c->h.dport = c->key.rport;
	len = (uint32_t)tcp_seg_build(rte_pktmbuf_mtod(m, uint8_t *), &c->h);
	m->ol_flags = RTE_MBUF_F_TX_TCP_CKSUM;
	m->tx_offload = 0;
	m->l4_len = len;
	if (c->data != NULL) {
		memcpy(rte_pktmbuf_mtod_offset(m, void *, len), tcp_sndq_payload(c->data),
		       pkt_cb(c->data)->len);
		len += pkt_cb(c->data)->len;
	}
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
	MIB_INC(st, TCP_OUT_SEGS);
	return ip_output(st, m, c->dst, &tx, now);
}

static void put_fastopen(struct ctl *c, const struct tfo_cookie *fo)
{
	if (fo == NULL || fo->len < 0)
		return;
	c->h.opts |= TCP_HAS_FASTOPEN;
	c->h.fo_len = (uint8_t)fo->len;
	c->h.fo_exp = fo->exp;
	c->h.fo_cookie = fo->val;
}

/* -- SYN, and SYN-ACK of a simultaneous open or of Fast Open ------------------------------- */

void tcp_send_syn(struct stack *st, struct tcp_sock *tp, const struct tfo_cookie *fo,
		  const struct rte_mbuf *data, uint64_t now)
{
	bool reply = tp->inet.sk.state != TCPS_SYN_SENT;
	/* Only who answers a SYN as a listener is bound to what that offered. */
	bool offer_all = !reply || !tcp_is_embryo(tp);
	struct ctl c = {
		.key = tp->node.key,
		.dst = &tp->inet.dst,
		.data = data,
		.ttl = inet_ttl(&tp->inet, ipaddr_is_v4(&tp->node.key.raddr)),
		.tos = inet_tos(&tp->inet, ipaddr_is_v4(&tp->node.key.raddr)) & 0xfc,
	};

	c.h.seq = tp->iss;
	c.h.flags = TH_SYN;
	c.h.wnd = (uint16_t)RTE_MIN(tp->rcv_wnd, 65535u);
	c.h.mss = (uint16_t)tp->advmss;
	if (tcp_is_embryo(tp) && (tp->flags & TF_TS)) /* tcp_init_transfer() took it off (RFC 6691) */
		c.h.mss += TCP_TS_OPT_LEN;
	c.h.opts = TCP_HAS_MSS;
	if (offer_all || (tp->flags & TF_TS)) {
		c.h.opts |= TCP_HAS_TS;
		c.h.tsval = tcp_ts_clock(now) + tp->ts_off;
		c.h.tsecr = reply ? tp->ts_recent : 0;
	}
	if (offer_all || (tp->flags & TF_SACK))
		c.h.opts |= TCP_HAS_SACK_PERM;
	if (offer_all || (tp->flags & TF_WSCALE)) {
		c.h.opts |= TCP_HAS_WSCALE;
		c.h.wscale = tp->syn_wscale;
	}
	if (reply) {
		c.h.flags |= TH_ACK;
		c.h.ack = tp->rcv_nxt;
		if (tp->flags & TF_ECN)
			c.h.flags |= TH_ECE;
		tp->rcv_wup = tp->rcv_nxt;
		tp->flags &= ~(TF_ACK_NOW | TF_ACK_SCHED);
	} else if (tp->flags & TF_ECN) {
		c.h.flags |= TH_ECE | TH_CWR;
	}
	put_fastopen(&c, fo);
	tp->segs_out++;
	if (ctl_send(st, &c, now) == -EMSGSIZE)
		tcp_mss_sync(st, tp, now);
}

/* -- RST ------------------------------------------------------------------------------------- */

static void reply_key(struct tcp_key *key, const struct tcp_rx *rx)
{
	key->laddr = rx->pkt->dst;
	key->raddr = rx->pkt->src;
	key->lport = rx->seg.dport;
	key->rport = rx->seg.sport;
	key->zero = 0;
}

/*
 * RFC 9293 3.10.7.1: the segment has no connection (or one that refuses it).
 *   no ACK:  <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>
 *   ACK:     <SEQ=SEG.ACK><CTL=RST>
 * Never in answer to RST, nor to multicast or broadcast (RFC 1122 4.2.3.10).
 */
void tcp_reply_reset(struct stack *st, const struct tcp_rx *rx, uint64_t now)
{
	const struct tcp_seg *seg = &rx->seg;
	struct ctl c = { .tos = rx->pkt->tos & 0xfc };

	if ((seg->flags & TH_RST) || rx->pkt->multicast)
		return;
	reply_key(&c.key, rx);
	c.h.flags = TH_RST;
	if (seg->flags & TH_ACK) {
		c.h.seq = seg->ack;
	} else {
		c.h.ack = seg->end_seq;
		c.h.flags |= TH_ACK;
	}
	MIB_INC(st, TCP_OUT_RSTS);
	ctl_send(st, &c, now);
}

/* -- TIME_WAIT ------------------------------------------------------------------------------- */

void tcp_tw_send_ack(struct stack *st, struct tcp_tw *tw, const struct tcp_seg *seg, uint64_t now)
{
	struct ctl c = { .key = tw->node.key, .ttl = tw->ttl, .tos = tw->tos & 0xfc };

	(void)seg;
	c.h.seq = tw->snd_nxt;
	c.h.ack = tw->rcv_nxt;
	c.h.flags = TH_ACK;
	c.h.wnd = (uint16_t)(tw->rcv_wnd >> tw->rcv_wscale);
	if (tw->ts) {
		c.h.opts = TCP_HAS_TS;
		c.h.tsval = tcp_ts_clock(now) + tw->ts_off;
		c.h.tsecr = tw->ts_recent;
	}
	ctl_send(st, &c, now);
}

/* -- half-open connections ------------------------------------------------------------------- */

void tcp_req_send_synack(struct stack *st, struct tcp_req *req, const struct tfo_cookie *fo,
			 uint64_t now)
{
	struct ctl c = { .key = req->node.key, .ttl = req->ttl, .tos = req->tos & 0xfc };

	c.h.seq = req->iss;
	c.h.ack = req->irs + 1;
	c.h.flags = TH_SYN | TH_ACK;
	c.h.wnd = (uint16_t)RTE_MIN(req->rcv_wnd, 65535u);
	c.h.mss = req->advmss;
	c.h.opts = TCP_HAS_MSS;
	if (req->flags & REQ_ECN)
		c.h.flags |= TH_ECE;
	if (req->flags & REQ_TS) {
		c.h.opts |= TCP_HAS_TS;
		c.h.tsval = tcp_ts_clock(now) + req->ts_off;
		c.h.tsecr = req->ts_recent;
		/* A cookie's options ride in the low bits, see tcp_listen.c. */
		if (req->ts_low_bits != 0)
			c.h.tsval = req->ts_low_bits;
		req->ts_last = c.h.tsval;
		if (req->retrans == 0)
			req->ts_first = c.h.tsval;
	}
	if (req->flags & REQ_SACK)
		c.h.opts |= TCP_HAS_SACK_PERM;
	if (req->flags & REQ_WSCALE) {
		c.h.opts |= TCP_HAS_WSCALE;
		c.h.wscale = req->rcv_wscale;
	}
	put_fastopen(&c, fo);
	ctl_send(st, &c, now);
}

void tcp_req_send_ack(struct stack *st, struct tcp_req *req, uint64_t now)
{
	struct ctl c = { .key = req->node.key, .ttl = req->ttl, .tos = req->tos & 0xfc };

	c.h.seq = req->iss + 1;
	c.h.ack = req->irs + 1;
	c.h.flags = TH_ACK;
	c.h.wnd = (uint16_t)(req->rcv_wnd >> req->rcv_wscale);
	if (req->flags & REQ_TS) {
		c.h.opts = TCP_HAS_TS;
		c.h.tsval = tcp_ts_clock(now) + req->ts_off;
		c.h.tsecr = req->ts_recent;
	}
	ctl_send(st, &c, now);
}

void tcp_req_send_reset(struct stack *st, struct tcp_req *req, uint64_t now)
{
	struct ctl c = { .key = req->node.key, .ttl = req->ttl, .tos = req->tos & 0xfc };

	c.h.seq = req->iss + 1;
	c.h.ack = req->irs + 1;
	c.h.flags = TH_RST | TH_ACK;
	MIB_INC(st, TCP_OUT_RSTS);
	ctl_send(st, &c, now);
}
