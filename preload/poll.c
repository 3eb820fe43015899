/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * poll.c - poll ppoll select pselect, over both kinds of descriptors.
 *
 * A set without a descriptor of ours is libc's.  Otherwise the kernel's part is asked with
 * ppoll() of a copy of the set in which ours are negative, and ours are asked one by one;
 * a DUAL socket (and a nested epoll instance) is asked on both sides.
 *
 * select becomes poll with the bits of fs/select.c.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <unistd.h>

#include "preload/call.h"
#include "preload/real.h"

/* Sets up to this size need no memory of their own. */
#define FEW 64

struct poll_call {
	struct pollfd *fds;
	nfds_t n;
	struct pollfd *kfds; /* the kernel's part: same places; ours negative */
	nfds_t nkernel;	     /* of which so many are not negative */
	struct pollfd few[FEW];
	size_t mapped;
	struct wait w;
};

/* poll's and epoll's bits are the same. */
static uint32_t wanted(const struct pollfd *p)
{
	return (uint16_t)p->events | EPOLLERR | EPOLLHUP;
}

static bool kernel_takes_part(const struct file *f)
{
	return f->type == FILE_EPOLL || f->side == FILE_DUAL;
}

/* Make the kernel's copy of the set. */
static int copy_set(struct poll_call *c)
{
	nfds_t i;

	c->kfds = c->few;
	if (c->n > FEW) {
		c->mapped = c->n * sizeof(*c->kfds);
		c->kfds = mmap(NULL, c->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);
		if (c->kfds == MAP_FAILED) {
			c->mapped = 0;
			return -ENOMEM;
		}
	}
	for (i = 0; i < c->n; i++) {
		struct file *f = fdtable_file(c->fds[i].fd);

		c->kfds[i] = c->fds[i];
		c->kfds[i].revents = 0;
		if (fdtable_is_ours(c->fds[i].fd) && (f == NULL || !kernel_takes_part(f)))
			c->kfds[i].fd = -1;
		else if (c->fds[i].fd >= 0)
			c->nkernel++;
	}
	return 0;
}

/* Ask the kernel without waiting.  < 0: -errno, EINVAL for too large a set among them. */
static int ask_kernel(struct poll_call *c)
{
	static const struct timespec zero;
	int r;

	engine_leave();
	r = (int)call_result(real.ppoll(c->kfds, c->n, &zero, c->w.sigmask));
	engine_enter();
	return r;
}

/* Fill in revents of both sides.  Returns how many are not 0. */
static int gather(struct poll_call *c)
{
	int ready = 0;
	nfds_t i;

	for (i = 0; i < c->n; i++) {
		struct pollfd *p = &c->fds[i];
		struct file *f;

		p->revents = c->kfds[i].fd >= 0 ? c->kfds[i].revents : 0;
		if (fdtable_is_ours(p->fd)) {
			f = fdtable_file(p->fd);
			if (f == NULL)
				p->revents = POLLNVAL;
			else
				p->revents |= (short)(file_poll(f) & wanted(p));
		}
		ready += p->revents != 0;
	}
	return ready;
}

static int watch_ours(struct poll_call *c, struct waiter *wt)
{
	nfds_t i;
	int r;

	for (i = 0; i < c->n; i++) {
		struct file *f = fdtable_file(c->fds[i].fd);

		if (f == NULL)
			continue;
		r = waiter_watch(wt, f, wanted(&c->fds[i]));
		if (r < 0)
			return r;
	}
	return 0;
}

/* The kernel's part alone, for the sleep: it may be far smaller than the set. */
static nfds_t compact(const struct poll_call *c, struct pollfd *to)
{
	nfds_t i, n = 0;

	for (i = 0; i < c->n; i++)
		if (c->kfds[i].fd >= 0)
			to[n++] = c->kfds[i];
	return n;
}

static void take_revents(struct poll_call *c, const struct pollfd *from)
{
	nfds_t i, n = 0;

	for (i = 0; i < c->n; i++)
		if (c->kfds[i].fd >= 0)
			c->kfds[i].revents = from[n++].revents;
}

/* Nothing was ready: wait.  Returns ready descriptors, 0 after the time, -errno. */
static int wait_ready(struct poll_call *c, struct waiter *wt, struct pollfd *sleep_set)
{
	nfds_t n = compact(c, sleep_set);
	int r, ready;

	r = watch_ours(c, wt);
	if (r < 0)
		return r;
	for (;;) {
		r = waiter_wait(wt, &c->w, sleep_set, n);
		take_revents(c, sleep_set);
		ready = gather(c);
		if (ready > 0)
			return ready;
		if (r == -ETIMEDOUT)
			return 0;
		if (r < 0)
			return r;
	}
}

static int wait_long(struct poll_call *c)
{
	struct pollfd few[FEW], *sleep_set = few;
	size_t size = (c->nkernel + 1) * sizeof(*sleep_set);
	struct waiter *wt = waiter_get();
	int r;

	if (wt == NULL)
		return -ENOMEM;
	if (c->nkernel > FEW) {
		sleep_set = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
				 0);
		if (sleep_set == MAP_FAILED) {
			waiter_put(wt);
			return -ENOMEM;
		}
	}
	r = wait_ready(c, wt, sleep_set);
	waiter_put(wt);
	if (sleep_set != few)
		munmap(sleep_set, size);
	return r;
}

/* poll(2) of a set with descriptors of ours.  deadline: ns. */
static int poll_locked(struct poll_call *c, uint64_t deadline, const sigset_t *sigmask)
{
	int r = copy_set(c), ready;

	if (r < 0)
		return r;
	wait_begin(&c->w, deadline, sigmask);
	engine_poll();
	ready = gather(c);
	/* Large sets also for the limit's sake: EINVAL beyond RLIMIT_NOFILE. */
	if (c->nkernel > 0 || sigmask != NULL || c->n > 1024) {
		r = ask_kernel(c);
		if (r < 0 && (r != -EINTR || ready == 0))
			return r;
		ready = gather(c);
	}
	if (ready > 0)
		return ready;
	if (engine_now() >= deadline)
		return 0;
	return wait_long(c);
}

static uint64_t deadline_of(uint64_t timeout)
{
	uint64_t now = engine_now();

	return timeout > UINT64_MAX - now ? UINT64_MAX : now + timeout;
}

static int poll_ours(struct pollfd *fds, nfds_t n, uint64_t timeout, const sigset_t *sigmask)
{
	struct poll_call c;
	int r;

	c.fds = fds;
	c.n = n;
	c.nkernel = 0;
	c.mapped = 0;
	engine_enter();
	r = poll_locked(&c, timeout == 0 ? 0 : deadline_of(timeout), sigmask);
	engine_leave();
	if (c.mapped != 0)
		munmap(c.kfds, c.mapped);
	return r;
}

static bool any_ours(struct pollfd *fds, nfds_t n)
{
	nfds_t i;

	if (fdtable == NULL || n == 0 || n > SHM_MAX_FDS || engine_is_inside() || user_is_bad(fds))
		return false;
	for (i = 0; i < n; i++)
		if (fdtable_is_ours(fds[i].fd))
			return true;
	return false;
}

/* ns; -EINVAL as the kernel has it.  NULL is for ever. */
static int from_timespec(const struct timespec *ts, uint64_t *ns)
{
	*ns = UINT64_MAX;
	if (ts == NULL)
		return 0;
	if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec > 999999999)
		return -EINVAL;
	if (ts->tv_sec < INT32_MAX)
		*ns = (uint64_t)ts->tv_sec * 1000000000u + (uint64_t)ts->tv_nsec;
	return 0;
}

EXPORT int poll(struct pollfd *fds, nfds_t n, int timeout)
{
	if (!any_ours(fds, n))
		return real.poll(fds, n, timeout);
	return (int)call_return(poll_ours(fds, n,
					  timeout < 0 ? UINT64_MAX : (uint64_t)timeout * 1000000u,
					  NULL));
}

EXPORT int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
		 const sigset_t *sigmask)
{
	uint64_t ns;
	int r;

	if (!any_ours(fds, n))
		return real.ppoll(fds, n, timeout, sigmask);
	r = from_timespec(timeout, &ns);
	return (int)call_return(r < 0 ? r : poll_ours(fds, n, ns, sigmask));
}

int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
		const sigset_t *sigmask, size_t size);

EXPORT int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size)
{
	if (size / sizeof(*fds) < n || !any_ours(fds, n))
		return real.__poll_chk(fds, n, timeout, size);
	return poll(fds, n, timeout);
}

EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
		       const sigset_t *sigmask, size_t size)
{
	if (size / sizeof(*fds) < n || !any_ours(fds, n))
		return real.__ppoll_chk(fds, n, timeout, sigmask, size);
	return ppoll(fds, n, timeout, sigmask);
}

/* -- select --------------------------------------------------------------------------------- */

/* fs/select.c */
#define SELECT_IN (POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR)
#define SELECT_OUT (POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR)
#define SELECT_EX (POLLPRI)

/* The sets may be larger than FD_SETSIZE: the caller knows how large they are. */
static bool in_set(const fd_set *set, int fd)
{
	const unsigned long *w = (const unsigned long *)(const void *)set;

	return set != NULL && (w[fd / (8 * sizeof(long))] >> (fd % (8 * sizeof(long))) & 1) != 0;
}

static void put_bit(fd_set *set, int fd, bool on)
{
	unsigned long *w = (unsigned long *)(void *)set, bit = 1ul << (fd % (8 * sizeof(long)));

	if (set == NULL)
		return;
	if (on)
		w[fd / (8 * sizeof(long))] |= bit;
	else
		w[fd / (8 * sizeof(long))] &= ~bit;
}

static bool select_has_ours(int n, const fd_set *in, const fd_set *out, const fd_set *ex)
{
	int fd;

	if (fdtable == NULL || n <= 0 || (unsigned int)n > SHM_MAX_FDS || engine_is_inside() ||
	    (in != NULL && user_is_bad(in)) || (out != NULL && user_is_bad(out)) ||
	    (ex != NULL && user_is_bad(ex)))
		return false;
	for (fd = 0; fd < n; fd++)
		if (fdtable_is_ours(fd) && (in_set(in, fd) || in_set(out, fd) || in_set(ex, fd)))
			return true;
	return false;
}

static nfds_t to_pollfds(struct pollfd *p, int n, const fd_set *in, const fd_set *out,
			 const fd_set *ex)
{
	nfds_t k = 0;
	int fd;

	for (fd = 0; fd < n; fd++) {
		short events = (short)((in_set(in, fd) ? SELECT_IN : 0) |
				       (out != NULL && in_set(out, fd) ? SELECT_OUT : 0) |
				       (ex != NULL && in_set(ex, fd) ? SELECT_EX : 0));

		if (in_set(in, fd) || in_set(out, fd) || in_set(ex, fd))
			p[k++] = (struct pollfd){ .fd = fd, .events = events };
	}
	return k;
}

/* Bits set in the three sets; -EBADF if one of the descriptors is none. */
static int to_sets(const struct pollfd *p, nfds_t k, fd_set *in, fd_set *out, fd_set *ex)
{
	int bits = 0;
	nfds_t i;

	for (i = 0; i < k; i++)
		if ((p[i].revents & POLLNVAL) != 0)
			return -EBADF;
	for (i = 0; i < k; i++) {
		bool r = in_set(in, p[i].fd) && (p[i].revents & SELECT_IN) != 0;
		bool w = in_set(out, p[i].fd) && (p[i].revents & SELECT_OUT) != 0;
		bool x = in_set(ex, p[i].fd) && (p[i].revents & SELECT_EX) != 0;

		put_bit(in, p[i].fd, r);
		put_bit(out, p[i].fd, w);
		put_bit(ex, p[i].fd, x);
		bits += r + w + x;
	}
	return bits;
}

/*
 * A descriptor that only the exceptional set asks about counts as ready for POLLHUP and
 * POLLERR in poll(2) but not in select(2): such rounds are gone through again.
 */
static int select_rounds(struct pollfd *p, nfds_t k, uint64_t deadline, const sigset_t *sigmask,
			 fd_set *in, fd_set *out, fd_set *ex)
{
	uint64_t now;
	nfds_t i;
	int r;

	for (;;) {
		now = engine_now();
		r = poll_ours(p, k, deadline == UINT64_MAX ? UINT64_MAX :
				    deadline > now	    ? deadline - now :
							      0, sigmask);
		if (r < 0)
			return r;
		for (i = 0; i < k && r > 0; i++) {
			bool dull = (p[i].events & (SELECT_IN | SELECT_OUT)) == 0 &&
				    (p[i].revents & (POLLPRI | POLLNVAL)) == 0 && p[i].revents != 0;

			if (dull) {
				p[i].fd = ~p[i].fd; /* poll passes over negative ones */
				p[i].revents = 0;
				r--;
			}
		}
		if (r > 0 || engine_now() >= deadline)
			break;
	}
	for (i = 0; i < k; i++)
		if (p[i].fd < 0)
			p[i].fd = ~p[i].fd;
	return to_sets(p, k, in, out, ex);
}

static int select_ours(int n, fd_set *in, fd_set *out, fd_set *ex, uint64_t deadline,
		       const sigset_t *sigmask)
{
	struct pollfd few[FEW], *p = few;
	size_t size = (size_t)n * sizeof(*p);
	nfds_t k;
	int r;

	if (n > FEW) {
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return -ENOMEM;
	}
	k = to_pollfds(p, n, in, out, ex);
	r = select_rounds(p, k, deadline, sigmask, in, out, ex);
	if (p != few)
		munmap(p, size);
	return r;
}

EXPORT int select(int n, fd_set *in, fd_set *out, fd_set *ex, struct timeval *timeout)
{
	uint64_t deadline = UINT64_MAX, now;
	int r;

	if (!select_has_ours(n, in, out, ex))
		return real.select(n, in, out, ex, timeout);
	if (timeout != NULL) {
		if (timeout->tv_sec < 0 || timeout->tv_usec < 0)
			return (int)call_return(-EINVAL);
		if (timeout->tv_sec < INT32_MAX)
			deadline = deadline_of((uint64_t)timeout->tv_sec * 1000000000u +
					       (uint64_t)timeout->tv_usec * 1000u);
	}
	r = select_ours(n, in, out, ex, deadline, NULL);
	if (timeout != NULL && deadline != UINT64_MAX) {
		/* select(2): "Linux modifies timeout to reflect the amount of time not slept". */
		now = engine_now();
		now = deadline > now ? deadline - now : 0;
		timeout->tv_sec = (time_t)(now / 1000000000u);
		timeout->tv_usec = (suseconds_t)(now % 1000000000u / 1000);
	}
	return (int)call_return(r);
}

EXPORT int pselect(int n, fd_set *in, fd_set *out, fd_set *ex, const struct timespec *timeout,
		   const sigset_t *sigmask)
{
	uint64_t ns;
	int r;

	if (!select_has_ours(n, in, out, ex))
		return real.pselect(n, in, out, ex, timeout, sigmask);
	r = from_timespec(timeout, &ns);
	if (r == 0)
		r = select_ours(n, in, out, ex, deadline_of(ns), sigmask);
	return (int)call_return(r);
}
