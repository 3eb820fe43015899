/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * thread.c - what the engine knows of each thread.
 *
 * The lock needs the thread's id and its robust list.  Both are asked once per thread,
 * and again after a fork: the process id lies in a page that the kernel wipes in
 * every child (MADV_WIPEONFORK), so also a raw clone() is noticed.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/engine_priv.h"
#include "preload/real.h"

__thread struct engine_thread engine_self __attribute__((tls_model("initial-exec")));

static pid_t no_pid;
pid_t *engine_fork_pid = &no_pid;

int thread_init(void)
{
	void *page;

	if (engine_fork_pid != &no_pid)
		return 0;
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return -errno;
	if (madvise(page, 4096, MADV_WIPEONFORK) != 0) {
		int err = errno;

		munmap(page, 4096);
		return -err;
	}
	engine_fork_pid = page;
	*engine_fork_pid = getpid();
	return 0;
}

static void find_robust_list(struct engine_thread *t)
{
	size_t len;

	if (real.syscall(SYS_get_robust_list, 0, &t->robust, &len) == 0 && t->robust != NULL)
		return;
	/* Made by a raw clone(): it has none yet, as the keeper. */
	t->robust = &t->own_robust;
	t->robust->list.next = &t->robust->list;
	t->robust->futex_offset = (long)offsetof(struct keeper_shared, word) -
				  (long)offsetof(struct keeper_shared, node);
	t->robust->list_op_pending = NULL;
	real.syscall(SYS_set_robust_list, t->robust, sizeof(*t->robust));
}

void thread_refresh(struct engine_thread *t)
{
	bool unknown_process = *engine_fork_pid == 0;

	if (unknown_process)
		*engine_fork_pid = getpid();
	t->pid = *engine_fork_pid;
	t->tid = (pid_t)real.syscall(SYS_gettid);
	find_robust_list(t);
	if (unknown_process && !engine.is_keeper)
		registry_adopt();
}
