/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keeper_watch.c - the keeper's eyes: births, deaths, execs, and who wants the port.
 *
 * Each process that begins to use the stack sends its slot, its pid and the read end of a
 * CLOEXEC pipe through the control socket.  The pidfd becomes readable when all its threads
 * have died; the pipe hangs up when it has become another program.  Either way what the
 * slot holds is given back, so that peers get their FIN or RST at once, and all sleepers
 * are kicked, as the dead may have owed somebody a wake-up.
 *
 * A process that gave everything back, or whose pipe hung up because it dies, still has the
 * port's descriptors until it is dead.  Its pidfd is watched that long, and the keeper ends
 * after it: so the port's name, which the keeper closes last, is free only when the port is.
 *
 * A keeper that takes over from a killed one finds the processes in the table; until they
 * come in and send their pipes again, an exec shows only when the process ends.
 *
 * Who starts a program on our port connects to its name (takeover.c).  He is told who is
 * alive, or that we go: at once if no connection has anything left to say, else within
 * YIELD_GRACE.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/engine_priv.h"
#include "preload/keeper.h"
#include "preload/real.h"
#include "stack/stack.h"

#define YIELD_GRACE NSEC_PER_SEC
/* The table is read again this often; what comes by message does not wait for it. */
#define SCAN_INTERVAL NSEC_PER_SEC
/* An embryo whose parent died and that has not come to life by then never will. */
#define EMBRYO_MAX (10 * NSEC_PER_SEC)

/* Processes on their way out whose slot somebody else has already. */
#define LEAVING_MAX 64

enum watch_kind { WATCH_CTL = 1, WATCH_LISTEN, WATCH_KICK, WATCH_PIDFD, WATCH_PIPE, WATCH_LEAVING };

struct watch {
	int pidfd, pipe; /* -1: none */
	pid_t pid;
	uint16_t serial; /* tells events of this watch from those of an earlier one */
};

static struct {
	int epfd;
	uint64_t next_scan;
	uint64_t yield_at; /* ns: when to go for a successor's sake; 0: nobody asked */
	unsigned int npidfds; /* processes that are not dead yet, also without a slot */
	struct watch watches[SHM_MAX_PROCS];
	int leaving[LEAVING_MAX]; /* pidfds, -1: free */
} eyes;

static uint64_t pack(enum watch_kind kind, unsigned int slot)
{
	return (uint64_t)kind << 48 | (uint64_t)eyes.watches[slot].serial << 32 | slot;
}

static int watch_fd(int fd, enum watch_kind kind, unsigned int slot)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = pack(kind, slot) };

	return real.epoll_ctl(eyes.epfd, EPOLL_CTL_ADD, fd, &ev);
}

int keeper_watch_start(void)
{
	eyes.epfd = real.epoll_create1(EPOLL_CLOEXEC);
	for (unsigned int i = 0; i < SHM_MAX_PROCS; i++)
		eyes.watches[i].pidfd = eyes.watches[i].pipe = -1;
	for (unsigned int i = 0; i < LEAVING_MAX; i++)
		eyes.leaving[i] = -1;
	watch_fd(engine.ctl_keeper_fd, WATCH_CTL, 0);
	for (unsigned int i = 0; i < engine.nports; i++)
		watch_fd(engine.listen_fds[i], WATCH_LISTEN, i);
	watch_fd(evslot_fd(SHM_KICK_SLOT), WATCH_KICK, 0);
	return eyes.epfd;
}

static void pipe_end(struct watch *w)
{
	if (w->pipe >= 0)
		real.close(w->pipe);
	w->pipe = -1;
}

static void watch_end(unsigned int slot)
{
	struct watch *w = &eyes.watches[slot];

	/* Closing takes them out of the epoll instance. */
	if (w->pidfd >= 0) {
		real.close(w->pidfd);
		eyes.npidfds--;
	}
	pipe_end(w);
	w->pidfd = -1;
	w->pid = 0;
	w->serial++;
}

/* The slot has a new owner while the old one still dies: watch that one without it. */
static void watch_leaving(unsigned int slot)
{
	struct watch *w = &eyes.watches[slot];

	for (unsigned int i = 0; i < LEAVING_MAX; i++) {
		struct epoll_event ev = { .events = EPOLLIN };

		if (eyes.leaving[i] >= 0)
			continue;
		ev.data.u64 = (uint64_t)WATCH_LEAVING << 48 | i;
		if (real.epoll_ctl(eyes.epfd, EPOLL_CTL_MOD, w->pidfd, &ev) != 0)
			return;
		eyes.leaving[i] = w->pidfd;
		w->pidfd = -1;
		return;
	}
}

static void leaving_end(unsigned int i)
{
	real.close(eyes.leaving[i]);
	eyes.leaving[i] = -1;
	eyes.npidfds--;
}

static void reap(unsigned int slot)
{
	registry_reap((int)slot);
	evslot_kick_all();
	/* Peers are told before anything else is looked at. */
	eyes.next_scan = 0;
}

static void bury(unsigned int slot)
{
	watch_end(slot);
	reap(slot);
}

/* Watch the process of a slot; false if it is dead already. */
static bool watch_begin(unsigned int slot)
{
	struct proc *p = &shm->procs[slot];
	struct watch *w = &eyes.watches[slot];
	uint64_t started;

	if (w->pidfd >= 0 && w->pid != p->pid)
		watch_leaving(slot);
	watch_end(slot);
	w->pidfd = (int)real.syscall(SYS_pidfd_open, p->pid, 0);
	if (w->pidfd < 0 && errno == ESRCH)
		return false;
	eyes.npidfds += w->pidfd >= 0;
	/* The pidfd first: from then on the pid cannot change hands unseen.  0: no /proc here. */
	started = registry_start_time(p->pid);
	if (started != 0 && p->start_time != 0 && started != p->start_time) {
		watch_end(slot);
		return false;
	}
	w->pid = p->pid;
	p->watched = shm->keeper.generation;
	if (w->pidfd >= 0)
		watch_fd(w->pidfd, WATCH_PIDFD, slot);
	return true;
}

static void check_embryo(unsigned int slot, uint64_t now)
{
	struct proc *p = &shm->procs[slot];

	if (p->pid != 0) {
		if (p->watched != shm->keeper.generation && !watch_begin(slot))
			bury(slot);
	} else if (now - p->born > EMBRYO_MAX &&
		   ((kill(p->parent, 0) != 0 && errno == ESRCH) || registry_is_exiting(p->parent))) {
		/* A zombie that nobody waits for is as dead as one that is gone. */
		bury(slot);
	}
}

static void scan(uint64_t now)
{
	uint32_t generation = shm->keeper.generation;

	eyes.next_scan = now + SCAN_INTERVAL;
	shm->keeper.rescan = 0;
	for (uint32_t i = 0; i < shm->proc_high; i++) {
		struct proc *p = &shm->procs[i];

		if (p->state == PROC_FREE) {
			/* A pidfd tells when it is dead; without one there is nothing to wait for. */
			if (eyes.watches[i].pid != 0 && eyes.watches[i].pidfd < 0)
				watch_end(i);
		} else if (p->state == PROC_EMBRYO) {
			check_embryo(i, now);
		} else if (p->watched != generation || eyes.watches[i].pid != p->pid) {
			if (!watch_begin(i))
				bury(i);
		}
	}
}

/* A process says that it is there.  False: no message was waiting. */
static bool hear(void)
{
	struct ctl_msg msg = { -1, 0 };
	struct iovec iov = { .iov_base = &msg, .iov_len = sizeof(msg) };
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr mh = { .msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.buf,
			     .msg_controllen = sizeof(control.buf) };
	ssize_t n = real.recvmsg(engine.ctl_keeper_fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&mh) : NULL;
	struct proc *p;
	int pipe = -1;

	if (n <= 0)
		return false;
	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&pipe, CMSG_DATA(c), sizeof(pipe));
	p = msg.slot >= 0 && msg.slot < (int)shm->nprocs ? &shm->procs[msg.slot] : NULL;
	/* It may have come and gone since. */
	if (n != sizeof(msg) || p == NULL || p->state != PROC_LIVE || p->pid != msg.pid) {
		if (pipe >= 0)
			real.close(pipe);
		return true;
	}
	if (!watch_begin((unsigned int)msg.slot)) {
		if (pipe >= 0)
			real.close(pipe);
		bury((unsigned int)msg.slot);
		return true;
	}
	eyes.watches[msg.slot].pipe = pipe;
	if (pipe >= 0)
		watch_fd(pipe, WATCH_PIPE, (unsigned int)msg.slot);
	return true;
}

/* A new program wants a port of ours. */
static void answer(unsigned int port, uint64_t now)
{
	struct takeover_reply reply = { .pid = 0 };
	int fd = real.accept4(engine.listen_fds[port], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (uint32_t i = 0; i < shm->proc_high && reply.pid == 0; i++)
		if (shm->procs[i].state != PROC_FREE)
			reply.pid = shm->procs[i].pid != 0 ? shm->procs[i].pid : shm->procs[i].parent;
	real.send(fd, &reply, sizeof(reply), MSG_NOSIGNAL);
	if (reply.pid != 0) {
		real.close(fd);
		return;
	}
	/* Left open: that it closes tells him that we are gone. */
	if (eyes.yield_at == 0)
		eyes.yield_at = stack_has_unsent_state(shm->stack) ? now + YIELD_GRACE : now;
}

/* The process of a slot is dead, or its pipe hung up: it dies, or runs another program now. */
static void handle_end(unsigned int slot, bool dead)
{
	struct watch *w = &eyes.watches[slot];
	bool leaves = !dead && w->pidfd >= 0 && registry_is_exiting(w->pid);

	if (shm->procs[slot].state != PROC_FREE && shm->procs[slot].pid == w->pid)
		reap(slot);
	if (leaves)
		pipe_end(w);
	else
		watch_end(slot);
}

static void handle(uint64_t data, uint64_t now)
{
	unsigned int slot = (uint32_t)data;
	uint16_t serial = (uint16_t)(data >> 32);
	enum watch_kind kind = (enum watch_kind)(data >> 48);

	switch (kind) {
	case WATCH_CTL:
		while (hear())
			;
		break;
	case WATCH_LISTEN:
		answer(slot, now);
		break;
	case WATCH_KICK:
		evslot_drain(SHM_KICK_SLOT);
		if (shm->keeper.rescan)
			eyes.next_scan = 0;
		break;
	case WATCH_LEAVING:
		leaving_end(slot);
		break;
	case WATCH_PIDFD:
	case WATCH_PIPE:
		if (eyes.watches[slot].serial != serial)
			break;
		handle_end(slot, kind == WATCH_PIDFD);
		break;
	}
}

bool keeper_watch_is_due(uint64_t now)
{
	return now >= eyes.next_scan;
}

void keeper_watch_run(bool readable)
{
	struct epoll_event events[64];
	uint64_t now = engine_now();
	int n = readable ? real.epoll_wait(eyes.epfd, events, 64, 0) : 0;

	for (int i = 0; i < n; i++)
		handle(events[i].data.u64, now);
	if (keeper_watch_is_due(now))
		scan(now);
}

bool keeper_watch_is_over(void)
{
	if (registry_live() > 0 || eyes.npidfds > 0)
		return false;
	return stack_is_quiescent(shm->stack) ||
	       (eyes.yield_at != 0 && engine_now() >= eyes.yield_at) ||
	       (eyes.yield_at != 0 && !stack_has_unsent_state(shm->stack));
}
