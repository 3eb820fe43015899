/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ports.c - local ports: who may bind what, and how a free one is chosen.
 *
 * Theory of operation
 *
 *   A table of 65536 slots per protocol; each user of a port is a struct port_owner on
 *   the slot's list.  Two lists, because a busy server has one listener and maybe
 *   tens of thousands of connections on one port: `bound` holds what bind(2) chose,
 *   `conns` what came by accept(2), connect(2) or stays in TIME_WAIT.  A bind with
 *   SO_REUSEADDR need not look at conns as long as all of them have it too.
 *
 *   Conflicts are Linux's (inet_bind_conflict(), udp_lib_lport_inuse()): two owners of
 *   addresses that overlap conflict, unless
 *     TCP: both have SO_REUSEADDR and the other one does not listen, or both have
 *	    SO_REUSEPORT;
 *     UDP: both have SO_REUSEADDR, or both have SO_REUSEPORT.
 *
 *   Ephemeral ports: bind(2) to port 0 starts at a random place and takes the first port
 *   that nobody uses on an overlapping address.  connect(2) uses RFC 6056 3.3.4
 *   (algorithm 4): a keyed hash of the destination plus a counter per group of
 *   destinations, so that ports to one peer come in sequence, which makes the first try
 *   succeed with tens of thousands of connections to it, while other destinations
 *   tell an observer nothing.  As in Linux, connect(2) takes ports of the parity of
 *   the range's low end first, bind(2) the others, so that they keep out of each other's way;
 *   unlike there, the counter runs on through the other parity when the first is used up,
 *   which keeps the first try the right one beyond 14,000 connections.
 */
#include <errno.h>
#include <string.h>

#include "stack/inet/inet_priv.h"

#define PORT_LO 32768
#define PORT_HI 60999
#define PORT_SALT 0x706f7274

static enum port_space space_of(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return PORT_SPACE_TCP;
	case IPPROTO_UDP:
		return PORT_SPACE_UDP;
	default:
		return PORT_SPACE_PING;
	}
}

static struct port_slot *slot_of(const struct stack *st, uint8_t protocol, uint16_t port)
{
	return &st->inet.ports[space_of(protocol)][port];
}

struct port_slot *port_slot(const struct stack *st, enum port_space space, uint16_t port)
{
	return &st->inet.ports[space][port];
}

/* -- the lists -------------------------------------------------------------------------- */

static void owner_link(struct stack *st, struct port_owner *po)
{
	struct port_slot *slot = slot_of(st, po->protocol, po->port);
	struct port_owner **head = &slot->bound;

	if ((po->flags & PORT_F_CONN) != 0) {
		head = &slot->conns;
		if ((po->flags & PORT_F_REUSEADDR) == 0)
			slot->conns_noreuse++;
	}
	po->next = *head;
	if (po->next != NULL)
		po->next->pprev = &po->next;
	po->pprev = head;
	*head = po;
}

static void owner_unlink(struct stack *st, struct port_owner *po)
{
	if (po->pprev == NULL)
		return;
	if ((po->flags & (PORT_F_CONN | PORT_F_REUSEADDR)) == PORT_F_CONN)
		slot_of(st, po->protocol, po->port)->conns_noreuse--;
	*po->pprev = po->next;
	if (po->next != NULL)
		po->next->pprev = po->pprev;
	po->next = NULL;
	po->pprev = NULL;
}

/* What isk would be in the table, at addr and port. */
static void owner_fill(struct port_owner *po, const struct inet_sock *isk,
		       const struct ipaddr *addr, uint16_t port)
{
	const struct sock *sk = &isk->sk;

	po->addr = *addr;
	po->port = port;
	po->protocol = sk->protocol;
	po->flags = 0;
	if ((sk->flags & SOCK_F_REUSEADDR) != 0)
		po->flags |= PORT_F_REUSEADDR;
	if ((sk->flags & SOCK_F_REUSEPORT) != 0)
		po->flags |= PORT_F_REUSEPORT;
	if ((sk->flags & SOCK_F_V6ONLY) != 0)
		po->flags |= PORT_F_V6ONLY;
	if (sk->domain == AF_INET6)
		po->flags |= PORT_F_INET6;
}

/* -- conflicts -------------------------------------------------------------------------- */

static bool is_any6(const struct ipaddr *a)
{
	return ipaddr_is_any(a) && !ipaddr_is_v4(a);
}

/*
 * Do the addresses of a new owner and an old one overlap?  inet_rcv_saddr_equal(), with
 * wildcards on both sides.
 */
static bool owners_overlap(const struct port_owner *new, const struct port_owner *old)
{
	bool new4 = ipaddr_is_v4(&new->addr), old4 = ipaddr_is_v4(&old->addr);
	bool old_v6only = (old->flags & PORT_F_V6ONLY) != 0;
	bool new_v6only = (new->flags & PORT_F_V6ONLY) != 0;

	if (new4 && old4)
		return !old_v6only && (ipaddr_equal(&new->addr, &old->addr) ||
				       ipaddr_is_any(&new->addr) || ipaddr_is_any(&old->addr));
	if (is_any6(&new->addr) && is_any6(&old->addr))
		return true;
	if (is_any6(&old->addr) && !(old_v6only && new4))
		return true;
	if (is_any6(&new->addr) && !(new_v6only && old4))
		return true;
	return ipaddr_equal(&new->addr, &old->addr);
}

/* May two owners of overlapping addresses share the port? */
static bool owners_may_share(const struct port_owner *new, const struct port_owner *old)
{
	uint8_t both = new->flags & old->flags;

	if ((both & PORT_F_REUSEADDR) != 0 && (old->flags & PORT_F_LISTEN) == 0)
		return true;
	return (both & PORT_F_REUSEPORT) != 0;
}

static bool owners_conflict(const struct port_owner *new, const struct port_owner *old, bool relax)
{
	if (space_of(new->protocol) == PORT_SPACE_PING)
		return !relax || (new->flags & old->flags & PORT_F_REUSEADDR) == 0;
	return owners_overlap(new, old) && !(relax && owners_may_share(new, old));
}

/* relax: the program asked for this very port, so the REUSE options count. */
static bool slot_conflicts(const struct port_slot *slot, const struct port_owner *new,
			   const struct port_owner *self, bool relax)
{
	const struct port_owner *po;

	for (po = slot->bound; po != NULL; po = po->next)
		if (po != self && owners_conflict(new, po, relax))
			return true;
	if (relax && (new->flags & PORT_F_REUSEADDR) != 0 && slot->conns_noreuse == 0)
		return false;
	for (po = slot->conns; po != NULL; po = po->next)
		if (po != self && owners_conflict(new, po, relax))
			return true;
	return false;
}

/* -- ephemeral ports -------------------------------------------------------------------- */

/* IP_LOCAL_PORT_RANGE counts as far as it lies in the default range. */
static void ephemeral_range(const struct inet_sock *isk, uint32_t *lo, uint32_t *n)
{
	uint32_t hi = PORT_HI;

	*lo = PORT_LO;
	if (isk->port_lo >= PORT_LO && isk->port_lo <= PORT_HI)
		*lo = isk->port_lo;
	if (isk->port_hi >= PORT_LO && isk->port_hi <= PORT_HI)
		hi = isk->port_hi;
	*n = hi >= *lo ? hi - *lo + 1 : 1;
}

/*
 * The i-th of n ports to try from offset on: first all of one parity, then the others.
 * n odd: the parity of the range's low end has one more.
 */
static uint16_t nth_port(uint32_t lo, uint32_t n, uint32_t offset, uint32_t i, uint32_t parity)
{
	uint32_t same = (n + 1 - parity) / 2; /* ports whose distance from lo has that parity */

	if (i < same)
		return (uint16_t)(lo + 2 * ((offset + i) % same) + parity);
	i -= same;
	same = n - same;
	return (uint16_t)(lo + 2 * ((offset + i) % same) + !parity);
}

static int bind_ephemeral(struct stack *st, const struct inet_sock *isk, struct port_owner *po)
{
	uint32_t lo, n, i, offset = stack_random(st);

	ephemeral_range(isk, &lo, &n);
	for (i = 0; i < n; i++) {
		po->port = nth_port(lo, n, offset, i, n > 1);
		if (!slot_conflicts(slot_of(st, po->protocol, po->port), po, &isk->port, false))
			return 0;
	}
	return -EADDRINUSE;
}

/* May connect(2) take the port?  Only beside other connections, never beside what was bound. */
static bool port_suits_connect(struct stack *st, const struct inet_sock *isk, uint16_t port,
			       bool (*used)(struct stack *st, const struct inet_sock *isk,
					    uint16_t port, uint64_t now),
			       uint64_t now)
{
	const struct port_slot *slot = slot_of(st, isk->sk.protocol, port);

	if (slot->bound != NULL)
		return false;
	if (used == NULL)
		return slot->conns == NULL;
	return !used(st, isk, port, now);
}

int port_bind_connect(struct stack *st, struct inet_sock *isk,
		      bool (*used)(struct stack *st, const struct inet_sock *isk, uint16_t port,
				   uint64_t now),
		      uint64_t now)
{
	struct {
		struct ipaddr local, peer;
		uint64_t port; /* as wide as the rest: no padding is hashed */
	} key = { isk->local.addr, isk->peer.addr, isk->peer.port };
	uint32_t hash = stack_hash(st, &key, sizeof(key), PORT_SALT);
	uint16_t *counter = &st->inet.port_counters[hash % PORT_COUNTERS];
	uint32_t lo, n, i;
	uint16_t port;

	ephemeral_range(isk, &lo, &n);
	for (i = 0; i < n; i++) {
		port = nth_port(lo, n, hash / PORT_COUNTERS, (*counter + i) % n, 0);
		if (!port_suits_connect(st, isk, port, used, now))
			continue;
		*counter = (uint16_t)((*counter + i + 1) % n);
		isk->local.port = port;
		owner_fill(&isk->port, isk, &isk->local.addr, port);
		isk->port.flags |= PORT_F_CONN;
		owner_link(st, &isk->port);
		isk->bound |= BOUND_HASHED;
		return 0;
	}
	return -EADDRNOTAVAIL;
}

/* -- what protocols ask --------------------------------------------------------------- */

int port_bind(struct stack *st, struct inet_sock *isk, const struct endpoint *ep, uint64_t now)
{
	struct port_owner po = { .next = NULL };
	int err = 0;

	(void)now;
	owner_fill(&po, isk, &ep->addr, ep->port);
	if (ep->port == 0)
		err = bind_ephemeral(st, isk, &po);
	else if (slot_conflicts(slot_of(st, po.protocol, po.port), &po, &isk->port, true))
		err = -EADDRINUSE;
	if (err < 0)
		return err;
	owner_unlink(st, &isk->port);
	isk->port = po;
	owner_link(st, &isk->port);
	isk->local = *ep;
	isk->local.port = po.port;
	isk->bound |= BOUND_HASHED;
	if (!ipaddr_is_any(&ep->addr))
		isk->bound |= BOUND_ADDR;
	if (ep->port != 0)
		isk->bound |= BOUND_PORT;
	return 0;
}

void port_unbind(struct stack *st, struct inet_sock *isk)
{
	owner_unlink(st, &isk->port);
	isk->port.port = 0;
	isk->bound &= (uint8_t)~(BOUND_HASHED | BOUND_PORT);
}

void port_inherit(struct stack *st, struct inet_sock *isk, struct inet_sock *listener)
{
	(void)listener;
	owner_fill(&isk->port, isk, &isk->local.addr, isk->local.port);
	isk->port.flags |= PORT_F_CONN;
	owner_link(st, &isk->port);
	isk->bound |= BOUND_HASHED;
}

int port_listen(struct stack *st, struct inet_sock *isk)
{
	struct port_slot *slot = slot_of(st, isk->port.protocol, isk->port.port);
	const struct port_owner *po;

	/* As inet_csk_listen_start(): SO_REUSEADDR let both bind, but one of them listens. */
	for (po = slot->bound; po != NULL; po = po->next)
		if (po != &isk->port && owners_conflict(&isk->port, po, true))
			return -EADDRINUSE;
	isk->port.flags |= PORT_F_LISTEN;
	return 0;
}

void port_unlisten(struct stack *st, struct inet_sock *isk)
{
	(void)st;
	isk->port.flags &= (uint8_t)~PORT_F_LISTEN;
}

void port_addr_changed(struct stack *st, struct inet_sock *isk)
{
	(void)st;
	isk->port.addr = isk->local.addr;
}

void port_options_changed(struct stack *st, struct inet_sock *isk)
{
	uint8_t keep = isk->port.flags & (PORT_F_LISTEN | PORT_F_CONN);

	if (isk->port.pprev == NULL)
		return;
	owner_unlink(st, &isk->port);
	owner_fill(&isk->port, isk, &isk->port.addr, isk->port.port);
	isk->port.flags |= keep;
	owner_link(st, &isk->port);
}

void port_hold(struct stack *st, struct port_owner *po, struct inet_sock *isk)
{
	bool held = isk->port.pprev != NULL;

	*po = isk->port;
	po->next = NULL;
	po->pprev = NULL;
	po->flags = (po->flags & (uint8_t)~PORT_F_LISTEN) | PORT_F_CONN;
	port_unbind(st, isk);
	if (held)
		owner_link(st, po);
	else
		po->port = 0;
}

void port_drop(struct stack *st, struct port_owner *po)
{
	owner_unlink(st, po);
	po->port = 0;
}

void port_restore(struct stack *st, struct port_owner *po)
{
	po->next = NULL;
	po->pprev = NULL;
	if (po->port != 0)
		owner_link(st, po);
}

void ports_clear(struct stack *st)
{
	unsigned int i;

	for (i = 0; i < PORT_SPACES; i++)
		memset(st->inet.ports[i], 0, 65536 * sizeof(struct port_slot));
}
