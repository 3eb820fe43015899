/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_table.h - where TCP finds what a segment belongs to.
 *
 * One table by 4-tuple holds three kinds of node: full connections (struct tcp_sock),
 * half-open ones (struct tcp_req) and those in TIME_WAIT (struct tcp_tw), so that a
 * segment costs one look-up whatever it meets.  Listeners have a table by port.
 * Nodes carry their key and fill one cache line: a look-up that hits touches the
 * bucket and that line.
 */
#ifndef STACK_TCP_TCP_TABLE_H
#define STACK_TCP_TCP_TABLE_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "shim/ipaddr.h"
#include "stack/core/list.h"
#include "stack/core/pool.h"

struct stack;
struct inet_sock;
struct tcp_sock;

/* Local is ours, remote the peer's; ports in host byte order. */
struct tcp_key {
	struct ipaddr laddr, raddr;
	uint16_t lport, rport;
	uint32_t zero; /* keys are hashed as bytes: no padding */
};
static_assert(sizeof(struct tcp_key) == 2 * sizeof(struct ipaddr) + 8, "no padding");

enum tcp_node_kind { TCP_NODE_NONE, TCP_NODE_SOCK, TCP_NODE_REQ, TCP_NODE_TW };

struct tcp_node {
	struct tcp_node *next, **pprev; /* pprev NULL: not in the table */
	struct tcp_key key;
	uint32_t hash;
	uint8_t kind; /* enum tcp_node_kind; never changes while the object lives */
} __attribute__((aligned(64)));
static_assert(sizeof(struct tcp_node) == 64, "one cache line");

/* What is known of a server that grants Fast Open cookies (tcp_tfo.c). */
#define TFO_CACHE_SETS 64
#define TFO_CACHE_WAYS 4
struct tfo_entry {
	struct ipaddr raddr; /* any: free */
	uint64_t used;	     /* ns: the oldest of a set gives way */
	uint64_t lost_stamp; /* ns of the last loss of a SYN with data */
	uint16_t mss;
	uint8_t lost;	     /* such losses in a row */
	uint8_t try_exp;     /* 1: the option was ignored, try the experimental one; 2: that too */
	int8_t len;	     /* of the cookie, -1: none */
	bool exp;
	uint8_t cookie[16];
};

struct tcp_tables {
	struct pool socks; /* struct tcp_sock */
	struct pool reqs;  /* struct tcp_req */
	struct pool tws;   /* struct tcp_tw */

	struct tcp_node **ehash; /* by 4-tuple */
	uint32_t ehash_mask;
	uint32_t lhash_mask;
	struct inet_sock **lhash; /* listeners by local port */
	uint64_t hash_key[3];	  /* secret */

	struct list pending; /* tcp_sock.pending_link: output to be decided at the end of the burst */

	uint32_t orphans;    /* socks without a socket */
	uint32_t listeners;
	uint64_t rmem, wmem; /* true bytes in all receive (with reassembly) and send queues */
	uint64_t rmem_max, wmem_max;
	uint64_t ofo_bytes;  /* of rmem: what waits for a gap to be filled */

	/* RFC 5961 7: challenge ACKs per second, all connections together. */
	uint64_t challenge_period;
	uint32_t challenge_left;

	struct tfo_entry *tfo_cache; /* TFO_CACHE_SETS * TFO_CACHE_WAYS */
};

/* The node that a segment of this 4-tuple belongs to, or NULL.  hash: tcp_hash() of key. */
struct tcp_node *tcp_table_find(const struct stack *st, const struct tcp_key *key, uint32_t hash);
uint32_t tcp_hash(const struct tcp_tables *t, const struct tcp_key *key);
/* node->key, hash and kind are set. */
void tcp_table_insert(struct stack *st, struct tcp_node *node);
void tcp_table_remove(struct tcp_node *node);

/* The listener that takes a SYN to key's local end: best score, spread among a REUSEPORT group. */
struct tcp_sock *tcp_table_find_listener(const struct stack *st, const struct tcp_key *key,
					 uint32_t hash);
void tcp_table_add_listener(struct stack *st, struct tcp_sock *tp);
void tcp_table_remove_listener(struct stack *st, struct tcp_sock *tp);

#endif
