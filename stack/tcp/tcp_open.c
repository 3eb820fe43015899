/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_open.c - the active side of the handshake: SEGMENT ARRIVES in SYN-SENT (RFC 9293
 * 3.10.7.3), and what both sides do when the connection is complete.
 */
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_cc.h"

static void learn_syn_options(struct stack *st, struct tcp_sock *tp, const struct tcp_seg *seg,
			      uint64_t now)
{
	uint16_t mss = tcp_peer_mss(&tp->node.key, seg);

	tp->flags &= ~(TF_TS | TF_SACK | TF_WSCALE);
	if (seg->opts & TCP_HAS_TS) {
		tp->flags |= TF_TS;
		tp->ts_recent = seg->tsval;
		tp->ts_recent_stamp = now;
	}
	if (seg->opts & TCP_HAS_SACK_PERM)
		tp->flags |= TF_SACK;
	if (seg->opts & TCP_HAS_WSCALE) {
		tp->flags |= TF_WSCALE;
		tp->snd_wscale = seg->wscale;
	} else {
		tp->snd_wscale = 0;
		tp->rcv_wscale = 0;
		if (tp->window_clamp > 65535)
			tp->window_clamp = 65535;
	}
	if (tp->user_mss != 0 && mss > tp->user_mss)
		mss = tp->user_mss;
	tp->mss_clamp = mss;
	tp->irs = seg->seq;
	tp->rcv_nxt = tp->rcv_wup = tp->copied_seq = seg->seq + 1;
	tp->snd_wl1 = seg->seq;
	tp->snd_wnd = seg->wnd; /* never scaled in a SYN: RFC 7323 2.2 */
	tp->max_window = tp->snd_wnd;
	tcp_mss_sync(st, tp, now);
}

void tcp_init_transfer(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	if (tp->flags & TF_TS) /* as Linux counts from here on: without the option */
		tp->advmss -= TCP_TS_OPT_LEN;
	/* RFC 5681 3.1: after a lost SYN the initial window is one segment. */
	tp->cwnd = tp->total_retrans > 1 ? 1 : TCP_INIT_CWND;
	tp->cwnd_stamp = now;
	tp->high_seq = tp->snd_nxt;
	tp->fack_seq = tp->snd_una;
	tp->snd_sml = tp->snd_una;
	tp->cc->init(tp, now);
	tcp_rcv_init_buffer(st, tp, now);
	tcp_sndbuf_expand(st, tp);
}

/* The connection is complete: both directions may flow. */
void tcp_established(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	struct sock *sk = tcp_to_sk(tp);

	tcp_set_state(st, tp, TCPS_ESTABLISHED);
	tp->estab_time = now;
	if (tp->rto_stamp != 0)
		tcp_chrono_rto_over(tp, now);
	tp->retransmits = 0;
	tp->backoff = 0;
	tp->probes_out = 0;
	tcp_xmit_timer_clear(tp);
	tcp_rto_reset(tp);
	if (tp->srtt == 0) /* RFC 6298 5.7: the SYN was lost and nothing is known: 3 s */
		tp->rto = TCP_RTO_FALLBACK;
	tp->retrans_stamp = 0;
	tp->lrcvtime = now;
	tp->rcv_tstamp = now;
	tp->delivered++; /* our SYN */
	if (tcp_is_embryo(tp)) /* transferring already: only a lost SYN-ACK makes a difference */
		tp->cwnd = tp->total_retrans > 1 ? 1 : tp->cwnd;
	else
		tcp_init_transfer(st, tp, now);
	if (tp->packets_out > 0) /* sent with the SYN, or before the handshake was complete */
		tcp_rearm_rto(st, tp, now);
	if (sk->flags & SOCK_F_KEEPALIVE)
		tcp_keepalive_start(st, tp, now);
	neigh_confirm(st, &tp->inet.dst, now);
	sock_raise(st, sk, EPOLLOUT | EPOLLWRNORM);
	tcp_mark_pending(st, tp);
}

/* The handshake's own round trip: RFC 6298 takes it as the first sample. */
void tcp_sample_syn_rtt(struct tcp_sock *tp, const struct tcp_seg *seg, uint64_t now)
{
	uint64_t rtt = 0;

	if (tp->total_retrans == 0) {
		rtt = now - tp->syn_stamp;
		if (rtt == 0)
			rtt = 1;
	} else if ((tp->flags & TF_TS) && (seg->opts & TCP_HAS_TS) && seg->tsecr != 0) {
		rtt = (uint64_t)(tcp_ts_clock(now) + tp->ts_off - seg->tsecr) * NS_PER_MS;
	}
	if (rtt != 0 && rtt < TCP_RTO_MAX) {
		tcp_rtt_sample(tp, rtt);
		tcp_min_rtt_update(tp, rtt, now);
	}
}

/*
 * The handshake's last ACK.  As Linux: it waits for the program's first data where that is known to
 * follow (a send waits, TCP_QUICKACK 0) or the peer waits for it anyway (TCP_DEFER_ACCEPT).
 */
static void owe_last_ack(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	uint32_t *flags = &tp->inet.sk.flags;

	if (likely(tp->ack_pingpong == 0 && tp->defer_accept == 0 && !(*flags & SOCK_F_SENDER_WAITS))) {
		tp->flags |= TF_ACK_NOW;
		return;
	}
	*flags &= ~SOCK_F_SENDER_WAITS;
	tcp_enter_quickack(tp, TCP_MAX_QUICKACKS);
	tp->flags |= TF_ACK_SCHED;
	tcp_timer_set(st, tp, TCPT_DELACK, now + TCP_LAST_ACK_MAX);
}

enum tcp_verdict tcp_syn_sent(struct stack *st, struct tcp_sock *tp, struct tcp_rx *rx,
			      uint64_t now)
{
	const struct tcp_seg *seg = &rx->seg;

	/* The program has not asked for the SYN to go yet: who sends this knows nothing of us. */
	if (unlikely(tp->inet.sk.flags & SOCK_F_DEFER_CONNECT))
		return TCP_V_RESET;
	/* First, the ACK: it must be for our SYN; RFC 7323 5.2 the echo for one of our stamps. */
	if (seg->flags & TH_ACK) {
		if (!seq_gt(seg->ack, tp->iss) || seq_gt(seg->ack, tp->snd_nxt)) {
			/* As Linux: our RST clears the way; the SYN goes again without waiting its time. */
			if (tp->retransmits == 0)
				tcp_xmit_timer_set(st, tp, XMIT_RTO, TCP_TIMEOUT_MIN, now);
			return TCP_V_RESET;
		}
		if ((seg->opts & TCP_HAS_TS) && seg->tsecr != 0 &&
		    !seq_between(tcp_ts_clock(tp->syn_stamp) + tp->ts_off, seg->tsecr,
				 tcp_ts_clock(now) + tp->ts_off)) {
			MIB_INC(st, TCP_PAWS_DROP);
			return TCP_V_RESET;
		}
	}
	/* Second, RST: believed only with an acceptable ACK. */
	if (seg->flags & TH_RST) {
		if (seg->flags & TH_ACK)
			tcp_connection_reset(st, tp, now);
		return TCP_V_DONE;
	}
	/* Third, security: skipped.  Fourth, SYN. */
	if (!(seg->flags & TH_SYN))
		return TCP_V_DONE;
	learn_syn_options(st, tp, seg, now);
	if (seg->flags & TH_ACK) {
		tp->snd_una = seg->ack;
		tp->bytes_acked += seg->ack - tp->iss; /* with the SYN, as Linux counts */
		if ((tp->flags & TF_ECN) && (seg->flags & (TH_ECE | TH_CWR)) != TH_ECE)
			tp->flags &= ~TF_ECN;
		tcp_sample_syn_rtt(tp, seg, now);
		tcp_established(st, tp, now);
		owe_last_ack(st, tp, now);
		if (unlikely(tp->tfo & (TFO_ASKED | TFO_SYN_DATA)))
			tcp_tfo_synack(st, tp, rx, tcp_peer_mss(&tp->node.key, seg), now);
		return TCP_V_DONE;
	}
	/* Simultaneous open: both SYNs crossed; answer with SYN-ACK from the same ISS. */
	if ((tp->flags & TF_ECN) && (seg->flags & (TH_ECE | TH_CWR)) != (TH_ECE | TH_CWR))
		tp->flags &= ~TF_ECN;
	tcp_set_state(st, tp, TCPS_SYN_RECEIVED);
	tp->retransmits = 0;
	tp->flags |= TF_ACK_NOW;
	tcp_mark_pending(st, tp);
	tcp_xmit_timer_set(st, tp, XMIT_RTO, tp->rto, now);
	return TCP_V_DONE;
}
