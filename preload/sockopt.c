/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sockopt.c - getsockopt and setsockopt.
 *
 * The stack's answer is the answer.  As long as the kernel's socket takes part (nothing
 * decided yet, or DUAL) it gets the option too, so that the kernel's connections
 * behave alike; what it says of it does not matter.
 */
#include <linux/filter.h>
#include <netinet/in.h>
#include <string.h>

#include "preload/call.h"
#include "preload/hidden.h"
#include "preload/real.h"

#define SEEN_MAX 64

/* An option the stack lacks is refused, and said so once. */
static void log_unknown(int level, int name)
{
	static uint32_t seen[SEEN_MAX];
	static unsigned int nseen;
	uint32_t key = (uint32_t)level << 16 | (uint32_t)(name & 0xffff);
	unsigned int i;

	for (i = 0; i < nseen; i++)
		if (seen[i] == key)
			return;
	if (nseen == SEEN_MAX)
		return;
	seen[nseen++] = key;
	shim_log(LOG_LEVEL_INFO, "socket option level %d, number %d is not supported: ENOPROTOOPT",
		 level, name);
}

/*
 * A group on a link of ours, by its index: the kernel, whose link it is too, would report it to
 * routers a second time.
 */
static bool is_group_of_ours(int level, int name, const void *val, socklen_t len)
{
	uint32_t index;
	size_t at;

	if (level != IPPROTO_IP && level != IPPROTO_IPV6)
		return false;
	if (name >= MCAST_JOIN_GROUP && name <= MCAST_LEAVE_SOURCE_GROUP)
		at = offsetof(struct group_req, gr_interface);
	else if (level == IPPROTO_IP && (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP))
		at = offsetof(struct ip_mreqn, imr_ifindex);
	else if (level == IPPROTO_IPV6 && (name == IPV6_JOIN_GROUP || name == IPV6_LEAVE_GROUP))
		at = offsetof(struct ipv6_mreq, ipv6mr_interface);
	else
		return false;
	if (len < at + sizeof(index))
		return false;
	memcpy(&index, (const char *)val + at, sizeof(index));
	return index != 0 && hidden_is_our_link(index);
}

/* Options, or values, that not everybody may set. */
static bool needs_rights(int level, int name)
{
	switch (level) {
	case SOL_SOCKET:
		return name == SO_PRIORITY || name == SO_MARK || name == SO_RCVBUFFORCE ||
		       name == SO_SNDBUFFORCE || name == SO_DEBUG || name == SO_BUSY_POLL ||
		       name == SO_PREFER_BUSY_POLL || name == SO_BUSY_POLL_BUDGET || name == SO_TXTIME;
	case IPPROTO_IP:
		return name == IP_TRANSPARENT;
	case IPPROTO_IPV6:
		return name == IPV6_TRANSPARENT;
	default:
		return false;
	}
}

/* The kernel knows, of its socket behind the number, whatever that is otherwise. */
static bool kernel_forbids(int fd, int level, int name, const void *val, socklen_t len)
{
	return needs_rights(level, name) && real.setsockopt(fd, level, name, val, len) < 0 &&
	       errno == EPERM;
}

/*
 * SO_BINDTODEVICE and SO_BINDTOIFINDEX: a device that is none of the stack's is the kernel's,
 * or nobody's, which the kernel knows; so the socket is the kernel's if it may still become it.
 */
static bool goes_to_kernels_device(const struct file *f, int level, int name, long r)
{
	if (r != -ENODEV || level != SOL_SOCKET ||
	    (name != SO_BINDTODEVICE && name != SO_BINDTOIFINDEX))
		return false;
	return (f->side == FILE_UNDECIDED || f->side == FILE_DUAL) && !f->listening && !f->pinned;
}

/* What may let something pass or not, which is for hidden.c to say of the kernel's socket. */
static bool is_about_filter(int level, int name)
{
	return level == SOL_SOCKET &&
	       (name == SO_ATTACH_FILTER || name == SO_DETACH_FILTER || name == SO_LOCK_FILTER ||
		name == SO_ATTACH_BPF || name == SO_ATTACH_REUSEPORT_CBPF ||
		name == SO_ATTACH_REUSEPORT_EBPF);
}

/* What the program's pointers point to, as far as can be told before anything is done. */
static bool is_readable(int level, int name, const void *val, socklen_t len)
{
	struct sock_fprog prog;

	if (len > 0 && user_is_bad(val))
		return false;
	if (level != SOL_SOCKET || name != SO_ATTACH_FILTER || len != sizeof(prog))
		return true;
	memcpy(&prog, val, sizeof(prog));
	return prog.len == 0 || prog.filter == NULL || !user_is_bad(prog.filter);
}

static long setsockopt_ours(int fd, int level, int name, const void *val, socklen_t len)
{
	struct stack *st = engine_enter();
	long r;
	struct file *f = call_socket(fd, &r);

	if (f == NULL)
		goto out;
	if ((int)len < 0) {
		r = -EINVAL;
		goto out;
	}
	if (!is_readable(level, name, val, len)) {
		r = -EFAULT;
		goto out;
	}
	if (kernel_forbids(fd, level, name, val, len)) {
		r = -EPERM;
		goto out;
	}
	r = socket_setsockopt(st, f->so, level, name, val, len, engine_now());
	if (goes_to_kernels_device(f, level, name, r)) {
		file_to_kernel(st, f, fd, engine_now());
		r = CALL_LIBC;
		goto out;
	}
	if (is_about_filter(level, name)) {
		/* On whatever side it is: a socket of ours alone may become the kernel's, too. */
		if (r == 0)
			hidden_set_filter(st, f, fd);
	} else if (f->side != FILE_SHIM && r != -EINVAL && !is_group_of_ours(level, name, val, len)) {
		real.setsockopt(fd, level, name, val, len);
	}
	if (r == -ENOPROTOOPT)
		log_unknown(level, name);
out:
	engine_leave();
	return r;
}

EXPORT int setsockopt(int fd, int level, int name, const void *val, socklen_t len)
{
	long r;

	if (!call_is_ours(fd))
		return real.setsockopt(fd, level, name, val, len);
	r = setsockopt_ours(fd, level, name, val, len);
	if (r == CALL_LIBC)
		return real.setsockopt(fd, level, name, val, len);
	return (int)call_return(r);
}

static long getsockopt_ours(int fd, int level, int name, void *val, socklen_t *len)
{
	struct stack *st = engine_enter();
	long r;
	struct file *f = call_socket(fd, &r);

	if (f == NULL)
		goto out;
	if (user_is_bad(len) || ((int)*len > 0 && user_is_bad(val))) {
		r = -EFAULT;
		goto out;
	}
	r = socket_getsockopt(st, f->so, level, name, val, len, engine_now());
	if (r == -ENOPROTOOPT)
		log_unknown(level, name);
out:
	engine_leave();
	return r;
}

EXPORT int getsockopt(int fd, int level, int name, void *restrict val, socklen_t *restrict len)
{
	long r;

	if (!call_is_ours(fd))
		return real.getsockopt(fd, level, name, val, len);
	r = getsockopt_ours(fd, level, name, val, len);
	if (r == CALL_LIBC)
		return real.getsockopt(fd, level, name, val, len);
	return (int)call_return(r);
}
