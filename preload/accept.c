/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * accept.c - accept and accept4.
 *
 * A connection of the stack gets a placeholder number; one that came in through the
 * hidden socket of a DUAL listener is the kernel's, and its descriptor is returned as it is.
 */
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "preload/blocked.h"
#include "preload/call.h"
#include "preload/hidden.h"
#include "preload/placeholder.h"
#include "preload/real.h"

/* One accept in so many looks at the kernel first, so that a busy port does not starve it. */
#define KERNEL_TURN 16

struct accept_call {
	struct blocked b;
	struct sockaddr *sa;
	socklen_t *len;
	int flags;
};

/* Give the stack's connection a file and a number. */
static int enter_connection(struct stack *st, struct socket *so, const struct accept_call *c, int fd)
{
	struct file *f = file_alloc(FILE_SOCKET);

	if (f == NULL) {
		socket_release(st, so, engine_now());
		return -ENFILE;
	}
	f->so = so;
	so->owner = f;
	f->side = FILE_SHIM;
	f->placeholder = 1;
	if ((c->flags & SOCK_NONBLOCK) != 0)
		f->flags |= O_NONBLOCK;
	placeholder_take(fd);
	fdtable_set_inherit(fd, (c->flags & SOCK_CLOEXEC) == 0);
	fdtable_install(fd, f);
	if (c->sa != NULL)
		socket_accepted_name(so, c->sa, c->len);
	return fd;
}

static int accept_stack(struct stack *st, const struct accept_call *c)
{
	struct socket *so;
	int fd, r;

	fd = placeholder_peek();
	if (fd < 0)
		return fd;
	r = socket_accept(st, c->b.f->so, &so, engine_now());
	if (r < 0)
		return r;
	return enter_connection(st, so, c, fd);
}

static long accept_op(struct stack *st, struct blocked *b)
{
	const struct accept_call *c = (const struct accept_call *)b;
	bool dual = b->f->side == FILE_DUAL;
	long r;

	if (dual && ++b->f->turn % KERNEL_TURN == 0) {
		r = hidden_accept(b->fd, c->sa, c->len, c->flags);
		if (r != -EAGAIN)
			return r;
	}
	r = accept_stack(st, c);
	if (r != -EAGAIN)
		return r;
	if (engine_poll() > 0) {
		r = accept_stack(st, c);
		if (r != -EAGAIN)
			return r;
	}
	return dual ? hidden_accept(b->fd, c->sa, c->len, c->flags) : -EAGAIN;
}

static long accept_ours(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{
	struct accept_call c = {
		.b = { .fd = fd, .events = EPOLLIN | EPOLLERR | EPOLLHUP, .kevents = POLLIN,
		       .op = accept_op },
		.sa = sa, .len = len, .flags = flags,
	};
	struct stack *st = engine_enter();
	int fault = 0;
	long r;

	c.b.f = call_socket(fd, &r);
	if (c.b.f == NULL)
		goto out;
	if ((flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) {
		r = -EINVAL;
		goto out;
	}
	/* As Linux, which looks at them when it has the connection, and then drops it. */
	if (sa != NULL && (user_is_bad(len) || user_is_bad(sa)))
		fault = -EFAULT;
	else if (sa != NULL && (int)*len < 0)
		fault = -EINVAL;
	if (fault != 0)
		c.sa = NULL;
	r = accept_op(st, &c.b);
	if (r == -EAGAIN && (c.b.f->flags & O_NONBLOCK) == 0) {
		c.b.timeout = socket_rcvtimeo(c.b.f->so);
		r = blocked_wait(st, &c.b);
	}
out:
	engine_leave();
	if (fault != 0 && r >= 0) {
		close((int)r);
		return fault;
	}
	return r;
}

EXPORT int accept(int fd, struct sockaddr *sa, socklen_t *len)
{
	long r;

	if (!call_is_ours(fd))
		return real.accept(fd, sa, len);
	r = accept_ours(fd, sa, len, 0);
	if (r == CALL_LIBC)
		return real.accept(fd, sa, len);
	return (int)call_return(r);
}

EXPORT int accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{
	long r;

	if (!call_is_ours(fd))
		return real.accept4(fd, sa, len, flags);
	r = accept_ours(fd, sa, len, flags);
	if (r == CALL_LIBC)
		return real.accept4(fd, sa, len, flags);
	return (int)call_return(r);
}
