/* SPDX-License-Identifier: BSD-3-Clause */
/* raw.h - struct raw_sock: SOCK_RAW, and SOCK_DGRAM with ICMP (ping sockets). */
#ifndef STACK_INET_RAW_H
#define STACK_INET_RAW_H

#include "stack/inet/dgram.h"

struct raw_sock {
	struct dgram_sock dg;	 /* inet.hash_next: st->inet.raw_list */
	uint32_t icmp_filter[8]; /* ICMP_FILTER (one word), ICMP6_FILTER: bit set = not wanted */
	int csum_off;		 /* IPV6_CHECKSUM: -1 none */
};

static inline struct raw_sock *raw_sk(struct sock *sk)
{
	return (struct raw_sock *)sk;
}

static inline bool raw_is_ping(const struct sock *sk)
{
	return sk->type == SOCK_DGRAM;
}

struct sock *raw_alloc(struct stack *st, int domain, int protocol, uint64_t now);
struct sock *raw_alloc_type(struct stack *st, int domain, int type, int protocol);
void raw_list_remove(struct raw_sock *rs);
void raw_release(struct stack *st, struct sock *sk, uint64_t now);
ssize_t raw_sendmsg(struct stack *st, struct socket *so, const struct msghdr *msg, int flags,
		    uint64_t now);
/* Is a packet for a ping socket: an echo reply with its identifier? (ping.c) */
bool ping_matches(const struct raw_sock *rs, const struct rx_pkt *pkt);

#endif
