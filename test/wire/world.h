/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * world.h - stacks and links under one virtual clock.
 *
 * A world has wires (wire.h) and nodes: a stack with its own memory and mbuf pool and one
 * netif on a wire.  Time stands still while code runs and jumps to the next arrival or
 * deadline when nothing is left to do, so an hour of protocol takes milliseconds.
 *
 * A conn is a program's view of one socket.  Its readiness is learned from
 * stack_take_event() alone, the edge-triggered way, and the world checks that no edge is
 * ever missing: a socket that is ready though its conn was not told is a failure.  A conn
 * may be told to stream (conn_stream()): it then sends and receives by itself, checks every
 * byte, and keeps count.
 *
 * Whatever a helper is not prepared for fails the test.
 */
#ifndef TEST_WIRE_WORLD_H
#define TEST_WIRE_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "shim/ipaddr.h"
#include "stack/socket.h"
#include "stack/stack.h"
#include "test/wire/fail.h"
#include "test/wire/frame.h"
#include "test/wire/rng.h"
#include "test/wire/wire.h"

#define WORLD_MAX_NODES 8
#define WORLD_MAX_WIRES 4

#define US 1000ull
#define MS 1000000ull
#define SEC 1000000000ull

struct world;
struct conn;

struct node {
	struct world *world;
	struct stack *st;
	void *mem;
	size_t memsize;
	struct rte_mempool *pool;
	struct netif *nif;
	struct ipaddr addr;
	unsigned int mbufs;
	unsigned int id;
	bool frozen; /* not polled: a stopped process */
	bool foreign_pool;
	unsigned int mbufs_forgiven; /* so many may be missing in the end (test_recover.c) */
};

struct node_params {
	uint32_t addr; /* host byte order; see world_addr() */
	uint8_t plen;  /* 0: 24, of IPv6 64 */
	unsigned int wire, port;
	unsigned int mbufs;    /* 0: 4096 */
	struct rte_mempool *pool; /* of that many, the caller's; NULL: made here */
	uint16_t mtu;	       /* 0: 1500 */
	uint32_t caps;	       /* NETIF_* */
	void (*tune)(struct stack_config *cfg, void *arg); /* NULL or the last word on it */
	void *tune_arg;
};

struct world {
	uint64_t now, start;
	uint64_t seed;
	struct rng rng;
	struct wire wires[WORLD_MAX_WIRES];
	unsigned int nwires;
	struct node nodes[WORLD_MAX_NODES];
	unsigned int nnodes;
	struct conn *conns;
	uint64_t steps;
	struct fail_reporter reporter;
	struct world *next_live;
};

/* Worlds that are made from now on speak IPv6.  sim.h sets it for each test. */
extern bool world_v6;
/* The links of nodes that are made from now on cut what they send (NETIF_TX_TSO) and join what comes. */
extern bool world_offloads;
/* The address that a node given as a.b.c.d has: itself, or 2001:db8:b::c*256+d. */
struct ipaddr world_addr(uint32_t v4);

/* -- life --------------------------------------------------------------------------- */

/* EAL, once per process: no hugepages, no PCI, no files left behind. */
void test_eal_init(void);

/* start 0: at 1000 s. */
struct world *world_new(uint64_t seed, uint64_t start);
struct wire *world_add_wire(struct world *w, unsigned int nports);
struct node *world_add_node(struct world *w, const struct node_params *p);
/* Two nodes, 192.0.2.1 and 192.0.2.2, on one perfect wire. */
struct world *world_pair(uint64_t seed);
/* world_pair() with NETIF_* capabilities and a configuration of its own. */
struct world *world_pair_tuned(uint64_t seed, uint32_t caps,
			       void (*tune)(struct stack_config *cfg, void *arg), void *arg);

/* Release everything; no checks (see world_finish()). */
void world_free(struct world *w);
/* Drop the worlds that a failed test left behind, without trusting what is in them. */
void world_abandon_all(void);

/*
 * Close what is still open, let the stacks come to rest (2 MSL and what retransmission
 * needs), check that nothing leaked anywhere, and free the world.
 */
void world_finish(struct world *w);
/* The check alone: every mbuf back, no sock, request or TIME_WAIT left. */
void world_check_clean(struct world *w);

/* -- time --------------------------------------------------------------------------- */

/* Everything that can happen now happens; time stays. */
void world_settle(struct world *w);
/* To the absolute time t. */
void world_run_to(struct world *w, uint64_t t);
/* For ns from now. */
void world_run(struct world *w, uint64_t ns);
/* Until cond(arg) is true, at most ns from now; what cond said last. */
bool world_run_until(struct world *w, bool (*cond)(void *arg), void *arg, uint64_t ns);

/* -- sockets ------------------------------------------------------------------------ */

struct conn {
	struct conn *next;
	struct world *world;
	struct node *node;
	struct socket *so; /* NULL: closed */
	uint32_t events;   /* edges seen and not yet used up */
	bool can_read, can_write; /* by edges alone */
	bool eof;
	int err;	   /* positive: what the stack reported */

	/* streaming */
	bool streaming;
	bool shut_when_done;  /* SHUT_WR after the last byte */
	bool close_when_done; /* close after the last byte sent and EOF read */
	bool wr_shut;
	uint64_t tx_key, tx_off, tx_total;
	uint64_t rx_key, rx_off;
	size_t write_max, read_max; /* bytes per call; 0: 16384 */
	uint64_t read_pause_ns, write_pause_ns; /* between calls: a slow program */
	uint64_t read_at, write_at;
	uint64_t finished_at; /* when EOF came, ns */
};

/* Of the world's family; conn_socket6() of AF_INET6 always. */
struct conn *conn_socket(struct node *n, int type);
struct conn *conn_socket6(struct node *n, int type);
/* Of the world's family and a protocol; NULL with *err = -errno if the stack refuses. */
struct conn *conn_socket_proto(struct node *n, int type, int protocol, int *err);
/* port 0: chosen by the stack. */
int conn_bind(struct conn *c, const struct ipaddr *addr, uint16_t port);
int conn_connect(struct conn *c, const struct ipaddr *addr, uint16_t port);
int conn_listen(struct conn *c, int backlog);
/* NULL when none waits. */
struct conn *conn_accept(struct conn *listener);
int conn_shutdown(struct conn *c, int how);
/* close(2); c stays readable until the world is freed. */
void conn_close(struct conn *c);
uint32_t conn_poll(struct conn *c);
int conn_setint(struct conn *c, int level, int name, int value);
int conn_getint(struct conn *c, int level, int name);
int conn_take_error(struct conn *c);
uint16_t conn_local_port(struct conn *c);
/* The next n bytes of the sending stream; what the stack took, or -errno. */
ssize_t conn_send(struct conn *c, size_t n, int flags);
/* Up to n bytes, checked against the receiving stream; 0 at EOF, or -errno. */
ssize_t conn_recv(struct conn *c, size_t n, int flags);
/* Datagrams; addr in and out as sendto(2), recvfrom(2). */
ssize_t conn_sendto(struct conn *c, const void *buf, size_t n, const struct ipaddr *addr,
		    uint16_t port);
ssize_t conn_recvfrom(struct conn *c, void *buf, size_t n, struct ipaddr *addr, uint16_t *port,
		      int flags);

/* From now on c sends tx_total bytes of stream tx_key and receives stream rx_key by itself. */
void conn_stream(struct conn *c, uint64_t tx_key, uint64_t tx_total, uint64_t rx_key);

/* A listener on b, a connection from a to it, both ends established; fails the test if not. */
void world_connect(struct world *w, struct node *a, struct node *b, uint16_t port,
		   struct conn **client, struct conn **server);

/* mbufs that are not in the node's pool. */
unsigned int node_mbufs_used(const struct node *n);
struct ipaddr ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);

#endif
