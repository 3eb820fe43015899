/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_keeper.c - the keeper: what it holds, how it is replaced, how it sleeps; succession.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test/engine/scenario.h"

static void keeper_is_discreet(void)
{
	struct pollfd pfd;
	int pipe_fds[2];

	FAIL_IF(pipe(pipe_fds) != 0);
	start_engine();
	FAIL_IF(!SOON(comm_is(board->keeper, "shim-keeper"), 1000));
	/* It holds nothing of the program open: the pipe hangs up. */
	close(pipe_fds[1]);
	pfd = (struct pollfd){ .fd = pipe_fds[0], .events = POLLIN };
	FAIL_IF(poll(&pfd, 1, 1000) != 1 || (pfd.revents & POLLHUP) == 0);
	/* wait(-1) does not see it, and its death sends no SIGCHLD. */
	FAIL_IF(waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD);
}

START_TEST(keeper_holds_nothing_and_is_no_child_of_the_program)
{
	ck_assert_int_eq(run_scenario(keeper_is_discreet, 10), 0);
	/* It goes with the last process when the stack has nothing to do. */
	ck_assert(SOON(is_gone(board->keeper), 1000));
}
END_TEST

static void die_busy(void)
{
	start_engine();
	shm->stack->busy = true;
	shm->stack->unsent = false;
}

START_TEST(keeper_stays_while_the_stack_has_something_to_do)
{
	ck_assert_int_eq(run_scenario(die_busy, 10), 0);
	sleep_ns(300 * MS);
	ck_assert(!is_gone(board->keeper));
	kill(board->keeper, SIGKILL);
	ck_assert(SOON(is_gone(board->keeper), 1000));
}
END_TEST

static void second_start(void)
{
	pid_t first = board->keeper;

	/* The name that the first scenario had. */
	snprintf(fake_port_name, sizeof(fake_port_name), "fake-shared");
	config_load((struct shim_config *)(uintptr_t)engine_config(), NULL, 0);
	board->a = clock_monotonic();
	start_engine();
	board->b = clock_monotonic();
	FAIL_IF(!is_gone(first));
}

static void first_start(void)
{
	snprintf(fake_port_name, sizeof(fake_port_name), "fake-shared");
	config_load((struct shim_config *)(uintptr_t)engine_config(), NULL, 0);
	start_engine();
	shm->stack->busy = true;
	shm->stack->unsent = board->c != 0;
}

START_TEST(successor_has_the_port_at_once_after_time_wait)
{
	board->c = 0;
	ck_assert_int_eq(run_scenario(first_start, 10), 0);
	ck_assert_int_eq(run_scenario(second_start, 10), 0);
	printf("take-over from a keeper in TIME_WAIT: %lu us\n",
	       (unsigned long)(board->b - board->a) / 1000);
	ck_assert_uint_lt(board->b - board->a, 500 * MS);
	ck_assert(SOON(is_gone(board->keeper), 1000));
}
END_TEST

START_TEST(successor_waits_a_bounded_time_for_unsent_data)
{
	board->c = 1;
	ck_assert_int_eq(run_scenario(first_start, 10), 0);
	ck_assert_int_eq(run_scenario(second_start, 10), 0);
	ck_assert_uint_gt(board->b - board->a, 500 * MS);
	ck_assert_uint_lt(board->b - board->a, 3000 * MS);
	ck_assert(SOON(is_gone(board->keeper), 1000));
}
END_TEST

static void two_at_once(void)
{
	pid_t pid;
	int status;

	snprintf(fake_port_name, sizeof(fake_port_name), "fake-both");
	config_load((struct shim_config *)(uintptr_t)engine_config(), NULL, 0);
	pid = fork();
	if (pid == 0) {
		/* Until the other has it. */
		while (board->a == 0)
			sleep_ns(MS);
		socketpair(AF_UNIX, SOCK_DGRAM, 0, fake_wire);
		_exit(engine_start() == -EBUSY && !engine_is_running() ? 0 : 1);
	}
	board->a = 0;
	start_engine();
	board->a = 1;
	FAIL_IF(waitpid(pid, &status, 0) != pid || status != 0);
	/* The owner is as before. */
	FAIL_IF(kill(board->keeper, 0) != 0);
}

START_TEST(second_program_on_a_live_port_is_refused)
{
	board->a = 0;
	ck_assert_int_eq(run_scenario(two_at_once, 10), 0);
}
END_TEST

static bool look_after_keeper(void)
{
	engine.next_check = 0;
	engine_enter();
	engine_leave();
	return true;
}

/* Killed before its word was on its list, and the process that made it too: nobody is told. */
static void replace_stillborn_keeper(void)
{
	pid_t old;

	start_engine();
	old = shm->keeper.pid;
	FAIL_IF(kill(old, SIGKILL) != 0);
	FAIL_IF(!SOON(keeper_is_dead(), 1000));
	engine.keeper_children[0] = 0;
	shm->keeper.started = clock_monotonic();
	shm->keeper.word = KEEPER_STARTING | 1;
	FAIL_IF(!SOON(look_after_keeper() && shm->keeper.pid != old, 10000));
	FAIL_IF(!SOON(shm->keeper.word == (uint32_t)shm->keeper.pid, 1000));
	board->keeper = shm->keeper.pid;
	waitpid(old, NULL, __WALL);
}

START_TEST(keeper_that_died_before_it_could_say_so_is_replaced)
{
	ck_assert_int_eq(run_scenario(replace_stillborn_keeper, 20), 0);
	ck_assert(SOON(is_gone(board->keeper), 2000));
}
END_TEST

static void replace_keeper(void)
{
	pid_t old, child;
	int fd;

	start_engine();
	fd = open_socket();
	for (int i = 0; i < 5; i++) {
		old = shm->keeper.pid;
		FAIL_IF(kill(old, SIGKILL) != 0);
		FAIL_IF(!SOON(keeper_is_dead(), 1000));
		engine_enter();
		engine_leave();
		FAIL_IF(shm->keeper.pid == old);
		FAIL_IF(!SOON(shm->keeper.word == (uint32_t)shm->keeper.pid, 1000));
		/* The corpse is taken at the first look after the kernel has made it one. */
		FAIL_IF(!SOON(look_after_keeper() && is_gone(old), 5000));
	}
	board->keeper = shm->keeper.pid;
	/* The new one watches too. */
	child = engine_fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	engine_enter();
	FAIL_IF(fdtable_file(fd)->fd_refs != 2);
	engine_leave();
	kill(child, SIGKILL);
	FAIL_IF(!SOON(pool_is_live(&shm->files, 0) && fdtable_file(fd)->fd_refs == 1, 1000));
	waitpid(child, NULL, 0);
}

START_TEST(killed_keeper_is_replaced_and_the_new_one_watches)
{
	ck_assert_int_eq(run_scenario(replace_keeper, 20), 0);
	ck_assert(SOON(is_gone(board->keeper), 1000));
}
END_TEST

/* ns until the keeper has given back what a killed child had, of which no word reached it. */
static uint64_t reap_mute_child(int fd)
{
	int slot = engine_fork_prepare();
	pid_t child = fork();
	uint64_t killed;

	if (child == 0) {
		/* As if it were killed right before it sends. */
		close(engine.ctl_fd);
		engine_fork_child(slot);
		pause();
		_exit(0);
	}
	FAIL_IF(slot < 0 || child < 0);
	FAIL_IF(!SOON(__atomic_load_n(&shm->procs[slot].state, __ATOMIC_RELAXED) == PROC_LIVE, 5000));
	engine_fork_parent(slot, child);
	killed = clock_monotonic();
	kill(child, SIGKILL);
	FAIL_IF(!SOON(fdtable_file(fd)->fd_refs == 1, 5000));
	waitpid(child, NULL, 0);
	return clock_monotonic() - killed;
}

static void kill_mute_children(void)
{
	uint64_t took, shortest = UINT64_MAX;
	int fd;

	start_engine();
	fd = open_socket();
	/* After a death the keeper reads its table, and again a second later: from the second
	 * child on it is known how long that alone would take. */
	reap_mute_child(fd);
	for (int i = 0; i < 5; i++) {
		took = reap_mute_child(fd);
		if (took < shortest)
			shortest = took;
	}
	FAIL_IF(shortest > 500 * MS);
}

START_TEST(child_killed_before_it_is_announced_is_buried_at_once)
{
	ck_assert_int_eq(run_scenario(kill_mute_children, 40), 0);
}
END_TEST

static void replace_keeper_asleep(void)
{
	pid_t old, child;
	int fd;

	start_engine();
	fd = open_socket();
	child = engine_fork();
	if (child == 0) {
		blocking_read(fd, UINT64_MAX, NULL);
		_exit(0);
	}
	FAIL_IF(!SOON(shm->keeper.sleepers == 1, 1000));
	old = shm->keeper.pid;
	kill(old, SIGKILL);
	/* Nobody calls in: the sleeper's own look must find it. */
	FAIL_IF(!SOON(__atomic_load_n(&shm->keeper.pid, __ATOMIC_RELAXED) != old, 2500));
	board->keeper = shm->keeper.pid;
	send_frame(0);
	waitpid(child, NULL, 0);
}

START_TEST(killed_keeper_is_replaced_by_a_sleeper)
{
	ck_assert_int_eq(run_scenario(replace_keeper_asleep, 20), 0);
	ck_assert(SOON(is_gone(board->keeper), 2000));
}
END_TEST

/* -- decisions ------------------------------------------------------------------------------------------ */
START_TEST(keeper_decides_how_to_sleep)
{
	struct keeper_view v = { .now = 100 * NSEC_PER_SEC,
				 .next_deadline = UINT64_MAX,
				 .pollable = true,
				 .last_nap = MS };
	struct keeper_plan p;

	/* Programs are at work: a tick. */
	v.last_active = v.now - MS;
	p = keeper_decide(&v);
	ck_assert(!p.deep && !p.watch_port);
	ck_assert_uint_le(p.sleep, 2 * MS);
	/* For some ms nobody came: frames are looked for at once, unless a sleeper does. */
	v.last_active = v.now - 5 * MS;
	p = keeper_decide(&v);
	ck_assert(!p.deep && p.watch_port);
	ck_assert_uint_le(p.sleep, 5 * MS);
	v.port_waiters = 1;
	ck_assert(!keeper_decide(&v).watch_port);
	v.port_waiters = 0;
	/* A nearer deadline shortens it. */
	v.next_deadline = v.now + MS;
	ck_assert_uint_eq(keeper_decide(&v).sleep, MS);
	/* Quiet, nobody watches the port. */
	v.next_deadline = UINT64_MAX;
	v.last_active = v.now - NSEC_PER_SEC;
	p = keeper_decide(&v);
	ck_assert(p.deep && p.watch_port);
	/* Quiet, a sleeper watches it. */
	v.sleepers = v.port_waiters = 1;
	p = keeper_decide(&v);
	ck_assert(p.deep && !p.watch_port);
	/* No descriptor: naps that grow, and start small again with a frame. */
	v.pollable = false;
	v.last_nap = 100 * NSEC_PER_USEC;
	p = keeper_decide(&v);
	ck_assert(!p.deep && !p.watch_port);
	ck_assert_uint_eq(p.nap, 200 * NSEC_PER_USEC);
	/* The longer it was quiet, the longer a frame may wait: 1 ms, then 1/64, 6 ms at most. */
	v.last_nap = 10 * MS;
	v.last_active = v.now - 30 * MS;
	ck_assert_uint_eq(keeper_decide(&v).nap, MS);
	v.last_active = v.now - 128 * MS;
	ck_assert_uint_eq(keeper_decide(&v).nap, 2 * MS);
	v.last_active = v.now - NSEC_PER_SEC;
	ck_assert_uint_eq(keeper_decide(&v).nap, 6 * MS);
	v.had_frames = true;
	ck_assert_uint_eq(keeper_decide(&v).nap, 50 * NSEC_PER_USEC);
}
END_TEST

static Suite *keeper_suite(void)
{
	Suite *s = suite_create("keeper");
	TCase *tc = tcase_create("keeper");

	tcase_set_timeout(tc, 200);
	tcase_add_unchecked_fixture(tc, board_make, NULL);
	tcase_add_test(tc, keeper_holds_nothing_and_is_no_child_of_the_program);
	tcase_add_test(tc, keeper_stays_while_the_stack_has_something_to_do);
	tcase_add_test(tc, successor_has_the_port_at_once_after_time_wait);
	tcase_add_test(tc, successor_waits_a_bounded_time_for_unsent_data);
	tcase_add_test(tc, second_program_on_a_live_port_is_refused);
	tcase_add_test(tc, keeper_that_died_before_it_could_say_so_is_replaced);
	tcase_add_test(tc, killed_keeper_is_replaced_and_the_new_one_watches);
	tcase_add_test(tc, child_killed_before_it_is_announced_is_buried_at_once);
	tcase_add_test(tc, killed_keeper_is_replaced_by_a_sleeper);
	tcase_add_test(tc, keeper_decides_how_to_sleep);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(keeper_suite)
