/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fail.h - how the simulated world reports that something is wrong.
 *
 * A failure first runs the reporters (capture written, trace printed, replay command),
 * then ends the test: through fail_end where a test framework set it, else by abort().
 */
#ifndef TEST_WIRE_FAIL_H
#define TEST_WIRE_FAIL_H

#include <stdint.h>

/* Called on failure, latest first; each at most once per failure. */
struct fail_reporter {
	void (*fn)(void *arg);
	void *arg;
	struct fail_reporter *next;
};

void fail_reporter_add(struct fail_reporter *r);
void fail_reporter_del(struct fail_reporter *r);

void fail_at(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), noreturn));

#define fail_now(...) fail_at(__FILE__, __LINE__, __VA_ARGS__)
#define must(cond, ...)                                                                            \
	do {                                                                                       \
		if (!(cond))                                                                       \
			fail_now(__VA_ARGS__);                                                         \
	} while (0)

/* How a failed test ends; must not return. */
extern void (*fail_end)(const char *file, int line, const char *msg);

/*
 * The seed of this run: env SEED if set (decimal or 0x hex), else dflt.  Whoever draws from
 * it prints it, in the failure message at least.
 */
uint64_t test_seed(uint64_t dflt);
/* A number from the environment, or dflt. */
uint64_t test_env(const char *name, uint64_t dflt);

/* The directory for captures: env TEST_OUT, else build/test-out (made if missing). */
const char *test_out_dir(void);

/* A name for the running test, for captures and replay commands; set by start_test(). */
extern const char *test_name;

#endif
