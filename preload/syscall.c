/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * syscall.c - syscall(2) with the number of an interposed call (node closes so).
 *
 * Only what concerns a descriptor of ours, a process or a new socket takes the way of the
 * name; everything else is the bare system call it asks for.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "preload/call.h"
#include "preload/real.h"

#define NOT_NAMED (-4098L)

#define P(i) ((void *)a[i])
#define I(i) ((int)a[i])
#define U(i) ((unsigned int)a[i])
#define Z(i) ((size_t)a[i])

/* Calls whose first argument is a descriptor of ours. */
static long by_fd(long nr, const long *a)
{
	switch (nr) {
	case SYS_read:
		return read(I(0), P(1), Z(2));
	case SYS_write:
		return write(I(0), P(1), Z(2));
	case SYS_readv:
		return readv(I(0), P(1), I(2));
	case SYS_writev:
		return writev(I(0), P(1), I(2));
	case SYS_recvfrom:
		return recvfrom(I(0), P(1), Z(2), I(3), P(4), P(5));
	case SYS_recvmsg:
		return recvmsg(I(0), P(1), I(2));
	case SYS_recvmmsg:
		return recvmmsg(I(0), P(1), U(2), I(3), P(4));
	case SYS_sendto:
		return sendto(I(0), P(1), Z(2), I(3), P(4), U(5));
	case SYS_sendmsg:
		return sendmsg(I(0), P(1), I(2));
	case SYS_sendmmsg:
		return sendmmsg(I(0), P(1), U(2), I(3));
	case SYS_sendfile:
		return sendfile(I(0), I(1), P(2), Z(3));
	case SYS_close:
		return close(I(0));
	case SYS_dup:
		return dup(I(0));
	case SYS_fcntl:
		return fcntl(I(0), I(1), a[2]);
	case SYS_ioctl:
		return ioctl(I(0), (unsigned long)a[1], a[2]);
	case SYS_bind:
		return bind(I(0), P(1), U(2));
	case SYS_listen:
		return listen(I(0), I(1));
#ifdef SYS_accept
	case SYS_accept:
		return accept(I(0), P(1), P(2));
#endif
	case SYS_accept4:
		return accept4(I(0), P(1), P(2), I(3));
	case SYS_connect:
		return connect(I(0), P(1), U(2));
	case SYS_shutdown:
		return shutdown(I(0), I(1));
	case SYS_getsockname:
		return getsockname(I(0), P(1), P(2));
	case SYS_getpeername:
		return getpeername(I(0), P(1), P(2));
	case SYS_getsockopt:
		return getsockopt(I(0), I(1), I(2), P(3), P(4));
	case SYS_setsockopt:
		return setsockopt(I(0), I(1), I(2), P(3), U(4));
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
		return epoll_wait(I(0), P(1), I(2), I(3));
#endif
	case SYS_epoll_pwait:
		return epoll_pwait(I(0), P(1), I(2), I(3), P(4));
	default:
		return NOT_NAMED;
	}
}

static bool ours(long fd)
{
	return fdtable_is_ours((int)fd);
}

/* Calls that are ours by another argument, or by what they do to the process. */
static long by_kind(long nr, const long *a)
{
	switch (nr) {
	case SYS_socket:
		if (a[0] != AF_INET && a[0] != AF_INET6)
			return NOT_NAMED;
		return socket(I(0), I(1), I(2));
#ifdef SYS_dup2
	case SYS_dup2:
		return ours(a[0]) || ours(a[1]) ? dup2(I(0), I(1)) : NOT_NAMED;
#endif
	case SYS_dup3:
		return ours(a[0]) || ours(a[1]) ? dup3(I(0), I(1), I(2)) : NOT_NAMED;
	case SYS_close_range:
		return fdtable != NULL ? close_range(U(0), U(1), I(2)) : NOT_NAMED;
	case SYS_epoll_ctl:
		return ours(a[0]) || ours(a[2]) ? epoll_ctl(I(0), I(1), I(2), P(3)) : NOT_NAMED;
#ifdef SYS_epoll_create
	case SYS_epoll_create:
		return fdtable != NULL ? epoll_create(I(0)) : NOT_NAMED;
#endif
	case SYS_epoll_create1:
		return fdtable != NULL ? epoll_create1(I(0)) : NOT_NAMED;
	case SYS_sendfile:
		return ours(a[1]) ? sendfile(I(0), I(1), P(2), Z(3)) : NOT_NAMED;
	case SYS_splice:
		return ours(a[0]) || ours(a[2]) ? splice(I(0), P(1), I(2), P(3), Z(4), U(5)) :
						  NOT_NAMED;
#ifdef SYS_poll
	case SYS_poll:
		return fdtable != NULL ? poll(P(0), (nfds_t)a[1], I(2)) : NOT_NAMED;
#endif
	case SYS_ppoll:
		return fdtable != NULL ? ppoll(P(0), (nfds_t)a[1], P(2), P(3)) : NOT_NAMED;
#ifdef SYS_select
	case SYS_select:
		return fdtable != NULL ? select(I(0), P(1), P(2), P(3), P(4)) : NOT_NAMED;
#endif
#ifdef SYS_fork
	case SYS_fork:
		return fdtable != NULL ? fork() : NOT_NAMED;
#endif
#ifdef SYS_vfork
	case SYS_vfork:
		return fdtable != NULL ? fork() : NOT_NAMED;
#endif
	case SYS_execve:
		return fdtable != NULL ? execve(P(0), P(1), P(2)) : NOT_NAMED;
	case SYS_exit_group:
		_exit(I(0));
	default:
		return NOT_NAMED;
	}
}

EXPORT long syscall(long nr, ...)
{
	long a[6], r = NOT_NAMED;
	va_list ap;
	int i;

	va_start(ap, nr);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (!engine_is_inside()) {
		if (fdtable_is_ours((int)a[0]))
			r = by_fd(nr, a);
		if (r == NOT_NAMED)
			r = by_kind(nr, a);
	}
	return r != NOT_NAMED ? r : real.syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}
