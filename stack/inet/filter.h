/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * filter.h - SO_ATTACH_FILTER (socket(7)): classic BPF programs that choose what a socket receives.
 *
 * The instructions and the loads from beyond the packet are those of <linux/filter.h>.  A program
 * is checked once and then run as it is: it cannot loop, and reads and writes nothing but the
 * packet, its two registers and its sixteen words.
 */
#ifndef STACK_INET_FILTER_H
#define STACK_INET_FILTER_H

#include <linux/filter.h>

#include "stack/inet/inet_priv.h"

/* Different programs in use at one time, each by any number of sockets. */
#define FILTERS_MAX 256

struct filter {
	uint32_t refs; /* socks that have it */
	uint32_t len;  /* instructions */
	struct sock_filter code[BPF_MAXINSNS];
};

/* 0, or -EINVAL for what the kernel's bpf_check_classic() refuses. */
int filter_check(const struct sock_filter *code, uint32_t len);

/*
 * Run a program that was checked over len bytes of pkt from off on.  Returns what it returns: how
 * many bytes to keep, 0: drop; a load from beyond the end and a division by zero are 0, too.
 */
uint32_t filter_run(struct stack *st, const struct filter *f, const struct rx_pkt *pkt, uint32_t off,
		    uint32_t len);

/*
 * Give sk a copy of the program, in place of the one it had; equal ones are one.  0, -EINVAL,
 * -ENOMEM.
 */
int filter_attach(struct stack *st, struct sock *sk, const struct sock_filter *code, uint32_t len);
/* What goes away takes its share of the program with it. */
void filter_detach(struct stack *st, struct sock *sk);
/* An accepted connection has its listener's program. */
void filter_inherit(struct sock *sk, const struct sock *listener);
/* After a crash: count again who has what. */
void filter_recover(struct stack *st);

/*
 * How many of the len bytes from off on sk is to receive, 0: none.  The first keep are its
 * headers, which are not cut off.
 */
static inline uint32_t filter_apply(struct stack *st, const struct sock *sk, const struct rx_pkt *pkt,
				    uint32_t off, uint32_t len, uint32_t keep)
{
	uint32_t n;

	if (likely(sk->filter == NULL))
		return len;
	n = filter_run(st, sk->filter, pkt, off, len);
	if (n == 0 || n >= len)
		return n == 0 ? 0 : len;
	return n > keep ? n : keep;
}

#endif
