/* SPDX-License-Identifier: BSD-3-Clause */
/* test_iov.c - copying through iovecs of any shape, against a flat copy. */
#include <rte_mbuf.h>

#include "stack/inet/sock.h"
#include "test/sim/sim.h"

#define LEN 5000
#define MAX_PIECES 40

static uint8_t flat[LEN], scattered[LEN];

/* LEN bytes of scattered[] cut at random, with empty pieces among them. */
static size_t cut(struct rng *r, struct iovec *iov)
{
	size_t off = 0, n = 0;

	while (off < LEN && n < MAX_PIECES - 1) {
		iov[n].iov_base = scattered + off;
		iov[n].iov_len = rng_below(r, 4) == 0 ? 0 : rng_below(r, 400);
		if (iov[n].iov_len > LEN - off)
			iov[n].iov_len = LEN - off;
		off += iov[n++].iov_len;
	}
	iov[n].iov_base = scattered + off;
	iov[n++].iov_len = LEN - off;
	return n;
}

static void fill(void)
{
	size_t i;

	for (i = 0; i < LEN; i++)
		flat[i] = (uint8_t)(i * 31 + (i >> 8));
}

TEST(reading_in_random_steps_gives_the_bytes_in_order)
{
	struct iovec iov[MAX_PIECES];
	uint8_t got[LEN + 10];
	struct iov_iter it;
	size_t off, n, round;
	struct rng r;

	fill();
	r = (struct rng){ .s = 1 };
	for (round = 0; round < 200; round++) {
		memcpy(scattered, flat, LEN);
		iov_iter_init(&it, iov, cut(&r, iov));
		ck_assert_uint_eq(it.count, LEN);
		for (off = 0; off < LEN; off += n) {
			n = iov_iter_read(&it, got + off, 1 + rng_below(&r, 700));
			ck_assert_uint_gt(n, 0);
			ck_assert_uint_eq(it.count, LEN - off - n);
		}
		ck_assert_uint_eq(off, LEN);
		ck_assert_mem_eq(got, flat, LEN);
		ck_assert_uint_eq(iov_iter_read(&it, got, 1), 0);
	}
}

TEST(writing_in_random_steps_puts_the_bytes_in_order)
{
	struct iovec iov[MAX_PIECES];
	struct iov_iter it;
	size_t off, n, want, round;
	struct rng r;

	fill();
	r = (struct rng){ .s = 2 };
	for (round = 0; round < 200; round++) {
		memset(scattered, 0, LEN);
		iov_iter_init(&it, iov, cut(&r, iov));
		for (off = 0; off < LEN; off += n) {
			want = 1 + rng_below(&r, 700);
			if (want > LEN - off)
				want = LEN - off;
			n = iov_iter_write(&it, flat + off, want);
			ck_assert_uint_eq(n, want);
		}
		ck_assert_mem_eq(scattered, flat, LEN);
		ck_assert_uint_eq(iov_iter_write(&it, flat, 1), 0);
	}
}

TEST(no_iovec_takes_and_gives_nothing)
{
	struct iov_iter it;
	char c;

	iov_iter_init(&it, NULL, 0);
	ck_assert_uint_eq(it.count, 0);
	ck_assert_uint_eq(iov_iter_read(&it, &c, 1), 0);
	ck_assert_uint_eq(iov_iter_write(&it, &c, 1), 0);
}

TEST(any_part_of_a_chain_of_packets_is_copied)
{
	struct world *w = world_pair(3);
	struct node *node = &w->nodes[0];
	struct rte_mbuf *m = NULL, *last = NULL, *seg;
	struct iovec iov[MAX_PIECES];
	struct iov_iter it;
	size_t off, n, round;
	struct rng r;

	fill();
	r = (struct rng){ .s = 3 };
	for (off = 0; off < LEN; off += n) {
		seg = rte_pktmbuf_alloc(node->pool);
		ck_assert_ptr_nonnull(seg);
		n = 1 + rng_below(&r, 1500);
		if (n > LEN - off)
			n = LEN - off;
		memcpy(rte_pktmbuf_append(seg, (uint16_t)n), flat + off, n);
		if (m == NULL) {
			m = seg;
		} else {
			last->next = seg;
			m->nb_segs++;
			m->pkt_len += (uint32_t)n;
		}
		last = seg;
	}
	for (round = 0; round < 500; round++) {
		off = rng_below(&r, LEN);
		n = rng_below(&r, LEN + 100);
		memset(scattered, 0xee, LEN);
		iov_iter_init(&it, iov, cut(&r, iov));
		n = iov_iter_write_mbuf(&it, m, off, n);
		ck_assert_uint_le(n, LEN - off);
		ck_assert_mem_eq(scattered, flat + off, n);
		if (n < LEN)
			ck_assert_uint_eq(scattered[n], 0xee);
	}
	rte_pktmbuf_free(m);
	world_finish(w);
}

SIM_MAIN("iov")
