/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_wait.c - sleep and wake, across processes, and signals meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test/engine/scenario.h"

static void sleeper_wakes(void)
{
	const int rounds = 200;
	pid_t child;
	int fd;

	start_engine();
	fd = open_socket();
	child = engine_fork();
	if (child == 0) {
		for (int i = 0; i < rounds; i++) {
			FAIL_IF(blocking_read(fd, UINT64_MAX, NULL) != 0);
			board->b = clock_monotonic();
			board->a = (uint64_t)i + 1;
		}
		_exit(0);
	}
	for (int i = 0; i < rounds; i++) {
		uint64_t begin;

		FAIL_IF(!SOON(shm->keeper.sleepers + (fake_port_pollable ? 0 : 1) > 0, 1000));
		/* Naps have ended, the keeper has become quiet. */
		sleep_ns(i % 4 == 0 ? 40 * MS : MS);
		begin = clock_monotonic();
		send_frame(0);
		while (board->a != (uint64_t)i + 1)
			FAIL_IF(clock_monotonic() - begin > 1000 * MS);
		board->latency[board->n++] = board->b - begin;
	}
	waitpid(child, NULL, 0);
}

START_TEST(sleeper_wakes_by_the_ports_descriptor)
{
	board->a = board->n = 0;
	fake_port_pollable = true;
	ck_assert_int_eq(run_scenario(sleeper_wakes, 30), 0);
	ck_assert_uint_lt(board_median(), 5 * MS);
	printf("frame to reader, port with descriptor: median %lu us, worst %lu us\n",
	       (unsigned long)board_median() / 1000,
	       (unsigned long)board->latency[board->n - 1] / 1000);
}
END_TEST

START_TEST(sleeper_wakes_by_the_keepers_naps)
{
	board->a = board->n = 0;
	fake_port_pollable = false;
	ck_assert_int_eq(run_scenario(sleeper_wakes, 30), 0);
	fake_port_pollable = true;
	ck_assert_uint_lt(board_median(), 5 * MS);
	printf("frame to reader, port without descriptor: median %lu us, worst %lu us\n",
	       (unsigned long)board_median() / 1000,
	       (unsigned long)board->latency[board->n - 1] / 1000);
}
END_TEST

static void waker_in_another_process(void)
{
	const int rounds = 200;
	pid_t child;
	int fd;

	start_engine();
	fd = open_socket();
	child = engine_fork();
	if (child == 0) {
		/* As if too many watched the port: the eventfd alone wakes. */
		engine.nport_fds = 0;
		for (int i = 0; i < rounds; i++) {
			FAIL_IF(blocking_read(fd, UINT64_MAX, NULL) != 0);
			board->b = clock_monotonic();
			board->a = (uint64_t)i + 1;
		}
		_exit(0);
	}
	for (int i = 0; i < rounds; i++) {
		uint64_t begin;

		FAIL_IF(!SOON(shm->keeper.sleepers > 0, 1000));
		begin = clock_monotonic();
		send_frame(0);
		engine_enter();
		engine_poll();
		engine_leave();
		while (board->a != (uint64_t)i + 1)
			FAIL_IF(clock_monotonic() - begin > 1000 * MS);
		board->latency[board->n++] = board->b - begin;
	}
	waitpid(child, NULL, 0);
}

START_TEST(sleeper_wakes_by_whoever_takes_its_frame)
{
	board->a = board->n = 0;
	ck_assert_int_eq(run_scenario(waker_in_another_process, 30), 0);
	printf("frame to reader, through another process: median %lu us\n",
	       (unsigned long)board_median() / 1000);
	ck_assert_uint_lt(board_median(), 5 * MS);
}
END_TEST

static void timers_run_without_programs(void)
{
	uint64_t begin;
	pid_t child;
	int fd;

	start_engine();
	fd = open_socket();
	/* Asleep on the port, with a deadline that comes later than its sleep began. */
	child = engine_fork();
	if (child == 0) {
		blocking_read(fd, UINT64_MAX, NULL);
		_exit(0);
	}
	FAIL_IF(!SOON(shm->keeper.sleepers > 0, 1000));
	sleep_ns(100 * MS);
	for (int i = 0; i < 10; i++) {
		begin = engine_now();
		engine_enter();
		shm->stack->deadline = begin + 30 * MS;
		engine_leave();
		/* This process does something else. */
		while (__atomic_load_n(&shm->stack->timeouts, __ATOMIC_RELAXED) !=
		       (uint64_t)i + 1) {
			FAIL_IF(engine_now() - begin > 500 * MS);
			sleep_ns(100000);
		}
		board->latency[board->n++] = engine_now() - begin - 30 * MS;
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

START_TEST(keeper_runs_timers_while_programs_compute)
{
	board->n = 0;
	ck_assert_int_eq(run_scenario(timers_run_without_programs, 20), 0);
	printf("timer late by: median %lu us\n", (unsigned long)board_median() / 1000);
	ck_assert_uint_lt(board_median(), 25 * MS);
}
END_TEST

/* CPU time of a process, ns. */
static uint64_t cpu_of(pid_t pid)
{
	unsigned long ns = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
	f = fopen(path, "re");
	if (f == NULL || fscanf(f, "%lu", &ns) != 1)
		ns = 0;
	if (f != NULL)
		fclose(f);
	return ns;
}

static void idle_cpu(void)
{
	uint64_t cpu;
	pid_t child;
	int fd;

	start_engine();
	fd = open_socket();
	child = engine_fork();
	if (child == 0) {
		blocking_read(fd, UINT64_MAX, NULL);
		_exit(0);
	}
	sleep_ns(500 * MS);
	board->a = UINT64_MAX;
	/* The machine's disturbances add to it, and nothing takes away from it: the least counts. */
	for (int i = 0; i < 3; i++) {
		cpu = cpu_of(child) + cpu_of(board->keeper);
		sleep_ns(1000 * MS);
		cpu = cpu_of(child) + cpu_of(board->keeper) - cpu;
		if (cpu < board->a)
			board->a = cpu;
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

START_TEST(idle_costs_next_to_nothing)
{
	for (int pollable = 1; pollable >= 0; pollable--) {
		fake_port_pollable = pollable;
		ck_assert_int_eq(run_scenario(idle_cpu, 20), 0);
		printf("idle, port %s descriptor: %lu us of CPU in 1 s\n",
		       pollable ? "with" : "without", (unsigned long)board->a / 1000);
		/* 2 % of one core. */
		ck_assert_uint_lt(board->a, 20 * MS);
	}
	fake_port_pollable = true;
}
END_TEST

/* -- signals during a wait ---------------------------------------------------------------------------- */
static volatile sig_atomic_t handled;

static void count_signal(int sig)
{
	(void)sig;
	handled++;
}

static void signal_interrupts(void)
{
	struct sigaction sa = { .sa_handler = count_signal };
	pid_t child;
	int fd;

	start_engine();
	fd = open_socket();
	child = engine_fork();
	if (child == 0) {
		sigset_t blocked, open;

		signals_sigaction(SIGUSR1, &sa, NULL);
		for (int i = 0; i < 100; i++) {
			board->a = (uint64_t)i + 1;
			FAIL_IF(blocking_read(fd, UINT64_MAX, NULL) != -EINTR);
		}
		/* Unblocked by the wait alone, as in ppoll(2). */
		sigemptyset(&blocked);
		sigaddset(&blocked, SIGUSR1);
		sigemptyset(&open);
		sigprocmask(SIG_BLOCK, &blocked, NULL);
		handled = 0;
		raise(SIGUSR1);
		FAIL_IF(handled != 0);
		FAIL_IF(blocking_read(fd, UINT64_MAX, &open) != -EINTR || handled != 1);
		FAIL_IF(blocking_read(fd, 20 * MS, &open) != -ETIMEDOUT);
		_exit(0);
	}
	for (int i = 0; i < 100; i++) {
		uint64_t end = clock_monotonic() + 1000 * MS;

		while (board->a != (uint64_t)i + 1)
			FAIL_IF(clock_monotonic() > end);
		/* At any point of its way to sleep: it must not be lost. */
		sleep_ns((uint64_t)i * 700);
		kill(child, SIGUSR1);
		while (board->a == (uint64_t)i + 1 && i < 99)
			FAIL_IF(clock_monotonic() > end);
	}
	int status;

	FAIL_IF(waitpid(child, &status, 0) != child || status != 0);
}

START_TEST(signal_interrupts_a_blocked_call_at_any_point)
{
	board->a = 0;
	ck_assert_int_eq(run_scenario(signal_interrupts, 20), 0);
}
END_TEST

static Suite *wait_suite(void)
{
	Suite *s = suite_create("wait");
	TCase *tc = tcase_create("wait");

	tcase_set_timeout(tc, 200);
	tcase_add_unchecked_fixture(tc, board_make, NULL);
	tcase_add_test(tc, sleeper_wakes_by_the_ports_descriptor);
	tcase_add_test(tc, sleeper_wakes_by_the_keepers_naps);
	tcase_add_test(tc, sleeper_wakes_by_whoever_takes_its_frame);
	tcase_add_test(tc, keeper_runs_timers_while_programs_compute);
	tcase_add_test(tc, idle_costs_next_to_nothing);
	tcase_add_test(tc, signal_interrupts_a_blocked_call_at_any_point);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(wait_suite)
