/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rng.h - the only source of chance in tests: a seeded, replayable generator.
 *
 * SplitMix64 (Steele, Lea, Flood 2014): one 64-bit word of state, every seed is good.
 */
#ifndef TEST_WIRE_RNG_H
#define TEST_WIRE_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t s;
};

/* The generator's output function by itself: a good 64-bit mixer. */
static inline uint64_t rng_mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static inline uint64_t rng_next(struct rng *r)
{
	r->s += 0x9e3779b97f4a7c15ull;
	return rng_mix(r->s);
}

/* Uniform in [0, n); 0 for n == 0. */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	return n == 0 ? 0 : (uint64_t)(((unsigned __int128)rng_next(r) * n) >> 64);
}

/* Uniform in [lo, hi]. */
static inline uint64_t rng_range(struct rng *r, uint64_t lo, uint64_t hi)
{
	return lo + rng_below(r, hi - lo + 1);
}

/* True with a probability of ppm in a million; draws nothing for 0, so that idle knobs keep replay. */
static inline bool rng_chance(struct rng *r, uint32_t ppm)
{
	return ppm != 0 && rng_below(r, 1000000) < ppm;
}

#endif
