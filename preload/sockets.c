/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sockets.c - socket bind listen connect shutdown and names.
 *
 * socket() makes a real kernel socket: its number is the descriptor, and it is all there
 * is if no port is configured.  The engine starts with the first socket that could use it,
 * and the stack's socket joins the kernel's under the same number.
 * Which of the two serves is decided by the first address that is named (policy.c):
 *
 *	bind		wildcard: both are bound.  A datagram socket is DUAL at once; a
 *			stream socket when it listens.
 *			our address: SHIM.  another one: the kernel's.
 *	listen		DUAL if bound to the wildcard, which an unbound one becomes.
 *	connect, sendto	ours or the kernel's by destination (io_write.c for sendto).
 */
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>

#include "preload/blocked.h"
#include "preload/call.h"
#include "preload/hidden.h"
#include "preload/placeholder.h"
#include "preload/policy.h"
#include "preload/real.h"

/* -- socket ------------------------------------------------------------------------- */

static bool is_wanted(int domain, int type, int protocol)
{
	if (domain != AF_INET && domain != AF_INET6)
		return false;
	switch (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) {
	case SOCK_STREAM:
		return protocol == 0 || protocol == IPPROTO_TCP;
	case SOCK_DGRAM:
		return protocol == 0 || protocol == IPPROTO_UDP || protocol == IPPROTO_ICMP ||
		       protocol == IPPROTO_ICMPV6;
	case SOCK_RAW:
		return true;
	default:
		return false;
	}
}

/* Put a socket of the stack beside the kernel's.  0, or -errno if there shall be no socket at all. */
static int adopt(int fd, int domain, int type, int protocol)
{
	struct stack *st = engine_enter();
	struct socket *so;
	struct file *f;
	int r = 0;

	fdtable_fresh(fd);
	f = file_alloc(FILE_SOCKET);
	if (f == NULL) {
		r = -ENFILE;
		goto out;
	}
	r = socket_create(st, domain, type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC), protocol, &so,
			  engine_now());
	if (r < 0) {
		file_put_fd(f, engine_now());
		/* What the stack does not speak stays the kernel's. */
		if (r != -ENFILE && r != -ENOMEM && r != -ENOBUFS)
			r = 0;
		goto out;
	}
	f->so = so;
	so->owner = f;
	f->side = FILE_UNDECIDED;
	if ((type & SOCK_NONBLOCK) != 0)
		f->flags |= O_NONBLOCK;
	fdtable_set_inherit(fd, (type & SOCK_CLOEXEC) == 0);
	fdtable_install(fd, f);
out:
	engine_leave();
	return r;
}

/* Have the engine run, if a port is configured; errno is left alone. */
static bool ensure_engine(void)
{
	int saved = errno;
	bool ok;

	if (likely(engine_is_running()))
		return true;
	ok = engine_config()->enabled && engine_start() == 0;
	errno = saved;
	return ok;
}

EXPORT int socket(int domain, int type, int protocol)
{
	bool wanted = is_wanted(domain, type, protocol) && !engine_is_inside();
	int fd, r;

	/*
	 * Before the socket is made, so that the keeper, which begins as a copy of this process,
	 * does not hold it for a moment.
	 */
	if (wanted)
		wanted = ensure_engine();
	fd = real.socket(domain, type, protocol);
	if (fd < 0 && placeholder_make_room())
		fd = real.socket(domain, type, protocol);
	if (fd < 0 || !wanted || (unsigned int)fd >= SHM_MAX_FDS)
		return fd;
	r = adopt(fd, domain, type, protocol);
	if (r < 0) {
		real.close(fd);
		return (int)call_return(r);
	}
	return fd;
}

/* -- bind --------------------------------------------------------------------------- */

static int bind_shim(struct stack *st, struct file *f, int fd, const struct sockaddr *sa,
		     socklen_t len)
{
	int r = socket_bind(st, f->so, sa, len, engine_now());

	if (r < 0)
		return r;
	if (f->side == FILE_UNDECIDED) {
		r = hidden_bind_ours(f, fd, sa, len);
		if (r < 0) {
			socket_unbind(st, f->so, engine_now());
			return r;
		}
	}
	f->side = FILE_SHIM;
	f->pinned = true;
	return 0;
}

/* move_addr_to_kernel(): a negative length is too large; 0 if the name can be looked at. */
static long name_is_wrong(int fd, const struct sockaddr *sa, socklen_t len)
{
	if (fdtable_file(fd) == NULL)
		return 0;
	if (len > sizeof(struct sockaddr_storage))
		return -EINVAL;
	return len > 0 && user_is_bad(sa) ? -EFAULT : 0;
}

static long bind_ours(int fd, const struct sockaddr *sa, socklen_t len)
{
	struct stack *st = engine_enter();
	long r;
	struct file *f = call_socket(fd, &r);

	if (f == NULL)
		goto out;
	if (f->side != FILE_UNDECIDED || f->hidden_bound) {
		/* The second bind(2) of a socket: the stack says what is wrong with it. */
		r = socket_bind(st, f->so, sa, len, engine_now());
		goto out;
	}
	switch (policy_local(st, f->so, sa, len)) {
	case POLICY_KERNEL:
		/* Nothing is decided by a bind(2) that fails. */
		r = call_result(real.bind(fd, sa, len));
		if (r == 0)
			file_to_kernel(st, f, fd, engine_now());
		break;
	case POLICY_SHIM:
		r = bind_shim(st, f, fd, sa, len);
		break;
	default:
		r = hidden_bind_both(st, f, fd, sa, len);
		if (r == 0 && f->so->type != SOCK_STREAM)
			file_make_dual(f, fd);
		break;
	}
out:
	engine_leave();
	return r;
}

EXPORT int bind(int fd, const struct sockaddr *sa, socklen_t len)
{
	long r;

	if (!call_is_ours(fd))
		return real.bind(fd, sa, len);
	r = name_is_wrong(fd, sa, len);
	if (r == 0)
		r = bind_ours(fd, sa, len);
	if (r == CALL_LIBC)
		return real.bind(fd, sa, len);
	return (int)call_return(r);
}

/* -- listen ------------------------------------------------------------------------- */

static long listen_ours(int fd, int backlog)
{
	struct stack *st = engine_enter();
	long r;
	struct file *f = call_socket(fd, &r);

	if (f == NULL)
		goto out;
	if (f->side == FILE_UNDECIDED && !f->hidden_bound && f->so->type == SOCK_STREAM &&
	    f->so->state == SS_UNCONNECTED) {
		r = hidden_bind_any(st, f, fd);
		if (r < 0)
			goto out;
	}
	r = socket_listen(st, f->so, backlog, engine_now());
	if (r < 0 || f->side == FILE_SHIM)
		goto listening;
	r = call_result(real.listen(fd, backlog));
	if (r < 0 && !f->listening) {
		socket_shutdown(st, f->so, SHUT_RDWR, engine_now());
		goto out;
	}
	file_make_dual(f, fd);
listening:
	if (r == 0)
		f->listening = true;
out:
	engine_leave();
	return r;
}

EXPORT int listen(int fd, int backlog)
{
	long r;

	if (!call_is_ours(fd))
		return real.listen(fd, backlog);
	r = listen_ours(fd, backlog);
	if (r == CALL_LIBC)
		return real.listen(fd, backlog);
	return (int)call_return(r);
}

/* -- connect ------------------------------------------------------------------------ */

struct connect_call {
	struct blocked b;
	const struct sockaddr *sa;
	socklen_t len;
};

/*
 * Asking again tells how far it is: EALREADY while it lasts, then 0 or the error, as
 * inet_stream_connect() does it.
 */
static long connect_op(struct stack *st, struct blocked *b)
{
	struct connect_call *c = (struct connect_call *)b;
	int r = socket_connect(st, b->f->so, c->sa, c->len, engine_now());

	if (r == -EINPROGRESS || r == -EALREADY)
		return -EAGAIN;
	return r == -EISCONN ? 0 : r;
}

static long connect_shim(struct stack *st, struct file *f, int fd, const struct sockaddr *sa,
			 socklen_t len)
{
	struct connect_call c = {
		.b = { .f = f, .fd = fd, .events = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP,
		       .timeout = socket_sndtimeo(f->so), .op = connect_op },
		.sa = sa, .len = len,
	};
	bool pending = f->so->state == SS_CONNECTING;
	long r = socket_connect(st, f->so, sa, len, engine_now()), why;

	if (r == 0 && f->so->type != SOCK_STREAM) {
		/* Connected, a datagram socket hears its peer alone; dissolved, everybody again. */
		if (f->so->state == SS_UNCONNECTED && f->hidden_bound)
			file_make_dual(f, fd);
		else
			file_make_shim(f, fd);
		return 0;
	}
	if (r == 0 || r == -EINPROGRESS)
		f->side = FILE_SHIM;
	if (r != -EINPROGRESS && !(r == -EALREADY && pending))
		return r;
	if ((f->flags & O_NONBLOCK) != 0)
		return r;
	/* SO_SNDTIMEO is over: as it was told in the first place. */
	why = r;
	r = blocked_wait(st, &c.b);
	return r == -EAGAIN ? why : r;
}

/* Can the kernel's socket still be the one that connects? */
static bool may_leave(const struct file *f)
{
	if (f->listening || f->pinned)
		return false;
	return f->so->type != SOCK_STREAM || f->so->state == SS_UNCONNECTED;
}

static long connect_ours(int fd, const struct sockaddr *sa, socklen_t len)
{
	struct stack *st = engine_enter();
	long r;
	struct file *f = call_socket(fd, &r);

	if (f == NULL)
		goto out;
	if (may_leave(f) && policy_remote(st, f->so, sa, len) == POLICY_KERNEL) {
		file_to_kernel(st, f, fd, engine_now());
		r = CALL_LIBC;
		goto out;
	}
	r = connect_shim(st, f, fd, sa, len);
out:
	engine_leave();
	return r;
}

EXPORT int connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	long r;

	if (!call_is_ours(fd))
		return real.connect(fd, sa, len);
	r = name_is_wrong(fd, sa, len);
	if (r == 0)
		r = connect_ours(fd, sa, len);
	if (r == CALL_LIBC)
		return real.connect(fd, sa, len);
	return (int)call_return(r);
}

/* -- shutdown, names ------------------------------------------------------------------ */

static long shutdown_ours(int fd, int how)
{
	struct stack *st = engine_enter();
	long r;
	struct file *f = call_socket(fd, &r);

	if (f != NULL) {
		r = socket_shutdown(st, f->so, how, engine_now());
		if (f->side == FILE_DUAL)
			real.shutdown(fd, how);
	}
	engine_leave();
	return r;
}

EXPORT int shutdown(int fd, int how)
{
	long r;

	if (!call_is_ours(fd))
		return real.shutdown(fd, how);
	r = shutdown_ours(fd, how);
	if (r == CALL_LIBC)
		return real.shutdown(fd, how);
	return (int)call_return(r);
}

static long getname_ours(int fd, struct sockaddr *sa, socklen_t *len, bool peer)
{
	struct stack *st = engine_enter();
	long r;
	struct file *f = call_socket(fd, &r);

	if (f != NULL) {
		if (user_is_bad(len) || ((int)*len > 0 && user_is_bad(sa)))
			r = -EFAULT;
		else if ((int)*len < 0)
			r = -EINVAL;
		else
			r = socket_getname(st, f->so, sa, len, peer);
	}
	engine_leave();
	return r;
}

EXPORT int getsockname(int fd, struct sockaddr *sa, socklen_t *len)
{
	long r;

	if (!call_is_ours(fd))
		return real.getsockname(fd, sa, len);
	r = getname_ours(fd, sa, len, false);
	if (r == CALL_LIBC)
		return real.getsockname(fd, sa, len);
	return (int)call_return(r);
}

EXPORT int getpeername(int fd, struct sockaddr *sa, socklen_t *len)
{
	long r;

	if (!call_is_ours(fd))
		return real.getpeername(fd, sa, len);
	r = getname_ours(fd, sa, len, true);
	if (r == CALL_LIBC)
		return real.getpeername(fd, sa, len);
	return (int)call_return(r);
}
