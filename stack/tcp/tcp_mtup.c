/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_mtup.c - the path's MTU without ICMP: black holes and probes (RFC 4821).
 *
 * A router that drops what is too big and says nothing stops a connection after its
 * handshake.  Like Linux with tcp_mtu_probing = 1:
 *
 *   black hole	nothing was acknowledged for as long as TCP_RETRIES1 time-outs take, and the first
 *		segment is longer than the base size: from now on segments have that
 *   probes	while there is plenty to send and nothing is lost, one longer segment now and then:
 *		its size halves the interval between what got through and what did not
 *   outcome	acknowledged: segments may be so long.  Lost alone: not congestion, the bytes
 *		go again in pieces.  Lost by time-out: says nothing
 *   again	ten minutes after the search has ended, since paths change
 *
 * Sizes are those of IP packets.
 */
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_cc.h"

#define BASE_MTU4 1064 /* Linux: tcp_base_mss 1024 */
#define FLOOR_MTU4 576
#define BASE_MTU6 1280 /* RFC 4821 7.2 */
#define PROBE_INTERVAL (600 * NS_PER_SEC)
#define PROBE_THRESHOLD 8 /* the search ends */
#define PROBE_MIN_CWND 11

static bool may_be_dropped(const struct tcp_sock *tp)
{
	return !ipaddr_is_v4(&tp->node.key.raddr) || tp->inet.pmtudisc != IP_PMTUDISC_DONT;
}

/* Time-outs go on and on. */
void tcp_mtup_timeout(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	bool v4 = ipaddr_is_v4(&tp->node.key.raddr);
	uint16_t base = v4 ? BASE_MTU4 : BASE_MTU6;

	if (!may_be_dropped(tp))
		return;
	if (!tp->mtup.on) {
		if (pkt_cb(tp->snd_head)->len <= tcp_mss_from_mtu(&tp->node.key, base))
			return;
		tp->mtup.on = true;
		tp->mtup.high = tp->pmtu;
		tp->mtup.low = base;
		MIB_INC(st, TCP_MTU_BLACK_HOLE);
	} else if (v4 && tp->mtup.low > FLOOR_MTU4) {
		tp->mtup.high = tp->mtup.low;
		tp->mtup.low = FLOOR_MTU4;
	}
	tp->mtup.stamp = now;
	tcp_mss_sync(st, tp, now);
}

/* The search has ended long ago: try all of it again. */
static void start_again(struct tcp_sock *tp, uint64_t now)
{
	if (now - tp->mtup.stamp < PROBE_INTERVAL)
		return;
	tp->mtup.high = tp->pmtu;
	tp->mtup.stamp = now;
}

static bool has_time_for_a_probe(const struct tcp_sock *tp)
{
	return tp->ca_state == CA_OPEN && tp->cwnd >= PROBE_MIN_CWND && tp->nsacks_out == 0 &&
	       tp->mtup.probe == 0 && (tp->flags & TF_SACK) && !(tp->flags & TF_SND_URG);
}

/* The next unsent bytes as one longer segment, if it is the time for that.  True: sent. */
bool tcp_mtup_probe(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	uint32_t unsent = tp->write_seq - tp->snd_nxt, len, need;
	struct rte_mbuf *m;
	uint16_t mtu;

	if (!has_time_for_a_probe(tp))
		return false;
	if (tp->mtup.high < tp->mtup.low + PROBE_THRESHOLD) {
		start_again(tp, now);
		return false;
	}
	mtu = (uint16_t)((tp->mtup.low + tp->mtup.high + 1) / 2);
	len = tcp_mss_from_mtu(&tp->node.key, mtu) - ((tp->flags & TF_TS) ? TCP_TS_OPT_LEN : 0);
	/* Enough behind it that its loss shows without a time-out. */
	need = len + (tp->reordering + 1) * tp->mss;
	if (len <= tp->mss || unsent < need || tcp_in_flight(tp) + 2 > tp->cwnd ||
	    seq_diff(tp->snd_una + tp->snd_wnd, tp->snd_nxt + need) < 0)
		return false;
	m = tcp_sndq_gather(st, tp, len);
	if (m == NULL || tcp_xmit_segment(st, tp, m, false, now) == -ENOBUFS)
		return false;
	tp->mtup.probe = mtu;
	tp->mtup.probe_seq = pkt_cb(m)->seq;
	tp->mtup.probe_end = pkt_cb(m)->end_seq;
	tp->mtup.stamp = now;
	tp->cwnd--; /* it stands for two */
	tcp_new_data_sent(st, tp, m, now);
	return true;
}

/* The probe got through. */
void tcp_mtup_acked(struct stack *st, struct tcp_sock *tp, uint64_t now)
{
	if (seq_lt(tp->snd_una, tp->mtup.probe_end))
		return;
	MIB_INC(st, TCP_MTU_PROBE_OK);
	tp->mtup.low = tp->mtup.probe;
	tp->mtup.probe = 0;
	tp->cwnd++;
	tcp_mss_sync(st, tp, now);
}

/* Is it the probe that is missing?  Then the loss is its size's, not congestion's. */
bool tcp_mtup_failed(struct stack *st, struct tcp_sock *tp)
{
	if (tp->mtup.probe == 0 || tp->snd_una != tp->mtup.probe_seq)
		return false;
	MIB_INC(st, TCP_MTU_PROBE_FAIL);
	tp->mtup.high = (uint16_t)(tp->mtup.probe - 1);
	tp->mtup.probe = 0;
	tp->cwnd++;
	tcp_loss_without_congestion(tp);
	return true;
}
