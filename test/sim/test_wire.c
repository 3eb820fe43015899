/* SPDX-License-Identifier: BSD-3-Clause */
/* test_wire.c - the simulated link itself, driven in raw frames and mbufs, without a stack. */
#include <stdio.h>

#include <rte_mbuf.h>

#include "test/sim/sim.h"
#include "test/wire/frame.h"

static struct wire *wire_up(struct world **w, uint64_t seed)
{
	*w = world_new(seed, 0);
	return world_add_wire(*w, 2);
}

static size_t numbered_frame(uint8_t *buf, uint32_t n, size_t payload)
{
	const struct frame_path path = { .smac = { 2, 0, 0, 0, 0, 1 }, .dmac = { 2, 0, 0, 0, 0, 2 },
					 .src = IP4(192, 0, 2, 1), .dst = IP4(192, 0, 2, 2) };
	uint8_t data[2000] = { 0 };

	frame_put32(data, n);
	return frame_build_udp(buf, &path, 1, 2, data, payload);
}

static void send_numbered(struct wire *wire, uint32_t n, size_t payload)
{
	uint8_t buf[FRAME_MAX];

	wire_inject(wire, 0, buf, numbered_frame(buf, n, payload));
}

/* The number of the next frame that has arrived at port 1; -1: none. */
static int64_t take_numbered(struct wire *wire)
{
	uint8_t buf[FRAME_MAX];
	struct frame_info f;
	size_t len = wire_take(wire, 1, buf, NULL);

	if (len == 0)
		return -1;
	ck_assert(frame_parse(buf, len, &f));
	ck_assert(f.is_udp);
	return f.len >= 4 ? (int64_t)frame_get32(f.data) : -2;
}

TEST(frame_arrives_after_the_delay_and_not_before)
{
	struct world *w;
	struct wire *wire = wire_up(&w, 1);

	wire->ports[0].tx.delay_ns = 10 * MS;
	send_numbered(wire, 7, 100);
	ck_assert_uint_eq(wire_next_event(wire), w->now + 10 * MS);
	wire_set_now(wire, w->now + 10 * MS - 1);
	ck_assert_int_eq(take_numbered(wire), -1);
	wire_set_now(wire, w->now + 10 * MS);
	ck_assert_int_eq(take_numbered(wire), 7);
	ck_assert_int_eq(take_numbered(wire), -1);
	world_free(w);
}

TEST(rate_spaces_frames_and_a_full_queue_drops)
{
	struct world *w;
	struct wire *wire = wire_up(&w, 1);
	uint64_t t0 = wire->now, arrival;
	uint8_t buf[FRAME_MAX];
	unsigned int i, n = 0;

	/* 1000 bytes with all overheads at 8 Mbit/s: one millisecond each. */
	wire->ports[0].tx.rate_bps = 8000000;
	wire->ports[0].tx.queue_bytes = 5000;
	for (i = 0; i < 10; i++)
		send_numbered(wire, i, 1000 - 24 - 42);
	wire_set_now(wire, t0 + SEC);
	while (wire_take(wire, 1, buf, &arrival) != 0) {
		n++;
		ck_assert_uint_eq(arrival, t0 + n * MS);
	}
	ck_assert_uint_eq(n, 5);
	ck_assert_uint_eq(wire->ports[0].stats.queue_full, 5);
	world_free(w);
}

TEST(drop_mask_drops_exactly_the_frames_named)
{
	struct world *w;
	struct wire *wire = wire_up(&w, 1);
	uint32_t i;

	send_numbered(wire, 0, 100);
	wire_drop_nth(wire, 0, 0); /* the next: number 1 */
	wire_drop_nth(wire, 0, 2); /* number 3 */
	for (i = 1; i < 6; i++)
		send_numbered(wire, i, 100);
	ck_assert_int_eq(take_numbered(wire), 0);
	ck_assert_int_eq(take_numbered(wire), 2);
	ck_assert_int_eq(take_numbered(wire), 4);
	ck_assert_int_eq(take_numbered(wire), 5);
	ck_assert_int_eq(take_numbered(wire), -1);
	ck_assert_uint_eq(wire->ports[0].stats.masked, 2);
	world_free(w);
}

static void impaired_run(uint64_t seed, struct wire_stats *stats, uint64_t *digest)
{
	struct world *w;
	struct wire *wire = wire_up(&w, seed);
	struct wire_impair *t = &wire->ports[0].tx;
	uint8_t buf[FRAME_MAX];
	uint64_t arrival;
	uint32_t i;
	size_t len, k;

	t->delay_ns = 5 * MS;
	t->jitter_ns = 2 * MS;
	t->loss_ppm = 20000;
	t->burst.enter_ppm = 5000;
	t->burst.leave_ppm = 200000;
	t->burst.loss_ppm = 800000;
	t->dup_ppm = 30000;
	t->corrupt_ppm = 10000;
	t->reorder_ppm = 10000;
	t->reorder_ns = 5 * MS;
	for (i = 0; i < 10000; i++)
		send_numbered(wire, i, 100);
	wire_set_now(wire, wire->now + SEC);
	*digest = 0;
	while ((len = wire_take(wire, 1, buf, &arrival)) != 0) {
		*digest = rng_mix(*digest ^ arrival);
		for (k = 0; k < len; k++)
			*digest = rng_mix(*digest ^ buf[k]);
	}
	*stats = wire->ports[0].stats;
	world_free(w);
}

TEST(same_seed_same_fate_other_seed_another)
{
	struct wire_stats a, b, c;
	uint64_t da, db, dc;

	impaired_run(5, &a, &da);
	impaired_run(5, &b, &db);
	impaired_run(6, &c, &dc);
	ck_assert(memcmp(&a, &b, sizeof(a)) == 0);
	ck_assert_uint_eq(da, db);
	ck_assert_uint_ne(da, dc);
}

TEST(impairments_happen_as_often_as_asked)
{
	struct wire_stats s;
	uint64_t d;

	impaired_run(test_seed(11), &s, &d);
	/* loss 2 % and bursts: bad 2.4 % of the time, losing 80 % */
	ck_assert_uint_gt(s.lost, 250);
	ck_assert_uint_lt(s.lost, 600);
	ck_assert_uint_gt(s.duplicated, 200);
	ck_assert_uint_lt(s.duplicated, 400);
	ck_assert_uint_gt(s.corrupted, 50);
	ck_assert_uint_lt(s.corrupted, 150);
	ck_assert_uint_gt(s.reordered, 50);
	ck_assert_uint_lt(s.reordered, 160);
}

TEST(corruption_is_seen_by_a_checksum)
{
	struct world *w;
	struct wire *wire = wire_up(&w, test_seed(3));
	uint8_t buf[FRAME_MAX], sent[FRAME_MAX];
	struct frame_info f;
	size_t len, n;
	uint32_t i, diff = 0;

	wire->ports[0].tx.corrupt_ppm = 1000000;
	for (i = 0; i < 200; i++) {
		n = numbered_frame(sent, i, 100);
		wire_inject(wire, 0, sent, n);
		len = wire_take(wire, 1, buf, NULL);
		ck_assert_uint_eq(len, n);
		if (memcmp(buf, sent, n) != 0)
			diff++;
		ck_assert_mem_eq(buf, sent, ETH_HLEN);
		if (memcmp(buf, sent, n) != 0 && frame_parse(buf, len, &f) && f.is_udp)
			ck_assert(!f.ip_csum_ok || !f.l4_csum_ok || f.len != 100 ||
				  frame_get16(buf + 40) == 0);
	}
	ck_assert_uint_gt(diff, 190);
	world_free(w);
}

TEST(jitter_keeps_the_order_unless_told_otherwise)
{
	struct world *w;
	struct wire *wire = wire_up(&w, test_seed(4));
	unsigned int i, inversions = 0;
	int64_t n, last = -1;

	wire->ports[0].tx.jitter_ns = 5 * MS;
	for (i = 0; i < 500; i++) {
		wire_set_now(wire, wire->now + 100 * US);
		send_numbered(wire, i, 100);
	}
	wire_set_now(wire, wire->now + SEC);
	for (i = 0; i < 500; i++)
		ck_assert_int_eq(take_numbered(wire), i);
	wire->ports[0].tx.jitter_reorders = true;
	for (i = 0; i < 500; i++) {
		wire_set_now(wire, wire->now + 100 * US);
		send_numbered(wire, i, 100);
	}
	wire_set_now(wire, wire->now + SEC);
	while ((n = take_numbered(wire)) >= 0) {
		inversions += n < last;
		last = n;
	}
	ck_assert_uint_gt(inversions, 50);
	world_free(w);
}

TEST(frames_above_the_mtu_are_dropped)
{
	struct world *w;
	struct wire *wire = wire_up(&w, 1);

	wire->ports[0].tx.mtu = 1000;
	send_numbered(wire, 1, 1000 - 28);
	send_numbered(wire, 2, 1001 - 28);
	ck_assert_int_eq(take_numbered(wire), 1);
	ck_assert_int_eq(take_numbered(wire), -1);
	ck_assert_uint_eq(wire->ports[0].stats.too_big, 1);
	world_free(w);
}

/* -- the netif side: mbufs -------------------------------------------------------------- */

static struct rte_mempool *test_pool(void)
{
	static struct rte_mempool *pool;

	if (pool == NULL)
		pool = rte_pktmbuf_pool_create("wire", 1023, 0, 128, RTE_MBUF_DEFAULT_BUF_SIZE, -1);
	ck_assert_ptr_nonnull(pool);
	return pool;
}

static struct rte_mbuf *mbuf_frame(struct rte_mempool *pool, uint32_t n, size_t payload)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t buf[FRAME_MAX];
	size_t len = numbered_frame(buf, n, payload);

	ck_assert_ptr_nonnull(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), buf, len);
	return m;
}

TEST(received_frames_are_padded_and_may_come_in_pieces)
{
	struct world *w;
	struct wire *wire = wire_up(&w, 1);
	struct rte_mempool *pool = test_pool();
	struct netif *nif = wire_netif(wire, 1, pool, 0);
	struct rte_mbuf *m[4];
	uint8_t copy[200];

	send_numbered(wire, 9, 4); /* 46 bytes */
	wire->ports[1].rx_segment = 33;
	ck_assert_uint_eq(nif->ops->rx_burst(nif, 0, m, 4), 1);
	ck_assert_uint_eq(rte_pktmbuf_pkt_len(m[0]), 60);
	ck_assert_uint_eq(m[0]->nb_segs, 2);
	ck_assert_uint_eq(m[0]->data_len, 33);
	ck_assert_uint_eq(frame_get32(rte_pktmbuf_read(m[0], 42, 4, copy)), 9);
	rte_pktmbuf_free(m[0]);
	ck_assert_uint_eq(rte_mempool_avail_count(pool), 1023);
	world_free(w);
}

TEST(an_empty_pool_loses_frames_and_counts_them)
{
	struct world *w;
	struct wire *wire = wire_up(&w, 1);
	struct rte_mempool *pool = test_pool();
	struct netif *nif = wire_netif(wire, 1, pool, 0);
	struct rte_mbuf *hold[1023], *m[4];

	ck_assert_int_eq(rte_pktmbuf_alloc_bulk(pool, hold, 1023), 0);
	send_numbered(wire, 1, 100);
	ck_assert_uint_eq(nif->ops->rx_burst(nif, 0, m, 4), 0);
	ck_assert_uint_eq(wire->ports[1].stats.no_mbuf, 1);
	rte_pktmbuf_free_bulk(hold, 1023);
	world_free(w);
}

TEST(late_dma_keeps_the_mbuf_until_the_frame_has_left)
{
	struct world *w;
	struct wire *wire = wire_up(&w, 1);
	struct rte_mempool *pool = test_pool();
	struct netif *nif = wire_netif(wire, 0, pool, 0);
	struct rte_mbuf *m = mbuf_frame(pool, 1, 100);

	wire->ports[0].late_dma = true;
	wire->ports[0].tx.rate_bps = 1000000;
	ck_assert_uint_eq(nif->ops->tx_burst(nif, 0, &m, 1), 1);
	ck_assert_uint_eq(rte_mempool_avail_count(pool), 1022);
	wire_set_now(wire, wire->now + 10 * MS);
	ck_assert_uint_eq(rte_mempool_avail_count(pool), 1023);
	ck_assert_int_eq(take_numbered(wire), 1);
	world_free(w);
}

TEST(checksum_offload_fills_in_and_checks)
{
	struct world *w;
	struct wire *wire = wire_up(&w, 1);
	struct rte_mempool *pool = test_pool();
	struct netif *a = wire_netif(wire, 0, pool, NETIF_TX_IP4_CSUM | NETIF_TX_UDP_CSUM);
	struct netif *b = wire_netif(wire, 1, pool, NETIF_RX_IP4_CSUM | NETIF_RX_L4_CSUM);
	struct rte_mbuf *m = mbuf_frame(pool, 1, 100), *got[4];

	memset(rte_pktmbuf_mtod_offset(m, uint8_t *, 24), 0, 2);
	memset(rte_pktmbuf_mtod_offset(m, uint8_t *, 40), 0, 2);
	m->ol_flags = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_UDP_CKSUM;
	ck_assert_uint_eq(a->ops->tx_burst(a, 0, &m, 1), 1);
	m = mbuf_frame(pool, 2, 100);
	*rte_pktmbuf_mtod_offset(m, uint8_t *, 60) ^= 1;
	ck_assert_uint_eq(a->ops->tx_burst(a, 0, &m, 1), 1);
	/* A frame to another address is not for b; broadcast is. */
	memset(wire->ports[1].nif.mac, 2, 6);
	ck_assert_uint_eq(b->ops->rx_burst(b, 0, got, 4), 2);
	ck_assert(got[0]->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_GOOD);
	ck_assert(got[0]->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_GOOD);
	ck_assert((got[1]->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_BAD);
	rte_pktmbuf_free_bulk(got, 2);
	world_free(w);
}

TEST(capture_is_a_pcapng_with_notes)
{
	struct world *w;
	struct wire *wire = wire_up(&w, 1);
	char path[300];
	uint8_t bytes[4096];
	size_t n;
	FILE *fp;

	wire_drop_nth(wire, 0, 1);
	send_numbered(wire, 1, 100);
	send_numbered(wire, 2, 100);
	snprintf(path, sizeof(path), "%s/capture_test.pcapng", test_out_dir());
	ck_assert_int_eq(capture_write(&wire->capture, path, 2), 0);
	fp = fopen(path, "rb");
	ck_assert_ptr_nonnull(fp);
	n = fread(bytes, 1, sizeof(bytes), fp);
	fclose(fp);
	unlink(path);
	ck_assert_uint_gt(n, 28 + 2 * 40);
	ck_assert_mem_eq(bytes, "\x0a\x0d\x0d\x0a", 4);
	ck_assert_ptr_nonnull(memmem(bytes, n, "dropped: by the mask", 20));
	world_free(w);
}

SIM_MAIN("wire")
