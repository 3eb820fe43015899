/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * io.h - what reading and writing share: iovecs as the caller gave them.
 */
#ifndef PRELOAD_IO_H
#define PRELOAD_IO_H

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "preload/user.h"

/* One DUAL call in so many asks the kernel's side first, so that neither side starves. */
#define IO_KERNEL_TURN 16

/*
 * Bytes of an iovec, as import_iovec() of the kernel checks it: -EINVAL (count, or a sum that
 * does not fit), -EFAULT for what is cheap to see.
 */
static inline ssize_t io_iov_total(const struct iovec *iov, size_t n)
{
	size_t i, sum = 0;

	if (n > IOV_MAX)
		return -EINVAL;
	if (n > 0 && user_is_bad(iov))
		return -EFAULT;
	for (i = 0; i < n; i++) {
		if (iov[i].iov_len > (size_t)SSIZE_MAX - sum)
			return -EINVAL;
		if (iov[i].iov_len > 0 && user_is_bad(iov[i].iov_base))
			return -EFAULT;
		sum += iov[i].iov_len;
	}
	return (ssize_t)sum;
}

/* A caller's iovec, of which done bytes are behind us. */
struct io_iov {
	struct iovec vec[IOV_MAX];
	size_t first, n;
};

static inline void io_iov_copy(struct io_iov *v, const struct iovec *iov, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		v->vec[i] = iov[i];
	v->first = 0;
	v->n = n;
}

static inline void io_iov_advance(struct io_iov *v, size_t done)
{
	while (v->first < v->n && done >= v->vec[v->first].iov_len)
		done -= v->vec[v->first++].iov_len;
	if (v->first == v->n)
		return;
	v->vec[v->first].iov_base = (char *)v->vec[v->first].iov_base + done;
	v->vec[v->first].iov_len -= done;
}

/*
 * sendmsg on a descriptor of ours, with all of write(2)'s manners: blocking, partial
 * sends, SIGPIPE.  >= 0, -errno, CALL_LIBC.
 */
long io_send(int fd, const struct msghdr *msg, size_t total, int flags);
/* The same for recvmsg. */
long io_recv(int fd, struct msghdr *msg, size_t total, int flags);

#endif
