/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sendfile.c - sendfile and splice to and from sockets of ours.
 *
 * The file or pipe is read outside the stack's lock, a piece at a time, into a buffer, and
 * sent from there.  A read from a file repeats what the socket did not take; from a pipe
 * it could not, so the pipe is looked at with tee(2) and emptied of what was sent.
 */
#include <fcntl.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "preload/call.h"
#include "preload/io.h"
#include "preload/real.h"

#define PIECE (128u * 1024)
/* What one call moves at most, as the kernel's MAX_RW_COUNT. */
#define COUNT_MAX ((size_t)0x7ffff000)

/* -- a buffer of PIECE bytes: a few are kept ----------------------------------------------- */

#define KEPT 4
static struct {
	char *mem;
	bool busy;
} kept[KEPT];

static char *buffer_get(int *place)
{
	char *mem;
	int i;

	for (i = 0; i < KEPT; i++)
		if (!__atomic_exchange_n(&kept[i].busy, true, __ATOMIC_ACQUIRE))
			break;
	*place = i;
	if (i < KEPT && kept[i].mem != NULL)
		return kept[i].mem;
	mem = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		mem = NULL;
	if (i < KEPT) {
		kept[i].mem = mem;
		if (mem == NULL)
			__atomic_store_n(&kept[i].busy, false, __ATOMIC_RELEASE);
	}
	return mem;
}

static void buffer_put(char *mem, int place)
{
	if (place < KEPT)
		__atomic_store_n(&kept[place].busy, false, __ATOMIC_RELEASE);
	else
		munmap(mem, PIECE);
}

static long send_piece(int fd, char *mem, size_t n, int flags)
{
	struct iovec iov = { .iov_base = mem, .iov_len = n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	return io_send(fd, &msg, n, flags);
}

/* -- sendfile -------------------------------------------------------------------------------- */

/* 0 when it can be written to now; -EAGAIN spares a read of what would not be taken. */
static long may_send(int fd)
{
	long r;
	struct file *f;

	engine_enter();
	f = call_socket(fd, &r);
	if (f != NULL)
		r = f->side == FILE_SHIM && (f->flags & O_NONBLOCK) != 0 &&
				    (file_poll(f) & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0 &&
				    engine_poll() == 0 ?
			    -EAGAIN :
			    0;
	engine_leave();
	return r;
}

/* Send [pos, pos + count) of in. */
static long send_file(int out, int in, off64_t pos, size_t count, char *mem)
{
	struct stat64 sb;
	size_t done = 0;
	off64_t size = INT64_MAX;
	long n, r = may_send(out);

	if (r < 0)
		return r;
	if (real.fstat64(in, &sb) == 0 && S_ISREG(sb.st_mode))
		size = sb.st_size;
	while (done < count) {
		size_t want = count - done < PIECE ? count - done : PIECE;
		bool more;

		n = call_result(real.pread64(in, mem, want, pos + (off64_t)done));
		if (n == -ESPIPE)
			n = -EINVAL; /* sendfile(2): "supports mmap(2)-like operations" */
		if (n <= 0) {
			r = n;
			break;
		}
		more = done + (size_t)n < count && pos + (off64_t)done + n < size;
		/* A signal for what a later piece meets would be one too many. */
		r = send_piece(out, mem, (size_t)n,
			       (more ? MSG_MORE : 0) | (done > 0 ? MSG_NOSIGNAL : 0));
		if (r < 0)
			break;
		done += (size_t)r;
		if (r < n)
			break;
	}
	return done > 0 ? (long)done : r;
}

static long sendfile_ours(int out, int in, off64_t *off, size_t count)
{
	off64_t pos;
	int place;
	char *mem;
	long r;

	if (fdtable_is_ours(in))
		return -EINVAL;
	if (!fdtable_is_ours(out))
		return CALL_LIBC;
	pos = off != NULL ? *off : lseek64(in, 0, SEEK_CUR);
	if (pos < 0)
		return off != NULL || errno == ESPIPE ? -EINVAL : -errno;
	mem = buffer_get(&place);
	if (mem == NULL)
		return -ENOMEM;
	r = send_file(out, in, pos, count < COUNT_MAX ? count : COUNT_MAX, mem);
	buffer_put(mem, place);
	if (r <= 0)
		return r;
	if (off != NULL)
		*off = pos + r;
	else
		lseek64(in, pos + r, SEEK_SET);
	return r;
}

static bool is_ours(int a, int b)
{
	return unlikely(fdtable_is_ours(a) || fdtable_is_ours(b)) && !engine_is_inside();
}

EXPORT ssize_t sendfile64(int out, int in, off64_t *off, size_t count)
{
	long r;

	if (!is_ours(out, in))
		return real.sendfile64(out, in, off, count);
	r = off != NULL && user_is_bad(off) ? -EFAULT : sendfile_ours(out, in, off, count);
	if (r == CALL_LIBC)
		return real.sendfile64(out, in, off, count);
	return call_return(r);
}

_Static_assert(sizeof(off_t) == sizeof(off64_t), "sendfile and sendfile64 are one function");

EXPORT ssize_t sendfile(int out, int in, off_t *off, size_t count)
{
	return sendfile64(out, in, off, count);
}

/* -- splice ------------------------------------------------------------------------------------ */

/* pipe → ours: copy what the pipe holds, send it, then take out what was sent. */
static long splice_out(int in, int out, size_t len, unsigned int flags, char *mem)
{
	int copy[2], send_flags = (flags & SPLICE_F_MORE) != 0 ? MSG_MORE : 0;
	long n, r;

	if (real.pipe2(copy, O_CLOEXEC) < 0)
		return -errno;
	n = call_result(tee(in, copy[1], len < PIECE ? len : PIECE, flags & SPLICE_F_NONBLOCK));
	if (n > 0)
		n = call_result(real.read(copy[0], mem, (size_t)n));
	real.close(copy[0]);
	real.close(copy[1]);
	if (n <= 0)
		return n;
	if ((flags & SPLICE_F_NONBLOCK) != 0)
		send_flags |= MSG_DONTWAIT;
	r = send_piece(out, mem, (size_t)n, send_flags);
	if (r > 0)
		real.read(in, mem, (size_t)r);
	return r;
}

/* ours → pipe: peek, write what the pipe takes, then take that out of the socket. */
static long splice_in(int in, int out, size_t len, unsigned int flags, char *mem)
{
	struct iovec iov = { .iov_base = mem, .iov_len = len < PIECE ? len : PIECE };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	/* splice(2): the flag is about the pipe; the socket's own O_NONBLOCK about the socket. */
	bool nonblock = (flags & SPLICE_F_NONBLOCK) != 0;
	long n, w;

	n = io_recv(in, &msg, iov.iov_len, MSG_PEEK);
	if (n <= 0)
		return n;
	iov.iov_base = mem;
	iov.iov_len = (size_t)n;
	w = call_result(nonblock ? real.pwritev2(out, &iov, 1, -1, RWF_NOWAIT) :
				   real.write(out, mem, (size_t)n));
	if (w <= 0)
		return w;
	iov.iov_base = mem;
	iov.iov_len = (size_t)w;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	return io_recv(in, &msg, (size_t)w, MSG_DONTWAIT);
}

static bool is_pipe(int fd)
{
	struct stat64 sb;

	return real.fstat64(fd, &sb) == 0 && S_ISFIFO(sb.st_mode);
}

static long splice_ours(int in, off64_t *off_in, int out, off64_t *off_out, size_t len,
			unsigned int flags)
{
	bool to_us = fdtable_is_ours(out);
	int place;
	char *mem;
	long r;

	if ((flags & ~(unsigned int)(SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE |
				     SPLICE_F_GIFT)) != 0)
		return -EINVAL;
	if (len == 0)
		return 0;
	/* splice(2): one end is a pipe, which has no offset (ESPIPE), nor has a socket (EINVAL). */
	if (!is_pipe(to_us ? in : out))
		return -EINVAL;
	if ((to_us ? off_in : off_out) != NULL)
		return -ESPIPE;
	if ((to_us ? off_out : off_in) != NULL)
		return -EINVAL;
	mem = buffer_get(&place);
	if (mem == NULL)
		return -ENOMEM;
	r = to_us ? splice_out(in, out, len, flags, mem) : splice_in(in, out, len, flags, mem);
	buffer_put(mem, place);
	return r;
}

EXPORT ssize_t splice(int in, off64_t *off_in, int out, off64_t *off_out, size_t len,
		      unsigned int flags)
{
	long r;

	if (!is_ours(in, out))
		return real.splice(in, off_in, out, off_out, len, flags);
	r = splice_ours(in, off_in, out, off_out, len, flags);
	if (r == CALL_LIBC)
		return real.splice(in, off_in, out, off_out, len, flags);
	return call_return(r);
}
