/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * blocked.c - the one loop in which socket calls block.
 */
#include "preload/blocked.h"

#include <errno.h>
#include <poll.h>

#include "preload/engine.h"
#include "preload/file.h"

/* A signal came: -EINTR, or 0 after which the call goes on as if restarted. */
static int interrupted(struct wait *w, const struct blocked *b)
{
	if (b->timeout != 0 || !signals_last_restarts())
		return -EINTR;
	wait_begin(w, w->deadline, NULL);
	return 0;
}

static long rounds(struct stack *st, struct blocked *b, struct waiter *wt, struct wait *w)
{
	struct pollfd kfd = { .fd = b->fd, .events = b->kevents };
	bool expired = false;
	long r;
	int rc;

	for (;;) {
		r = b->op(st, b);
		if (r != -EAGAIN || expired)
			return r;
		rc = waiter_wait(wt, w, &kfd, b->kevents != 0 ? 1 : 0);
		if (rc == -EINTR) {
			r = interrupted(w, b);
			if (r < 0)
				return r;
		}
		/* What arrived with the last tick is still taken. */
		expired = rc == -ETIMEDOUT;
	}
}

long blocked_wait(struct stack *st, struct blocked *b)
{
	struct waiter *wt = waiter_get();
	struct wait w;
	long r;

	if (wt == NULL)
		return -ENOBUFS;
	if (b->f->side != FILE_DUAL)
		b->kevents = 0;
	/* Watched from the beginning: it also keeps the file while other threads close it. */
	r = waiter_watch(wt, b->f, b->events);
	if (r == 0) {
		wait_begin(&w, b->timeout == 0 ? UINT64_MAX : engine_now() + b->timeout, NULL);
		r = rounds(st, b, wt, &w);
	}
	waiter_put(wt);
	return r;
}
