/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * async.c - SIGIO and SIGURG: fcntl(2), "Managing signals".
 *
 * A file with an owner (F_SETOWN) and O_ASYNC tells him of every event of its socket; of urgent
 * data also without O_ASYNC.  Whoever runs the stack then, the keeper where the program does
 * something else, notes it and sends the signal after the unlock.
 *
 * Deviations: one signal stands for all events of a file that come together, si_band has all of
 * them.  One that another process sends has si_code SI_SIGIO, since the kernel lets only
 * the process itself claim POLL_IN and its like.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/engine_priv.h"
#include "preload/real.h"

static void add(struct engine_thread *t, const struct file *f, int sig, uint32_t events)
{
	struct async_signal *a;

	for (unsigned int i = 0; i < t->nasync; i++) {
		a = &t->async[i];
		if (a->pid == f->owner_pid && a->sig == sig && a->fd == f->owner_fd) {
			a->events |= events;
			return;
		}
	}
	/* A queue of signals has an end, too; SIGIO says then that something is lost. */
	if (t->nasync == ASYNC_MAX) {
		t->async[ASYNC_MAX - 1].sig = 0;
		return;
	}
	t->async[t->nasync++] = (struct async_signal){ .pid = f->owner_pid,
						       .type = f->owner_type,
						       .sig = sig,
						       .fd = f->owner_fd,
						       .events = events };
}

void async_note(const struct file *f, uint32_t events)
{
	struct engine_thread *t = &engine_self;

	if ((events & EPOLLPRI) != 0)
		add(t, f, SIGURG, events);
	if ((f->flags & O_ASYNC) != 0)
		add(t, f, f->owner_sig, events);
}

static int code_of(uint32_t events)
{
	if ((events & EPOLLPRI) != 0)
		return POLL_PRI;
	if ((events & EPOLLIN) != 0)
		return POLL_IN;
	if ((events & EPOLLHUP) != 0)
		return POLL_HUP;
	return (events & EPOLLERR) != 0 ? POLL_ERR : POLL_OUT;
}

static void deliver(const struct async_signal *a)
{
	siginfo_t info;

	/* 0: SIGIO without particulars. */
	if (a->sig == 0 || a->sig == SIGURG || a->pid < 0) {
		int sig = a->sig != 0 ? a->sig : SIGIO;

		if (a->type == F_OWNER_TID)
			real.syscall(SYS_tkill, a->pid, sig);
		else
			kill(a->pid, sig);
		return;
	}
	memset(&info, 0, sizeof(info));
	info.si_signo = a->sig;
	info.si_code = a->pid == engine.pid ? code_of(a->events) : SI_SIGIO;
	info.si_band = (long)a->events;
	info.si_fd = a->fd;
	real.syscall(SYS_rt_sigqueueinfo, a->pid, a->sig, &info);
}

void async_send(struct engine_thread *t)
{
	struct async_signal batch[ASYNC_MAX];
	unsigned int n = t->nasync;
	int saved = errno;

	/* A handler that runs at the first may come in again. */
	memcpy(batch, t->async, n * sizeof(batch[0]));
	t->nasync = 0;
	for (unsigned int i = 0; i < n; i++)
		deliver(&batch[i]);
	errno = saved;
}
