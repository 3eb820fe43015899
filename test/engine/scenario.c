/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scenario.c - see scenario.h.
 */
#include "test/engine/scenario.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct board *board;
void board_make(void)
{
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	ck_assert_ptr_ne(board, MAP_FAILED);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

uint64_t board_median(void)
{
	qsort((void *)board->latency, board->n, sizeof(board->latency[0]), compare_u64);
	return board->n > 0 ? board->latency[board->n / 2] : 0;
}

static pid_t scenario_pid;

__attribute__((noreturn)) void fail_now(void)
{
	if (getpid() != scenario_pid)
		kill(scenario_pid, SIGABRT);
	_exit(1);
}

void sleep_ns(uint64_t ns)
{
	struct timespec ts = { .tv_sec = (time_t)(ns / NSEC_PER_SEC),
			       .tv_nsec = (long)(ns % NSEC_PER_SEC) };

	nanosleep(&ts, NULL);
}

int run_scenario(void (*scenario)(void), unsigned int limit_s)
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

void start_engine(void)
{
	FAIL_IF(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fake_wire) != 0);
	FAIL_IF(engine_start() != 0);
	board->keeper = shm->keeper.pid;
	FAIL_IF(!SOON(shm->keeper.word == (uint32_t)shm->keeper.pid, 1000));
}

pid_t engine_fork(void)
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

int open_socket(void)
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

void close_socket(int fd)
{
	struct file *f;

	engine_enter();
	f = fdtable_remove(fd);
	FAIL_IF(f == NULL);
	file_put_fd(f, engine_now());
	engine_leave();
	close(fd);
}

uint32_t socket_number(int fd)
{
	uint32_t n;

	engine_enter();
	n = fake_number(shm->stack, fdtable_file(fd)->so);
	engine_leave();
	return n;
}

uint32_t files_used(void)
{
	uint32_t n;

	engine_enter();
	n = shm->files.used;
	engine_leave();
	return n;
}

void send_frame(uint32_t number)
{
	FAIL_IF(send(fake_wire[0], &number, sizeof(number), 0) != sizeof(number));
}

int blocking_read(int fd, uint64_t timeout, const sigset_t *mask)
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

bool comm_is(pid_t pid, const char *want)
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

bool is_gone(pid_t pid)
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
