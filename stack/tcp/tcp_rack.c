/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_rack.c - RACK: loss by time (RFC 8985 6).
 *
 * A segment is lost when one sent sufficiently later was delivered: later by more than the
 * reordering window, which starts at zero (or a quarter of the least RTT once reordering has
 * been seen) and grows with each round trip in which D-SACKs show that we were too eager.
 */
#include "stack/tcp/tcp.h"

/*
 * Deviation: at least this.  On links whose round trip is a few microseconds a quarter of
 * it is less than what one burst of received packets takes to process.
 */
#define REO_WND_MIN (100 * NS_PER_US)

/* RFC 8985 6.2 step 2, RACK_sent_after(). */
static bool sent_after(uint64_t t1, uint32_t end1, uint64_t t2, uint32_t end2)
{
	return t1 > t2 || (t1 == t2 && seq_gt(end1, end2));
}

/* Step 2: the latest sent of all delivered segments, and the latest round trip. */
void tcp_rack_advance(struct tcp_sock *tp, const struct pkt_cb *cb, uint64_t now)
{
	uint64_t rtt = now - cb->tstamp;

	if (cb->sacked & SEG_EVER_RETRANS) {
		/* Delivered sooner than any round trip, or so says the echo: the original, not this copy. */
		if (tp->min_rtt != 0 && rtt < tp->min_rtt)
			return;
		if ((tp->flags & TF_TS) && tp->rcv_tsecr != 0 &&
		    seq_lt(tp->rcv_tsecr, tcp_ts_clock(cb->tstamp) + tp->ts_off))
			return;
	}
	tp->rack.advanced = true;
	tp->rack.rtt = rtt; /* of the latest delivery, whenever that was sent */
	if (tp->rack.mstamp == 0 ||
	    sent_after(cb->tstamp, cb->end_seq, tp->rack.mstamp, tp->rack.end_seq)) {
		tp->rack.mstamp = cb->tstamp;
		tp->rack.end_seq = cb->end_seq;
	}
}

/* Step 4: RACK_update_reo_wnd(). */
static uint64_t reo_wnd(const struct tcp_sock *tp)
{
	uint64_t wnd, most;

	if (!(tp->flags & TF_REORD_SEEN)) {
		/* No reordering seen: three duplicates, or a recovery under way, are proof enough. */
		if (tp->ca_state >= CA_RECOVERY || tp->sacked_out >= tp->reordering)
			return 0;
	}
	wnd = tp->min_rtt / 4 * tp->rack.reo_wnd_steps;
	most = tp->srtt >> 3;
	if (wnd > most)
		wnd = most;
	return wnd > REO_WND_MIN ? wnd : REO_WND_MIN;
}

/* 6.3, RACK_mark_losses_on_RTO(): is what was sent at tstamp overdue by the latest round trip? */
bool tcp_rack_is_overdue(const struct tcp_sock *tp, uint64_t tstamp, uint64_t now)
{
	return now - tstamp >= tp->rack.rtt;
}

/*
 * Step 5: RACK_detect_loss().  The queue is in the order of first transmission, so the
 * first never-retransmitted segment sent after the latest delivered one ends the search:
 * everything behind it was sent later still.
 */
uint64_t tcp_rack_detect(struct tcp_sock *tp, uint64_t now)
{
	uint64_t wnd, wait = 0;
	struct rte_mbuf *m;

	if (tp->rack.mstamp == 0)
		return 0;
	wnd = reo_wnd(tp);
	tp->rack.advanced = false;
	for (m = tp->snd_head; m != tp->send_head; m = pkt_cb(m)->qnext) {
		struct pkt_cb *cb = pkt_cb(m);
		uint64_t due;

		if (cb->sacked & SEG_SACKED)
			continue;
		if ((cb->sacked & (SEG_LOST | SEG_RETRANS)) == SEG_LOST)
			continue;
		if (!sent_after(tp->rack.mstamp, tp->rack.end_seq, cb->tstamp, cb->end_seq)) {
			if (cb->sacked & SEG_EVER_RETRANS)
				continue;
			break;
		}
		due = cb->tstamp + tp->rack.rtt + wnd;
		if (due <= now)
			tcp_mark_lost(tp, m);
		else if (due - now > wait)
			wait = due - now;
	}
	return wait;
}

/*
 * Step 4, the adaptation: D-SACK in this round trip widens, 16 recoveries without one reset.
 * A D-SACK that comes alone tells no round trip: it waits for the next delivery.
 */
void tcp_rack_update_reo_wnd(struct tcp_sock *tp, const struct tcp_ack_info *ai)
{
	if (ai->rs.prior_time == 0)
		return;
	if ((uint32_t)ai->rs.prior_delivered - tp->rack.last_delivered > 0x7fffffff)
		tp->rack.dsack_seen = false;
	if (tp->rack.dsack_seen) {
		if (tp->rack.reo_wnd_steps < 255)
			tp->rack.reo_wnd_steps++;
		tp->rack.dsack_seen = false;
		tp->rack.last_delivered = (uint32_t)tp->delivered;
		tp->rack.reo_wnd_persist = TCP_REO_WND_PERSIST;
	} else if (tp->rack.reo_wnd_persist == 0) {
		tp->rack.reo_wnd_steps = 1;
	}
}

/* -- delivery rate samples (draft-cheng-iccrg-delivery-rate-estimation) ------------------------- */

void tcp_rate_seg_sent(struct tcp_sock *tp, struct pkt_cb *cb, uint64_t now)
{
	if (tp->packets_out == 0) {
		/* The pipe was empty: the sampling interval begins here. */
		tp->first_tx_time = now;
		tp->delivered_time = now;
	}
	/* Two numbers share a field: the interval's first send time (us) and the count. */
	cb->delivered = tp->first_tx_time / NS_PER_US << 32 | (uint32_t)tp->delivered;
	cb->delivered_time = tp->delivered_time;
	cb->flags = (uint8_t)((cb->flags & ~PKT_F_APP_LIMITED) |
			      (tp->app_limited != 0 ? PKT_F_APP_LIMITED : 0));
}

void tcp_rate_seg_delivered(struct tcp_sock *tp, const struct pkt_cb *cb, struct tcp_ack_info *ai)
{
	uint64_t prior;

	if (cb->delivered_time == 0)
		return;
	prior = tp->delivered - (uint32_t)((uint32_t)tp->delivered - (uint32_t)cb->delivered);
	if (ai->rs.prior_time == 0 || prior > ai->rs.prior_delivered ||
	    (prior == ai->rs.prior_delivered && seq_gt(cb->end_seq, ai->rs.last_end_seq))) {
		ai->rs.prior_delivered = prior;
		ai->rs.send_us = (uint32_t)(cb->tstamp / NS_PER_US) - (uint32_t)(cb->delivered >> 32);
		ai->rs.prior_time = cb->delivered_time;
		ai->rs.app_limited = (cb->flags & PKT_F_APP_LIMITED) != 0;
		ai->rs.retrans = (cb->sacked & SEG_EVER_RETRANS) != 0;
		ai->rs.first_tx = cb->tstamp;
		ai->rs.last_end_seq = cb->end_seq;
	}
}

/* At the end of an ACK: delivered segments over the longer of the send and the ACK interval. */
void tcp_rate_sample(struct tcp_sock *tp, struct tcp_ack_info *ai)
{
	uint64_t snd, ack;

	if (tp->app_limited != 0 && tp->delivered > tp->app_limited)
		tp->app_limited = 0;
	if (ai->acked + ai->newly_sacked > 0)
		tp->delivered_time = ai->now;
	if (ai->rs.prior_time == 0)
		return;
	ai->rs.delivered = tp->delivered - ai->rs.prior_delivered;
	snd = ai->rs.send_us * NS_PER_US;
	ack = ai->now - ai->rs.prior_time;
	tp->first_tx_time = ai->rs.first_tx;
	ai->rs.interval = snd > ack ? snd : ack;
	/* Shorter than a round trip: the estimate would be too high (ACKs compressed). */
	if (ai->rs.interval < tp->min_rtt) {
		ai->rs.interval = 0;
		return;
	}
	if (!ai->rs.app_limited ||
	    ai->rs.delivered * tp->rate_interval >= tp->rate_delivered * ai->rs.interval) {
		tp->rate_delivered = ai->rs.delivered;
		tp->rate_interval = ai->rs.interval;
		tp->rate_app_limited = ai->rs.app_limited;
	}
}

/* Nothing to send although cwnd has room: samples from here on tell the program's rate. */
void tcp_rate_check_app_limited(struct tcp_sock *tp)
{
	if (tp->send_head == NULL && tcp_in_flight(tp) < tp->cwnd && tp->lost_unsent == 0) {
		tp->app_limited = tp->delivered + tcp_in_flight(tp);
		if (tp->app_limited == 0)
			tp->app_limited = 1;
	}
}
