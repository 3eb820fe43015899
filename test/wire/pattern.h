/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pattern.h - bytes that tell where in which stream they belong.
 *
 * Each aligned group of eight is a mix of the stream's key and its position, so that any
 * loss, repetition, exchange or shift of bytes shows at once.
 */
#ifndef TEST_WIRE_PATTERN_H
#define TEST_WIRE_PATTERN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "test/wire/rng.h"

static inline uint64_t pattern_word(uint64_t key, uint64_t index)
{
	return rng_mix(key ^ (index * 0x9e3779b97f4a7c15ull));
}

/* Bytes [off, off + n) of stream key. */
static inline void pattern_fill(uint8_t *buf, size_t n, uint64_t key, uint64_t off)
{
	uint64_t w;
	size_t skip, k;

	while (n > 0) {
		w = pattern_word(key, off / 8);
		skip = off % 8;
		k = 8 - skip < n ? 8 - skip : n;
		memcpy(buf, (uint8_t *)&w + skip, k);
		buf += k;
		off += k;
		n -= k;
	}
}

/* The first position in buf that is not what the stream has at off; -1 if all is right. */
static inline int64_t pattern_check(const uint8_t *buf, size_t n, uint64_t key, uint64_t off)
{
	uint8_t expect[4096];
	size_t done = 0, k, i;

	while (done < n) {
		k = n - done < sizeof(expect) ? n - done : sizeof(expect);
		pattern_fill(expect, k, key, off + done);
		if (memcmp(expect, buf + done, k) != 0) {
			for (i = 0; expect[i] == buf[done + i]; i++)
				;
			return (int64_t)(done + i);
		}
		done += k;
	}
	return -1;
}

#endif
