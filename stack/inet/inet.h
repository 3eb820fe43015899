/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * inet.h - the tables of the socket layer: local ports, UDP and raw demux, groups.
 */
#ifndef STACK_INET_INET_H
#define STACK_INET_INET_H

#include <stdbool.h>
#include <stdint.h>

#include "shim/ipaddr.h"
#include "stack/core/pool.h"

struct inet_sock;
struct port_owner;
struct stack;

/* Each has 65536 local ports of its own; "ports" of ping sockets are ICMP identifiers. */
enum port_space { PORT_SPACE_TCP, PORT_SPACE_UDP, PORT_SPACE_PING, PORT_SPACES };

/* All users of one local port. */
struct port_slot {
	struct port_owner *bound;   /* chosen by bind(2) or listening: may conflict */
	struct port_owner *conns;   /* accepted, auto-bound by connect(2), TIME_WAIT */
	uint32_t conns_noreuse;	    /* of conns, those without SO_REUSEADDR */
};

/* RFC 6056 3.3.4, algorithm 4: a perturbation table of this many counters. */
#define PORT_COUNTERS 1024

struct inet_tables {
	struct pool udp_socks;	/* struct udp_sock */
	struct pool raw_socks;	/* struct raw_sock */
	struct pool mc_members; /* struct mc_member: groups joined */
	struct pool filters;	/* struct filter: SO_ATTACH_FILTER */
	struct port_slot *ports[PORT_SPACES];
	uint16_t *port_counters;
	/* UDP's demux table by (address, port); the one by port is ports[PORT_SPACE_UDP]. */
	struct inet_sock **udp_hash2;
	uint32_t udp_mask;
	uint64_t udp_key[2]; /* secret */
	struct inet_sock *raw_list; /* raw and ping sockets */
	bool tx_waiters; /* a sender found the link's queue full */
	uint64_t next_cookie;
	int64_t wall_offset; /* CLOCK_REALTIME - the caller's clock, ns */
};

/* A link took frames: raise EPOLLOUT for datagram sockets that wait for it, if tx_waiters. */
void inet_tx_space(struct stack *st);

#endif
