/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_tw.c - TIME_WAIT in 200 bytes: RFC 9293 3.10.7.4 and 3.6.1, RFC 6191, RFC 1337.
 *
 * Keeps the numbers that a late segment is judged by and answered with, and the local port.
 * Orphans in FIN_WAIT_2 wait here as well for a FIN that may never come.
 */
#include "stack/tcp/tcp.h"

void tcp_tw_free(struct stack *st, struct tcp_tw *tw)
{
	tcp_table_remove(&tw->node);
	timer_cancel(&st->wheel, &tw->timer);
	port_drop(st, &tw->port);
	pool_free(&st->tcp.tws, tw);
}

void tcp_time_wait(struct stack *st, struct tcp_sock *tp, bool fin_wait_2, uint64_t timeout,
		   uint64_t now)
{
	struct tcp_tw *tw = pool_alloc(&st->tcp.tws);

	if (tw == NULL) {
		/* Bounded: under a flood correctness of the last ACK yields to service. */
		MIB_INC(st, TCP_TW_OVERFLOW);
		tcp_done(st, tp, 0, now);
		return;
	}
	tw->node.key = tp->node.key;
	tw->node.hash = tp->node.hash;
	tw->node.kind = TCP_NODE_TW;
	tw->timer.kind = TIMER_TCP_TW;
	tw->rcv_nxt = tp->rcv_nxt;
	tw->snd_nxt = tp->snd_nxt;
	tw->rcv_wnd = tcp_receive_window(tp);
	tw->rcv_wscale = tp->rcv_wscale;
	tw->ts = (tp->flags & TF_TS) != 0;
	tw->ts_recent = tp->ts_recent;
	tw->ts_recent_stamp = tp->ts_recent_stamp;
	tw->ts_off = tp->ts_off;
	tw->tos = inet_tos(&tp->inet, ipaddr_is_v4(&tp->node.key.raddr));
	tw->ttl = INET_DEFAULT_TTL; /* as Linux: IP_TTL ends with the socket */
	tw->fin_wait_2 = fin_wait_2;
	tcp_table_remove(&tp->node);
	tcp_table_insert(st, &tw->node);
	timer_arm(&st->wheel, &tw->timer, now + timeout);
	port_hold(st, &tw->port, &tp->inet);
	MIB_INC(st, TCP_TW);
	tcp_done(st, tp, 0, now);
}

/* Data needs its ACK each time, as on a live connection; the rest could be a loop of ACKs. */
static bool may_answer(struct tcp_tw *tw, const struct tcp_seg *seg, uint64_t now)
{
	return (seg->end_seq != seg->seq && !(seg->flags & TH_SYN)) ||
	       tcp_oow_ack_allowed(&tw->last_oow_ack, now);
}

static bool paws_rejects(const struct tcp_tw *tw, const struct tcp_seg *seg, uint64_t now)
{
	return tw->ts && (seg->opts & TCP_HAS_TS) &&
	       tcp_ts_is_old(tw->ts_recent, tw->ts_recent_stamp, seg->tsval, 0, now);
}

static void learn_ts(struct tcp_tw *tw, const struct tcp_seg *seg, uint64_t now)
{
	if (!tw->ts || !(seg->opts & TCP_HAS_TS))
		return;
	tw->ts_recent = seg->tsval;
	tw->ts_recent_stamp = now;
}

/* FIN_WAIT_2 without a program: only the FIN is of use. */
static enum tcp_verdict fin_wait_2(struct stack *st, struct tcp_tw *tw, const struct tcp_seg *seg,
				   bool paws, uint64_t now)
{
	bool in_window = seq_leq(seg->seq, tw->rcv_nxt + tw->rcv_wnd) &&
			 seq_geq(seg->end_seq, tw->rcv_nxt);

	if (paws || !in_window) {
		if (!(seg->flags & TH_RST) && may_answer(tw, seg, now))
			tcp_tw_send_ack(st, tw, seg, now);
		return TCP_V_DONE;
	}
	if (seg->flags & TH_RST) {
		if (seg->seq == tw->rcv_nxt)
			tcp_tw_free(st, tw);
		return TCP_V_DONE;
	}
	if ((seg->flags & TH_SYN) && !seq_lt(seg->seq, tw->rcv_nxt)) {
		tcp_tw_free(st, tw);
		return TCP_V_RESET;
	}
	if (!(seg->flags & TH_ACK) || !seq_gt(seg->end_seq, tw->rcv_nxt) ||
	    seg->end_seq == seg->seq)
		return TCP_V_DONE;
	if (!(seg->flags & TH_FIN) || seg->end_seq != tw->rcv_nxt + 1) {
		/* Data for nobody. */
		MIB_INC(st, TCP_DATA_AFTER_CLOSE);
		tcp_tw_free(st, tw);
		return TCP_V_RESET;
	}
	tw->fin_wait_2 = false;
	tw->rcv_nxt = seg->end_seq;
	learn_ts(tw, seg, now);
	timer_arm(&st->wheel, &tw->timer, now + st->cfg.time_wait_ns);
	tcp_tw_send_ack(st, tw, seg, now);
	return TCP_V_DONE;
}

/* Above everything the old life could have sent (RFC 6191 2, RFC 9293 3.6.1). */
uint32_t tcp_tw_next_iss(const struct tcp_tw *tw)
{
	uint32_t iss = tw->snd_nxt + 65535 + 2;

	return iss != 0 ? iss : 1;
}

/* RFC 6191: a SYN with a later timestamp, or beyond the old numbers, begins a new life. */
static bool syn_takes_over(const struct tcp_tw *tw, const struct tcp_seg *seg, bool paws)
{
	if ((seg->flags & (TH_SYN | TH_ACK | TH_RST)) != TH_SYN || paws)
		return false;
	if (seq_gt(seg->seq, tw->rcv_nxt))
		return true;
	return tw->ts && (seg->opts & TCP_HAS_TS) && seq_lt(tw->ts_recent, seg->tsval);
}

enum tcp_verdict tcp_tw_input(struct stack *st, struct tcp_tw *tw, struct tcp_rx *rx, uint64_t now)
{
	const struct tcp_seg *seg = &rx->seg;
	bool paws = paws_rejects(tw, seg, now);

	if (tw->fin_wait_2)
		return fin_wait_2(st, tw, seg, paws, now);
	if (!paws && seg->seq == tw->rcv_nxt &&
	    (seg->seq == seg->end_seq || (seg->flags & TH_RST))) {
		/*
		 * Deviation: RFC 1337 would ignore RST; like Linux by default we let an exact
		 * one end TIME_WAIT.
		 */
		if (seg->flags & TH_RST) {
			tcp_tw_free(st, tw);
			return TCP_V_DONE;
		}
		learn_ts(tw, seg, now);
		timer_arm(&st->wheel, &tw->timer, now + st->cfg.time_wait_ns);
		return TCP_V_DONE;
	}
	if (syn_takes_over(tw, seg, paws) &&
	    tcp_table_find_listener(st, &tw->node.key, rx->hash) != NULL) {
		rx->tw_iss = tcp_tw_next_iss(tw);
		MIB_INC(st, TCP_TW_RECYCLED);
		tcp_tw_free(st, tw);
		return TCP_V_RETRY;
	}
	if (paws)
		MIB_INC(st, TCP_PAWS_DROP);
	if (!(seg->flags & TH_RST)) {
		/* A repeated FIN: our last ACK was lost, the wait begins anew. */
		if (paws || (seg->flags & TH_ACK))
			timer_arm(&st->wheel, &tw->timer, now + st->cfg.time_wait_ns);
		if (may_answer(tw, seg, now))
			tcp_tw_send_ack(st, tw, seg, now);
	}
	return TCP_V_DONE;
}

/* For connect(2): with timestamps, one second after the peer's last. */
bool tcp_tw_reusable(const struct tcp_tw *tw, uint64_t now)
{
	return tw->ts && !tw->fin_wait_2 && now - tw->ts_recent_stamp > NS_PER_SEC;
}
