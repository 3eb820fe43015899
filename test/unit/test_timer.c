/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_timer.c - the timing wheel against a naive twin: an array of deadlines that is
 * searched through.  Whatever sequence of arm, move, cancel and advance, both fire the same
 * timers in the same tick.
 */
#include "stack/core/timer.h"

#include "test/check_main.h"
#include "test/wire/rng.h"

#define TICK (1ull << TIMER_TICK_SHIFT)
#define N    200

static struct timer_wheel w;

static unsigned int fire_all(uint64_t now)
{
	unsigned int n = 0;

	while (timer_pop_due(&w, now) != NULL)
		n++;
	return n;
}

START_TEST(never_early_and_less_than_a_tick_late)
{
	struct timer t = { 0 };
	uint64_t start = 1000 * TICK + 777, deadline = start + 5 * TICK + 1;

	timer_wheel_init(&w, start);
	timer_arm(&w, &t, deadline);
	ck_assert(timer_is_armed(&t));
	ck_assert_ptr_null(timer_pop_due(&w, deadline));
	ck_assert_ptr_null(timer_pop_due(&w, (deadline | (TICK - 1))));
	ck_assert_ptr_eq(timer_pop_due(&w, (deadline | (TICK - 1)) + 1), &t);
	ck_assert(!timer_is_armed(&t));
	ck_assert_uint_eq(w.armed, 0);
}
END_TEST

START_TEST(one_in_the_past_fires_at_the_next_tick_even_when_it_arms_itself_again)
{
	struct timer t = { 0 };
	uint64_t now = 500 * TICK;
	unsigned int fired = 0;

	timer_wheel_init(&w, now);
	timer_arm(&w, &t, 3);
	now += 10 * TICK;
	while (timer_pop_due(&w, now) != NULL) {
		timer_arm(&w, &t, now);
		ck_assert_uint_lt(++fired, 12);
	}
	ck_assert_uint_ge(fired, 1);
	ck_assert_uint_le(timer_next_deadline(&w), now + TICK);
}
END_TEST

START_TEST(cancel_and_never)
{
	struct timer a = { 0 }, b = { 0 };

	timer_wheel_init(&w, 0);
	ck_assert_uint_eq(timer_next_deadline(&w), TIMER_NEVER);
	timer_cancel(&w, &a);
	timer_arm(&w, &a, 100 * TICK);
	timer_arm(&w, &b, 100 * TICK);
	timer_cancel(&w, &a);
	timer_arm(&w, &b, TIMER_NEVER);
	ck_assert(!timer_is_armed(&b));
	ck_assert_uint_eq(timer_next_deadline(&w), TIMER_NEVER);
	ck_assert_uint_eq(fire_all(1000 * TICK), 0);
}
END_TEST

START_TEST(far_timers_wake_the_wheel_seldom)
{
	struct timer t = { 0 };
	uint64_t now = 12345 * TICK, deadline = now + 7200ull * 1000000000; /* keepalive */
	unsigned int turns = 0;

	timer_wheel_init(&w, now);
	timer_arm(&w, &t, deadline);
	for (;;) {
		now = timer_next_deadline(&w);
		ck_assert_uint_le(now, deadline + TICK);
		ck_assert_uint_lt(++turns, TIMER_LEVELS + 1);
		if (timer_pop_due(&w, now) != NULL)
			break;
	}
	ck_assert_uint_ge(now, deadline);
}
END_TEST

START_TEST(beyond_the_wheel_is_still_exact)
{
	struct timer t = { 0 };
	uint64_t span = TICK << 36, deadline = 3 * span + 17 * TICK + 5, now = 99;
	unsigned int turns = 0;

	timer_wheel_init(&w, now);
	timer_arm(&w, &t, deadline);
	while (timer_pop_due(&w, now) == NULL) {
		now = timer_next_deadline(&w);
		ck_assert_uint_lt(++turns, 40);
	}
	ck_assert_uint_ge(now, deadline);
	ck_assert_uint_lt(now, deadline + TICK);
}
END_TEST

/* Check notes every assertion that holds, at a cost: this one only notes failures. */
#define must_be(cond, ...)                         \
	do {                                       \
		if (!(cond))                       \
			ck_abort_msg(__VA_ARGS__); \
	} while (0)

/* -- the twin -------------------------------------------------------------------------- */

static struct timer timers[N];
static uint64_t due_tick[N]; /* 0: not armed */
static uint64_t twin_tick;   /* the wheel has been advanced so far */

static void twin_arm(unsigned int i, uint64_t deadline)
{
	uint64_t tick = (deadline + TICK - 1) >> TIMER_TICK_SHIFT;

	timer_arm(&w, &timers[i], deadline);
	due_tick[i] = tick <= twin_tick ? twin_tick + 1 : tick;
}

static void twin_advance(uint64_t now)
{
	uint64_t target = now >> TIMER_TICK_SHIFT, last = 0;
	struct timer *t;
	unsigned int i;

	while ((t = timer_pop_due(&w, now)) != NULL) {
		i = (unsigned int)(t - timers);
		must_be(due_tick[i] != 0 && due_tick[i] <= target, "timer %u fired early", i);
		must_be(due_tick[i] >= last, "timer %u fired out of order", i);
		last = due_tick[i];
		due_tick[i] = 0;
	}
	for (i = 0; i < N; i++)
		must_be(due_tick[i] == 0 || due_tick[i] > target, "timer %u is late", i);
	twin_tick = target;
}

static void check_next_deadline(void)
{
	uint64_t earliest = UINT64_MAX, next = timer_next_deadline(&w);
	unsigned int i, armed = 0;

	for (i = 0; i < N; i++) {
		armed += due_tick[i] != 0;
		if (due_tick[i] != 0 && due_tick[i] < earliest)
			earliest = due_tick[i];
	}
	must_be(w.armed == armed, "armed count is %u, not %u", w.armed, armed);
	if (armed == 0) {
		must_be(next == TIMER_NEVER, "a deadline without timers");
		return;
	}
	must_be(next <= earliest << TIMER_TICK_SHIFT, "the next deadline is late");
	must_be(next > twin_tick << TIMER_TICK_SHIFT, "the next deadline is in the past");
}

/* Distances of every order of magnitude, some of them on slot borders. */
static uint64_t random_distance(struct rng *rng)
{
	uint64_t bits = rng_below(rng, 56), d = rng_next(rng) & ((1ull << bits) - 1);

	if (rng_below(rng, 4) == 0)
		d &= ~((1ull << rng_below(rng, bits + 1)) - 1);
	return d;
}

START_TEST(random_use_agrees_with_the_naive_twin)
{
	struct rng rng;
	uint64_t now;
	unsigned int step, i;

	rng.s = (uint64_t)_i + 1000;
	/* Also starts right before the wheel's digits all roll over. */
	now = _i % 2 == 0 ? rng_next(&rng) >> 10 : (TICK << 36) - rng_below(&rng, 100 * TICK);
	timer_wheel_init(&w, now);
	twin_tick = now >> TIMER_TICK_SHIFT;
	memset(timers, 0, sizeof(timers));
	memset(due_tick, 0, sizeof(due_tick));
	for (step = 0; step < 3000; step++) {
		i = (unsigned int)rng_below(&rng, N);
		switch (rng_below(&rng, 8)) {
		case 0:
			timer_cancel(&w, &timers[i]);
			due_tick[i] = 0;
			break;
		case 1:
			twin_arm(i, now - rng_below(&rng, 50 * TICK));
			break;
		case 2:
		case 3:
			now += random_distance(&rng) >> rng_below(&rng, 30);
			twin_advance(now);
			break;
		case 4:
			/* What the keeper does: sleep until the next deadline. */
			if (timer_next_deadline(&w) != TIMER_NEVER &&
			    timer_next_deadline(&w) > now) {
				now = timer_next_deadline(&w);
				twin_advance(now);
			}
			break;
		default:
			twin_arm(i, now + random_distance(&rng));
			break;
		}
		check_next_deadline();
	}
}
END_TEST

static Suite *timer_suite(void)
{
	Suite *s = suite_create("timer");
	TCase *tc = tcase_create("timer");

	tcase_add_test(tc, never_early_and_less_than_a_tick_late);
	tcase_add_test(tc, one_in_the_past_fires_at_the_next_tick_even_when_it_arms_itself_again);
	tcase_add_test(tc, cancel_and_never);
	tcase_add_test(tc, far_timers_wake_the_wheel_seldom);
	tcase_add_test(tc, beyond_the_wheel_is_still_exact);
	tcase_add_loop_test(tc, random_use_agrees_with_the_naive_twin, 0, 100);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(timer_suite)
