/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * io_read.c - read readv recv recvfrom recvmsg recvmmsg preadv2 and their checked twins.
 *
 * All of them become one recvmsg.  (pread and preadv need no place here: the descriptor is
 * a socket for the kernel as well, and its ESPIPE is the right answer.)
 */
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>

#include "preload/blocked.h"
#include "preload/call.h"
#include "preload/hidden.h"
#include "preload/io.h"
#include "preload/real.h"

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x00000008
#endif

/* -- one recvmsg ---------------------------------------------------------------------- */

/* Never blocks; polls the port before it comes back empty-handed. */
static long recv_once(struct stack *st, struct file *f, int fd, struct msghdr *msg, int flags)
{
	bool dual = unlikely(f->side == FILE_DUAL);
	long r;

	if (dual && ++f->turn % IO_KERNEL_TURN == 0) {
		r = hidden_recvmsg(fd, msg, flags);
		if (r != -EAGAIN)
			return r;
	}
	r = socket_recvmsg(st, f->so, msg, flags, engine_now());
	if (likely(r != -EAGAIN))
		return r;
	if (engine_poll() > 0) {
		r = socket_recvmsg(st, f->so, msg, flags, engine_now());
		if (r != -EAGAIN)
			return r;
	}
	return dual ? hidden_recvmsg(fd, msg, flags) : -EAGAIN;
}

/* -- blocking --------------------------------------------------------------------------- */

#define PEEK_ENDS (EPOLLRDHUP | EPOLLHUP | EPOLLERR)

struct recv_call {
	struct blocked b;
	struct msghdr *msg;
	int flags;
	size_t target; /* MSG_WAITALL, SO_RCVLOWAT: bytes without which it goes on waiting */
	size_t got;
	struct io_iov *iov;
};

/*
 * Goes on until nothing is left: what else came with the last arrival (a FIN, an error, more
 * data) has been announced already and wakes nobody again.
 */
static long recv_op(struct stack *st, struct blocked *b)
{
	struct recv_call *c = (struct recv_call *)b;
	bool peek = (c->flags & MSG_PEEK) != 0;
	long r;

	for (;;) {
		r = recv_once(st, b->f, b->fd, c->msg, c->flags);
		if (r < 0 && r != -EAGAIN && c->got > 0) {
			/* What came before it is told first. */
			socket_put_error(b->f->so, (int)-r);
			return (long)c->got;
		}
		if (r < 0)
			return r;
		c->got = peek ? (size_t)r : c->got + (size_t)r;
		if (r == 0 || c->got >= c->target || c->iov == NULL)
			return (long)c->got;
		/* The queue is as it was: it ends here if nothing can follow. */
		if (peek)
			return (file_poll(b->f) & PEEK_ENDS) != 0 ? r : -EAGAIN;
		io_iov_advance(c->iov, (size_t)r);
		c->msg->msg_iov = c->iov->vec + c->iov->first;
		c->msg->msg_iovlen = c->iov->n - c->iov->first;
	}
}

static long finish(const struct recv_call *c, long r)
{
	return (r == -EAGAIN || r == -EINTR) && c->got > 0 ? (long)c->got : r;
}

/* More is wanted than the first arrival may bring: the iovec is consumed piece by piece. */
static __attribute__((noinline)) long recv_all(struct stack *st, struct recv_call *c)
{
	struct iovec *user = c->msg->msg_iov;
	size_t nuser = c->msg->msg_iovlen;
	struct io_iov iov;
	long r;

	io_iov_copy(&iov, user, nuser);
	c->iov = &iov;
	c->msg->msg_iov = iov.vec;
	r = recv_op(st, &c->b);
	if (r == -EAGAIN)
		r = finish(c, blocked_wait(st, &c->b));
	c->msg->msg_iov = user;
	c->msg->msg_iovlen = nuser;
	return r;
}

static __attribute__((noinline)) long recv_blocking(struct stack *st, struct file *f, int fd,
						    struct msghdr *msg, int flags)
{
	struct recv_call c = {
		.b = { .f = f, .fd = fd, .events = EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP,
		       .kevents = POLLIN, .timeout = socket_rcvtimeo(f->so), .op = recv_op },
		.msg = msg, .flags = flags, .target = 1,
	};

	return blocked_wait(st, &c.b);
}

/* The bytes that a blocking read of total bytes waits for: sock_rcvlowat(). */
static size_t recv_target(const struct file *f, size_t total, int flags)
{
	int lowat;

	if (f->so->type != SOCK_STREAM || (f->flags & O_NONBLOCK) != 0 ||
	    (flags & (MSG_DONTWAIT | MSG_OOB | MSG_ERRQUEUE)) != 0)
		return 1;
	if ((flags & MSG_WAITALL) != 0)
		return total;
	lowat = socket_rcvlowat(f->so);
	return lowat > 1 && (size_t)lowat < total ? (size_t)lowat : (lowat > 1 ? total : 1);
}

static long recv_locked(struct stack *st, struct file *f, int fd, struct msghdr *msg, size_t total,
			int flags)
{
	size_t target = recv_target(f, total, flags);
	long r;

	if (unlikely((flags & MSG_TRUNC) != 0) && f->so->type != SOCK_STREAM && total > 0 &&
	    msg->msg_iov->iov_base == NULL)
		return -EFAULT;
	if (unlikely(target > 1)) {
		struct recv_call c = {
			.b = { .f = f, .fd = fd,
			       .events = EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP,
			       .timeout = socket_rcvtimeo(f->so), .op = recv_op },
			.msg = msg, .flags = flags, .target = target,
		};

		return recv_all(st, &c);
	}
	r = recv_once(st, f, fd, msg, flags);
	if (likely(r != -EAGAIN) || (f->flags & O_NONBLOCK) != 0 ||
	    (flags & (MSG_DONTWAIT | MSG_ERRQUEUE | MSG_OOB)) != 0)
		return r;
	return recv_blocking(st, f, fd, msg, flags);
}

long io_recv(int fd, struct msghdr *msg, size_t total, int flags)
{
	struct stack *st = engine_enter();
	long r;
	struct file *f = call_socket(fd, &r);

	if (likely(f != NULL))
		r = recv_locked(st, f, fd, msg, total, flags);
	engine_leave();
	return r;
}

/* -- the calls ---------------------------------------------------------------------------- */

static long recv_buf(int fd, void *buf, size_t n, int flags)
{
	struct iovec iov = { .iov_base = buf, .iov_len = n > SSIZE_MAX ? SSIZE_MAX : n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	/* MSG_TRUNC on a stream throws away (tcp(7)), and needs no buffer for it. */
	if ((flags & MSG_TRUNC) == 0 && likely(n > 0) && unlikely(user_is_bad(buf)))
		return -EFAULT;
	return io_recv(fd, &msg, iov.iov_len, flags);
}

EXPORT ssize_t read(int fd, void *buf, size_t n)
{
	long r;

	if (!call_is_ours(fd))
		return real.read(fd, buf, n);
	/* sock_read_iter(): "Match SYS5 behaviour", unlike recv(2). */
	if (unlikely(n == 0) && fdtable_file(fd) != NULL)
		return 0;
	r = recv_buf(fd, buf, n, 0);
	if (unlikely(r == CALL_LIBC))
		return real.read(fd, buf, n);
	return call_return(r);
}

EXPORT ssize_t recv(int fd, void *buf, size_t n, int flags)
{
	long r;

	if (!call_is_ours(fd))
		return real.recv(fd, buf, n, flags);
	r = recv_buf(fd, buf, n, flags);
	if (unlikely(r == CALL_LIBC))
		return real.recv(fd, buf, n, flags);
	return call_return(r);
}

static long readv_ours(int fd, const struct iovec *iov, int n, int flags)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)n };
	ssize_t total;

	if (n < 0)
		return -EINVAL;
	total = io_iov_total(iov, (size_t)n);
	if (total <= 0)
		return total;
	return io_recv(fd, &msg, (size_t)total, flags);
}

EXPORT ssize_t readv(int fd, const struct iovec *iov, int n)
{
	long r;

	if (!call_is_ours(fd))
		return real.readv(fd, iov, n);
	r = readv_ours(fd, iov, n, 0);
	if (r == CALL_LIBC)
		return real.readv(fd, iov, n);
	return call_return(r);
}

/* preadv2(2): an offset of -1 is the current position, which a socket has. */
static long preadv2_ours(int fd, const struct iovec *iov, int n, off64_t off, int flags)
{
	if (off != -1)
		return CALL_LIBC;
	if ((flags & ~RWF_NOWAIT) != 0)
		return -EOPNOTSUPP;
	return readv_ours(fd, iov, n, flags != 0 ? MSG_DONTWAIT : 0);
}

EXPORT ssize_t preadv2(int fd, const struct iovec *iov, int n, off_t off, int flags)
{
	long r = call_is_ours(fd) ? preadv2_ours(fd, iov, n, off, flags) : CALL_LIBC;

	return r == CALL_LIBC ? real.preadv2(fd, iov, n, off, flags) : call_return(r);
}

EXPORT ssize_t preadv64v2(int fd, const struct iovec *iov, int n, off64_t off, int flags)
{
	long r = call_is_ours(fd) ? preadv2_ours(fd, iov, n, off, flags) : CALL_LIBC;

	return r == CALL_LIBC ? real.preadv64v2(fd, iov, n, off, flags) : call_return(r);
}

static long recvfrom_ours(int fd, void *buf, size_t n, int flags, struct sockaddr *sa,
			  socklen_t *len)
{
	struct iovec iov = { .iov_base = buf, .iov_len = n > SSIZE_MAX ? SSIZE_MAX : n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	long r;

	if ((flags & MSG_TRUNC) == 0 && n > 0 && user_is_bad(buf))
		return -EFAULT;
	if (sa != NULL) {
		if (user_is_bad(len) || (*len > 0 && user_is_bad(sa)))
			return -EFAULT;
		if ((int)*len < 0)
			return -EINVAL;
		msg.msg_name = sa;
		msg.msg_namelen = *len;
	}
	r = io_recv(fd, &msg, iov.iov_len, flags);
	if (r >= 0 && sa != NULL)
		*len = msg.msg_namelen;
	return r;
}

EXPORT ssize_t recvfrom(int fd, void *restrict buf, size_t n, int flags,
			struct sockaddr *restrict sa, socklen_t *restrict len)
{
	long r;

	if (!call_is_ours(fd))
		return real.recvfrom(fd, buf, n, flags, sa, len);
	r = recvfrom_ours(fd, buf, n, flags, sa, len);
	if (r == CALL_LIBC)
		return real.recvfrom(fd, buf, n, flags, sa, len);
	return call_return(r);
}

static long recvmsg_ours(int fd, struct msghdr *msg, int flags)
{
	ssize_t total;

	if (user_is_bad(msg))
		return -EFAULT;
	if (msg->msg_iovlen > IOV_MAX)
		return -EMSGSIZE;
	if (msg->msg_name != NULL && (int)msg->msg_namelen < 0)
		return -EINVAL;
	if ((msg->msg_name != NULL && msg->msg_namelen > 0 && user_is_bad(msg->msg_name)) ||
	    (msg->msg_controllen > 0 && msg->msg_control != NULL && user_is_bad(msg->msg_control)))
		return -EFAULT;
	total = io_iov_total(msg->msg_iov, msg->msg_iovlen);
	return total < 0 ? total : io_recv(fd, msg, (size_t)total, flags);
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	long r;

	if (!call_is_ours(fd))
		return real.recvmsg(fd, msg, flags);
	r = recvmsg_ours(fd, msg, flags);
	if (r == CALL_LIBC)
		return real.recvmsg(fd, msg, flags);
	return call_return(r);
}

/*
 * recvmmsg(2): the timeout is looked at after each datagram, so that a call may block
 * beyond it, as the manual's BUGS say.
 */
static long recvmmsg_ours(int fd, struct mmsghdr *vec, unsigned int n, int flags,
			  struct timespec *timeout)
{
	uint64_t end = UINT64_MAX, now;
	unsigned int i;
	long r = 0;

	if (n > 0 && user_is_bad(vec))
		return -EFAULT;
	if (timeout != NULL) {
		if (user_is_bad(timeout))
			return -EFAULT;
		if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec > 999999999)
			return -EINVAL;
		end = engine_now() + (uint64_t)timeout->tv_sec * 1000000000u +
		      (uint64_t)timeout->tv_nsec;
	}
	if (n > IOV_MAX)
		n = IOV_MAX;
	for (i = 0; i < n; i++) {
		r = recvmsg_ours(fd, &vec[i].msg_hdr, flags & ~MSG_WAITFORONE);
		if (r < 0)
			break;
		vec[i].msg_len = (unsigned int)r;
		if ((flags & MSG_WAITFORONE) != 0)
			flags |= MSG_DONTWAIT;
		now = engine_now();
		if (now >= end) {
			i++;
			break;
		}
	}
	if (timeout != NULL && i > 0) {
		now = engine_now();
		end = end > now ? end - now : 0;
		timeout->tv_sec = (time_t)(end / 1000000000u);
		timeout->tv_nsec = (long)(end % 1000000000u);
	}
	return i > 0 ? (long)i : r;
}

EXPORT int recvmmsg(int fd, struct mmsghdr *vec, unsigned int n, int flags,
		    struct timespec *timeout)
{
	long r;

	if (!call_is_ours(fd))
		return real.recvmmsg(fd, vec, n, flags, timeout);
	r = recvmmsg_ours(fd, vec, n, flags, timeout);
	if (r == CALL_LIBC)
		return real.recvmmsg(fd, vec, n, flags, timeout);
	return (int)call_return(r);
}

/* -- what -D_FORTIFY_SOURCE calls: libc's version ends the program when size is too small ---- */

ssize_t __read_chk(int fd, void *buf, size_t n, size_t size);
ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags);
ssize_t __recvfrom_chk(int fd, void *restrict buf, size_t n, size_t size, int flags,
		       struct sockaddr *restrict sa, socklen_t *restrict len);

EXPORT ssize_t __read_chk(int fd, void *buf, size_t n, size_t size)
{
	if (n > size || !call_is_ours(fd))
		return real.__read_chk(fd, buf, n, size);
	return read(fd, buf, n);
}

EXPORT ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags)
{
	if (n > size || !call_is_ours(fd))
		return real.__recv_chk(fd, buf, n, size, flags);
	return recv(fd, buf, n, flags);
}

EXPORT ssize_t __recvfrom_chk(int fd, void *restrict buf, size_t n, size_t size, int flags,
			      struct sockaddr *restrict sa, socklen_t *restrict len)
{
	if (n > size || !call_is_ours(fd))
		return real.__recvfrom_chk(fd, buf, n, size, flags, sa, len);
	return recvfrom(fd, buf, n, flags, sa, len);
}
