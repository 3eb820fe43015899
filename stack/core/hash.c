/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hash.c - keyed hashes and pseudo-random numbers.
 *
 * stack_prf() is SipHash-2-4 (Aumasson and Bernstein, 2012): what a peer sees of it
 * (sequence numbers, cookies) must not give the key away.  stack_hash() only spreads
 * tables; its values never leave the stack, so a multiply-and-fold under a secret key
 * does, at a fraction of the cost.
 */
#include <string.h>

#include "stack/core/stack_priv.h"

static inline uint64_t load64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The last n < 8 bytes, zero-extended. */
static inline uint64_t load_tail(const uint8_t *p, uint32_t n)
{
	uint64_t v = 0;

	memcpy(&v, p, n);
	return v;
}

static inline uint64_t rotl64(uint64_t x, unsigned int n)
{
	return x << n | x >> (64 - n);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl64(v[1], 13) ^ v[0];
	v[0] = rotl64(v[0], 32);
	v[2] += v[3];
	v[3] = rotl64(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl64(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl64(v[1], 17) ^ v[2];
	v[2] = rotl64(v[2], 32);
}

static inline void sip_word(uint64_t v[4], uint64_t w)
{
	v[3] ^= w;
	sip_round(v);
	sip_round(v);
	v[0] ^= w;
}

uint64_t siphash24(const uint8_t key[16], const void *data, size_t len)
{
	uint64_t k0 = load64(key), k1 = load64(key + 8);
	uint64_t v[4] = { k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du,
			  k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u };
	const uint8_t *p = data;
	size_t n;
	int i;

	for (n = len; n >= 8; n -= 8, p += 8)
		sip_word(v, load64(p));
	sip_word(v, load_tail(p, (uint32_t)n) | (uint64_t)len << 56);
	v[2] ^= 0xff;
	for (i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t stack_prf(const struct stack *st, const void *data, uint32_t len, uint32_t salt)
{
	uint8_t key[16];
	uint64_t k1 = load64(st->cfg.secret + 8) ^ salt;

	/* The salt separates the uses of one secret. */
	memcpy(key, st->cfg.secret, 8);
	memcpy(key + 8, &k1, 8);
	return siphash24(key, data, len);
}

static inline uint64_t fold_mul(uint64_t a, uint64_t b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

uint32_t stack_hash(const struct stack *st, const void *data, uint32_t len, uint32_t salt)
{
	uint64_t k0 = load64(st->cfg.secret + 16), k1 = load64(st->cfg.secret + 24) | 1;
	uint64_t h = k0 ^ ((uint64_t)salt << 32 | len);
	const uint8_t *p = data;

	for (; len >= 8; len -= 8, p += 8)
		h = fold_mul(h ^ load64(p), k1) + k0;
	if (len > 0)
		h = fold_mul(h ^ load_tail(p, len), k1) + k0;
	h = fold_mul(h ^ k1, 0x9e3779b97f4a7c15u);
	return (uint32_t)(h ^ h >> 32);
}

/* splitmix64 (Steele, Lea and Flood, 2014) */
uint32_t stack_random(struct stack *st)
{
	uint64_t z = st->rng += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ z >> 31) >> 32);
}
