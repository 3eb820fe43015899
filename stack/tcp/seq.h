/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * seq.h - arithmetic of 32-bit numbers that wrap: sequence numbers and timestamps.
 *
 * RFC 9293 3.4: comparisons are meaningful for numbers less than 2^31 apart.  Nothing
 * else in this directory compares sequence numbers.
 */
#ifndef STACK_TCP_SEQ_H
#define STACK_TCP_SEQ_H

#include <stdbool.h>
#include <stdint.h>

/* a - b as a signed distance. */
static inline int32_t seq_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static inline bool seq_lt(uint32_t a, uint32_t b)
{
	return seq_diff(a, b) < 0;
}

static inline bool seq_leq(uint32_t a, uint32_t b)
{
	return seq_diff(a, b) <= 0;
}

static inline bool seq_gt(uint32_t a, uint32_t b)
{
	return seq_diff(a, b) > 0;
}

static inline bool seq_geq(uint32_t a, uint32_t b)
{
	return seq_diff(a, b) >= 0;
}

/* lo <= x <= hi on the circle, going up from lo; any distance. */
static inline bool seq_between(uint32_t lo, uint32_t x, uint32_t hi)
{
	return hi - lo >= x - lo;
}

static inline uint32_t seq_max(uint32_t a, uint32_t b)
{
	return seq_gt(a, b) ? a : b;
}

static inline uint32_t seq_min(uint32_t a, uint32_t b)
{
	return seq_lt(a, b) ? a : b;
}

#endif
