/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_cc.h - congestion control: one const table of operations per algorithm.
 *
 * The loss code decides when; the algorithm decides how much.  Units: segments.  State of
 * an algorithm lives in tp->cc_priv.  Operations marked optional may be NULL.
 */
#ifndef STACK_TCP_TCP_CC_H
#define STACK_TCP_TCP_CC_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_sock;
struct tcp_ack_info;

struct tcp_cc_ops {
	const char *name;
	bool needs_pacing;
	/* The connection starts, or changes to this algorithm. */
	void (*init)(struct tcp_sock *tp, uint64_t now);
	/* A congestion event: the new slow-start threshold. */
	uint32_t (*ssthresh)(struct tcp_sock *tp);
	/* acked segments were delivered in order and cwnd was in use: grow. */
	void (*cong_avoid)(struct tcp_sock *tp, uint32_t acked, const struct tcp_ack_info *ai);
	/* The congestion event turned out to be none: cwnd to go back to. */
	uint32_t (*undo_cwnd)(struct tcp_sock *tp);
	/* Optional: each ACK with an RTT sample. */
	void (*pkts_acked)(struct tcp_sock *tp, const struct tcp_ack_info *ai);
	/* Optional: an RTO happened. */
	void (*on_rto)(struct tcp_sock *tp, uint64_t now);
	/* Optional: sending starts again after idle ns. */
	void (*on_restart)(struct tcp_sock *tp, uint64_t idle, uint64_t now);
	/* Optional: takes the place of all of the above but init: sets cwnd and pacing_rate itself. */
	void (*control)(struct tcp_sock *tp, const struct tcp_ack_info *ai);
};

#define TCP_CC_NAME_LEN 16

enum tcp_cc_id { TCP_CC_CUBIC, TCP_CC_NEWRENO, TCP_CC_BBR, TCP_CC_COUNT };

/* By name ("cubic", "reno" or "newreno", …); -1 if there is none. */
int tcp_cc_find(const char *name);
const struct tcp_cc_ops *tcp_cc_by_id(unsigned int id);
void tcp_cc_assign(struct tcp_sock *tp, unsigned int id);

/* Slow start: one segment per segment acknowledged, up to ssthresh; returns what is left. */
uint32_t tcp_slow_start(struct tcp_sock *tp, uint32_t acked);
/* Congestion avoidance: one segment per w acknowledged. */
void tcp_additive_increase(struct tcp_sock *tp, uint32_t w, uint32_t acked);

extern const struct tcp_cc_ops tcp_cc_cubic;
extern const struct tcp_cc_ops tcp_cc_newreno;
extern const struct tcp_cc_ops tcp_cc_bbr;

#endif
