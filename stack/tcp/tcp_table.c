/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_table.c - the demultiplexing tables; see tcp_table.h.
 */
#include "stack/tcp/tcp_table.h"

#include <string.h>

#include "stack/tcp/tcp.h"

static inline uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/*
 * A keyed multiply-and-fold hash: three multiplications for 36 bytes.  The key is secret and
 * the hash never leaves the stack, so a peer cannot aim at one bucket.
 */
uint32_t tcp_hash(const struct tcp_tables *t, const struct tcp_key *key)
{
	uint64_t ports = (uint64_t)key->lport << 16 | key->rport;
	uint64_t h;

	h = mix(key->raddr.q[0] ^ t->hash_key[0], key->raddr.q[1] ^ t->hash_key[1]);
	h ^= mix(key->laddr.q[0] ^ t->hash_key[1], key->laddr.q[1] ^ t->hash_key[2]);
	h = mix(h ^ t->hash_key[2], ports ^ t->hash_key[0]);
	return (uint32_t)(h ^ h >> 32);
}

static bool key_equal(const struct tcp_key *a, const struct tcp_key *b)
{
	return a->lport == b->lport && a->rport == b->rport && ipaddr_equal(&a->raddr, &b->raddr) &&
	       ipaddr_equal(&a->laddr, &b->laddr);
}

struct tcp_node *tcp_table_find(const struct stack *st, const struct tcp_key *key, uint32_t hash)
{
	struct tcp_node *n;

	for (n = st->tcp.ehash[hash & st->tcp.ehash_mask]; n != NULL; n = n->next)
		if (n->hash == hash && key_equal(&n->key, key))
			return n;
	return NULL;
}

void tcp_table_insert(struct stack *st, struct tcp_node *node)
{
	struct tcp_node **bucket = &st->tcp.ehash[node->hash & st->tcp.ehash_mask];

	node->next = *bucket;
	if (node->next != NULL)
		node->next->pprev = &node->next;
	node->pprev = bucket;
	*bucket = node;
}

void tcp_table_remove(struct tcp_node *node)
{
	if (node->pprev == NULL)
		return;
	*node->pprev = node->next;
	if (node->next != NULL)
		node->next->pprev = node->pprev;
	node->next = NULL;
	node->pprev = NULL;
}

/* -- listeners --------------------------------------------------------------------------- */

static struct inet_sock **listen_bucket(const struct stack *st, uint16_t port)
{
	return &st->tcp.lhash[port & st->tcp.lhash_mask];
}

void tcp_table_add_listener(struct stack *st, struct tcp_sock *tp)
{
	struct inet_sock *isk = &tp->inet;
	struct inet_sock **bucket = listen_bucket(st, isk->local.port);

	isk->hash_next = *bucket;
	if (isk->hash_next != NULL)
		isk->hash_next->hash_pprev = &isk->hash_next;
	isk->hash_pprev = bucket;
	*bucket = isk;
	st->tcp.listeners++;
}

void tcp_table_remove_listener(struct stack *st, struct tcp_sock *tp)
{
	struct inet_sock *isk = &tp->inet;

	if (isk->hash_pprev == NULL)
		return;
	*isk->hash_pprev = isk->hash_next;
	if (isk->hash_next != NULL)
		isk->hash_next->hash_pprev = isk->hash_pprev;
	isk->hash_next = NULL;
	isk->hash_pprev = NULL;
	st->tcp.listeners--;
}

/*
 * How well a listener fits a destination, -1: not at all.  As Linux's compute_score(): a
 * bound address beats the wildcard, a socket of the packet's own family beats a dual one.
 */
static int listener_score(const struct inet_sock *isk, const struct tcp_key *key)
{
	bool v4 = ipaddr_is_v4(&key->laddr);
	int score = 0;

	if (isk->local.port != key->lport)
		return -1;
	if (isk->sk.domain == AF_INET) {
		if (!v4)
			return -1;
		score += 1;
	} else {
		/* An AF_INET6 socket bound to a mapped address is an IPv4 one in all but looks. */
		if (v4 && (isk->sk.flags & SOCK_F_V6ONLY))
			return -1;
		score += !v4;
	}
	if (!ipaddr_is_any(&isk->local.addr)) {
		if (!ipaddr_equal(&isk->local.addr, &key->laddr))
			return -1;
		score += 2;
	} else if (isk->sk.domain == AF_INET6 && v4 && ipaddr_is_v4(&isk->local.addr)) {
		score += 1; /* ::ffff:0.0.0.0 */
	} else if (isk->sk.domain == AF_INET6 && !v4 && ipaddr_is_v4(&isk->local.addr)) {
		return -1;
	}
	return score;
}

struct tcp_sock *tcp_table_find_listener(const struct stack *st, const struct tcp_key *key,
					 uint32_t hash)
{
	struct inet_sock *isk, *best = NULL;
	int best_score = -1;
	uint32_t group = 0;

	for (isk = *listen_bucket(st, key->lport); isk != NULL; isk = isk->hash_next) {
		int score = listener_score(isk, key);

		if (score < 0 || score < best_score)
			continue;
		if (score > best_score) {
			best = isk;
			best_score = score;
			group = 1;
		} else if ((isk->sk.flags & SOCK_F_REUSEPORT) && (best->sk.flags & SOCK_F_REUSEPORT)) {
			/*
			 * Spread a REUSEPORT group by the flow's hash: the n-th member takes
			 * the flow with probability 1/n, so every member gets an equal share
			 * and one flow always meets the same one while the group is stable.
			 */
			group++;
			if (((uint64_t)(hash * 0x9e3779b1u + group * 0x85ebca6bu) * group) >> 32 == 0)
				best = isk;
		}
	}
	return best == NULL ? NULL : (struct tcp_sock *)best;
}
