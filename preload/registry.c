/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * registry.c - the processes of a stack: slots, fork, exit.
 *
 * A slot holds a process's fd table, hence its references, where the keeper can give
 * them back.  Its life:
 *
 *   FREE --engine_fork_prepare()--> EMBRYO --engine_fork_child()--> LIVE --reap--> FREE
 *
 * EMBRYO: made by the parent before fork(2), with a copy of its fd table and a reference
 * for each entry, so that nothing the child inherits can be released before it has run.
 * The child makes it LIVE itself.  A child that never comes to that (killed at birth) is
 * known by the pid its parent noted; a parent that was killed between the two leaves an
 * embryo, which the keeper clears away after a while.
 *
 * How the end of a process is noticed: engine_proc_exit() when it exits in an orderly
 * way; its pidfd when it is killed; the hang-up of its CLOEXEC pipe when it becomes
 * another program by exec (keeper_watch.c).  All come to registry_reap(), which may find
 * the slot empty.
 *
 * Signals are blocked from prepare until the child or parent has done its part, so that
 * no handler runs in a process whose slot is not its own yet.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dpdk_port/port.h"
#include "preload/engine_priv.h"
#include "preload/fdtable.h"
#include "preload/real.h"

/* A number of /proc/PID/stat by its field, counted from 1 as proc(5) does; 0: no such process. */
static uint64_t stat_field(pid_t pid, int wanted)
{
	char path[32] = "/proc/", buf[512], *p;
	unsigned int n = 6;
	char digits[12];
	int k = 0, fd;
	ssize_t len;

	/* No stdio: the keeper and signal handlers come here. */
	for (; pid > 0; pid /= 10)
		digits[k++] = (char)('0' + pid % 10);
	while (k > 0)
		path[n++] = digits[--k];
	memcpy(path + n, "/stat", 6);
	fd = real.open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	len = real.read(fd, buf, sizeof(buf) - 1);
	real.close(fd);
	if (len <= 0)
		return 0;
	buf[len] = '\0';
	/* The second field, the name in parentheses, may hold anything: count from its end. */
	p = strrchr(buf, ')');
	for (int field = 2; p != NULL && field < wanted; field++) {
		p = strchr(p, ' ');
		if (p != NULL)
			p++;
	}
	return p == NULL ? 0 : strtoull(p, NULL, 10);
}

uint64_t registry_start_time(pid_t pid)
{
	return stat_field(pid, 22);
}

bool registry_is_exiting(pid_t pid)
{
	/* The flags of the task: PF_EXITING, unchanged since Linux 2.4. */
	return (stat_field(pid, 9) & 0x4) != 0;
}

static int slot_find(void)
{
	for (uint32_t i = 0; i < shm->nprocs; i++) {
		struct proc *p = &shm->procs[i];

		if (p->state != PROC_FREE)
			continue;
		if (i >= shm->proc_high)
			shm->proc_high = i + 1;
		p->pid = 0;
		p->parent = getpid();
		p->start_time = 0;
		p->sleepers = p->port_waiters = 0;
		p->fd_high = 0;
		p->watched = 0;
		p->born = engine_now();
		list_init(&p->waiters);
		return (int)i;
	}
	return -EAGAIN;
}

unsigned int registry_live(void)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < shm->proc_high; i++)
		n += shm->procs[i].state != PROC_FREE;
	return n;
}

void registry_recount(void)
{
	uint32_t sleepers = 0, watchers = 0;

	for (uint32_t i = 0; i < shm->proc_high; i++) {
		const struct proc *p = &shm->procs[i];

		if (p->state != PROC_LIVE)
			continue;
		sleepers += p->sleepers;
		watchers += p->port_waiters;
	}
	shm->keeper.sleepers = sleepers;
	shm->keeper.port_waiters = watchers;
}

/* Give back the references of a table; the slot stays. */
static void drop_fds(struct proc *p, uint64_t now)
{
	for (uint32_t fd = 0; fd < p->fd_high; fd++) {
		uint32_t e = p->fdtab[fd];

		if (e == FDT_NONE)
			continue;
		p->fdtab[fd] = FDT_NONE;
		if (e < FDT_SPECIAL)
			file_put_fd(pool_at(&shm->files, e - 1), now);
	}
	p->fd_high = 0;
}

void registry_reap(int slot)
{
	struct proc *p = &shm->procs[slot];
	uint64_t now = engine_now();

	if (p->state == PROC_FREE)
		return;
	waiter_proc_gone(slot, now);
	eventpoll_proc_gone(slot);
	evslot_proc_gone(slot);
	engine_kick_again();
	drop_fds(p, now);
	p->sleepers = p->port_waiters = 0;
	p->watched = 0;
	p->state = PROC_FREE;
	registry_recount();
}

/*
 * No slot is free: the keeper has not come to bury the dead yet (it was killed, or has no
 * CPU).  Do it for him.
 */
static int slot_reclaim(void)
{
	for (uint32_t i = 0; i < shm->proc_high; i++) {
		const struct proc *p = &shm->procs[i];

		if (p->state == PROC_LIVE && p->start_time != 0 &&
		    registry_start_time(p->pid) != p->start_time)
			registry_reap((int)i);
	}
	return slot_find();
}

/* -- the pipe whose hang-up tells of an exec -------------------------------------------- */
static int pipe_make(void)
{
	int fds[2];

	if (real.pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		int high = fds_move_high(fds[i]);

		engine.pipe_fds[i] = high >= 0 ? high : fds[i];
		fdtable_protect(engine.pipe_fds[i]);
	}
	return 0;
}

void registry_announce(void)
{
	struct ctl_msg msg = { .slot = engine.slot, .pid = engine.pid };
	struct iovec iov = { .iov_base = &msg, .iov_len = sizeof(msg) };
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	engine.keeper_seen = shm->keeper.generation;
	memset(&control, 0, sizeof(control));
	if (engine.pipe_fds[0] >= 0) {
		mh.msg_control = control.buf;
		mh.msg_controllen = sizeof(control.buf);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &engine.pipe_fds[0], sizeof(int));
	}
	/*
	 * A keeper that does not come to read it would let the queue fill: it then finds us
	 * in the table, and only an exec goes unnoticed until our death.
	 */
	if (real.sendmsg(engine.ctl_fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		shim_log(LOG_LEVEL_DEBUG, "the keeper was not told of process %d", (int)engine.pid);
}

/* -- this process ------------------------------------------------------------------------ */
static void slot_make_live(struct proc *p)
{
	p->pid = getpid();
	p->start_time = registry_start_time(p->pid);
	p->state = PROC_LIVE;
	engine.pid = p->pid;
}

int registry_start(void)
{
	int slot = slot_find();

	if (slot < 0)
		return slot;
	engine.slot = slot;
	fdtable = shm->procs[slot].fdtab;
	slot_make_live(&shm->procs[slot]);
	return pipe_make();
}

int engine_fork_prepare(void)
{
	struct proc *from = engine_proc(), *to;
	struct engine_thread *t;
	sigset_t mask;
	int slot;

	if (from == NULL)
		return -ENOSYS;
	signals_block_all(&mask);
	engine_enter();
	slot = slot_find();
	if (slot < 0)
		slot = slot_reclaim();
	if (slot >= 0) {
		to = &shm->procs[slot];
		/* In this order a kill in the middle leaves an embryo that can be reaped. */
		to->fd_high = from->fd_high;
		to->state = PROC_EMBRYO;
		for (uint32_t fd = 0; fd < from->fd_high; fd++) {
			uint32_t e = from->fdtab[fd];

			if (e == FDT_NONE)
				continue;
			if (e < FDT_SPECIAL)
				file_get_fd(pool_at(&shm->files, e - 1));
			to->fdtab[fd] = e;
		}
	}
	engine_leave();
	t = &engine_self;
	if (slot >= 0)
		t->fork_mask = mask;
	else
		signals_restore(&mask);
	return slot;
}

void engine_fork_parent(int slot, pid_t child)
{
	struct proc *p = &shm->procs[slot];

	if (slot < 0)
		return;
	engine_enter();
	/* Unless it has done so itself, or even come and gone. */
	if (p->state == PROC_EMBRYO && p->parent == engine.pid && p->pid == 0)
		p->pid = child;
	/* It may be killed before it can tell the keeper that it is there. */
	if (p->state != PROC_FREE && p->pid == child && p->watched != shm->keeper.generation) {
		shm->keeper.rescan = 1;
		evslot_kick(SHM_KICK_SLOT);
	}
	engine_leave();
	signals_restore(&engine_self.fork_mask);
}

void engine_fork_failed(int slot)
{
	int saved = errno;

	if (slot < 0)
		return;
	engine_enter();
	registry_reap(slot);
	engine_leave();
	signals_restore(&engine_self.fork_mask);
	errno = saved;
}

/*
 * Another thread may have closed or replaced descriptors between the copy and the fork:
 * what the kernel does not have any more is not ours either.
 */
static void drop_stale(struct proc *p, uint64_t now)
{
	for (uint32_t fd = 0; fd < p->fd_high; fd++) {
		uint32_t e = p->fdtab[fd];

		if (e == FDT_NONE || e >= FDT_SPECIAL || real.fcntl((int)fd, F_GETFD) >= 0)
			continue;
		p->fdtab[fd] = FDT_NONE;
		file_put_fd(pool_at(&shm->files, e - 1), now);
	}
}

/* Private state that fork copied but that was the parent's. */
static void reset_thread(struct engine_thread *t)
{
	sigset_t mask = t->fork_mask;
	uint32_t handled = t->handled;

	memset(t, 0, sizeof(*t));
	t->fork_mask = mask;
	t->handled = handled;
}

static void close_parents_pipe(void)
{
	for (int i = 0; i < 2; i++) {
		if (engine.pipe_fds[i] >= 0) {
			real.close(engine.pipe_fds[i]);
			fdtable[engine.pipe_fds[i]] = FDT_NONE;
		}
		engine.pipe_fds[i] = -1;
	}
}

static void become_child(int slot, bool check_fds)
{
	struct proc *p;

	reset_thread(&engine_self);
	*engine_fork_pid = getpid();
	signals_fork_child();
	if (slot < 0)
		return;
	p = &shm->procs[slot];
	engine.slot = slot;
	memset(engine.keeper_children, 0, sizeof(engine.keeper_children));
	fdtable = p->fdtab;
	port_after_fork(engine.ports[0]);
	engine_enter();
	slot_make_live(p);
	if (check_fds)
		drop_stale(p, engine_now());
	engine_leave();
	close_parents_pipe();
	if (pipe_make() < 0)
		shim_log(LOG_LEVEL_WARN, "no descriptor left to watch for an exec of process %d",
			 (int)engine.pid);
	registry_announce();
	signals_restore(&engine_self.fork_mask);
}

void engine_fork_child(int slot)
{
	become_child(slot, !__libc_single_threaded);
}

/*
 * A child made by a raw clone() or by libc behind our back uses the stack.  It takes what
 * its parent has now, if that still lives; else it has nothing of ours.
 */
void registry_adopt(void)
{
	struct proc *parent = engine_proc();
	bool alive = parent != NULL && parent->state == PROC_LIVE && parent->pid == engine.pid;
	int slot;

	if (!alive) {
		engine.slot = -1;
		fdtable = NULL;
		return;
	}
	slot = engine_fork_prepare();
	if (slot < 0) {
		engine.slot = -1;
		fdtable = NULL;
		return;
	}
	become_child(slot, true);
}

void engine_proc_exit(void)
{
	int saved = errno, slot = engine.slot;
	sigset_t mask;

	if (shm == NULL || slot < 0 || engine.pid != getpid())
		return;
	signals_block_all(&mask);
	engine_enter();
	if (engine.slot >= 0) {
		fdtable = NULL;
		registry_reap(slot);
		engine.slot = -1;
	}
	engine_leave();
	signals_restore(&mask);
	errno = saved;
}
