/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_engine.c - the engine's processes, over a fake port and stack (test/engine/fake.h):
 * start, keeper, fork, death, exec, sleep and wake, recovery, succession.
 *
 * The engine starts once in a process, so each scenario runs in a child of its own, which
 * says what is wrong through its exit status.  Real time passes here, in ms.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "preload/engine_priv.h"
#include "preload/fdtable.h"
#include "test/check_main.h"
#include "test/engine/fake.h"

#define MS NSEC_PER_MSEC

/* What scenario processes tell each other, besides the engine's memory. */
static struct board {
	volatile uint64_t a, b, c, latency[4096];
	volatile uint32_t n;
	pid_t keeper;
} *board;

#define FAIL_IF(cond)                                                                              \
	do {                                                                                       \
		if (cond) {                                                                        \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                 \
			fail_now();                                                                \
		}                                                                                  \
	} while (0)

static pid_t scenario_pid;

/* The scenario's children die with it. */
static __attribute__((noreturn)) void fail_now(void)
{
	if (getpid() != scenario_pid)
		kill(scenario_pid, SIGABRT);
	_exit(1);
}

static void sleep_ns(uint64_t ns)
{
	struct timespec ts = { .tv_sec = (time_t)(ns / NSEC_PER_SEC),
			       .tv_nsec = (long)(ns % NSEC_PER_SEC) };

	nanosleep(&ts, NULL);
}

/* Is cond true within ms milliseconds? */
#define SOON(cond, ms)                                                                             \
	({                                                                                         \
		uint64_t end_ = clock_monotonic() + (ms) * MS;                                     \
		bool ok_;                                                                          \
		while (!(ok_ = (cond)) && clock_monotonic() < end_)                                \
			sleep_ns(200000);                                                          \
		ok_;                                                                               \
	})

/* -- scenario processes --------------------------------------------------------------------- */
static int run_scenario(void (*scenario)(void), unsigned int limit_s)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		scenario_pid = getpid();
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(limit_s);
		snprintf(fake_port_name, sizeof(fake_port_name), "fake%d", (int)getpid());
		if (config_load((struct shim_config *)(uintptr_t)engine_config(), NULL, 0) != 0)
			_exit(2);
		scenario();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		fprintf(stderr, "scenario killed by signal %d\n", WTERMSIG(status));
	return status;
}

static void start_engine(void)
{
	FAIL_IF(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fake_wire) != 0);
	FAIL_IF(engine_start() != 0);
	board->keeper = shm->keeper.pid;
	FAIL_IF(!SOON(shm->keeper.word == (uint32_t)shm->keeper.pid, 1000));
}

static pid_t engine_fork(void)
{
	int slot = engine_fork_prepare();
	pid_t pid;

	if (slot < 0)
		fprintf(stderr, "fork prepare: %s, %u live\n", strerror(-slot), registry_live());
	FAIL_IF(slot < 0);
	pid = fork();
	if (pid > 0)
		engine_fork_parent(slot, pid);
	else if (pid == 0)
		engine_fork_child(slot);
	else
		engine_fork_failed(slot);
	return pid;
}

/* A descriptor of ours with a fake socket behind it. */
static int open_socket(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct file *f;

	FAIL_IF(fd < 0);
	engine_enter();
	f = file_alloc(FILE_SOCKET);
	FAIL_IF(f == NULL);
	f->so = fake_socket(shm->stack);
	FAIL_IF(f->so == NULL);
	f->so->owner = f;
	fdtable_install(fd, f);
	engine_leave();
	return fd;
}

static void close_socket(int fd)
{
	struct file *f;

	engine_enter();
	f = fdtable_remove(fd);
	FAIL_IF(f == NULL);
	file_put_fd(f, engine_now());
	engine_leave();
	close(fd);
}

static uint32_t socket_number(int fd)
{
	uint32_t n;

	engine_enter();
	n = fake_number(shm->stack, fdtable_file(fd)->so);
	engine_leave();
	return n;
}

static uint32_t files_used(void)
{
	uint32_t n;

	engine_enter();
	n = shm->files.used;
	engine_leave();
	return n;
}

static void send_frame(uint32_t number)
{
	FAIL_IF(send(fake_wire[0], &number, sizeof(number), 0) != sizeof(number));
}

/* As recv(2) would: 0, -ETIMEDOUT, -EINTR. */
static int blocking_read(int fd, uint64_t timeout, const sigset_t *mask)
{
	struct waiter *wt;
	struct file *f;
	struct wait w;
	int r = 0;

	engine_enter();
	f = fdtable_file(fd);
	wait_begin(&w, timeout == UINT64_MAX ? UINT64_MAX : engine_now() + timeout, mask);
	wt = waiter_get();
	FAIL_IF(wt == NULL || waiter_watch(wt, f, EPOLLIN) != 0);
	engine_poll();
	while (!fake_read(shm->stack, f->so)) {
		r = waiter_wait(wt, &w, NULL, 0);
		if (r < 0)
			break;
	}
	waiter_put(wt);
	engine_leave();
	return r;
}

static bool comm_is(pid_t pid, const char *want)
{
	char path[64], comm[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	if (fgets(comm, sizeof(comm), f) == NULL)
		comm[0] = '\0';
	fclose(f);
	comm[strcspn(comm, "\n")] = '\0';
	return strcmp(comm, want) == 0;
}

/* Ended; whether its new parent has taken note is not ours to wait for. */
static bool is_gone(pid_t pid)
{
	char path[64], line[256] = "", *p;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return true;
	if (fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	fclose(f);
	p = strrchr(line, ')');
	return p == NULL || p[2] == 'Z' || p[2] == 'X';
}

/* -- the keeper -------------------------------------------------------------------------------- */
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

/* -- processes ------------------------------------------------------------------------------------ */
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

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t median(void)
{
	qsort((void *)board->latency, board->n, sizeof(board->latency[0]), compare_u64);
	return board->n > 0 ? board->latency[board->n / 2] : 0;
}

START_TEST(killed_process_gives_its_descriptors_back_within_ms)
{
	board->a = board->n = 0;
	ck_assert_int_eq(run_scenario(death_is_noticed, 30), 0);
	printf("death to release: median %lu us of %u\n", (unsigned long)median() / 1000, board->n);
	ck_assert_uint_lt(median(), 100 * MS);
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
	FAIL_IF(registry_live() != 1);
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

/* -- sleep and wake ------------------------------------------------------------------------------- */
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
	ck_assert_uint_lt(median(), 5 * MS);
	printf("frame to reader, port with descriptor: median %lu us, worst %lu us\n",
	       (unsigned long)median() / 1000, (unsigned long)board->latency[board->n - 1] / 1000);
}
END_TEST

START_TEST(sleeper_wakes_by_the_keepers_naps)
{
	board->a = board->n = 0;
	fake_port_pollable = false;
	ck_assert_int_eq(run_scenario(sleeper_wakes, 30), 0);
	fake_port_pollable = true;
	ck_assert_uint_lt(median(), 5 * MS);
	printf("frame to reader, port without descriptor: median %lu us, worst %lu us\n",
	       (unsigned long)median() / 1000, (unsigned long)board->latency[board->n - 1] / 1000);
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
	       (unsigned long)median() / 1000);
	ck_assert_uint_lt(median(), 5 * MS);
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
		while (__atomic_load_n(&shm->stack->timeouts, __ATOMIC_RELAXED) != (uint64_t)i + 1) {
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
	printf("timer late by: median %lu us\n", (unsigned long)median() / 1000);
	ck_assert_uint_lt(median(), 25 * MS);
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
	sleep_ns(200 * MS);
	cpu = cpu_of(child) + cpu_of(board->keeper);
	sleep_ns(2000 * MS);
	board->a = cpu_of(child) + cpu_of(board->keeper) - cpu;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

START_TEST(idle_costs_next_to_nothing)
{
	for (int pollable = 1; pollable >= 0; pollable--) {
		fake_port_pollable = pollable;
		ck_assert_int_eq(run_scenario(idle_cpu, 20), 0);
		printf("idle, port %s descriptor: %lu us of CPU in 2 s\n",
		       pollable ? "with" : "without", (unsigned long)board->a / 1000);
		/* 2 % of one core. */
		ck_assert_uint_lt(board->a, 40 * MS);
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
		fprintf(stderr, "%u files, %u live, keeper %d word %x\n", files_used(), registry_live(),
			(int)shm->keeper.pid, shm->keeper.word);
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

/* -- decisions ------------------------------------------------------------------------------------------ */
START_TEST(keeper_decides_how_to_sleep)
{
	struct keeper_view v = { .now = 100 * NSEC_PER_SEC, .next_deadline = UINT64_MAX,
				 .pollable = true, .last_nap = MS };
	struct keeper_plan p;

	/* Programs are at work: a tick. */
	v.last_active = v.now - MS;
	p = keeper_decide(&v);
	ck_assert(!p.deep && !p.watch_port);
	ck_assert_uint_le(p.sleep, 5 * MS);
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
	v.had_frames = true;
	ck_assert_uint_eq(keeper_decide(&v).nap, 50 * NSEC_PER_USEC);
}
END_TEST

static void board_make(void)
{
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(board, MAP_FAILED);
}

static Suite *engine_suite(void)
{
	Suite *s = suite_create("engine");
	TCase *tc = tcase_create("engine");

	tcase_set_timeout(tc, 200);
	tcase_add_unchecked_fixture(tc, board_make, NULL);
	tcase_add_test(tc, keeper_decides_how_to_sleep);
	tcase_add_test(tc, keeper_holds_nothing_and_is_no_child_of_the_program);
	tcase_add_test(tc, keeper_stays_while_the_stack_has_something_to_do);
	tcase_add_test(tc, successor_has_the_port_at_once_after_time_wait);
	tcase_add_test(tc, successor_waits_a_bounded_time_for_unsent_data);
	tcase_add_test(tc, second_program_on_a_live_port_is_refused);
	tcase_add_test(tc, killed_keeper_is_replaced_and_the_new_one_watches);
	tcase_add_test(tc, killed_keeper_is_replaced_by_a_sleeper);
	tcase_add_test(tc, fork_shares_descriptors_and_exit_gives_them_back);
	tcase_add_test(tc, killed_process_gives_its_descriptors_back_within_ms);
	tcase_add_test(tc, exec_gives_descriptors_back_while_the_process_lives);
	tcase_add_test(tc, fork_behind_our_back_is_adopted);
	tcase_add_test(tc, sleeper_wakes_by_the_ports_descriptor);
	tcase_add_test(tc, sleeper_wakes_by_the_keepers_naps);
	tcase_add_test(tc, sleeper_wakes_by_whoever_takes_its_frame);
	tcase_add_test(tc, keeper_runs_timers_while_programs_compute);
	tcase_add_test(tc, idle_costs_next_to_nothing);
	tcase_add_test(tc, signal_interrupts_a_blocked_call_at_any_point);
	tcase_add_test(tc, death_inside_the_lock_is_repaired);
	tcase_add_test(tc, keeper_that_died_before_it_could_say_so_is_replaced);
	tcase_add_test(tc, storm_of_kills_leaves_nothing_behind);
	tcase_add_test(tc, enter_and_leave_have_a_price);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(engine_suite)
