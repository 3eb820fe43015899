/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_info.c - TCP_INFO: the connection's truth in Linux's units.
 *
 * linux/tcp.h has the whole structure; it may not be included together with netinet/tcp.h,
 * which is why it is here and nowhere else.
 */
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_cc.h"
#include "stack/tcp/tcp_priv.h"

#include <linux/tcp.h>
#include <string.h>

#ifndef TCPI_OPT_TFO_CHILD
#define TCPI_OPT_TFO_CHILD 128 /* Linux 6.18 */
#endif

static uint32_t us(uint64_t ns)
{
	uint64_t v = ns / NS_PER_US;

	return v < UINT32_MAX ? (uint32_t)v : UINT32_MAX;
}

static uint32_t ms_since(uint64_t stamp, uint64_t now)
{
	return stamp == 0 || stamp > now ? 0 : (uint32_t)((now - stamp) / NS_PER_MS);
}

static uint8_t options_of(const struct tcp_sock *tp)
{
	uint8_t o = 0;

	if (tp->flags & TF_TS)
		o |= TCPI_OPT_TIMESTAMPS;
	if (tp->flags & TF_SACK)
		o |= TCPI_OPT_SACK;
	if (tp->flags & TF_WSCALE)
		o |= TCPI_OPT_WSCALE;
	if (tp->flags & TF_ECN)
		o |= TCPI_OPT_ECN;
	if (tp->ecn_seen)
		o |= TCPI_OPT_ECN_SEEN;
	if (tp->tfo & TFO_DATA_ACKED)
		o |= TCPI_OPT_SYN_DATA;
	if (tp->tfo & TFO_CHILD)
		o |= TCPI_OPT_TFO_CHILD;
	return o;
}

static uint64_t delivery_rate(const struct tcp_sock *tp)
{
	if (tp->rate_interval == 0)
		return 0;
	return tp->rate_delivered * tp->mss * NS_PER_SEC / tp->rate_interval;
}

/* What pacing would send at, had the congestion control asked for it: Linux's formula. */
static uint64_t pacing_rate(const struct tcp_sock *tp)
{
	uint64_t most = tp->inet.sk.max_pacing_rate, rate = tp->pacing_rate;
	uint64_t segs = tp->cwnd > tp->packets_out ? tp->cwnd : tp->packets_out;

	if (!tp->pacing && tp->srtt != 0 && tp->inet.sk.state != TCPS_CLOSED) {
		rate = (uint64_t)tp->mss * segs * NS_PER_SEC / (tp->srtt >> 3 ? tp->srtt >> 3 : 1);
		rate = rate * (tp->cwnd < tp->ssthresh / 2 ? 200 : 120) / 100;
	}
	return rate < most ? rate : most;
}

static uint64_t chrono(const struct tcp_sock *tp, enum tcp_chrono which, uint64_t now)
{
	uint64_t ns = tp->chrono_spent[which];

	if (tp->chrono == which)
		ns += now - tp->chrono_since;
	return ns / NS_PER_US;
}

/* Fields that Linux added behind those of the header we build with. */
struct info {
	struct tcp_info i;
	uint32_t rcv_wnd;
	uint32_t rehash;
	uint16_t total_rto;
	uint16_t total_rto_recoveries;
	uint32_t total_rto_time; /* ms */
};
static_assert(sizeof(struct tcp_info) == 232, "the header knows more: take the fields from it");
static_assert(sizeof(struct info) == 248, "as Linux has it");

static void fill_tail(struct info *f, const struct tcp_sock *tp, uint64_t now)
{
	f->rcv_wnd = tp->rcv_wnd;
	f->total_rto = tp->total_rto;
	f->total_rto_recoveries = tp->rto_recoveries;
	f->total_rto_time = tp->rto_time_ms + ms_since(tp->rto_stamp, now);
}

static void fill(struct tcp_info *i, const struct tcp_sock *tp, uint64_t now)
{
	const struct sock *sk = &tp->inet.sk;

	i->tcpi_state = sk->state != TCPS_CLOSED ? sk->state : 7; /* Linux's TCP_CLOSE */
	i->tcpi_ca_state = tp->ca_state;
	i->tcpi_retransmits = tp->retransmits;
	i->tcpi_probes = (uint8_t)(tp->probes_out + tp->keep_probes); /* never both */
	i->tcpi_backoff = tp->backoff;
	i->tcpi_options = options_of(tp);
	if (tp->flags & TF_WSCALE) {
		i->tcpi_snd_wscale = tp->snd_wscale;
		i->tcpi_rcv_wscale = tp->rcv_wscale;
	}
	i->tcpi_delivery_rate_app_limited = tp->rate_app_limited;
	i->tcpi_fastopen_client_fail = tp->tfo_fail & 3;
	i->tcpi_rto = us(tp->rto);
	i->tcpi_ato = us(tp->ato);
	i->tcpi_snd_mss = tp->mss;
	i->tcpi_rcv_mss = tp->rcv_mss;
	i->tcpi_unacked = tp->packets_out;
	i->tcpi_sacked = tp->sacked_out;
	i->tcpi_lost = tp->lost_out;
	i->tcpi_retrans = tp->retrans_out;
	i->tcpi_last_data_sent = ms_since(tp->lsndtime != 0 ? tp->lsndtime : tp->estab_time, now);
	i->tcpi_last_data_recv = ms_since(tp->lrcvtime, now);
	i->tcpi_last_ack_recv = ms_since(tp->rcv_tstamp, now);
	i->tcpi_pmtu = tp->pmtu;
	i->tcpi_rcv_ssthresh = tp->rcv_ssthresh;
	i->tcpi_rtt = us(tp->srtt >> 3);
	i->tcpi_rttvar = us(tp->mdev >> 2);
	i->tcpi_snd_ssthresh = tp->ssthresh;
	i->tcpi_snd_cwnd = tp->cwnd;
	i->tcpi_advmss = tp->advmss;
	i->tcpi_reordering = tp->reordering;
	i->tcpi_rcv_rtt = us(tp->rcv_rtt.rtt >> 3);
	i->tcpi_rcv_space = tp->rcvq_space.space;
	i->tcpi_total_retrans = tp->total_retrans;
	i->tcpi_pacing_rate = pacing_rate(tp);
	i->tcpi_max_pacing_rate = sk->max_pacing_rate;
	i->tcpi_rwnd_limited = chrono(tp, CHRONO_RWND, now);
	i->tcpi_sndbuf_limited = chrono(tp, CHRONO_SNDBUF, now);
	i->tcpi_busy_time = chrono(tp, CHRONO_BUSY, now) + i->tcpi_rwnd_limited +
			    i->tcpi_sndbuf_limited;
	i->tcpi_bytes_acked = tp->bytes_acked;
	i->tcpi_bytes_received = tp->bytes_received;
	i->tcpi_segs_out = tp->segs_out;
	i->tcpi_segs_in = tp->segs_in;
	i->tcpi_notsent_bytes = tp->write_seq - tp->snd_nxt;
	i->tcpi_min_rtt = tp->min_rtt != 0 ? us(tp->min_rtt) : UINT32_MAX;
	i->tcpi_data_segs_in = tp->data_segs_in;
	i->tcpi_data_segs_out = tp->data_segs_out;
	i->tcpi_delivery_rate = delivery_rate(tp);
	i->tcpi_delivered = (uint32_t)tp->delivered;
	i->tcpi_delivered_ce = (uint32_t)tp->delivered_ce;
	i->tcpi_bytes_sent = tp->bytes_sent;
	i->tcpi_bytes_retrans = tp->bytes_retrans;
	i->tcpi_dsack_dups = tp->dsack_cnt;
	i->tcpi_reord_seen = tp->reord_seen_cnt;
	i->tcpi_rcv_ooopack = tp->rcv_ooopack;
	i->tcpi_snd_wnd = tp->snd_wnd;
}

/*
 * As Linux counts it, a SYN is a segment in flight, lost when it is repeated; of a peer that has
 * not answered only what any has to take is known (RFC 9293 3.7.1), less our timestamps.
 */
static void fill_syn_sent(struct tcp_info *i, const struct tcp_sock *tp)
{
	i->tcpi_unacked++;
	i->tcpi_rcv_mss = TCP_MIN_MSS;
	i->tcpi_snd_mss = RTE_MIN(tp->mss, tcp_default_mss(&tp->node.key)) - TCP_TS_OPT_LEN;
	if (tp->retransmits > 0) {
		i->tcpi_ca_state = CA_LOSS;
		i->tcpi_lost = i->tcpi_retrans = i->tcpi_snd_cwnd = 1;
	}
}

int tcp_info_get(struct stack *st, struct tcp_sock *tp, void *val, socklen_t *len, uint64_t now)
{
	struct info info;

	(void)st;
	memset(&info, 0, sizeof(info));
	if (tp->inet.sk.state == TCPS_LISTEN) {
		/* As Linux: the accept queue and its limit take these two places. */
		info.i.tcpi_state = TCPS_LISTEN;
		info.i.tcpi_unacked = tp->acceptq_len;
		info.i.tcpi_sacked = tp->backlog;
		info.i.tcpi_pacing_rate = tp->pacing_rate;
		info.i.tcpi_max_pacing_rate = tp->inet.sk.max_pacing_rate;
		info.i.tcpi_reordering = tp->reordering;
		info.i.tcpi_snd_cwnd = tp->cwnd;
	} else {
		fill(&info.i, tp, now);
		if (tp->inet.sk.state == TCPS_SYN_SENT)
			fill_syn_sent(&info.i, tp);
		fill_tail(&info, tp, now);
	}
	if (*len > sizeof(info))
		*len = sizeof(info);
	memcpy(val, &info, *len);
	return 0;
}
