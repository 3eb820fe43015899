/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * io_write.c - write writev send sendto sendmsg sendmmsg pwritev2.
 *
 * All of them become one sendmsg.  A datagram's side is that of its destination:
 *
 *	named, ours	the stack sends; the socket is SHIM if nothing was decided yet
 *	named, kernel's	an unbound socket becomes DUAL on one port for both sides, so that
 *			answers to either find it; the hidden socket sends
 *	not named	connected: the stack's (a socket connected to the kernel's
 *			side is not ours any more)
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>

#include "preload/blocked.h"
#include "preload/call.h"
#include "preload/hidden.h"
#include "preload/io.h"
#include "preload/policy.h"
#include "preload/real.h"

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x00000008
#endif

/* -- one sendmsg ------------------------------------------------------------------------ */

enum send_side { SEND_STACK, SEND_HIDDEN, SEND_LIBC };

/* The first datagram of an undecided socket goes to the kernel's side. */
static enum send_side kernel_first(struct stack *st, struct file *f, int fd)
{
	if (f->so->type == SOCK_DGRAM && f->so->protocol == IPPROTO_UDP &&
	    hidden_bind_any(st, f, fd) == 0) {
		file_make_dual(f, fd);
		return SEND_HIDDEN;
	}
	file_to_kernel(st, f, fd, engine_now());
	return SEND_LIBC;
}

static __attribute__((noinline)) enum send_side send_side(struct stack *st, struct file *f, int fd,
							  const struct msghdr *msg, int flags)
{
	if (f->so->type == SOCK_STREAM && (flags & MSG_FASTOPEN) == 0)
		return SEND_STACK;
	if (msg->msg_name == NULL || f->pinned)
		return SEND_STACK;
	if (policy_remote(st, f->so, msg->msg_name, msg->msg_namelen) == POLICY_SHIM) {
		if (f->side == FILE_UNDECIDED)
			f->side = FILE_SHIM;
		return SEND_STACK;
	}
	if (f->side == FILE_UNDECIDED && !f->hidden_bound)
		return kernel_first(st, f, fd);
	if (f->so->type == SOCK_STREAM)
		return SEND_STACK;
	if (f->side == FILE_SHIM) {
		hidden_bind_late(st, f, fd);
		if (f->so->state == SS_UNCONNECTED)
			file_make_dual(f, fd);
	}
	return SEND_HIDDEN;
}

/* Never blocks; lets the stack work before it comes back without having sent. */
static long send_once(struct stack *st, struct file *f, int fd, const struct msghdr *msg, int flags)
{
	long r;

	if (unlikely(f->side != FILE_SHIM || msg->msg_name != NULL)) {
		switch (send_side(st, f, fd, msg, flags)) {
		case SEND_LIBC:
			return CALL_LIBC;
		case SEND_HIDDEN:
			return hidden_sendmsg(fd, msg, flags);
		case SEND_STACK:
			break;
		}
	}
	r = socket_sendmsg(st, f->so, msg, flags, engine_now());
	if (unlikely(r == -EAGAIN) && engine_poll() > 0)
		r = socket_sendmsg(st, f->so, msg, flags, engine_now());
	return r;
}

/* -- blocking ------------------------------------------------------------------------------ */

struct send_call {
	struct blocked b;
	struct msghdr msg;
	int flags;
	size_t total, sent;
	struct io_iov iov;
};

/*
 * MSG_FASTOPEN: the call connects first, whether the data went with the SYN or not.  Asking
 * again tells how far it is.  0: connected.
 */
static long fastopen_op(struct stack *st, struct send_call *c)
{
	struct sockaddr sa = { .sa_family = AF_INET }; /* not looked at in this state */
	long r = socket_connect(st, c->b.f->so, &sa, sizeof(sa), engine_now());

	if (r == -EINPROGRESS || r == -EALREADY)
		return -EAGAIN;
	if (r < 0 && r != -EISCONN)
		return r;
	c->flags &= ~MSG_FASTOPEN;
	c->msg.msg_name = NULL;
	c->msg.msg_namelen = 0;
	return 0;
}

static long send_op(struct stack *st, struct blocked *b)
{
	struct send_call *c = (struct send_call *)b;
	long r;

	if (unlikely((c->flags & MSG_FASTOPEN) != 0)) {
		r = fastopen_op(st, c);
		if (r < 0 || c->sent >= c->total)
			return r < 0 ? r : (long)c->sent;
	}
	r = send_once(st, b->f, b->fd, &c->msg, c->flags);
	if (r < 0 && r != -EAGAIN && c->sent > 0) {
		/* What went before it is told first. */
		if (r != -EPIPE)
			socket_put_error(b->f->so, (int)-r);
		return (long)c->sent;
	}
	if (r < 0)
		return r;
	c->sent += (size_t)r;
	if (c->sent >= c->total || b->f->so->type != SOCK_STREAM)
		return (long)c->sent;
	io_iov_advance(&c->iov, (size_t)r);
	c->msg.msg_iov = c->iov.vec + c->iov.first;
	c->msg.msg_iovlen = c->iov.n - c->iov.first;
	return -EAGAIN;
}

/* send(2) blocks until all of a stream's bytes are taken; done of them are. */
static __attribute__((noinline)) long send_blocking(struct stack *st, struct file *f, int fd,
						    const struct msghdr *msg, size_t total,
						    size_t done, int flags)
{
	struct send_call c;
	long r;

	c.b = (struct blocked){ .f = f, .fd = fd, .events = EPOLLOUT | EPOLLERR | EPOLLHUP,
				.kevents = POLLOUT, .timeout = socket_sndtimeo(f->so),
				.op = send_op };
	c.msg = *msg;
	c.flags = flags;
	c.total = total;
	c.sent = done;
	io_iov_copy(&c.iov, msg->msg_iov, msg->msg_iovlen);
	io_iov_advance(&c.iov, done);
	c.msg.msg_iov = c.iov.vec + c.iov.first;
	c.msg.msg_iovlen = c.iov.n - c.iov.first;
	if (f->so->state == SS_CONNECTING)
		socket_sender_waits(f->so);
	r = blocked_wait(st, &c.b);
	if (r == -EAGAIN && (c.flags & MSG_FASTOPEN) != 0 && c.sent == 0)
		return -EINPROGRESS;
	return (r == -EAGAIN || r == -EINTR) && c.sent > 0 ? (long)c.sent : r;
}

static long send_locked(struct stack *st, struct file *f, int fd, const struct msghdr *msg,
			size_t total, int flags)
{
	long r = send_once(st, f, fd, msg, flags);

	/* A blocking MSG_FASTOPEN waits for the handshake, as connect(2) does. */
	if (unlikely((flags & MSG_FASTOPEN) != 0) && (r >= 0 || r == -EINPROGRESS) &&
	    f->so->type == SOCK_STREAM && (f->flags & O_NONBLOCK) == 0 && (flags & MSG_DONTWAIT) == 0)
		return send_blocking(st, f, fd, msg, total, r > 0 ? (size_t)r : 0, flags);
	if (likely(r == (long)total) || (f->flags & O_NONBLOCK) != 0 || (flags & MSG_DONTWAIT) != 0)
		return r;
	if (r != -EAGAIN && (r < 0 || f->so->type != SOCK_STREAM))
		return r;
	return send_blocking(st, f, fd, msg, total, r > 0 ? (size_t)r : 0, flags);
}

long io_send(int fd, const struct msghdr *msg, size_t total, int flags)
{
	struct stack *st = engine_enter();
	bool stream = false;
	long r;
	struct file *f = call_socket(fd, &r);

	if (likely(f != NULL)) {
		stream = f->so->type == SOCK_STREAM;
		r = send_locked(st, f, fd, msg, total, flags);
	}
	engine_leave();
	/* send(2), EPIPE: "in this case, the process will also receive a SIGPIPE". */
	if (unlikely(r == -EPIPE) && stream && (flags & MSG_NOSIGNAL) == 0)
		pthread_kill(pthread_self(), SIGPIPE);
	return r;
}

/* -- the calls ------------------------------------------------------------------------------ */

static long send_buf(int fd, const void *buf, size_t n, int flags)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf,
			     .iov_len = n > SSIZE_MAX ? SSIZE_MAX : n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (likely(n > 0) && unlikely(user_is_bad(buf)))
		return -EFAULT;
	return io_send(fd, &msg, iov.iov_len, flags);
}

EXPORT ssize_t write(int fd, const void *buf, size_t n)
{
	long r;

	if (!call_is_ours(fd))
		return real.write(fd, buf, n);
	r = send_buf(fd, buf, n, 0);
	if (unlikely(r == CALL_LIBC))
		return real.write(fd, buf, n);
	return call_return(r);
}

EXPORT ssize_t send(int fd, const void *buf, size_t n, int flags)
{
	long r;

	if (!call_is_ours(fd))
		return real.send(fd, buf, n, flags);
	r = send_buf(fd, buf, n, flags);
	if (unlikely(r == CALL_LIBC))
		return real.send(fd, buf, n, flags);
	return call_return(r);
}

static long writev_ours(int fd, const struct iovec *iov, int n, int flags)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)n };
	ssize_t total;

	if (n < 0)
		return -EINVAL;
	total = io_iov_total(iov, (size_t)n);
	return total < 0 ? total : io_send(fd, &msg, (size_t)total, flags);
}

EXPORT ssize_t writev(int fd, const struct iovec *iov, int n)
{
	long r;

	if (!call_is_ours(fd))
		return real.writev(fd, iov, n);
	r = writev_ours(fd, iov, n, 0);
	if (unlikely(r == CALL_LIBC))
		return real.writev(fd, iov, n);
	return call_return(r);
}

static long pwritev2_ours(int fd, const struct iovec *iov, int n, off64_t off, int flags)
{
	if (off != -1)
		return CALL_LIBC;
	if ((flags & ~RWF_NOWAIT) != 0)
		return -EOPNOTSUPP;
	return writev_ours(fd, iov, n, flags != 0 ? MSG_DONTWAIT : 0);
}

EXPORT ssize_t pwritev2(int fd, const struct iovec *iov, int n, off_t off, int flags)
{
	long r = call_is_ours(fd) ? pwritev2_ours(fd, iov, n, off, flags) : CALL_LIBC;

	return r == CALL_LIBC ? real.pwritev2(fd, iov, n, off, flags) : call_return(r);
}

EXPORT ssize_t pwritev64v2(int fd, const struct iovec *iov, int n, off64_t off, int flags)
{
	long r = call_is_ours(fd) ? pwritev2_ours(fd, iov, n, off, flags) : CALL_LIBC;

	return r == CALL_LIBC ? real.pwritev64v2(fd, iov, n, off, flags) : call_return(r);
}

static long sendto_ours(int fd, const void *buf, size_t n, int flags, const struct sockaddr *sa,
			socklen_t len)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf,
			     .iov_len = n > SSIZE_MAX ? SSIZE_MAX : n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n > 0 && user_is_bad(buf))
		return -EFAULT;
	if (sa != NULL) {
		if ((int)len < 0 || len > sizeof(struct sockaddr_storage))
			return -EINVAL;
		if (len > 0 && user_is_bad(sa))
			return -EFAULT;
		msg.msg_name = (void *)(uintptr_t)sa;
		msg.msg_namelen = len;
	}
	return io_send(fd, &msg, iov.iov_len, flags);
}

EXPORT ssize_t sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *sa,
		      socklen_t len)
{
	long r;

	if (!call_is_ours(fd))
		return real.sendto(fd, buf, n, flags, sa, len);
	r = sendto_ours(fd, buf, n, flags, sa, len);
	if (unlikely(r == CALL_LIBC))
		return real.sendto(fd, buf, n, flags, sa, len);
	return call_return(r);
}

/*
 * SCM_RIGHTS with a descriptor of ours, over a unix socket: the receiver would get the inert
 * kernel socket under the number.  Refused, until it can be carried over.
 */
static bool carries_ours(const struct msghdr *msg)
{
	struct msghdr *m = (struct msghdr *)(uintptr_t)msg;
	struct cmsghdr *c;
	size_t i, n;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		const int *fds = (const int *)(const void *)CMSG_DATA(c);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
		    c->cmsg_len < CMSG_LEN(0))
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++)
			if (fdtable_file(fds[i]) != NULL)
				return true;
	}
	return false;
}

static bool refuse_rights(const struct msghdr *msg)
{
	static bool told;

	if (likely(fdtable == NULL) || user_is_bad(msg) || msg->msg_controllen == 0 ||
	    engine_is_inside() || user_is_bad(msg->msg_control) || !carries_ours(msg))
		return false;
	if (!__atomic_exchange_n(&told, true, __ATOMIC_RELAXED))
		shim_log(LOG_LEVEL_WARN, "a socket of the port cannot be passed to another program "
					 "(SCM_RIGHTS): EINVAL");
	return true;
}

static long sendmsg_ours(int fd, const struct msghdr *msg, int flags)
{
	ssize_t total;

	if (user_is_bad(msg))
		return -EFAULT;
	if (msg->msg_iovlen > IOV_MAX)
		return -EMSGSIZE;
	if (msg->msg_name != NULL && (int)msg->msg_namelen < 0)
		return -EINVAL;
	if ((msg->msg_name != NULL && msg->msg_namelen > 0 && user_is_bad(msg->msg_name)) ||
	    (msg->msg_controllen > 0 && user_is_bad(msg->msg_control)))
		return -EFAULT;
	total = io_iov_total(msg->msg_iov, msg->msg_iovlen);
	return total < 0 ? total : io_send(fd, msg, (size_t)total, flags);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	long r;

	if (!call_is_ours(fd)) {
		if (unlikely(refuse_rights(msg)))
			return call_return(-EINVAL);
		return real.sendmsg(fd, msg, flags);
	}
	r = sendmsg_ours(fd, msg, flags);
	if (unlikely(r == CALL_LIBC))
		return real.sendmsg(fd, msg, flags);
	return call_return(r);
}

static long sendmmsg_ours(int fd, struct mmsghdr *vec, unsigned int n, int flags)
{
	unsigned int i;
	long r = 0;

	if (n > 0 && user_is_bad(vec))
		return -EFAULT;
	if (n > IOV_MAX)
		n = IOV_MAX;
	for (i = 0; i < n; i++) {
		r = sendmsg_ours(fd, &vec[i].msg_hdr, flags);
		if (r < 0)
			break;
		vec[i].msg_len = (unsigned int)r;
	}
	return i > 0 ? (long)i : r;
}

EXPORT int sendmmsg(int fd, struct mmsghdr *vec, unsigned int n, int flags)
{
	long r;

	if (!call_is_ours(fd))
		return real.sendmmsg(fd, vec, n, flags);
	r = sendmmsg_ours(fd, vec, n, flags);
	if (unlikely(r == CALL_LIBC))
		return real.sendmmsg(fd, vec, n, flags);
	return (int)call_return(r);
}
