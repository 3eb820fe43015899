/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_engine.c - the processes of one engine: fork, death, exec, recovery; the price of a call.
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

static void fork_shares(void)
{
	int fd, status;
	pid_t child;

	start_engine();
	fd = open_socket();
	child = engine_fork();
	if (child == 0) {
		FAIL_IF(fdtable_file(fd) == NULL);
		FAIL_IF(engine_proc()->pid != getpid());
		/* The parent's close does not take it from us. */
		while (board->a == 0)
			sleep_ns(MS);
		FAIL_IF(fdtable_file(fd)->fd_refs != 1);
		board->a = 2;
		engine_proc_exit();
		_exit(0);
	}
	FAIL_IF(fdtable_file(fd)->fd_refs != 2);
	close_socket(fd);
	FAIL_IF(files_used() != 1);
	board->a = 1;
	FAIL_IF(waitpid(child, &status, 0) != child || status != 0 || board->a != 2);
	FAIL_IF(files_used() != 0);
	FAIL_IF(registry_live() != 1);
}

START_TEST(fork_shares_descriptors_and_exit_gives_them_back)
{
	board->a = 0;
	ck_assert_int_eq(run_scenario(fork_shares, 10), 0);
}
END_TEST

static void kicked_when_free(void)
{
	unsigned int kicks, again;
	int status;
	pid_t child;

	start_engine();
	kicks = fake_kicks;
	engine_enter();
	engine_poll();
	FAIL_IF(fake_kicks != kicks);
	engine_leave();
	FAIL_IF(fake_kicks != kicks + 1 || fake_kicks_inside != 0);
	/* Who finds the lock with a dead holder does not know how far that one came. */
	again = fake_kicks_again;
	child = engine_fork();
	if (child == 0) {
		engine_enter();
		kill(getpid(), SIGKILL);
	}
	FAIL_IF(waitpid(child, &status, 0) != child);
	/* The keeper may come first, and then it is his. */
	engine_enter();
	FAIL_IF(fake_kicks_again == again && shm->stack->recoveries == 0);
	engine_leave();
	FAIL_IF(fake_kicks_inside != 0);
}

START_TEST(ports_are_kicked_after_the_unlock)
{
	ck_assert_int_eq(run_scenario(kicked_when_free, 10), 0);
}
END_TEST

static void looks_when_overdue(void)
{
	unsigned int polls;

	start_engine();
	/* One right after the other does not look. */
	engine_enter();
	engine_poll();
	polls = fake_polls_here;
	engine_leave();
	FAIL_IF(fake_polls_here != polls);
	/* The keeper cannot come either. */
	engine_enter();
	engine_poll();
	polls = fake_polls_here;
	sleep_ns(MS);
	engine_now();
	engine_leave();
	FAIL_IF(fake_polls_here != polls + 1);
}

START_TEST(a_call_that_ends_long_after_the_last_look_looks)
{
	ck_assert_int_eq(run_scenario(looks_when_overdue, 10), 0);
}
END_TEST

static void death_is_noticed(void)
{
	const int rounds = 50;
	uint64_t begin;
	pid_t child;

	start_engine();
	for (int i = 0; i < rounds; i++) {
		child = engine_fork();
		if (child == 0) {
			open_socket();
			open_socket();
			board->a = 1;
			pause();
			_exit(0);
		}
		while (board->a == 0)
			sleep_ns(MS / 10);
		board->a = 0;
		FAIL_IF(files_used() != 2);
		begin = clock_monotonic();
		kill(child, SIGKILL);
		while (__atomic_load_n(&shm->files.used, __ATOMIC_RELAXED) != 0) {
			FAIL_IF(clock_monotonic() - begin > 1000 * MS);
			sleep_ns(20000);
		}
		board->latency[board->n++] = clock_monotonic() - begin;
		waitpid(child, NULL, 0);
	}
	/* The last one's files go before its slot, under one lock. */
	engine_enter();
	FAIL_IF(registry_live() != 1);
	engine_leave();
}

START_TEST(killed_process_gives_its_descriptors_back_within_ms)
{
	board->a = board->n = 0;
	ck_assert_int_eq(run_scenario(death_is_noticed, 30), 0);
	printf("death to release: median %lu us of %u\n", (unsigned long)board_median() / 1000,
	       board->n);
	ck_assert_uint_lt(board_median(), 100 * MS);
}
END_TEST

static void exec_is_noticed(void)
{
	pid_t child;

	start_engine();
	child = engine_fork();
	if (child == 0) {
		open_socket();
		board->a = 1;
		while (board->b == 0)
			sleep_ns(MS);
		execl("/bin/sleep", "sleep", "5", (char *)NULL);
		_exit(127);
	}
	while (board->a == 0)
		sleep_ns(MS);
	FAIL_IF(files_used() != 1);
	board->b = 1;
	FAIL_IF(!SOON(shm->files.used == 0, 1000));
	FAIL_IF(!comm_is(child, "sleep"));
	/* Whoever gave the files back gives the slot back before he lets go of the lock. */
	engine_enter();
	FAIL_IF(registry_live() != 1);
	engine_leave();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

START_TEST(exec_gives_descriptors_back_while_the_process_lives)
{
	board->a = board->b = 0;
	ck_assert_int_eq(run_scenario(exec_is_noticed, 10), 0);
}
END_TEST

static void raw_fork_is_adopted(void)
{
	int fd, status;
	pid_t child;

	start_engine();
	fd = open_socket();
	child = fork();
	if (child == 0) {
		engine_enter();
		FAIL_IF(fdtable_file(fd) == NULL || fdtable_file(fd)->fd_refs != 2);
		engine_leave();
		FAIL_IF(engine_proc()->pid != getpid());
		_exit(0);
	}
	FAIL_IF(waitpid(child, &status, 0) != child || status != 0);
	FAIL_IF(!SOON(fdtable_file(fd)->fd_refs == 1, 1000));
}

START_TEST(fork_behind_our_back_is_adopted)
{
	ck_assert_int_eq(run_scenario(raw_fork_is_adopted, 10), 0);
}
END_TEST

/* -- recovery --------------------------------------------------------------------------------------- */
static void die_inside(void)
{
	pid_t child;
	int fd;

	start_engine();
	fd = open_socket();
	for (int i = 0; i < 20; i++) {
		child = engine_fork();
		if (child == 0) {
			struct file *f;

			open_socket();
			engine_enter();
			/* In the middle of things: counts wrong, lists torn. */
			f = fdtable_file(fd);
			f->fd_refs = 77;
			f->waits.next = f->waits.prev = NULL;
			shm->files.free_head = 12345;
			shm->keeper.sleepers = 99;
			kill(getpid(), SIGKILL);
		}
		waitpid(child, NULL, 0);
		engine_enter();
		FAIL_IF(fdtable_file(fd) == NULL);
		engine_leave();
		FAIL_IF(!SOON(shm->files.used == 1 && fdtable_file(fd)->fd_refs == 1, 1000));
		FAIL_IF(shm->keeper.sleepers != 0);
		close_socket(open_socket());
	}
	FAIL_IF(shm->epoch != 20 || shm->stack->recoveries != 20);
}

START_TEST(death_inside_the_lock_is_repaired)
{
	ck_assert_int_eq(run_scenario(die_inside, 20), 0);
}
END_TEST

/* Objects that were taken and not filled yet, or let go and not freed yet, belong to nobody. */
static void die_with_half_made_objects(void)
{
	pid_t child;

	start_engine();
	child = engine_fork();
	if (child == 0) {
		engine_enter();
		pool_alloc(&shm->waiters);
		pool_alloc(&shm->wait_entries);
		pool_alloc(&shm->files);
		fake_socket(shm->stack);
		kill(getpid(), SIGKILL);
	}
	waitpid(child, NULL, 0);
	FAIL_IF(!SOON(registry_live() == 1 && shm->epoch == 1, 1000));
	engine_enter();
	FAIL_IF(shm->waiters.used != 0 || shm->wait_entries.used != 0 || shm->files.used != 0 ||
		shm->stack->sockets[0].used);
	engine_leave();
}

START_TEST(death_leaves_nothing_half_made)
{
	ck_assert_int_eq(run_scenario(die_with_half_made_objects, 10), 0);
}
END_TEST

/* Killed between engine_fork_prepare() and fork(2); the others leave the keeper nothing to do. */
static void die_before_the_fork(void)
{
	uint64_t end;
	pid_t child;
	int fd;

	start_engine();
	fd = open_socket();
	child = engine_fork();
	if (child == 0) {
		engine_fork_prepare();
		kill(getpid(), SIGKILL);
	}
	waitpid(child, NULL, 0);
	FAIL_IF(!SOON(registry_live() == 2, 1000));
	/* Long ago: no child can come to life any more. */
	engine_enter();
	for (uint32_t i = 0; i < shm->proc_high; i++)
		if (shm->procs[i].state == PROC_EMBRYO)
			shm->procs[i].born -= 60000 * MS;
	engine_leave();
	end = clock_monotonic() + 5000 * MS;
	while (registry_live() != 1 && clock_monotonic() < end) {
		send_frame(socket_number(fd));
		engine_enter();
		engine_poll();
		engine_leave();
		sleep_ns(100000);
	}
	FAIL_IF(registry_live() != 1);
}

START_TEST(an_embryo_whose_parent_died_is_buried_though_others_are_busy)
{
	ck_assert_int_eq(run_scenario(die_before_the_fork, 20), 0);
}
END_TEST

#define STORM_WORKERS 4

static __attribute__((noreturn)) void storm_worker(unsigned int seed)
{
	int fds[8], n = 0;

	for (;;) {
		switch (rand_r(&seed) % 8) {
		case 0:
		case 1:
			if (n < 8)
				fds[n++] = open_socket();
			break;
		case 2:
			if (n > 0)
				close_socket(fds[--n]);
			break;
		case 3:
			if (n > 0)
				blocking_read(fds[0], (uint64_t)(rand_r(&seed) % 500) * 1000, NULL);
			break;
		case 4: {
			pid_t pid = engine_fork();

			if (pid == 0) {
				if (rand_r(&seed) % 2)
					engine_proc_exit();
				_exit(0);
			}
			waitpid(pid, NULL, 0);
			break;
		}
		default:
			if (n > 0)
				send_frame(socket_number(fds[n - 1]));
			engine_enter();
			engine_poll();
			engine_leave();
		}
		board->a++;
	}
}

static void storm(void)
{
	uint64_t end;
	pid_t pids[STORM_WORKERS];
	unsigned int seed = 7;
	bool ok;

	fcntl(fake_wire[0], F_SETFL, O_NONBLOCK);
	start_engine();
	fcntl(fake_wire[0], F_SETFL, 0);
	end = clock_monotonic() + 8000 * MS;
	memset(pids, 0, sizeof(pids));
	while (clock_monotonic() < end) {
		unsigned int i = (unsigned int)rand_r(&seed) % STORM_WORKERS;
		uint64_t seen = board->a;

		if (pids[i] != 0) {
			kill(pids[i], SIGKILL);
			waitpid(pids[i], NULL, 0);
			board->n++;
		}
		pids[i] = engine_fork();
		if (pids[i] == 0)
			storm_worker((unsigned int)rand_r(&seed));
		if (rand_r(&seed) % 50 == 0 && shm->keeper.pid > 0) {
			kill(shm->keeper.pid, SIGKILL);
			board->b++;
		}
		sleep_ns((uint64_t)rand_r(&seed) % (6 * MS));
		FAIL_IF(!SOON(board->a != seen, 5000));
	}
	for (unsigned int i = 0; i < STORM_WORKERS; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	/* Everything comes back: descriptors, waiters, slots of processes and eventfds. */
	ok = SOON(files_used() == 0 && registry_live() == 1, 15000);
	board->c = shm->epoch;
	board->keeper = shm->keeper.pid;
	if (!ok)
		fprintf(stderr, "%u files, %u live, keeper %d word %x\n", files_used(),
			registry_live(), (int)shm->keeper.pid, shm->keeper.word);
	FAIL_IF(!ok);
	FAIL_IF(shm->waiters.used != 0 || shm->wait_entries.used != 0);
	FAIL_IF(shm->keeper.sleepers != 0 || shm->keeper.port_waiters != 0);
	for (unsigned int i = SHM_KICK_SLOT + 1; i < shm->nevslots; i++)
		FAIL_IF(shm->evslots[i].used);
	for (uint32_t i = 0; i < FAKE_SOCKETS; i++)
		FAIL_IF(shm->stack->sockets[i].used);
}

START_TEST(storm_of_kills_leaves_nothing_behind)
{
	board->a = board->b = board->c = board->n = 0;
	ck_assert_int_eq(run_scenario(storm, 60), 0);
	printf("storm: %u processes killed, %lu of them inside the lock, %lu keepers killed, "
	       "%lu steps\n",
	       board->n, (unsigned long)board->c, (unsigned long)board->b, (unsigned long)board->a);
	ck_assert(SOON(is_gone(board->keeper), 2000));
}
END_TEST

/* -- price ------------------------------------------------------------------------------------------- */
static void price(void)
{
	const unsigned int rounds = 2000000;
	uint64_t begin;

	start_engine();
	begin = clock_monotonic();
	for (unsigned int i = 0; i < rounds; i++) {
		engine_enter();
		engine_leave();
	}
	board->a = (clock_monotonic() - begin) * 10 / rounds;
	begin = clock_monotonic();
	for (unsigned int i = 0; i < rounds; i++)
		board->c = engine_now();
	board->b = (clock_monotonic() - begin) * 10 / rounds;
	/* The clock runs with the kernel's. */
	sleep_ns(100 * MS);
	board->c = engine_now() - clock_monotonic();
}

START_TEST(enter_and_leave_have_a_price)
{
	ck_assert_int_eq(run_scenario(price, 20), 0);
	printf("enter and leave: %lu.%lu ns, clock: %lu.%lu ns\n", (unsigned long)board->a / 10,
	       (unsigned long)board->a % 10, (unsigned long)board->b / 10,
	       (unsigned long)board->b % 10);
	ck_assert_uint_lt(board->a, 20000);
}
END_TEST

static Suite *engine_suite(void)
{
	Suite *s = suite_create("engine");
	TCase *tc = tcase_create("engine");

	tcase_set_timeout(tc, 200);
	tcase_add_unchecked_fixture(tc, board_make, NULL);
	tcase_add_test(tc, a_call_that_ends_long_after_the_last_look_looks);
	tcase_add_test(tc, ports_are_kicked_after_the_unlock);
	tcase_add_test(tc, fork_shares_descriptors_and_exit_gives_them_back);
	tcase_add_test(tc, killed_process_gives_its_descriptors_back_within_ms);
	tcase_add_test(tc, exec_gives_descriptors_back_while_the_process_lives);
	tcase_add_test(tc, fork_behind_our_back_is_adopted);
	tcase_add_test(tc, death_inside_the_lock_is_repaired);
	tcase_add_test(tc, death_leaves_nothing_half_made);
	tcase_add_test(tc, an_embryo_whose_parent_died_is_buried_though_others_are_busy);
	tcase_add_test(tc, storm_of_kills_leaves_nothing_behind);
	tcase_add_test(tc, enter_and_leave_have_a_price);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(engine_suite)
