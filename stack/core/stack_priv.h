/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stack_priv.h - struct stack, for the stack's own rooms only.
 *
 * Each room keeps its tables in a struct of its own, defined in its header; this one
 * joins them.
 */
#ifndef STACK_CORE_STACK_PRIV_H
#define STACK_CORE_STACK_PRIV_H

#include "stack/core/list.h"
#include "stack/core/mib.h"
#include "stack/core/pktbuf.h"
#include "stack/core/pool.h"
#include "stack/core/timer.h"
#include "stack/inet/inet.h"
#include "stack/net/net.h"
#include "stack/stack.h"
#include "stack/tcp/tcp_table.h"

#define STACK_BURST 64
#define STACK_TXQ 1024 /* frames that may wait for a link; a power of two */

/*
 * Frames for a link, a ring of pointers: the batch of this round and, before it, what
 * the link did not take.  Not a struct pktq: a frame of TCP's lies on its send queue at
 * the same time, and cb->qnext is that queue's.
 */
struct txq {
	struct rte_mbuf *pkts[STACK_TXQ];
	uint32_t head, count;
	uint32_t offered;  /* recovery: so many from head on may be the link's already */
	uint64_t retry_at; /* ns: when to offer the rest again; meaningful if count > 0 */
};

/*
 * The burst being received, here and not on some process's stack, so that recovery finds
 * the frames of a burst that was cut short.
 */
struct rxq {
	struct rte_mbuf *pkts[STACK_BURST];
	uint16_t n;    /* frames in pkts, 0: no burst is being worked on */
	uint16_t done; /* of these, taken by eth_input() */
};

/* Stores before it reach memory before those behind it: a process may die in between. */
static inline void store_order(void)
{
	__asm__ volatile("" ::: "memory");
}

struct stack {
	struct stack_config cfg;
	struct arena arena;
	struct timer_wheel wheel;
	struct mib mib;
	uint64_t rng; /* state of stack_random() */

	/*
	 * The sock that the running code is changing; recovery resets it when the lock's
	 * holder dies.  Set at demultiplexing, at each socket call and at each timer.
	 */
	struct sock *in_hand;

	struct socket *events;	/* sockets with edges to report, FIFO */
	struct socket **events_tail;

	struct rxq rx;
	struct txq tx[STACK_MAX_NETIFS];
	struct pktq loop; /* packets to ourselves, delivered by the next stack_poll() */

	struct pool sockets; /* struct socket */

	struct net_tables net;	 /* net/net.h: neighbours, routes, reassembly, ICMP limits */
	struct inet_tables inet; /* inet/inet.h: ports, UDP and raw demux */
	struct tcp_tables tcp;	 /* tcp/tcp_table.h: connections, listeners, requests, TIME_WAIT */
};

/* Pseudo-random numbers that differ per secret and call; not for secrets. */
uint32_t stack_random(struct stack *st);

/* Keyed hash (secret) of arbitrary words; for tables, ports, ISNs. */
uint32_t stack_hash(const struct stack *st, const void *data, uint32_t len, uint32_t salt);
/* SipHash-2-4 itself. */
uint64_t siphash24(const uint8_t key[16], const void *data, size_t len);
/* A keyed 64-bit PRF (SipHash-2-4 of the secret); for ISNs and cookies. */
uint64_t stack_prf(const struct stack *st, const void *data, uint32_t len, uint32_t salt);

/*
 * A new mbuf owned by the stack with its private area cleared, data at PKT_HEADROOM;
 * NULL (counted) when the pool is empty.
 */
struct rte_mbuf *pkt_alloc(struct stack *st);

/* The same with len bytes of data, not initialised, at *data; NULL also if they do not fit. */
struct rte_mbuf *pkt_alloc_data(struct stack *st, uint16_t len, void **data);
/* A deep copy of len bytes of m's data from off on, maybe chained; NULL (counted) without memory. */
struct rte_mbuf *pkt_copy(struct stack *st, const struct rte_mbuf *m, uint32_t off, uint32_t len);
/* Has anybody else a reference to any segment of m? */
bool pkt_is_shared(const struct rte_mbuf *m);
/* m if nobody else refers to it, else a deep copy with m freed; NULL without memory. */
struct rte_mbuf *pkt_unshare(struct stack *st, struct rte_mbuf *m);
/* n bytes more in front of m's data; NULL without headroom, and then m is freed (counted). */
static inline void *pkt_push(struct stack *st, struct rte_mbuf *m, uint16_t n)
{
	void *p = rte_pktmbuf_prepend(m, n);

	if (unlikely(p == NULL)) {
		MIB_INC(st, PKT_NOMEM);
		rte_pktmbuf_free(m);
	}
	return p;
}
/* Make the first len bytes contiguous; false if m is shorter or they do not fit one buffer. */
bool pkt_pullup_slow(struct rte_mbuf *m, uint32_t len);
static inline bool pkt_pullup(struct rte_mbuf *m, uint32_t len)
{
	return len <= rte_pktmbuf_data_len(m) || pkt_pullup_slow(m, len);
}
/* Shorten m to len bytes of data, freeing segments that become empty. */
void pkt_trim_to(struct rte_mbuf *m, uint32_t len);
/* The Internet checksum's sum (RFC 1071, folded to 16 bits, not inverted) of bytes [off, off + len). */
uint16_t pkt_sum(const struct rte_mbuf *m, uint32_t off, uint32_t len);

/* Which of st->cfg.netifs nif is. */
unsigned int netif_index(const struct stack *st, const struct netif *nif);
/* Put an Ethernet frame on netif's transmit batch; consumed. */
void stack_tx(struct stack *st, struct netif *nif, struct rte_mbuf *m, uint64_t now);
/* Offer the transmit batches to the links. */
void stack_tx_flush(struct stack *st, uint64_t now);
/* Forget all frames that wait for a link, and those of a burst half received (recovery). */
void stack_forget_frames(struct stack *st);
/* Put an IP packet to ourselves on the loop queue, as if nif had received it; consumed. */
void stack_loop(struct stack *st, struct netif *nif, struct rte_mbuf *m);

/* Set pkt_mark()->refs of every mbuf of the pool to the number of our references (recover.c). */
void stack_count_mbufs(struct stack *st);

/* -- hooks each room gives to core (stack.c, recover.c) ------------------------------ */
/* Room set-up: take memory from st->arena.  0 or -errno.  *_footprint() says how much. */
size_t net_footprint(const struct stack_config *cfg);
int net_init(struct stack *st, uint64_t now);
size_t inet_footprint(const struct stack_config *cfg);
int inet_init(struct stack *st, uint64_t now);
size_t tcp_footprint(const struct stack_config *cfg);
int tcp_init(struct stack *st, uint64_t now);

/* One packet of the loop queue: data starts at the IP header; consumed. */
void ip_loop_input(struct stack *st, struct rte_mbuf *m, uint64_t now);
/* Frames up from the links; consumes each.  Counts them in st->rx.done. */
void eth_input(struct stack *st, struct netif *nif, struct rte_mbuf **pkts, uint16_t n,
	       uint64_t now);
/* Once at the end of each burst and each timer run: decide ACKs and output of all touched socks. */
void tcp_flush_output(struct stack *st, uint64_t now);

/* One timer fired (already unlinked). */
void tcp_timer_fire(struct stack *st, struct timer *t, uint64_t now);
void net_timer_fire(struct stack *st, struct timer *t, uint64_t now);

/*
 * Recovery: each room first resets the sock in hand if it is its own, then rebuilds its
 * pools, lists, hashes from live objects and re-arms timers (the wheel is empty then).
 */
void net_recover(struct stack *st, uint64_t now);
void inet_recover(struct stack *st, uint64_t now);
void tcp_recover(struct stack *st, uint64_t now);
/* Call fn for every mbuf that the room's queues hold. */
void net_for_each_mbuf(struct stack *st, void (*fn)(struct rte_mbuf *m, void *arg), void *arg);
void inet_for_each_mbuf(struct stack *st, void (*fn)(struct rte_mbuf *m, void *arg), void *arg);
void tcp_for_each_mbuf(struct stack *st, void (*fn)(struct rte_mbuf *m, void *arg), void *arg);
/* … of TCP's send queues: single mbufs, whatever chain the link has or had them in. */
void tcp_for_each_segment(struct stack *st, void (*fn)(struct rte_mbuf *m, void *arg), void *arg);

/* Quiescence: does the room hold anything that wants driving? time_wait: does TIME_WAIT count? */
bool tcp_is_quiescent(const struct stack *st, bool time_wait_counts);
bool inet_is_quiescent(const struct stack *st);

#endif
