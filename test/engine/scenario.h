/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scenario.h - scenes of the engine's tests, over a fake port and stack (fake.h).
 *
 * The engine starts once in a process, so each scenario runs in a child of its own, which
 * says what is wrong through its exit status.  Real time passes here, in ms.
 */
#ifndef TEST_ENGINE_SCENARIO_H
#define TEST_ENGINE_SCENARIO_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "preload/engine_priv.h"
#include "preload/fdtable.h"
#include "test/check_main.h"
#include "test/engine/fake.h"

#define MS NSEC_PER_MSEC

/* What scenario processes tell each other, besides the engine's memory; made before each suite. */
struct board {
	volatile uint64_t a, b, c, latency[4096];
	volatile uint32_t n;
	pid_t keeper;
};
extern struct board *board;
void board_make(void);
/* Of the n latencies, ns; they are sorted. */
uint64_t board_median(void);

/* For scenario processes: ends the scenario, whose children die with it. */
#define FAIL_IF(cond)                                                              \
	do {                                                                       \
		if (cond) {                                                        \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
			fail_now();                                                \
		}                                                                  \
	} while (0)
__attribute__((noreturn)) void fail_now(void);

/* Is cond true within ms milliseconds? */
#define SOON(cond, ms)                                              \
	({                                                          \
		uint64_t end_ = clock_monotonic() + (ms)*MS;        \
		bool ok_;                                           \
		while (!(ok_ = (cond)) && clock_monotonic() < end_) \
			sleep_ns(200000);                           \
		ok_;                                                \
	})
void sleep_ns(uint64_t ns);

/* Runs it in a process of its own; its status as waitpid(2) has it, 0 if all is well. */
int run_scenario(void (*scenario)(void), unsigned int limit_s);

/* In a scenario. */
void start_engine(void);
/* fork(2) as preload does it. */
pid_t engine_fork(void);
/* A descriptor of ours with a fake socket behind it. */
int open_socket(void);
void close_socket(int fd);
uint32_t socket_number(int fd);
uint32_t files_used(void);
void send_frame(uint32_t number);
/* As recv(2) would: 0, -ETIMEDOUT, -EINTR. */
int blocking_read(int fd, uint64_t timeout, const sigset_t *mask);

bool comm_is(pid_t pid, const char *want);
/* Ended; whether its new parent has taken note is not ours to wait for. */
bool is_gone(pid_t pid);

#endif
