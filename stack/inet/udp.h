/* SPDX-License-Identifier: BSD-3-Clause */
/* udp.h - struct udp_sock and UDP's demux table. */
#ifndef STACK_INET_UDP_H
#define STACK_INET_UDP_H

#include <netinet/udp.h>

#include <rte_udp.h>

#include "stack/inet/dgram.h"

#define UDP_HLEN 8
#define UDP_MAX_SEGMENTS 128 /* as Linux: of one UDP_SEGMENT send */
#ifndef UDP_NO_CHECK6_TX
#define UDP_NO_CHECK6_TX 101
#define UDP_NO_CHECK6_RX 102
#endif

struct udp_sock {
	struct dgram_sock dg;
	struct rte_mbuf *cork; /* data collected under UDP_CORK or MSG_MORE; UDP header's room free */
	struct dgram_tx cork_tx;
	uint16_t gso_size; /* UDP_SEGMENT, 0: off */
	bool gro;	   /* UDP_GRO */
	bool cork_opt;	   /* UDP_CORK */
	bool no_check6_tx, no_check6_rx;
};

static inline struct udp_sock *udp_sk(struct sock *sk)
{
	return (struct udp_sock *)sk;
}

/* Of a queued datagram. */
static inline uint16_t udp_source_port(const struct rte_mbuf *m)
{
	const struct rte_udp_hdr *uh =
		rte_pktmbuf_mtod_offset(m, const struct rte_udp_hdr *, pkt_cb(m)->l4_off);

	return rte_be_to_cpu_16(uh->src_port);
}

static inline bool udp_gro_wanted(struct sock *sk)
{
	return sk->type == SOCK_DGRAM && sk->protocol == IPPROTO_UDP && udp_sk(sk)->gro;
}

/* -- demux (udp_table.c) ------------------------------------------------------------------- */
void udp_table_insert(struct stack *st, struct inet_sock *isk);
void udp_table_remove(struct inet_sock *isk);
/*
 * The socket that a datagram to (dst, dport) from (src, sport) belongs to, by Linux's
 * scoring; NULL: none.
 */
struct inet_sock *udp_table_find(struct stack *st, const struct ipaddr *dst, uint16_t dport,
				 const struct ipaddr *src, uint16_t sport, uint32_t ifindex);
/* Does a multicast or broadcast datagram concern isk? */
bool udp_table_matches_group(const struct inet_sock *isk, const struct ipaddr *dst, uint16_t dport,
			     const struct ipaddr *src, uint16_t sport, uint32_t ifindex);

ssize_t udp_sendmsg(struct stack *st, struct socket *so, const struct msghdr *msg, int flags,
		    uint64_t now);
/* UDP_CORK was taken off: send what was collected. */
int udp_push(struct stack *st, struct udp_sock *up, uint64_t now);
/* Give an unbound socket a port; 0 or -EAGAIN as Linux. */
int udp_autobind(struct stack *st, struct inet_sock *isk, uint64_t now);

#endif
