/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_input.c - SEGMENT ARRIVES for one connection: RFC 9293 3.10.7.4 (SYN-SENT: tcp_open.c).
 *
 * The steps keep their order and their names:
 *	first	check the sequence number (with PAWS, RFC 7323 5.3, before it)
 *	second	check RST (RFC 5961 3.2)
 *	third	check security: not implemented by anybody; skipped
 *	fourth	check SYN (RFC 5961 4.2)
 *	fifth	check ACK
 *	sixth	check URG
 *	seventh	process the segment text
 *	eighth	check FIN (with the text, in tcp_rcv.c)
 *
 * Nothing here sends: flags on the connection say what is owed, tcp_output() pays.
 */
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_cc.h"

/* -- challenge ACKs ------------------------------------------------------------------------ */

/* Per connection: no more than one reply to bad segments in half a second. */
bool tcp_oow_ack_allowed(uint64_t *last, uint64_t now)
{
	if (*last != 0 && now - *last < TCP_OOW_ACK_NS)
		return false;
	*last = now;
	return true;
}

/* RFC 5961 7: and a limit for the whole stack, with a random part that cannot be measured. */
static bool challenge_budget(struct stack *st, uint64_t now)
{
	uint64_t period = now / NS_PER_SEC;

	if (period != st->tcp.challenge_period) {
		st->tcp.challenge_period = period;
		st->tcp.challenge_left =
			TCP_CHALLENGE_PER_SEC / 2 + stack_random(st) % TCP_CHALLENGE_PER_SEC;
	}
	if (st->tcp.challenge_left == 0)
		return false;
	st->tcp.challenge_left--;
	return true;
}

static void owe_ack(struct stack *st, struct tcp_sock *tp)
{
	tp->flags |= TF_ACK_NOW;
	tcp_mark_pending(st, tp);
}

void tcp_challenge_ack(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	if (!tcp_oow_ack_allowed(&tp->last_oow_ack, now) || !challenge_budget(st, now)) {
		MIB_INC(st, TCP_CHALLENGE_LIMIT);
		return;
	}
	MIB_INC(st, TCP_CHALLENGE_ACKS);
	owe_ack(st, tp);
}

/* -- timestamps: RFC 7323 ---------------------------------------------------------------------- */

static void store_ts(struct tcp_sock *tp, const struct tcp_seg *seg, uint64_t now)
{
	tp->ts_recent = seg->tsval;
	tp->ts_recent_stamp = now;
}

/* 4.3: (SEG.TSval >= TS.Recent and SEG.SEQ <= Last.ACK.sent) */
static void maybe_store_ts(struct tcp_sock *tp, const struct tcp_seg *seg, uint64_t now)
{
	if ((tp->flags & TF_TS) && (seg->opts & TCP_HAS_TS) && seq_leq(seg->seq, tp->rcv_wup) &&
	    !tcp_ts_is_old(tp->ts_recent, tp->ts_recent_stamp, seg->tsval, 0, now))
		store_ts(tp, seg, now);
}

enum paws { PAWS_PASSES, PAWS_OLD_ACK, PAWS_REJECTS };

/*
 * 5.3 R1, with Linux's tolerance of one tick.  An ACK that was overtaken by a later one is old, not
 * an impostor: if it tells nothing it passes, and if data overtook it, it is dropped in silence.
 */
static enum paws paws_check(const struct tcp_sock *tp, const struct tcp_seg *seg, uint64_t now)
{
	if (!(tp->flags & TF_TS) || !(seg->opts & TCP_HAS_TS) ||
	    likely(!tcp_ts_is_old(tp->ts_recent, tp->ts_recent_stamp, seg->tsval, 1, now)))
		return PAWS_PASSES;
	if (seg->seq != seg->end_seq || !(seg->flags & TH_ACK))
		return PAWS_REJECTS;
	if (seg->seq != tp->rcv_nxt)
		return seq_lt(seg->seq, tp->rcv_nxt) ? PAWS_OLD_ACK : PAWS_REJECTS;
	if (seg->ack != tp->snd_una || tcp_may_move_window(tp, seg) ||
	    (uint64_t)seq_diff(tp->ts_recent, seg->tsval) * NS_PER_MS > tp->rto)
		return PAWS_REJECTS;
	return PAWS_PASSES;
}

/* -- first ---------------------------------------------------------------------------------------- */

/*
 * RFC 9293 table 6, as Linux tests it: overlaps [rcv_wup, rcv_nxt + window].  What goes beyond the
 * window is taken as a whole or not at all: if nothing waits to be read, for the sake of
 * peers that do not look at windows smaller than a segment.
 */
static bool seq_is_acceptable(const struct tcp_sock *tp, const struct tcp_seg *seg)
{
	uint32_t right = tp->rcv_nxt + tcp_receive_window(tp);

	if (seq_lt(seg->end_seq, tp->rcv_wup) || seq_gt(seg->seq, right))
		return false;
	/* A FIN that does not fit is looked at later: some peers count it wrongly. */
	return !seq_gt(seg->seq + seg->len, right) || tp->rcvq.head == NULL;
}

/* A keepalive, a window probe, or a retransmission whose ACK was lost: say where we are. */
static void answer_unacceptable(struct stack *st, struct tcp_sock *tp, const struct tcp_seg *seg,
				uint64_t now)
{
	if (seg->end_seq != seg->seq && seq_lt(seg->seq, tp->rcv_nxt)) {
		tcp_enter_quickack(tp, TCP_MAX_QUICKACKS);
		tcp_dsack_set(tp, seg->seq, seq_min(seg->end_seq, tp->rcv_nxt));
	}
	/* Data needs its ACK each time; it is not likely part of a loop of ACKs. */
	if (seg->end_seq != seg->seq) {
		owe_ack(st, tp);
		return;
	}
	if (tcp_oow_ack_allowed(&tp->last_oow_ack, now))
		owe_ack(st, tp);
}

static bool step1_sequence(struct stack *st, struct tcp_sock *tp, const struct tcp_seg *seg,
			   uint64_t now)
{
	enum paws paws = paws_check(tp, seg, now);

	if (unlikely(paws != PAWS_PASSES) && !(seg->flags & TH_RST)) {
		if (paws == PAWS_OLD_ACK) {
			MIB_INC(st, TCP_PAWS_OLD_ACK);
			return false;
		}
		MIB_INC(st, TCP_PAWS_DROP);
		answer_unacceptable(st, tp, seg, now);
		return false;
	}
	if (seq_is_acceptable(tp, seg))
		return true;
	if (seg->flags & TH_RST) {
		/* A RST behind our idea of the peer's FIN: it counted the FIN, we have not seen it. */
		if (seg->seq == tp->rcv_nxt - 1 &&
		    tcp_state_in(tp, TCPS_BIT(TCPS_CLOSE_WAIT) | TCPS_BIT(TCPS_LAST_ACK) |
					     TCPS_BIT(TCPS_CLOSING)))
			return true;
		return false;
	}
	if (seg->flags & TH_SYN) {
		tcp_challenge_ack(st, tp, now);
		return false;
	}
	MIB_INC(st, TCP_OUT_OF_WINDOW);
	answer_unacceptable(st, tp, seg, now);
	return false;
}

/* -- second ------------------------------------------------------------------------------------ */

void tcp_connection_reset(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	int err = ECONNRESET;

	if (tp->inet.sk.state == TCPS_SYN_SENT)
		err = ECONNREFUSED;
	else if (tp->inet.sk.state == TCPS_CLOSE_WAIT)
		err = EPIPE;
	tcp_done(st, tp, err, now);
}

/* RFC 5961 3.2: only the exact next number resets; else the peer must prove itself. */
static bool rst_is_exact(const struct tcp_sock *tp, const struct tcp_seg *seg)
{
	uint32_t right = tp->rcv_nxt;

	if (seg->seq == tp->rcv_nxt)
		return true;
	if (seg->seq == tp->rcv_nxt - 1 && tcp_state_in(tp, TCPS_BIT(TCPS_CLOSE_WAIT) |
								    TCPS_BIT(TCPS_LAST_ACK) |
								    TCPS_BIT(TCPS_CLOSING)))
		return true;
	/* As Linux: or the right edge of what we have SACKed, where the peer's snd_nxt is. */
	for (unsigned int i = 0; i < tp->nsacks_out; i++)
		right = seq_max(right, tp->sacks_out[i].end);
	return tp->nsacks_out > 0 && seg->seq == right;
}

static void step2_reset(struct stack *st, struct tcp_sock *tp, const struct tcp_seg *seg,
			uint64_t now)
{
	if (rst_is_exact(tp, seg))
		tcp_connection_reset(st, tp, now);
	else
		tcp_challenge_ack(st, tp, now);
}

/* -- fifth ------------------------------------------------------------------------------------------ */

static bool our_fin_is_acked(const struct tcp_sock *tp)
{
	return (tp->flags & TF_FIN_QUEUED) && tp->snd_una == tp->write_seq;
}

static bool is_orphan(const struct tcp_sock *tp)
{
	return (tp->inet.sk.flags & SOCK_F_DEAD) != 0;
}

static uint64_t fin_timeout(const struct tcp_sock *tp)
{
	return tp->linger2_s > 0 ? (uint64_t)tp->linger2_s * NS_PER_SEC : TCP_FIN_TIMEOUT;
}

/* FIN-WAIT-1, our FIN is acknowledged. */
static enum tcp_verdict enter_fin_wait_2(struct stack *st, struct tcp_sock *tp,
					 const struct tcp_seg *seg, uint64_t now)
{
	tcp_set_state(st, tp, TCPS_FIN_WAIT_2);
	if (!is_orphan(tp)) {
		sock_raise(st, tcp_to_sk(tp), EPOLLOUT | EPOLLWRNORM);
		return TCP_V_DONE;
	}
	if (tp->linger2_s < 0) {
		tcp_done(st, tp, 0, now);
		MIB_INC(st, TCP_DATA_AFTER_CLOSE);
		return TCP_V_RESET;
	}
	/* RFC 1122 4.2.2.13: data for a program that is gone is answered with RST. */
	if (seg->len > 0 && seq_gt(seg->seq + seg->len, tp->rcv_nxt)) {
		tcp_done(st, tp, 0, now);
		MIB_INC(st, TCP_DATA_AFTER_CLOSE);
		return TCP_V_RESET;
	}
	/* Nobody waits for the peer's FIN but us, for tcp_fin_timeout; the small node does. */
	if (seg->flags & TH_FIN)
		tcp_timer_set(st, tp, TCPT_KEEP, now + fin_timeout(tp));
	else
		tcp_time_wait(st, tp, true, fin_timeout(tp), now);
	return TCP_V_DONE;
}

static enum tcp_verdict ack_of_fin(struct stack *st, struct tcp_sock *tp, const struct tcp_seg *seg,
				   uint64_t now)
{
	if (!our_fin_is_acked(tp))
		return TCP_V_DONE;
	switch (tp->inet.sk.state) {
	case TCPS_FIN_WAIT_1:
		return enter_fin_wait_2(st, tp, seg, now);
	case TCPS_CLOSING:
		tcp_set_state(st, tp, TCPS_TIME_WAIT);
		break;
	case TCPS_LAST_ACK:
		tcp_done(st, tp, 0, now);
		break;
	default:
		break;
	}
	return TCP_V_DONE;
}

/* SYN-RECEIVED of a simultaneous open, or an embryo of Fast Open, which may have sent data. */
static enum tcp_verdict ack_of_syn(struct stack *st, struct tcp_sock *tp, const struct tcp_seg *seg,
				   uint64_t now)
{
	if (!seq_gt(seg->ack, tp->iss) || seq_gt(seg->ack, tp->snd_nxt))
		return TCP_V_RESET;
	tp->snd_una = tp->iss + 1;
	tp->snd_wnd = seg->wnd << tp->snd_wscale;
	tp->snd_wl1 = seg->seq;
	tp->max_window = tp->snd_wnd;
	tcp_mss_sync(st, tp, now);
	tcp_sample_syn_rtt(tp, seg, now);
	if (tp->inet.sk.state == TCPS_FIN_WAIT_1) {
		tp->retransmits = 0;
		tp->backoff = 0;
		tp->delivered++;
		tcp_rto_reset(tp);
		tcp_xmit_timer_clear(tp);
		tcp_rearm_rto(st, tp, now);
	} else {
		tcp_established(st, tp, now);
	}
	if (tcp_is_embryo(tp))
		tcp_tfo_hatch(tp, false, now);
	if (tp->inet.sk.state == TCPS_FIN_WAIT_1)
		return TCP_V_DONE;
	/* close(2) or shutdown(2) came before: the FIN is due now. */
	if (tp->inet.sk.shutdown & SEND_SHUTDOWN)
		tcp_set_state(st, tp, TCPS_FIN_WAIT_1);
	return TCP_V_DONE;
}

/* RFC 3168 6.1.3: CWR ends the echo. */
static void cwr_received(struct tcp_sock *tp, const struct tcp_seg *seg)
{
	if (!(tp->flags & TF_ECN) || !(seg->flags & TH_CWR))
		return;
	tp->flags &= ~TF_ECN_ECE;
	/* The peer's cwnd may be one segment by now: let it not wait for a second one. */
	if (seg->end_seq != seg->seq)
		tp->flags |= TF_ACK_NOW;
}

/* -- sixth: urgent data, RFC 9293 3.8.5, RFC 6093 --------------------------------------------------- */

/*
 * As everybody does, the urgent pointer points behind the urgent byte: the mark is at
 * SEG.SEQ + SEG.UP - 1.  A newer mark takes the place of an older one.
 */
static void urgent_mark(struct stack *st, struct tcp_sock *tp, const struct tcp_seg *seg)
{
	uint32_t mark = seg->seq + (seg->urp != 0 ? seg->urp - 1u : 0u);

	if (seq_gt(tp->copied_seq, mark) || seq_gt(tp->rcv_nxt, mark))
		return;
	if ((tp->flags & TF_URG_SEEN) && !seq_gt(mark, tp->urg_seq))
		return;
	tp->flags = (tp->flags & ~TF_URG_VALID) | TF_URG_SEEN;
	tp->urg_seq = mark;
	sock_raise(st, tcp_to_sk(tp), EPOLLPRI);
}

static void step6_urgent(struct stack *st, struct tcp_sock *tp, struct tcp_rx *rx)
{
	const struct tcp_seg *seg = &rx->seg;
	uint32_t at;

	if (seg->flags & TH_URG)
		urgent_mark(st, tp, seg);
	if ((tp->flags & (TF_URG_SEEN | TF_URG_VALID)) != TF_URG_SEEN)
		return;
	at = tp->urg_seq - seg->seq;
	if (at >= seg->len)
		return;
	tp->urg_byte = *(const uint8_t *)rte_pktmbuf_read(rx->pkt->m, rx->off + at, 1,
							  &tp->urg_byte);
	tp->flags |= TF_URG_VALID;
	sock_raise(st, tcp_to_sk(tp), EPOLLPRI);
}

/* -- seventh ------------------------------------------------------------------------------------------ */

static enum tcp_verdict step7_text(struct stack *st, struct tcp_sock *tp, struct tcp_rx *rx,
				   uint64_t now)
{
	const struct tcp_seg *seg = &rx->seg;

	switch (tp->inet.sk.state) {
	case TCPS_FIN_WAIT_1:
	case TCPS_FIN_WAIT_2:
		/*
		 * RFC 1122 4.2.2.13: a host that closed both ways, by close(2) or by shutdown(2),
		 * answers new data with RST, so that the peer learns that it was lost.
		 */
		if ((tp->inet.sk.shutdown & RCV_SHUTDOWN) && seg->len > 0 &&
		    seq_gt(seg->seq + seg->len, tp->rcv_nxt)) {
			MIB_INC(st, TCP_DATA_AFTER_CLOSE);
			tcp_connection_reset(st, tp, now);
			return TCP_V_RESET;
		}
		/* fall through */
	case TCPS_ESTABLISHED:
		tcp_rcv_data(st, tp, rx, now);
		break;
	default:
		/* CLOSE-WAIT, CLOSING, LAST-ACK: after its FIN the peer has nothing to say that is new. */
		if (seg->end_seq != seg->seq && seq_leq(seg->end_seq, tp->rcv_nxt))
			tcp_rcv_again(st, tp, seg);
	}
	return TCP_V_DONE;
}

/* -- header prediction ---------------------------------------------------------------------------------- */

/*
 * The common cases, Van Jacobson's: nothing unusual in the flags, the next sequence number,
 * the window unchanged or only an ACK, nothing out of order.
 */
static inline bool is_predicted(const struct tcp_sock *tp, const struct tcp_seg *seg)
{
	return ((seg->flags & ~(TH_PUSH)) == TH_ACK) & (seg->seq == tp->rcv_nxt) &
	       (tp->inet.sk.state == TCPS_ESTABLISHED) & (tp->ofo_head == NULL) &
	       (seg->opts == ((tp->flags & TF_TS) ? TCP_HAS_TS : 0)) &
	       !(tp->flags & (TF_URG_SEEN | TF_ECN)) & (int)seq_leq(seg->ack, tp->snd_nxt) &
	       (int)seq_geq(seg->ack, tp->snd_una);
}

/* True: the segment was dealt with. */
static bool fast_path(struct stack *st, struct tcp_sock *tp, struct tcp_rx *rx, uint64_t now)
{
	const struct tcp_seg *seg = &rx->seg;

	if (!is_predicted(tp, seg) || unlikely(tp->dsack_out))
		return false;
	if (seg->opts & TCP_HAS_TS) {
		if (seq_lt(seg->tsval, tp->ts_recent))
			return false;
		if (tp->rcv_nxt == tp->rcv_wup)
			store_ts(tp, seg, now);
		tp->rcv_tsecr = seg->tsecr;
	}
	if (seg->len > tcp_receive_window(tp) ||
	    tp->inet.sk.rmem + tcp_truesize(rx->pkt->m) > tp->inet.sk.rcvbuf ||
	    st->tcp.rmem >= st->tcp.rmem_max)
		return false;
	if (seg->len == 0) {
		MIB_INC(st, TCP_HP_ACKS);
		tcp_ack(st, tp, rx, now);
		return true;
	}
	MIB_INC(st, TCP_HP_HITS);
	if (seg->ack != tp->snd_una || (seg->wnd << tp->snd_wscale) != tp->snd_wnd)
		tcp_ack(st, tp, rx, now);
	else
		tp->snd_wl1 = seg->seq;
	tcp_rcv_rtt_ts(tp, seg, now);
	tcp_rcv_in_order(st, tp, rx, now);
	tcp_ack_check(st, tp, now);
	if (tp->flags & TF_ACK_NOW)
		tcp_mark_pending(st, tp);
	return true;
}

/* The SYN of an embryo again: the peer did not get our SYN-ACK.  True: dealt with. */
static bool is_syn_again(struct stack *st, struct tcp_sock *tp, const struct tcp_seg *seg,
			 uint64_t now)
{
	if (seg->seq != tp->irs || (seg->flags & (TH_SYN | TH_ACK | TH_RST | TH_FIN)) != TH_SYN)
		return false;
	if (tcp_oow_ack_allowed(&tp->last_oow_ack, now)) {
		tp->total_retrans++;
		tcp_send_syn(st, tp, NULL, NULL, now);
	}
	return true;
}

enum tcp_verdict tcp_segment_arrives(struct stack *st, struct tcp_sock *tp, struct tcp_rx *rx,
				     uint64_t now)
{
	const struct tcp_seg *seg = &rx->seg;
	enum tcp_verdict v;

	tp->segs_in += tcp_rx_segments(rx);
	if (seg->len > 0)
		tp->data_segs_in += tcp_rx_segments(rx);
	if (likely(fast_path(st, tp, rx, now)))
		return TCP_V_DONE;
	MIB_INC(st, TCP_SLOWPATH);
	if (tp->inet.sk.state == TCPS_SYN_SENT)
		return tcp_syn_sent(st, tp, rx, now);
	if ((tp->flags & TF_ACK_NOW) && tcp_rcv_wants_own_ack(tp, seg))
		tcp_send_ack(st, tp, now);
	if (unlikely(tcp_is_embryo(tp)) && is_syn_again(st, tp, seg, now))
		return TCP_V_DONE;
	if (!step1_sequence(st, tp, seg, now))
		return TCP_V_DONE;
	if (seg->flags & TH_RST) {
		step2_reset(st, tp, seg, now);
		return TCP_V_DONE;
	}
	if (seg->flags & TH_SYN) {
		/*
		 * Fourth.  In a simultaneous open the SYN-ACK repeats the SYN that we have; else
		 * RFC 5961 4.2: a challenge ACK, whatever the numbers.
		 */
		if (tp->inet.sk.state != TCPS_SYN_RECEIVED || seg->seq != tp->irs ||
		    !(seg->flags & TH_ACK)) {
			tcp_challenge_ack(st, tp, now);
			return TCP_V_DONE;
		}
	}
	if (!(seg->flags & TH_ACK))
		return TCP_V_DONE; /* fifth: no ACK, drop */
	/* Only an acknowledgment that is one shows that the segment is the peer's. */
	if (seq_leq(seg->ack, tp->snd_nxt) && seq_geq(seg->ack, tp->snd_una))
		maybe_store_ts(tp, seg, now);
	tp->rcv_tsecr = (seg->opts & TCP_HAS_TS) ? seg->tsecr : 0;
	if (tp->inet.sk.state == TCPS_SYN_RECEIVED || unlikely(tcp_is_embryo(tp))) {
		v = ack_of_syn(st, tp, seg, now);
		if (v != TCP_V_DONE)
			return v;
	}
	cwr_received(tp, seg);
	if (!tcp_ack(st, tp, rx, now))
		return TCP_V_DONE;
	v = ack_of_fin(st, tp, seg, now);
	if (v != TCP_V_DONE || tp->inet.sk.state == TCPS_CLOSED)
		return v;
	if (unlikely((seg->flags & TH_URG) || (tp->flags & TF_URG_SEEN)))
		step6_urgent(st, tp, rx);
	tcp_rcv_rtt_ts(tp, seg, now);
	v = step7_text(st, tp, rx, now);
	if (v != TCP_V_DONE || tp->inet.sk.state == TCPS_CLOSED)
		return v;
	tcp_ack_check(st, tp, now);
	if (tp->flags & TF_ACK_NOW)
		tcp_mark_pending(st, tp);
	return TCP_V_DONE;
}
