/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mbuf pool: taking and giving back, and being rebuilt after its user was killed, at
 * every step where an operation can be cut (by a counter) and anywhere (by SIGKILL).
 */
#include <stdint.h>

/* Counts down the steps of an operation; at 0 the operation ends there, as by a kill. */
static uint32_t tear = UINT32_MAX;
#define MBUF_POOL_STEP(result)                         \
	do {                                           \
		ordered();                             \
		if (tear != UINT32_MAX && tear-- == 0) \
			return result;                 \
	} while (0)
#include "dpdk_port/mbuf_pool.c" /* NOLINT: the operations themselves, with the steps above */

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dpdk_port/eal.h"
#include "shim/config.h"
#include "test/check_main.h"

#define N    200
#define PRIV 128
#define ROOM 2176

static struct rte_mempool *pool;

/* Which mbufs "somebody" owns, for keep(). */
static struct {
	struct rte_mbuf *m[N];
	unsigned int n;
} held;

static bool keep_held(const struct rte_mbuf *m, void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < held.n; i++)
		if (held.m[i] == m)
			return true;
	return false;
}

static bool keep_none(const struct rte_mbuf *m, void *arg)
{
	(void)m;
	(void)arg;
	return false;
}

static struct rte_mempool *new_pool(unsigned int n)
{
	static unsigned int serial;
	char name[24];

	snprintf(name, sizeof(name), "t%u", serial++);
	return mbuf_pool_create(name, n, PRIV, ROOM, SOCKET_ID_ANY);
}

static void setup(void)
{
	tear = UINT32_MAX;
	held.n = 0;
	pool = new_pool(N);
	ck_assert_ptr_nonnull(pool);
}

static int by_address(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return (x > y) - (x < y);
}

/* Every free mbuf can be taken, each once and as good as new, and then there are no more. */
static void assert_whole(unsigned int expected)
{
	struct rte_mbuf *m[N + 1];
	unsigned int n = 0;

	ck_assert_uint_eq(mbuf_pool_available(pool), expected);
	while (n <= N && (m[n] = rte_pktmbuf_alloc(pool)) != NULL) {
		ck_assert_uint_eq(rte_mbuf_refcnt_read(m[n]), 1);
		ck_assert_uint_eq(m[n]->nb_segs, 1);
		ck_assert_ptr_null(m[n]->next);
		ck_assert_uint_eq(m[n]->ol_flags, 0);
		ck_assert_uint_eq(m[n]->buf_len, ROOM);
		ck_assert_ptr_eq(m[n]->buf_addr, (char *)m[n] + sizeof(*m[n]) + PRIV);
		ck_assert_ptr_eq(m[n]->pool, pool);
		n++;
	}
	ck_assert_uint_eq(n, expected);
	for (unsigned int i = 0; i < n; i++)
		ck_assert(!keep_held(m[i], NULL));
	qsort(m, n, sizeof(m[0]), by_address);
	for (unsigned int i = 1; i < n; i++)
		ck_assert_ptr_ne(m[i], m[i - 1]);
	for (unsigned int i = 0; i < n; i++)
		rte_pktmbuf_free(m[i]);
	ck_assert_uint_eq(mbuf_pool_available(pool), expected);
	ck_assert_uint_eq(mbuf_pool_bad_frees(pool), 0);
}

static void count_object(struct rte_mempool *mp, void *arg, void *obj, unsigned int i)
{
	(void)mp;
	(void)obj;
	(void)i;
	++*(unsigned int *)arg;
}

static void hold(unsigned int n)
{
	while (n-- > 0) {
		held.m[held.n] = rte_pktmbuf_alloc(pool);
		ck_assert_ptr_nonnull(held.m[held.n]);
		held.n++;
	}
}

START_TEST(every_mbuf_is_given_once)
{
	assert_whole(N);
	assert_whole(N);
}
END_TEST

START_TEST(last_freed_is_next_taken)
{
	struct rte_mbuf *a = rte_pktmbuf_alloc(pool), *b = rte_pktmbuf_alloc(pool);

	rte_pktmbuf_free(a);
	rte_pktmbuf_free(b);
	ck_assert_ptr_eq(rte_pktmbuf_alloc(pool), b);
	ck_assert_ptr_eq(rte_pktmbuf_alloc(pool), a);
}
END_TEST

START_TEST(memory_is_touched_when_needed)
{
	unsigned int n = 0;

	hold(3);
	rte_mempool_obj_iter(pool, count_object, &n);
	ck_assert_uint_eq(n, 3);
	ck_assert_uint_eq(mbuf_pool_available(pool), N - 3);
}
END_TEST

START_TEST(bulk_is_all_or_nothing)
{
	struct rte_mbuf *m[N + 1];

	ck_assert_int_eq(rte_pktmbuf_alloc_bulk(pool, m, N - 1), 0);
	ck_assert_int_ne(rte_pktmbuf_alloc_bulk(pool, m + N - 1, 2), 0);
	ck_assert_uint_eq(mbuf_pool_available(pool), 1);
	rte_pktmbuf_free_bulk(m, N - 1);
	assert_whole(N);
}
END_TEST

START_TEST(double_free_is_refused_and_counted)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	rte_pktmbuf_free(m);
	rte_mempool_put(pool, m);
	ck_assert_uint_eq(mbuf_pool_bad_frees(pool), 1);
	ck_assert_uint_eq(mbuf_pool_available(pool), N);
}
END_TEST

START_TEST(rebuild_without_a_kill_changes_nothing)
{
	hold(7);
	ck_assert_uint_eq(mbuf_pool_rebuild(pool, keep_held, NULL), 0);
	assert_whole(N - 7);
	ck_assert_uint_eq(mbuf_pool_rebuild(pool, keep_none, NULL), 7);
	held.n = 0;
	assert_whole(N);
}
END_TEST

START_TEST(orphans_come_back_as_new)
{
	struct rte_mbuf *a, *b, *c;

	a = rte_pktmbuf_alloc(pool);
	b = rte_pktmbuf_alloc(pool);
	c = rte_pktmbuf_alloc(pool);
	ck_assert_int_eq(rte_pktmbuf_chain(a, b), 0);
	rte_pktmbuf_attach(c, a); /* c's buffer is a's, a has two references */
	rte_mbuf_refcnt_update(b, 3);
	ck_assert_uint_eq(mbuf_pool_rebuild(pool, keep_none, NULL), 3);
	assert_whole(N);
}
END_TEST

/* What one operation looks like from outside: run it, torn or not. */
enum op { OP_ALLOC, OP_ALLOC_BULK, OP_FREE, OP_FREE_BULK, OP_COUNT };

static void run_op(enum op op, struct rte_mbuf **mine)
{
	struct rte_mbuf *m[8];

	switch (op) {
	case OP_ALLOC:
		(void)!rte_pktmbuf_alloc(pool);
		break;
	case OP_ALLOC_BULK:
		(void)!rte_pktmbuf_alloc_bulk(pool, m, 8);
		break;
	case OP_FREE:
		rte_pktmbuf_free(mine[0]);
		break;
	default:
		rte_pktmbuf_free_bulk(mine, 8);
		break;
	}
}

/* _i: operation; used: how many mbufs the pool has made before (virgin ones take more steps). */
static void torn_everywhere(enum op op, unsigned int used)
{
	for (uint32_t step = 0; step < 200; step++) {
		struct rte_mbuf *mine[8], *warm[N];
		bool done;

		setup();
		for (unsigned int i = 0; i < used; i++)
			warm[i] = rte_pktmbuf_alloc(pool);
		for (unsigned int i = 0; i < used; i++)
			rte_pktmbuf_free(warm[i]);
		hold(5);
		ck_assert_int_eq(rte_pktmbuf_alloc_bulk(pool, mine, 8), 0);
		tear = step;
		run_op(op, mine);
		done = tear != UINT32_MAX;
		tear = UINT32_MAX;
		/* Whatever the dead process had is nobody's now. */
		mbuf_pool_rebuild(pool, keep_held, NULL);
		assert_whole(N - 5);
		held.n = 0;
		mbuf_pool_rebuild(pool, keep_none, NULL);
		assert_whole(N);
		rte_mempool_free(pool);
		if (done) {
			ck_assert_uint_gt(step, 0);
			return;
		}
	}
	ck_abort_msg("operation %d never ends", op);
}

START_TEST(torn_at_every_step_is_rebuilt)
{
	torn_everywhere((enum op)_i, 0);
	torn_everywhere((enum op)_i, 40);
}
END_TEST

START_TEST(rebuild_that_is_cut_short_can_be_repeated)
{
	struct lifo *l = lifo_of(pool);

	hold(20);
	rte_pktmbuf_free(held.m[--held.n]);
	/* As a kill after the first of its stores leaves it. */
	l->count = 0;
	STAILQ_INIT(&pool->elt_list);
	mbuf_pool_rebuild(pool, keep_held, NULL);
	assert_whole(N - 19);
}
END_TEST

START_TEST(drivers_mbufs_stay_with_the_driver)
{
	struct rte_mbuf *ring[4], *got;

	mbuf_pool_lend(pool);
	for (int i = 0; i < 4; i++)
		ring[i] = rte_pktmbuf_alloc(pool);
	got = ring[0]; /* a frame came in it */
	mbuf_pool_take(pool, &got, 1);
	rte_pktmbuf_alloc(pool); /* the stack's own, lost in the kill */
	ck_assert_uint_eq(mbuf_pool_rebuild(pool, keep_none, NULL), 2);
	assert_whole(N - 3);
	for (int i = 1; i < 4; i++)
		rte_pktmbuf_free(ring[i]);
	assert_whole(N);
}
END_TEST

START_TEST(killed_inside_a_drivers_burst_the_next_user_takes_for_itself)
{
	mbuf_pool_lend(pool);
	(void)!rte_pktmbuf_alloc(pool);
	mbuf_pool_rebuild(pool, keep_none, NULL);
	assert_whole(N - 1);
	(void)!rte_pktmbuf_alloc(pool);
	ck_assert_uint_eq(mbuf_pool_rebuild(pool, keep_none, NULL), 1);
}
END_TEST

/* In a child, until it is killed: chains, references, bulks. */
static void churn(unsigned int seed)
{
	struct rte_mbuf *m[64] = { NULL };

	for (;;) {
		unsigned int i = (unsigned int)rand_r(&seed) % 64;

		if (m[i] != NULL) {
			rte_pktmbuf_free(m[i]);
			m[i] = NULL;
		} else if (rand_r(&seed) % 8 == 0 && i < 56) {
			rte_pktmbuf_free_bulk(m + i, 8);
			if (rte_pktmbuf_alloc_bulk(pool, m + i, 8) != 0)
				memset(m + i, 0, 8 * sizeof(m[0]));
		} else {
			m[i] = rte_pktmbuf_alloc(pool);
		}
	}
}

START_TEST(killed_anywhere_is_rebuilt)
{
	unsigned int orphans = 0;

	hold(9);
	for (unsigned int round = 0; round < 300; round++) {
		struct timespec ts = { 0, 100000 + (long)(round * 7919 % 300000) };
		pid_t child = fork();

		ck_assert_int_ge(child, 0);
		if (child == 0)
			churn(round);
		nanosleep(&ts, NULL);
		kill(child, SIGKILL);
		ck_assert_int_eq(waitpid(child, NULL, 0), child);
		orphans += mbuf_pool_rebuild(pool, keep_held, NULL);
		assert_whole(N - 9);
	}
	ck_assert_uint_gt(orphans, 0);
}
END_TEST

START_TEST(too_much_is_refused)
{
	ck_assert_ptr_null(new_pool(1000000));
	ck_assert_int_eq(rte_errno, ENOMEM);
	ck_assert_ptr_null(mbuf_pool_create("odd", 10, 3, ROOM, SOCKET_ID_ANY));
	ck_assert_int_eq(rte_errno, EINVAL);
	assert_whole(N);
}
END_TEST

static Suite *mbuf_pool_suite(void)
{
	struct eal_params ep = { .memory = 256u << 20, .hugepages = HUGEPAGES_OFF };
	struct eal_shelter *shelter = eal_shelter_begin();
	Suite *s = suite_create("mbuf_pool");
	TCase *tc = tcase_create("pool"), *kills = tcase_create("kills");
	char err[256] = "";

	if (eal_start(&ep, err, sizeof(err)) < 0)
		fprintf(stderr, "test_mbuf_pool: %s\n", err);
	eal_shelter_end(shelter);
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, every_mbuf_is_given_once);
	tcase_add_test(tc, last_freed_is_next_taken);
	tcase_add_test(tc, memory_is_touched_when_needed);
	tcase_add_test(tc, bulk_is_all_or_nothing);
	tcase_add_test(tc, double_free_is_refused_and_counted);
	tcase_add_test(tc, rebuild_without_a_kill_changes_nothing);
	tcase_add_test(tc, orphans_come_back_as_new);
	tcase_add_test(tc, rebuild_that_is_cut_short_can_be_repeated);
	tcase_add_test(tc, drivers_mbufs_stay_with_the_driver);
	tcase_add_test(tc, killed_inside_a_drivers_burst_the_next_user_takes_for_itself);
	tcase_add_test(tc, too_much_is_refused);
	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(kills, setup, NULL);
	tcase_set_timeout(kills, 60);
	tcase_add_loop_test(kills, torn_at_every_step_is_rebuilt, 0, OP_COUNT);
	tcase_add_test(kills, killed_anywhere_is_rebuilt);
	suite_add_tcase(s, kills);
	return s;
}

CHECK_MAIN(mbuf_pool_suite)
