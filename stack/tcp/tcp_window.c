/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_window.c - the window we offer, and the buffer behind it.
 *
 * The window is half of what is free of rcvbuf, which covers what small segments waste.  Its
 * right edge never retreats (RFC 9293 3.8.6).  rcv_ssthresh keeps it from opening before the
 * peer has shown what its segments cost; rcvbuf itself grows with what the program reads per
 * round trip (dynamic right-sizing, as Linux does it).
 */
#include "stack/tcp/tcp.h"

static bool under_pressure(const struct stack *st)
{
	return st->tcp.rmem > st->tcp.rmem_max - st->tcp.rmem_max / 4;
}

/* -- initial values -------------------------------------------------------------------------- */

/*
 * RFC 7323 2.3: the scale is fixed by the SYN, so it must serve the largest buffer that
 * autotuning may reach.  The first window is whole segments; in the SYN's header it is cut to what
 * 16 bits can say.  tp is the socket that connects, or the listener.
 */
void tcp_initial_window(const struct stack *st, const struct tcp_sock *tp, uint32_t mss,
			bool wscale_ok, uint32_t *rcv_wnd, uint32_t *window_clamp, uint8_t *wscale)
{
	uint32_t rcvbuf = tp->inet.sk.rcvbuf, clamp = tp->user_clamp;
	uint32_t space = tcp_win_from_space(rcvbuf);
	uint32_t most = st->cfg.rmem[2] > rcvbuf ? st->cfg.rmem[2] : rcvbuf;

	/* SO_RCVBUF: the buffer will not grow, so the window will not either. */
	if ((tp->inet.sk.flags & SOCK_F_RCVBUF_LOCK) && (clamp == 0 || clamp > space))
		clamp = space;
	if (clamp == 0)
		clamp = 65535u << TCP_MAX_WSCALE;
	if (space > clamp)
		space = clamp;
	*wscale = 0;
	if (wscale_ok) {
		if (most > clamp)
			most = clamp;
		while (most > 65535 && *wscale < TCP_MAX_WSCALE) {
			most >>= 1;
			(*wscale)++;
		}
	}
	if (space > mss)
		space -= space % mss;
	*rcv_wnd = space;
	*window_clamp = clamp < 65535u << *wscale ? clamp : 65535u << *wscale;
}

void tcp_rcv_init_buffer(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	uint32_t most = tcp_win_from_space(tp->inet.sk.rcvbuf);
	uint32_t hint = tp->advmss < tp->mss ? tp->advmss : tp->mss;

	(void)st;
	if (most > 0 && tp->window_clamp > most)
		tp->window_clamp = most;
	/* As Linux: one segment is kept back. */
	if (tp->window_clamp > 2 * tp->advmss && tp->window_clamp + tp->advmss > most)
		tp->window_clamp = RTE_MAX(2 * tp->advmss, most - tp->advmss);
	tp->rcv_ssthresh = RTE_MIN(tp->rcv_wnd, tp->window_clamp);
	tp->rcvq_space.space = RTE_MIN(RTE_MIN(tp->rcv_ssthresh, tp->rcv_wnd), TCP_INIT_CWND * tp->advmss);
	tp->rcvq_space.seq = tp->copied_seq;
	tp->rcvq_space.time = now;
	if (hint > tp->rcv_wnd / 2)
		hint = tp->rcv_wnd / 2;
	if (hint > TCP_DEFAULT_MSS4)
		hint = TCP_DEFAULT_MSS4;
	tp->rcv_mss = hint < TCP_MIN_MSS ? TCP_MIN_MSS : hint;
}

/* -- the window we offer --------------------------------------------------------------------- */

/* Receiver's silly-window avoidance: RFC 9293 3.8.6.2.2, as Linux refines it. */
uint32_t tcp_window_candidate(struct stack *st, struct tcp_sock *tp)
{
	const struct sock *sk = &tp->inet.sk;
	uint32_t mss = tp->rcv_mss, window;
	uint32_t full = tcp_win_from_space(sk->rcvbuf);
	uint32_t free = sk->rmem < sk->rcvbuf ? tcp_win_from_space(sk->rcvbuf - sk->rmem) : 0;
	uint32_t allowed;

	if (full > tp->window_clamp)
		full = tp->window_clamp;
	allowed = free;
	if (mss > full)
		mss = full;
	if (mss == 0)
		return 0;
	if (free < full / 2) {
		tp->ack_quick = 0;
		if (under_pressure(st) && tp->rcv_ssthresh > 4 * tp->advmss)
			tp->rcv_ssthresh = 4 * tp->advmss;
		/* Too little to be worth a segment: close. */
		free &= ~((1u << tp->rcv_wscale) - 1);
		if (free < (allowed >> 4) || free < mss)
			return 0;
	}
	if (free > tp->rcv_ssthresh)
		free = tp->rcv_ssthresh;
	if (tp->rcv_wscale != 0) {
		/* Rounded up to what the header can say, not to offer less than before. */
		window = (free + (1u << tp->rcv_wscale) - 1) & ~((1u << tp->rcv_wscale) - 1);
		return window;
	}
	window = tp->rcv_wnd;
	if (window + mss <= free || window > free)
		window = free - free % mss;
	else if (mss == full && free > window + full / 2)
		window = free;
	return window;
}

/* The window for the segment being sent, in the header's unit; remembers what was offered. */
uint32_t tcp_select_window(struct stack *st, struct tcp_sock *tp)
{
	uint32_t cur = tcp_receive_window(tp);
	uint32_t new = tcp_window_candidate(st, tp);
	uint32_t unit = 1u << tp->rcv_wscale;

	if (new < cur) /* never retreat: round up what was offered before */
		new = (cur + unit - 1) & ~(unit - 1);
	if (new > 65535u << tp->rcv_wscale)
		new = 65535u << tp->rcv_wscale;
	tp->rcv_wnd = new;
	tp->rcv_wup = tp->rcv_nxt;
	return new >> tp->rcv_wscale;
}

/* -- autotuning ------------------------------------------------------------------------------- */

static void rcv_rtt_update(struct tcp_sock *tp, uint64_t sample, bool win_dep)
{
	uint64_t old = tp->rcv_rtt.rtt;

	if (sample == 0)
		sample = 1;
	if (old == 0) {
		tp->rcv_rtt.rtt = sample << 3;
	} else if (!win_dep) {
		tp->rcv_rtt.rtt = old + sample - (old >> 3);
	} else if (sample << 3 < old) {
		tp->rcv_rtt.rtt = sample << 3;
	}
}

/* A window's worth of data arrived since: an upper bound of the round trip. */
void tcp_rcv_rtt_measure(struct tcp_sock *tp, uint64_t now)
{
	if (tp->rcv_rtt.time != 0) {
		if (seq_lt(tp->rcv_nxt, tp->rcv_rtt.seq))
			return;
		rcv_rtt_update(tp, now - tp->rcv_rtt.time, true);
	}
	tp->rcv_rtt.seq = tp->rcv_nxt + tp->rcv_wnd;
	tp->rcv_rtt.time = now;
}

/* With timestamps: the echo of one of ours, once per echoed value and only on full segments. */
void tcp_rcv_rtt_ts(struct tcp_sock *tp, const struct tcp_seg *seg, uint64_t now)
{
	uint32_t delta;

	if (!(seg->opts & TCP_HAS_TS) || seg->tsecr == 0 || seg->tsecr == tp->rcv_rtt.tsecr)
		return;
	tp->rcv_rtt.tsecr = seg->tsecr;
	if (seg->len < tp->rcv_mss)
		return;
	delta = tcp_ts_clock(now) + tp->ts_off - seg->tsecr;
	if (delta < 120000)
		rcv_rtt_update(tp, (delta != 0 ? delta : 1) * NS_PER_MS, false);
}

/*
 * Called when the program has read.  If it read more in this round trip than in the last,
 * make the buffer hold twice that, so that the sender's window may double too.
 */
void tcp_rcv_space_adjust(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	uint32_t copied, want;
	uint64_t rcvwin;

	if (tp->rcv_rtt.rtt == 0 || now - tp->rcvq_space.time < tp->rcv_rtt.rtt >> 3)
		return;
	copied = tp->copied_seq - tp->rcvq_space.seq;
	if (copied > tp->rcvq_space.space) {
		if (!(tp->inet.sk.flags & SOCK_F_RCVBUF_LOCK) && !under_pressure(st)) {
			rcvwin = 2ull * copied + 16 * tp->advmss;
			rcvwin += 2 * (rcvwin * (copied - tp->rcvq_space.space) /
				       (tp->rcvq_space.space != 0 ? tp->rcvq_space.space : 1));
			rcvwin *= 2; /* the inverse of tcp_win_from_space() */
			want = rcvwin < st->cfg.rmem[2] ? (uint32_t)rcvwin : st->cfg.rmem[2];
			if (want > tp->inet.sk.rcvbuf) {
				tp->inet.sk.rcvbuf = want;
				tp->window_clamp = tcp_win_from_space(want);
			}
		}
		tp->rcvq_space.space = copied;
	}
	tp->rcvq_space.seq = tp->copied_seq;
	tp->rcvq_space.time = now;
}

/* Open rcv_ssthresh as segments prove to be worth the memory they take. */
void tcp_window_grow(struct stack *st, struct tcp_sock *tp, uint32_t truesize, uint32_t len)
{
	const struct sock *sk = &tp->inet.sk;
	uint32_t space = sk->rmem < sk->rcvbuf ? tcp_win_from_space(sk->rcvbuf - sk->rmem) : 0;
	uint32_t room, incr = 0, t, w;

	if (space > tp->window_clamp)
		space = tp->window_clamp;
	if (space <= tp->rcv_ssthresh || under_pressure(st))
		return;
	room = space - tp->rcv_ssthresh;
	if (tcp_win_from_space(truesize) <= len) {
		incr = 2 * tp->advmss;
	} else {
		t = tcp_win_from_space(truesize) / 2;
		w = tcp_win_from_space(st->cfg.rmem[2]) / 2;
		for (; tp->rcv_ssthresh <= w && w != 0; t /= 2, w /= 2)
			if (t <= len) {
				incr = 2 * tp->rcv_mss;
				break;
			}
	}
	if (incr == 0)
		return;
	if (incr < 2 * len)
		incr = 2 * len;
	tp->rcv_ssthresh += incr < room ? incr : room;
	tp->ack_quick |= 1;
}
