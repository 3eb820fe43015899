/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stack.h - one TCP/IP stack: created in memory given to it, driven by its caller.
 *
 * The stack is passive.  It never reads a clock (now, in ns of any monotonic clock,
 * is the last argument), never blocks, never allocates outside its memory and the
 * mbuf pool, and is single-threaded by contract: the caller holds its lock.
 *
 * Four verbs:  stack_poll()           take received frames, do what is due, send
 *              socket_*() (socket.h)  what a program asks
 *              stack_next_deadline()  when to call stack_poll() again at the latest
 *              stack_take_event()     which sockets became ready meanwhile
 *
 * Readiness is collected and handed out after the batch; the stack calls nobody.
 */
#ifndef STACK_STACK_H
#define STACK_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/ipaddr.h"
#include "shim/netif.h"

struct rte_mempool;
struct rte_mbuf;
struct stack;
struct socket;
struct sock;

#define STACK_MAX_ADDRS 16
#define STACK_MAX_ROUTES 16
#define STACK_MAX_NETIFS 4

struct stack_addr {
	struct ipaddr addr;
	uint8_t plen; /* in the address's own family */
	uint8_t netif;
};

struct stack_route {
	struct ipaddr prefix;
	uint8_t plen;
	uint8_t netif;
	struct ipaddr via; /* any: on link */
};

/* Plain data; copied by stack_create(). */
struct stack_config {
	struct netif *netifs[STACK_MAX_NETIFS];
	unsigned int nnetifs;
	uint16_t queue; /* the RX/TX queue of every netif that this stack owns */
	struct rte_mempool *mbufs;
	struct stack_addr addrs[STACK_MAX_ADDRS];
	unsigned int naddrs;
	struct stack_route routes[STACK_MAX_ROUTES]; /* besides the connected ones */
	unsigned int nroutes;
	uint8_t secret[32];	 /* random key of hashes, ISNs, ports, cookies */
	uint32_t max_sockets;
	uint32_t rmem[3], wmem[3]; /* buffer bytes: min, default, max */
	uint64_t time_wait_ns;	 /* 2 MSL */
	char cc[16];		 /* default congestion control */
	bool ecn;
	uint8_t syncookies; /* 0 never, 1 when the SYN queue is full, 2 always */
	bool slaac;	    /* IPv6: take addresses that routers advertise prefixes for (RFC 4862) */
	bool quiet_start;   /* tests: nothing is sent unasked (ARP announcements, DAD, RS, MLD) */
};

/* Values that suit tests and small programs; netifs, mbufs, addrs and secret are left empty. */
void stack_config_defaults(struct stack_config *cfg);

/* Bytes of memory stack_create() needs for cfg; mostly untouched virtual space. */
size_t stack_footprint(const struct stack_config *cfg);

/*
 * Build a stack in mem (zeroed, page-aligned, shared by whoever will use it; stays
 * the caller's).  Returns NULL if cfg is invalid or mem too small (*err = -errno).
 */
struct stack *stack_create(void *mem, size_t size, const struct stack_config *cfg, int *err,
			   uint64_t now);

/* Free every packet; the memory is then the caller's again.  For tests and orderly ends. */
void stack_destroy(struct stack *st);

/*
 * Take one burst of received frames from each netif, run the timers that are due,
 * let TCP decide what to send, and send.  Returns the number of frames received.
 */
unsigned int stack_poll(struct stack *st, uint64_t now);

/*
 * Send what socket calls left in the transmit batch.  The caller of socket_*() calls
 * it before it lets the lock go; stack_poll() does by itself.
 */
void stack_flush(struct stack *st, uint64_t now);

/*
 * The same, and what is for ourselves arrives, with what it causes in turn: as on the kernel's
 * loopback, a call that returns has reached the other end.  Bounded: two ends that never fall
 * silent leave the rest to stack_poll().
 */
void stack_settle(struct stack *st, uint64_t now);

/* When a timer is due next (ns), UINT64_MAX for never; may be early, never late. */
uint64_t stack_next_deadline(const struct stack *st);

/*
 * The next socket whose readiness changed, and the EPOLL* bits that were newly raised
 * since it was last taken (edges; the level is socket_poll()).  NULL when none is left.
 */
struct socket *stack_take_event(struct stack *st, uint32_t *events);

/* Does an address belong to this stack / is it reached through one of its links? */
bool stack_owns_addr(const struct stack *st, const struct ipaddr *addr);
bool stack_routes_addr(const struct stack *st, const struct ipaddr *addr);

/* Anything that still needs driving when no program holds a socket: open or closing connections. */
bool stack_is_quiescent(const struct stack *st);
/* The same, but TIME_WAIT does not count: what keeps a keeper from yielding the port. */
bool stack_has_unsent_state(const struct stack *st);

/*
 * After the lock's holder was killed inside the stack: reset the socket it had in hand,
 * rebuild every list, queue head, hash, pool and timer from the arrays of objects.
 * Packets are not freed here: afterwards the caller rebuilds the mbuf pool with
 * stack_owns_mbuf() as the test.
 */
void stack_recover(struct stack *st, uint64_t now);
/*
 * Close every socket that has no owner: what the killed process had created or accepted
 * and not yet given to a file.  Call when the owners have been put right.  Returns how many.
 */
unsigned int stack_release_ownerless(struct stack *st, uint64_t now);
/* Collect which mbufs the stack's queues hold; then ask.  Valid until the stack runs again. */
void stack_mark_mbufs(struct stack *st);
/* True also for what was handed to a link and has not come back. */
bool stack_owns_mbuf(const struct rte_mbuf *m, void *st);

/* -- statistics: mib.h has their numbers --------------------------------------- */
uint64_t stack_mib(const struct stack *st, unsigned int which);
/* "TcpInSegs" for MIB_TCP_IN_SEGS, as nstat(8) calls it; NULL beyond the last. */
const char *stack_mib_name(unsigned int which);

#endif
