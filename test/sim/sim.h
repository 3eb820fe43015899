/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sim.h - what a test file of the simulation needs around its tests.
 *
 *	TEST(established_out_of_window_rst_is_dropped) { ... }
 *	SIM_MAIN("tcp-rst")
 *
 * Every test registers itself and is a Check case of its own name, so that
 * CK_RUN_CASE=name runs it alone.  A test that hangs is ended by an alarm.
 *
 * In a file that defines SIM_BOTH_FAMILIES before including this, every TEST runs twice, the
 * second time as name_v6 in a world of IPv6; TEST4 and TEST6 belong to one family.  With
 * SIM_OFFLOADS as well, or alone, once more as name_offloads, on links that cut and join segments.
 */
#ifndef TEST_SIM_SIM_H
#define TEST_SIM_SIM_H

#include <check.h>
/* Check's old name for a failure would swallow words like fail(). */
#undef fail
#undef fail_if
#undef fail_unless

#include <signal.h>
#include <unistd.h>

#include "test/check_main.h"
#include "test/wire/fail.h"
#include "test/wire/world.h"

#define SIM_MAX_TESTS 512
#define SIM_TIMEOUT_S 120

struct sim_test {
	const char *name;
	const TTest *test;
};

static struct sim_test sim_tests[SIM_MAX_TESTS];
static unsigned int sim_ntests;

static inline void sim_register(const char *name, const TTest *test)
{
	if (sim_ntests == SIM_MAX_TESTS)
		abort();
	sim_tests[sim_ntests].name = name;
	sim_tests[sim_ntests++].test = test;
}

static inline void sim_fail(const char *file, int line, const char *msg)
{
	ck_abort_msg("%s:%d: %s", file, line, msg);
}

static inline void sim_on_alarm(int sig)
{
	static const char text[] = "\ntimed out: ";

	(void)sig;
	(void)!write(2, text, sizeof(text) - 1);
	(void)!write(2, test_name, strlen(test_name));
	(void)!write(2, "\n", 1);
	_exit(124);
}

static inline void sim_begin(const char *name, bool v6, bool offloads)
{
	test_name = name;
	world_v6 = v6;
	world_offloads = offloads;
	fail_end = sim_fail;
	signal(SIGALRM, sim_on_alarm);
	alarm((unsigned int)test_env("TEST_TIMEOUT", SIM_TIMEOUT_S));
}

static inline void sim_teardown(void)
{
	alarm(0);
	world_abandon_all();
}

#define SIM_CASE(name, body, v6, offloads)                                                         \
	START_TEST(name)                                                                           \
	{                                                                                          \
		sim_begin(#name, v6, offloads);                                                    \
		body();                                                                            \
	}                                                                                          \
	END_TEST                                                                                   \
	__attribute__((constructor)) static void name##_register(void)                             \
	{                                                                                          \
		sim_register(#name, name);                                                         \
	}

#define TEST4(name)                                                                                \
	static void name##_body(void);                                                             \
	SIM_CASE(name, name##_body, false, false)                                                         \
	static void name##_body(void)

#define TEST6(name)                                                                                \
	static void name##_body(void);                                                             \
	SIM_CASE(name, name##_body, true, false)                                                          \
	static void name##_body(void)

#define TEST46(name)                                                                               \
	static void name##_body(void);                                                             \
	SIM_CASE(name, name##_body, false, false)                                                         \
	SIM_CASE(name##_v6, name##_body, true, false)                                                     \
	static void name##_body(void)

#ifdef SIM_OFFLOADS
#define SIM_OFFLOADS_CASE(name, v6) SIM_CASE(name##_offloads, name##_body, v6, true)
#else
#define SIM_OFFLOADS_CASE(name, v6)
#endif

#ifdef SIM_BOTH_FAMILIES
#define TEST(name)                                                                                 \
	static void name##_body(void);                                                             \
	SIM_OFFLOADS_CASE(name, true)                                                              \
	TEST46(name)
#else
#define TEST(name)                                                                                 \
	static void name##_body(void);                                                             \
	SIM_OFFLOADS_CASE(name, false)                                                             \
	TEST4(name)
#endif

#define SIM_MAIN(title)                                                                            \
	static Suite *sim_suite(void)                                                              \
	{                                                                                          \
		Suite *suite = suite_create(title);                                                \
		unsigned int i;                                                                    \
		TCase *tc;                                                                         \
                                                                                                   \
		for (i = 0; i < sim_ntests; i++) {                                                 \
			tc = tcase_create(sim_tests[i].name);                                      \
			tcase_add_checked_fixture(tc, NULL, sim_teardown);                         \
			tcase_add_test(tc, sim_tests[i].test);                                     \
			suite_add_tcase(suite, tc);                                                \
		}                                                                                  \
		return suite;                                                                      \
	}                                                                                          \
	CHECK_MAIN(sim_suite)

#endif
