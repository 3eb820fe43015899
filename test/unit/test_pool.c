/* SPDX-License-Identifier: BSD-3-Clause */
/* test_pool.c - arena and typed pools, against an array of flags; rebuild after a crash. */
#include "stack/core/pool.h"

#include <errno.h>
#include <stdlib.h>

#include "test/check_main.h"
#include "test/wire/rng.h"

#define MAX	100
#define OBJSIZE 40

static struct arena arena;
static struct pool pool;
static void *memory;

static void setup(void)
{
	size_t size = pool_footprint(OBJSIZE, MAX);

	memory = aligned_alloc(64, (size + 63) & ~(size_t)63);
	memset(memory, 0, size);
	arena_init(&arena, memory, size);
	ck_assert_int_eq(pool_init(&pool, &arena, OBJSIZE, MAX), 0);
}

static void teardown(void)
{
	free(memory);
}

START_TEST(arena_aligns_and_ends)
{
	static _Alignas(4096) char buf[4096];
	struct arena a;
	char *p;

	arena_init(&a, buf, sizeof(buf));
	p = arena_alloc(&a, 1, 1);
	ck_assert_ptr_eq(p, buf);
	p = arena_alloc(&a, 10, 64);
	ck_assert_ptr_eq(p, buf + 64);
	ck_assert_ptr_null(arena_alloc(&a, 4096, 1));
	ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX - 8, 8));
	p = arena_alloc(&a, 4096 - 74, 1);
	ck_assert_ptr_eq(p, buf + 74);
	ck_assert_ptr_null(arena_alloc(&a, 1, 1));
	ck_assert_ptr_nonnull(arena_alloc(&a, 0, 1));
}
END_TEST

START_TEST(footprint_suffices_and_one_byte_less_fails)
{
	static _Alignas(64) char buf[16384];
	size_t size = pool_footprint(OBJSIZE, MAX);
	struct arena a;
	struct pool p;

	ck_assert(size <= sizeof(buf));
	arena_init(&a, buf, size);
	ck_assert_int_eq(pool_init(&p, &a, OBJSIZE, MAX), 0);
	arena_init(&a, buf, MAX * OBJSIZE);
	ck_assert_int_eq(pool_init(&p, &a, OBJSIZE, MAX), -ENOMEM);
}
END_TEST

START_TEST(objects_are_distinct_zeroed_and_limited)
{
	void *objs[MAX];
	char zero[OBJSIZE] = { 0 };
	int i;

	for (i = 0; i < MAX; i++) {
		objs[i] = pool_alloc(&pool);
		ck_assert_ptr_nonnull(objs[i]);
		ck_assert_mem_eq(objs[i], zero, OBJSIZE);
		memset(objs[i], 0xa5, OBJSIZE);
		ck_assert_uint_eq(pool_index(&pool, objs[i]), (uint32_t)i);
	}
	ck_assert_ptr_null(pool_alloc(&pool));
	ck_assert_uint_eq(pool.failures, 1);
	ck_assert_uint_eq(pool.used, MAX);
	pool_free(&pool, objs[17]);
	ck_assert(!pool_is_live(&pool, 17));
	ck_assert_ptr_eq(pool_alloc(&pool), objs[17]);
	ck_assert_mem_eq(objs[17], zero, OBJSIZE);
}
END_TEST

START_TEST(the_last_freed_comes_back_first)
{
	void *a = pool_alloc(&pool), *b = pool_alloc(&pool);

	pool_free(&pool, a);
	pool_free(&pool, b);
	ck_assert_ptr_eq(pool_alloc(&pool), b);
	ck_assert_ptr_eq(pool_alloc(&pool), a);
}
END_TEST

static void compare(const bool live[MAX])
{
	uint32_t i, n = 0, seen = 0;
	void *obj;

	for (i = 0; i < MAX; i++) {
		ck_assert_int_eq(pool_is_live(&pool, i), live[i]);
		n += live[i];
	}
	ck_assert_uint_eq(pool.used, n);
	pool_for_each(&pool, i, obj) {
		ck_assert(live[i]);
		ck_assert_ptr_eq(obj, pool_at(&pool, i));
		seen++;
	}
	ck_assert_uint_eq(seen, n);
}

/* Take all that is left: each object once. */
static void drain(const bool live[MAX])
{
	bool taken[MAX];
	void *obj;

	memcpy(taken, live, sizeof(taken));
	while ((obj = pool_alloc(&pool)) != NULL) {
		ck_assert(!taken[pool_index(&pool, obj)]);
		taken[pool_index(&pool, obj)] = true;
	}
	ck_assert_uint_eq(pool.used, MAX);
}

START_TEST(random_use_agrees_with_an_array_of_flags_and_rebuild_loses_nothing)
{
	bool live[MAX] = { false };
	struct rng rng;
	uint32_t i, k;
	void *obj;

	rng.s = (uint64_t)_i + 1;
	for (k = 0; k < 2000; k++) {
		i = (uint32_t)rng_below(&rng, MAX);
		if (live[i]) {
			pool_free(&pool, pool_at(&pool, i));
			live[i] = false;
		} else {
			obj = pool_alloc(&pool);
			ck_assert_ptr_nonnull(obj);
			ck_assert(!live[pool_index(&pool, obj)]);
			live[pool_index(&pool, obj)] = true;
		}
		if (k % 100 == 0)
			compare(live);
	}
	/* A crash leaves the free list and the counters as they may be. */
	pool.free_head = 12345;
	pool.used = 999;
	memset(pool.next, 0xee, MAX * sizeof(uint32_t));
	pool_rebuild(&pool);
	compare(live);
	drain(live);
}
END_TEST

static Suite *pool_suite(void)
{
	Suite *s = suite_create("pool");
	TCase *tc = tcase_create("pool");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, arena_aligns_and_ends);
	tcase_add_test(tc, footprint_suffices_and_one_byte_less_fails);
	tcase_add_test(tc, objects_are_distinct_zeroed_and_limited);
	tcase_add_test(tc, the_last_freed_comes_back_first);
	tcase_add_loop_test(tc, random_use_agrees_with_an_array_of_flags_and_rebuild_loses_nothing,
			    0, 20);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(pool_suite)
