/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_lock.c - the stack's lock: exclusion, death of holders and sleepers, its price.
 *
 * The kill storm: some processes take the lock in a loop and change two counters one
 * after the other; one of them is killed at a random moment, thousands of times.  Who gets
 * the lock with -EOWNERDEAD sets the counters straight.  The lock must never be lost
 * (progress after each kill within seconds) nor held by two (the counters differ only
 * where an owner died).
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "preload/engine_priv.h"
#include "test/check_main.h"

/* What thread.c refers to beside the lock. */
struct engine engine;
struct shm *shm;
void registry_adopt(void)
{
}

#define WORKERS 4
#define KILLS 3000
#define STORM_NS (20 * NSEC_PER_SEC)

struct shared {
	struct engine_lock lock;
	volatile uint64_t before, after;
	uint64_t deaths;
	uint32_t inside;
	uint32_t doubles; /* two at once */
};

static struct shared *sh;

/* What this thread has used: nobody else's load counts. */
static uint64_t used_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static void setup(void)
{
	ck_assert_int_eq(thread_init(), 0);
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(sh, MAP_FAILED);
}

static void teardown(void)
{
	munmap(sh, sizeof(*sh));
}

static int enter(void)
{
	int r = lock_acquire(&sh->lock, thread_self());

	if (r == -EOWNERDEAD) {
		sh->deaths++;
		sh->after = sh->before;
		sh->inside = 0;
	} else if (sh->inside != 0 || sh->before != sh->after) {
		sh->doubles++;
	}
	sh->inside = 1;
	return r;
}

static void leave(void)
{
	sh->inside = 0;
	lock_release(&sh->lock, thread_self());
}

static pid_t spawn(unsigned int busy)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	for (;;) {
		enter();
		sh->before++;
		for (volatile unsigned int i = 0; i < busy; i++)
			;
		sh->after++;
		leave();
	}
}

/* The counters move on within a few seconds, or the lock is lost. */
static bool progresses(void)
{
	uint64_t seen = sh->after, end = now_ns() + 5 * NSEC_PER_SEC;

	while (sh->after == seen) {
		if (now_ns() > end)
			return false;
		usleep(50);
	}
	return true;
}

START_TEST(lock_survives_a_storm_of_kills)
{
	uint64_t end = now_ns() + STORM_NS;
	unsigned int kills, seed = 1;
	pid_t pids[WORKERS];

	for (unsigned int i = 0; i < WORKERS; i++)
		pids[i] = spawn(10 * i);
	for (kills = 0; kills < KILLS && now_ns() < end; kills++) {
		unsigned int victim = (unsigned int)rand_r(&seed) % WORKERS;
		struct timespec pause = { .tv_nsec = (long)rand_r(&seed) % 300000 };

		nanosleep(&pause, NULL);
		kill(pids[victim], SIGKILL);
		ck_assert_int_eq(waitpid(pids[victim], NULL, 0), pids[victim]);
		pids[victim] = spawn((unsigned int)rand_r(&seed) % 200);
		ck_assert_msg(progresses(), "the lock is lost after %u kills", kills + 1);
	}
	for (unsigned int i = 0; i < WORKERS; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	enter();
	ck_assert_uint_eq(sh->doubles, 0);
	ck_assert_uint_eq(sh->before, sh->after);
	ck_assert_uint_gt(sh->deaths, 0);
	printf("%u kills, %lu of them of a holder, %lu rounds\n", kills, (unsigned long)sh->deaths,
	       (unsigned long)sh->after);
	leave();
}
END_TEST

START_TEST(lock_wakes_a_sleeper_when_its_holder_is_killed)
{
	pid_t holder = fork(), sleeper;
	uint64_t begin;
	int status;

	if (holder == 0) {
		enter();
		sh->before++;
		pause();
		_exit(1);
	}
	while (sh->before == 0)
		usleep(100);
	sleeper = fork();
	if (sleeper == 0)
		_exit(enter() == -EOWNERDEAD ? 0 : 1);
	/* Until it sleeps. */
	while ((__atomic_load_n(&sh->lock.word, __ATOMIC_RELAXED) & FUTEX_WAITERS) == 0)
		usleep(100);
	begin = now_ns();
	kill(holder, SIGKILL);
	ck_assert_int_eq(waitpid(sleeper, &status, 0), sleeper);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert_uint_lt(now_ns() - begin, NSEC_PER_SEC);
	waitpid(holder, NULL, 0);
}
END_TEST

/* Has let go, another has taken it, and does not live to wake the sleeper. */
static void let_go_and_die(void)
{
	enter();
	sh->before++;
	while (sh->after == 0)
		usleep(100);
	sh->inside = 0;
	__atomic_store_n(&sh->lock.word, (uint32_t)getppid(), __ATOMIC_RELEASE);
	kill(getpid(), SIGKILL);
}

START_TEST(lock_sleeper_outlives_a_death_between_unlock_and_wake_up)
{
	pid_t holder, sleeper;
	int status = -1;

	holder = fork();
	if (holder == 0)
		let_go_and_die();
	while (sh->before == 0)
		usleep(100);
	sleeper = fork();
	if (sleeper == 0) {
		lock_acquire(&sh->lock, thread_self());
		_exit(0);
	}
	while ((__atomic_load_n(&sh->lock.word, __ATOMIC_RELAXED) & FUTEX_WAITERS) == 0)
		usleep(100);
	sh->after = 1;
	ck_assert_int_eq(waitpid(holder, NULL, 0), holder);
	/* We are that other, who has it and knows of no sleeper. */
	lock_release(&sh->lock, thread_self());
	for (unsigned int i = 0; i < 3000 && waitpid(sleeper, &status, WNOHANG) == 0; i++)
		usleep(1000);
	kill(sleeper, SIGKILL);
	waitpid(sleeper, NULL, 0);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

START_TEST(lock_death_in_repair_is_told_again)
{
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			enter();
			kill(getpid(), SIGKILL);
		}
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	}
	ck_assert_int_eq(enter(), -EOWNERDEAD);
	leave();
	ck_assert_int_eq(enter(), 0);
	leave();
	ck_assert_uint_eq(sh->deaths, 3);
}
END_TEST

/* Who let go waits for the sleeper that was hungry; that one was killed. */
START_TEST(lock_does_not_wait_long_for_a_hungry_sleeper_that_died)
{
	uint64_t begin;

	enter();
	sh->lock.word |= FUTEX_WAITERS;
	sh->lock.hungry = 1;
	begin = now_ns();
	leave();
	ck_assert_uint_lt(now_ns() - begin, NSEC_PER_SEC);
	ck_assert_uint_eq(sh->lock.hungry, 0);
	enter();
	leave();
}
END_TEST

/* A process that lets go for a moment only, as one that sends all it can does. */
START_TEST(lock_is_had_by_a_sleeper_while_another_comes_back_at_once)
{
	uint64_t begin;
	pid_t busy = fork();

	while (busy == 0) {
		enter();
		sh->before++;
		for (begin = now_ns(); now_ns() - begin < 100000;)
			;
		sh->after++;
		leave();
	}
	for (unsigned int i = 0; i < 100; i++) {
		begin = now_ns();
		enter();
		leave();
		ck_assert_uint_lt(now_ns() - begin, 2 * NSEC_PER_SEC);
		usleep(1000);
	}
	printf("%u sleeps for 100 turns\n", sh->lock.sleeps);
	kill(busy, SIGKILL);
	waitpid(busy, NULL, 0);
	ck_assert_uint_eq(sh->lock.hungry, 0);
}
END_TEST

START_TEST(lock_keeps_the_list_op_pending_of_a_robust_mutex)
{
	struct engine_thread *t = thread_self();
	struct robust_list mark;

	t->robust->list_op_pending = &mark;
	enter();
	ck_assert_ptr_ne(t->robust->list_op_pending, &mark);
	leave();
	ck_assert_ptr_eq(t->robust->list_op_pending, &mark);
	t->robust->list_op_pending = NULL;
}
END_TEST

START_TEST(lock_price_uncontended)
{
	struct engine_thread *t = thread_self();
	const unsigned int rounds = 5000000;
	uint64_t begin = used_ns(), ns;

	for (unsigned int i = 0; i < rounds; i++) {
		lock_acquire(&sh->lock, t);
		lock_release(&sh->lock, t);
	}
	ns = (used_ns() - begin) * 10 / rounds;
	printf("lock and unlock: %lu.%lu ns\n", (unsigned long)(ns / 10), (unsigned long)(ns % 10));
	/* A system call in it would be ten times that. */
	ck_assert_uint_lt(ns, 1000);
}
END_TEST

static Suite *lock_suite(void)
{
	Suite *s = suite_create("lock");
	TCase *tc = tcase_create("lock");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, lock_survives_a_storm_of_kills);
	tcase_add_test(tc, lock_wakes_a_sleeper_when_its_holder_is_killed);
	tcase_add_test(tc, lock_sleeper_outlives_a_death_between_unlock_and_wake_up);
	tcase_add_test(tc, lock_death_in_repair_is_told_again);
	tcase_add_test(tc, lock_does_not_wait_long_for_a_hungry_sleeper_that_died);
	tcase_add_test(tc, lock_is_had_by_a_sleeper_while_another_comes_back_at_once);
	tcase_add_test(tc, lock_keeps_the_list_op_pending_of_a_robust_mutex);
	tcase_add_test(tc, lock_price_uncontended);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(lock_suite)
