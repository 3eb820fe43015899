/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_chrono.c - what a connection with something to send spends its time on, for TCP_INFO.
 *
 *   busy	something is queued or not acknowledged
 *   rwnd	of that: the peer's window held data back
 *   sndbuf	of that: all was sent, more was wanted, but the send buffer was full
 *
 * The later ones count instead of the earlier ones; tcpi_busy_time is the sum.
 */
#include "stack/tcp/tcp.h"

static void turn_to(struct tcp_sock *tp, enum tcp_chrono what, uint64_t now)
{
	if (tp->chrono != CHRONO_IDLE)
		tp->chrono_spent[tp->chrono] += now - tp->chrono_since;
	tp->chrono = (uint8_t)what;
	tp->chrono_since = now;
}

void tcp_chrono_start(struct tcp_sock *tp, enum tcp_chrono what, uint64_t now)
{
	if (what > tp->chrono)
		turn_to(tp, what, now);
}

void tcp_chrono_stop(struct tcp_sock *tp, enum tcp_chrono what, uint64_t now)
{
	if (tp->snd_head == NULL) {
		if (tp->chrono != CHRONO_IDLE)
			turn_to(tp, CHRONO_IDLE, now);
	} else if (what == tp->chrono && what != CHRONO_BUSY) {
		turn_to(tp, CHRONO_BUSY, now);
	}
}

/* -- rows of time-outs -------------------------------------------------------------------- */

void tcp_chrono_rto(struct tcp_sock *tp, uint64_t now)
{
	if (tp->total_rto < UINT16_MAX)
		tp->total_rto++;
	if (tp->rto_stamp != 0)
		return;
	tp->rto_stamp = now;
	if (tp->rto_recoveries < UINT16_MAX)
		tp->rto_recoveries++;
}

void tcp_chrono_rto_over(struct tcp_sock *tp, uint64_t now)
{
	tp->rto_time_ms += (uint32_t)((now - tp->rto_stamp) / NS_PER_MS);
	tp->rto_stamp = 0;
}
