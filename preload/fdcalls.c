/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fdcalls.c - close, dup, fcntl and ioctl.
 *
 * The number of a socket made by socket() is its hidden kernel socket's: it is closed and
 * duplicated along.  An accepted connection's number is a placeholder: close gives it back
 * to the pool.
 *
 * fstat, isatty and their like need no place here: every descriptor of ours is a socket
 * for the kernel as well, and what it says of it (S_IFSOCK, ENOTTY) is right.
 *
 * Descriptors of the engine itself (FDT_PROTECTED) and numbers in the pool (FDT_POOLED) do
 * not exist for the program: EBADF, and the sweeps of daemons pass over them.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/sockios.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "preload/blocked.h"
#include "preload/call.h"
#include "preload/hidden.h"
#include "preload/link.h"
#include "preload/placeholder.h"
#include "preload/real.h"

/* -- close ------------------------------------------------------------------------------- */

static long unsent_op(struct stack *st, struct blocked *b)
{
	int n = 0;

	if (socket_ioctl(st, b->f->so, SIOCOUTQ, &n, engine_now()) < 0 || n == 0)
		return 0;
	return -EAGAIN;
}

/*
 * socket(7), SO_LINGER: the last close waits until all is sent and acknowledged, or for the
 * time given.
 */
static void linger(struct stack *st, struct file *f, int fd)
{
	struct blocked b = { .f = f, .fd = fd,
			     .events = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDHUP,
			     .timeout = socket_linger(f->so), .op = unsent_op };

	if (b.timeout == 0 || f->fd_refs != 1 || f->so->state != SS_CONNECTED)
		return;
	socket_shutdown(st, f->so, SHUT_WR, engine_now());
	blocked_wait(st, &b);
}

/* Forget fd and drop its reference.  True: the number is the caller's to close. */
static bool drop(int fd, struct file *f)
{
	bool pooled = f->placeholder != 0;

	fdtable_remove(fd);
	file_put_fd(f, engine_now());
	return !(pooled && placeholder_put(fd));
}

static long close_ours(int fd)
{
	struct stack *st = engine_enter();
	bool real_close = false;
	long r = 0;
	struct file *f = call_file(fd, &r);

	if (likely(f != NULL)) {
		if (f->type == FILE_SOCKET && unlikely(socket_linger(f->so) != 0))
			linger(st, f, fd);
		/* A lingering close lets the lock go: another thread may have been faster. */
		f = fdtable_file(fd);
		if (f != NULL)
			real_close = drop(fd, f);
		r = 0;
	}
	engine_leave();
	return real_close ? CALL_LIBC : r;
}

EXPORT int close(int fd)
{
	long r;

	if (!call_is_ours(fd))
		return real.close(fd);
	r = close_ours(fd);
	if (r == CALL_LIBC)
		return real.close(fd);
	return (int)call_return(r);
}

/* close_range over what is ours in it; the rest is done by the kernel, between our own. */
static int range_ours(unsigned int first, unsigned int last, unsigned int flags)
{
	unsigned int high = fdtable_high(), fd;
	int r = 0;

	for (fd = first; fd <= last && fd < high; fd++) {
		struct file *f;

		if (!fdtable_is_ours((int)fd)) {
			unsigned int from = fd;

			while (fd < last && fd + 1 < high && !fdtable_is_ours((int)fd + 1))
				fd++;
			if (real.close_range(from, fd, (int)flags) < 0)
				r = -errno;
			continue;
		}
		f = fdtable_file((int)fd);
		if (f == NULL)
			continue;
		if ((flags & CLOSE_RANGE_CLOEXEC) != 0) {
			fdtable_set_inherit((int)fd, false);
			if (!f->placeholder)
				real.fcntl((int)fd, F_SETFD, FD_CLOEXEC);
		} else if (drop((int)fd, f)) {
			real.close((int)fd);
		}
	}
	if (fd <= last && fd >= high && real.close_range(fd, last, (int)flags) < 0)
		r = -errno;
	return r;
}

EXPORT int close_range(unsigned int first, unsigned int last, int flags)
{
	int r;

	if (fdtable == NULL || engine_is_inside() || first > last ||
	    ((unsigned int)flags & ~(CLOSE_RANGE_CLOEXEC | CLOSE_RANGE_UNSHARE)) != 0)
		return real.close_range(first, last, flags);
	engine_enter();
	r = range_ours(first, last, (unsigned int)flags);
	engine_leave();
	return (int)call_return(r);
}

EXPORT void closefrom(int low)
{
	if (fdtable == NULL || engine_is_inside())
		real.closefrom(low);
	else
		close_range(low < 0 ? 0 : (unsigned int)low, UINT_MAX, 0);
}

/* -- dup ----------------------------------------------------------------------------------- */

/* The real duplicate; a placeholder's is CLOEXEC for the kernel whatever the program wants. */
static int dup_real(const struct file *f, int fd, int min, bool cloexec)
{
	return real.fcntl(fd, f->placeholder || cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, min);
}

static long dup_ours(int fd, int min, bool cloexec)
{
	long r;
	struct file *f;

	engine_enter();
	f = call_file(fd, &r);
	if (f == NULL)
		goto out;
	r = dup_real(f, fd, min, cloexec);
	if (r < 0 && errno == EMFILE && placeholder_drain() > 0)
		r = dup_real(f, fd, min, cloexec);
	if (r < 0) {
		r = -errno;
		goto out;
	}
	fdtable_fresh((int)r);
	file_get_fd(f);
	fdtable_set_inherit((int)r, !cloexec);
	fdtable_install((int)r, f);
out:
	engine_leave();
	return r;
}

EXPORT int dup(int fd)
{
	long r;
	int copy;

	if (call_is_ours(fd)) {
		r = dup_ours(fd, 0, false);
		if (r != CALL_LIBC)
			return (int)call_return(r);
	}
	copy = real.dup(fd);
	if (copy < 0 && placeholder_make_room())
		copy = real.dup(fd);
	return copy;
}

/* newfd becomes oldfd, whichever of the two is ours; flags O_CLOEXEC.  newfd != oldfd. */
static long dup3_locked(int oldfd, int newfd, int flags)
{
	struct file *f = NULL;
	long r;

	if (fdtable_entry(newfd) == FDT_PROTECTED)
		return -EBADF;
	if (fdtable_is_ours(oldfd)) {
		f = call_file(oldfd, &r);
		if (f == NULL)
			return r;
	}
	r = call_result(real.dup3(oldfd, newfd,
				  f != NULL && f->placeholder ? flags | O_CLOEXEC : flags));
	if (r < 0)
		return r;
	/* First the reference: both may be the same file. */
	if (f != NULL)
		file_get_fd(f);
	fdtable_fresh(newfd);
	if (f != NULL) {
		fdtable_set_inherit(newfd, (flags & O_CLOEXEC) == 0);
		fdtable_install(newfd, f);
	}
	return r;
}

static long dup3_ours(int oldfd, int newfd, int flags)
{
	long r;

	engine_enter();
	r = dup3_locked(oldfd, newfd, flags);
	engine_leave();
	return r;
}

static bool dup_is_ours(int oldfd, int newfd)
{
	return unlikely(fdtable_is_ours(oldfd) || fdtable_is_ours(newfd)) && !engine_is_inside();
}

EXPORT int dup2(int oldfd, int newfd)
{
	long r;

	if (!dup_is_ours(oldfd, newfd))
		return real.dup2(oldfd, newfd);
	if (oldfd == newfd)
		return fcntl(oldfd, F_GETFD) < 0 ? -1 : newfd;
	r = dup3_ours(oldfd, newfd, 0);
	if (r == CALL_LIBC)
		return real.dup2(oldfd, newfd);
	return (int)call_return(r);
}

EXPORT int dup3(int oldfd, int newfd, int flags)
{
	long r;

	if (!dup_is_ours(oldfd, newfd) || oldfd == newfd || (flags & ~O_CLOEXEC) != 0)
		return real.dup3(oldfd, newfd, flags);
	r = dup3_ours(oldfd, newfd, flags);
	if (r == CALL_LIBC)
		return real.dup3(oldfd, newfd, flags);
	return (int)call_return(r);
}

/* -- fcntl ------------------------------------------------------------------------------------ */

/* F_SETFL: what the file keeps; the kernel's socket follows as long as it takes part. */
#define SETFL_BITS ((uint32_t)(O_NONBLOCK | O_ASYNC | O_APPEND | O_DIRECT | O_NOATIME))

static void set_flags(struct file *f, int fd, uint32_t flags)
{
	int async = (flags & O_ASYNC) != 0;

	if (((flags ^ f->flags) & O_ASYNC) != 0) {
		f->owner_fd = fd;
		if (f->side != FILE_SHIM)
			real.ioctl(fd, FIOASYNC, &async);
	}
	f->flags = (f->flags & ~SETFL_BITS) | (flags & SETFL_BITS);
	if (f->side == FILE_UNDECIDED)
		hidden_set_nonblock(fd, (flags & O_NONBLOCK) != 0);
}

/* pid < 0: a group, as F_SETOWN has it. */
static long set_owner(struct file *f, int fd, int type, int pid)
{
	if (pid == INT_MIN)
		return -EINVAL;
	if (pid != 0 && kill(pid, 0) < 0 && errno == ESRCH)
		return -ESRCH;
	f->owner_pid = pid;
	f->owner_type = (uint8_t)type;
	if (f->side != FILE_SHIM)
		real.fcntl(fd, F_SETOWN, pid);
	return 0;
}

static long owner_ex(struct file *f, int fd, int cmd, struct f_owner_ex *ex)
{
	if (user_is_bad(ex))
		return -EFAULT;
	if (cmd == F_GETOWN_EX) {
		ex->type = f->owner_pid < 0 ? F_OWNER_PGRP : (enum __pid_type)f->owner_type;
		ex->pid = f->owner_pid < 0 ? -f->owner_pid : f->owner_pid;
		return 0;
	}
	if (ex->type != F_OWNER_TID && ex->type != F_OWNER_PID && ex->type != F_OWNER_PGRP)
		return -EINVAL;
	if (ex->pid < 0)
		return -EINVAL;
	return set_owner(f, fd, ex->type, ex->type == F_OWNER_PGRP ? -ex->pid : ex->pid);
}

static long fcntl_socket(struct file *f, int fd, int cmd, long arg)
{
	switch (cmd) {
	case F_GETFL:
		return (long)f->flags;
	case F_SETFL:
		set_flags(f, fd, (uint32_t)arg);
		return 0;
	case F_GETOWN:
		return f->owner_pid;
	case F_SETOWN:
		return set_owner(f, fd, F_OWNER_PID, (int)arg);
	case F_SETOWN_EX:
	case F_GETOWN_EX:
		return owner_ex(f, fd, cmd, (struct f_owner_ex *)arg);
	case F_GETSIG:
		return f->owner_sig;
	case F_SETSIG:
		if (arg < 0 || arg > 64)
			return -EINVAL;
		f->owner_sig = (int)arg;
		if (f->side != FILE_SHIM)
			real.fcntl(fd, F_SETSIG, arg);
		return 0;
	default:
		return CALL_LIBC;
	}
}

static long fcntl_ours(int fd, int cmd, long arg)
{
	struct file *f;
	long r;

	if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC) {
		if (arg < 0 || arg > INT_MAX)
			return -EINVAL;
		return dup_ours(fd, (int)arg, cmd == F_DUPFD_CLOEXEC);
	}
	engine_enter();
	f = call_file(fd, &r);
	if (f == NULL)
		goto out;
	switch (cmd) {
	case F_GETFD:
		r = fdtable_inherits(fd) ? 0 : FD_CLOEXEC;
		break;
	case F_SETFD:
		fdtable_set_inherit(fd, (arg & FD_CLOEXEC) == 0);
		r = f->placeholder ? 0 : CALL_LIBC;
		break;
	default:
		r = f->type == FILE_SOCKET ? fcntl_socket(f, fd, cmd, arg) : CALL_LIBC;
		break;
	}
out:
	engine_leave();
	return r;
}

EXPORT int fcntl(int fd, int cmd, ...)
{
	va_list ap;
	long arg, r;
	int ret;

	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	if (call_is_ours(fd)) {
		r = fcntl_ours(fd, cmd, cmd == F_SETFL || cmd == F_SETFD || cmd == F_DUPFD ||
					cmd == F_DUPFD_CLOEXEC || cmd == F_SETOWN ||
					cmd == F_SETSIG ? (int)arg : arg);
		if (r != CALL_LIBC)
			return (int)call_return(r);
	}
	ret = real.fcntl(fd, cmd, arg);
	if (ret < 0 && (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC) && placeholder_make_room())
		ret = real.fcntl(fd, cmd, arg);
	return ret;
}

int fcntl64(int fd, int cmd, ...);
EXPORT int fcntl64(int fd, int cmd, ...)
{
	va_list ap;
	long arg;

	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	return fcntl(fd, cmd, arg);
}

/* -- ioctl ------------------------------------------------------------------------------------- */

static long ioctl_ours(int fd, unsigned long request, void *arg)
{
	struct stack *st = engine_enter();
	long r;
	int value = 0;
	struct file *f = call_socket(fd, &r);

	if (f == NULL)
		goto out;
	switch (request) {
	case FIONBIO:
	case FIOASYNC: {
		uint32_t bit = request == FIONBIO ? O_NONBLOCK : O_ASYNC;

		if (user_is_bad(arg)) {
			r = -EFAULT;
			break;
		}
		set_flags(f, fd, *(int *)arg != 0 ? f->flags | bit : f->flags & ~bit);
		r = 0;
		break;
	}
	case FIOSETOWN:
	case SIOCSPGRP:
		r = user_is_bad(arg) ? -EFAULT : set_owner(f, fd, F_OWNER_PID, *(int *)arg);
		break;
	case FIOGETOWN:
	case SIOCGPGRP:
		r = user_is_bad(arg) ? -EFAULT : 0;
		if (r == 0)
			*(int *)arg = f->owner_pid;
		break;
	case FIONREAD: /* SIOCINQ */
	case SIOCOUTQ: /* TIOCOUTQ */
	case SIOCOUTQNSD:
	case SIOCATMARK:
		r = socket_ioctl(st, f->so, request, &value, engine_now());
		if (r == 0 && user_is_bad(arg))
			r = -EFAULT;
		/* What the kernel's side has counts where ours has nothing. */
		if (r == 0 && value == 0 && f->side == FILE_DUAL)
			r = CALL_LIBC;
		if (r == 0)
			*(int *)arg = value;
		break;
	case FIOCLEX:
	case FIONCLEX:
		fdtable_set_inherit(fd, request == FIONCLEX);
		r = f->placeholder ? 0 : CALL_LIBC;
		break;
	default:
		/* What asks for interfaces is the kernel's to answer on any socket. */
		r = CALL_LIBC;
		break;
	}
out:
	engine_leave();
	return r;
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;
	long r;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	/* Of whatever socket: the address family of the one that asks does not matter. */
	if (unlikely(link_knows(request)) && engine_config()->enabled && !engine_is_inside())
		return (int)call_return(link_ioctl(fd, request, arg));
	if (!call_is_ours(fd))
		return real.ioctl(fd, request, arg);
	r = ioctl_ours(fd, request, arg);
	if (r == CALL_LIBC)
		return real.ioctl(fd, request, arg);
	return (int)call_return(r);
}

/* Of sockets alone, and in libc an ioctl that would not come by here. */
EXPORT int sockatmark(int fd)
{
	int at;

	if (!call_is_ours(fd))
		return real.sockatmark(fd);
	return ioctl(fd, SIOCATMARK, &at) < 0 ? -1 : at;
}
