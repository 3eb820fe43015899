/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * call.h - what every interposed function has in common.
 *
 * The shape of all of them:
 *
 *	EXPORT int name(int fd, …)
 *	{
 *		long r;
 *
 *		if (!call_is_ours(fd))
 *			return real.name(fd, …);
 *		r = name_ours(fd, …);			>= 0, -errno or CALL_LIBC
 *		if (r == CALL_LIBC)
 *			return real.name(fd, …);
 *		return call_return(r);
 *	}
 *
 * Not ours: one load, one compare, libc's function, errno untouched.  name_ours() looks the
 * descriptor up again under the lock, since another thread may have closed it meanwhile.
 */
#ifndef PRELOAD_CALL_H
#define PRELOAD_CALL_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "preload/engine.h"
#include "preload/fdtable.h"
#include "preload/file.h"
#include "preload/user.h"

#define EXPORT __attribute__((visibility("default")))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* No errno has this value: the descriptor is, or has just become, the kernel's. */
#define CALL_LIBC (-4097L)

/* The one place where -errno becomes errno. */
static inline long call_return(long r)
{
	if (unlikely(r < 0)) {
		errno = (int)-r;
		return -1;
	}
	return r;
}

/* What a call of libc returned, as the rest of the shim likes it. */
static inline long call_result(long r)
{
	return r < 0 ? -errno : r;
}

/*
 * The program's call on a descriptor of ours?  Our own libraries' calls (DPDK's drivers
 * use libc's names too) go straight through.
 */
static inline bool call_is_ours(int fd)
{
	return unlikely(fdtable_is_ours(fd)) && !engine_is_inside();
}

/* The file behind fd; lock held.  NULL: *err is what the call comes to. */
static inline struct file *call_file(int fd, long *err)
{
	struct file *f = fdtable_file(fd);

	if (unlikely(f == NULL))
		*err = fdtable_is_ours(fd) ? -EBADF : CALL_LIBC;
	return f;
}

/* The same for calls that only sockets know: others have libc's answer (ENOTSOCK, EINVAL …). */
static inline struct file *call_socket(int fd, long *err)
{
	struct file *f = call_file(fd, err);

	if (f != NULL && unlikely(f->type != FILE_SOCKET)) {
		*err = CALL_LIBC;
		return NULL;
	}
	return f;
}

#endif
