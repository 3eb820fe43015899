/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * blocked.h - a call that would block, waited for.
 *
 * op() is tried until it has an answer other than -EAGAIN, or until time or a signal ends
 * the wait.  signal(7): a handler with SA_RESTART restarts the call, unless the socket
 * has a timeout set.
 */
#ifndef PRELOAD_BLOCKED_H
#define PRELOAD_BLOCKED_H

#include <stdint.h>

struct file;
struct stack;

struct blocked {
	struct file *f;
	int fd;
	uint32_t events;  /* EPOLL* bits that promise progress */
	short kevents;	  /* POLL* bits of the hidden socket, for a DUAL file; 0: do not watch it */
	uint64_t timeout; /* ns, 0: for ever */
	long (*op)(struct stack *st, struct blocked *b);
};

/* op's answer; -EAGAIN when the time is over; -EINTR.  Lock held before and after. */
long blocked_wait(struct stack *st, struct blocked *b);

#endif
