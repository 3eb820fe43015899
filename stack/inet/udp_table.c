/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * udp_table.c - which socket a datagram belongs to.
 *
 * Two tables.  By (address, port): one keyed hash, wildcard sockets under the any
 * address; a datagram looks up its destination address first and, if nobody is there, the
 * any address.  By port alone: the slots of ports.c, walked for multicast and broadcast, where
 * all sockets that match get a copy.
 *
 * Within a bucket the best score wins as in Linux's compute_score(): the socket's own
 * family before a dual-stack one, connected before unconnected, bound to a device before
 * not; of equals the one bound last.  Members of a SO_REUSEPORT group share by flow hash.
 */
#include <string.h>

#include "stack/inet/udp.h"

#define FLOW_SALT 0x666c6f77

/*
 * Asked twice per datagram, so not stack_hash(): a multiplication and a fold under the
 * secret, whose result never leaves the stack.  The any addresses of both families hash
 * alike: a dual-stack socket stands under both.
 */
static inline uint32_t bucket_of(const struct stack *st, const struct ipaddr *addr, bool any,
				 uint16_t port)
{
	uint64_t hi = st->inet.udp_key[0] ^ port, lo = st->inet.udp_key[1];
	unsigned __int128 product;

	if (!any) {
		hi ^= addr->q[0];
		lo ^= addr->q[1];
	}
	product = (unsigned __int128)(hi | 1) * lo;
	hi = (uint64_t)product ^ (uint64_t)(product >> 64);
	return (uint32_t)(hi ^ hi >> 32) & st->inet.udp_mask;
}

void udp_table_insert(struct stack *st, struct inet_sock *isk)
{
	struct inet_sock **head =
		&st->inet.udp_hash2[bucket_of(st, &isk->local.addr,
					      ipaddr_is_any(&isk->local.addr), isk->local.port)];

	isk->hash2_next = *head;
	if (isk->hash2_next != NULL)
		isk->hash2_next->hash2_pprev = &isk->hash2_next;
	isk->hash2_pprev = head;
	*head = isk;
}

void udp_table_remove(struct inet_sock *isk)
{
	if (isk->hash2_pprev == NULL)
		return;
	*isk->hash2_pprev = isk->hash2_next;
	if (isk->hash2_next != NULL)
		isk->hash2_next->hash2_pprev = isk->hash2_pprev;
	isk->hash2_next = NULL;
	isk->hash2_pprev = NULL;
}

struct udp_query {
	const struct ipaddr *dst, *src;
	uint32_t ifindex;
	uint16_t dport, sport;
	bool v4;
};

/* -1: not for this socket. */
static int score_of(const struct inet_sock *isk, const struct udp_query *q, bool any)
{
	const struct sock *sk = &isk->sk;
	int score;

	if (isk->local.port != q->dport)
		return -1;
	if (any ? !ipaddr_is_any(&isk->local.addr) : !ipaddr_equal(&isk->local.addr, q->dst))
		return -1;
	if (q->v4) {
		/* An AF_INET6 socket bound to :: takes IPv4 unless V6ONLY. */
		if (sk->domain == AF_INET6 && (sk->flags & SOCK_F_V6ONLY) != 0)
			return -1;
		score = sk->domain == AF_INET ? 2 : 1;
	} else {
		if (sk->domain != AF_INET6 || (any && ipaddr_is_v4(&isk->local.addr)))
			return -1;
		score = 1;
	}
	if (isk->peer.port != 0) {
		if (isk->peer.port != q->sport || !ipaddr_equal(&isk->peer.addr, q->src))
			return -1;
		score += 8;
	}
	if (sk->bound_if != 0) {
		if (sk->bound_if != q->ifindex)
			return -1;
		score += 4;
	}
	return score;
}

/* A member of a group of equals, chosen by the flow: the same sender meets the same socket. */
static struct inet_sock *reuseport_select(const struct stack *st, struct inet_sock *first,
					  const struct udp_query *q, bool any, int best)
{
	struct {
		struct ipaddr dst, src;
		uint64_t ports;
	} key = { *q->dst, *q->src, (uint64_t)q->dport << 16 | q->sport };
	struct inet_sock *isk;
	uint32_t n = 0, pick;

	for (isk = first; isk != NULL; isk = isk->hash2_next)
		if ((isk->sk.flags & SOCK_F_REUSEPORT) != 0 && score_of(isk, q, any) == best)
			n++;
	if (n < 2)
		return first;
	pick = (uint32_t)(((uint64_t)stack_hash(st, &key, sizeof(key), FLOW_SALT) * n) >> 32);
	for (isk = first; isk != NULL; isk = isk->hash2_next)
		if ((isk->sk.flags & SOCK_F_REUSEPORT) != 0 && score_of(isk, q, any) == best &&
		    pick-- == 0)
			return isk;
	return first;
}

static struct inet_sock *find_in_bucket(const struct stack *st, const struct udp_query *q, bool any)
{
	struct inet_sock *isk, *result = NULL;
	int score, best = 0;

	isk = st->inet.udp_hash2[bucket_of(st, q->dst, any, q->dport)];
	for (; isk != NULL; isk = isk->hash2_next) {
		score = score_of(isk, q, any);
		if (score > best) {
			best = score;
			result = isk;
		}
	}
	if (result != NULL && (result->sk.flags & SOCK_F_REUSEPORT) != 0 &&
	    result->sk.state != DGRAM_CONNECTED)
		result = reuseport_select(st, result, q, any, best);
	return result;
}

struct inet_sock *udp_table_find(struct stack *st, const struct ipaddr *dst, uint16_t dport,
				 const struct ipaddr *src, uint16_t sport, uint32_t ifindex)
{
	struct udp_query q = { dst, src, ifindex, dport, sport, ipaddr_is_v4(dst) };
	struct inet_sock *isk = find_in_bucket(st, &q, false);

	return isk != NULL ? isk : find_in_bucket(st, &q, true);
}

bool udp_table_matches_group(const struct inet_sock *isk, const struct ipaddr *dst, uint16_t dport,
			     const struct ipaddr *src, uint16_t sport, uint32_t ifindex)
{
	struct udp_query q = { dst, src, ifindex, dport, sport, ipaddr_is_v4(dst) };

	if (score_of(isk, &q, ipaddr_is_any(&isk->local.addr)) < 0)
		return false;
	return !ipaddr_is_multicast(dst) || mcast_allows(isk, dst, src, ifindex);
}
