/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * epoll_wait.c - waiting on an epoll instance of ours.
 *
 * A wait looks at our side first; the stack is run before, unless items are notified
 * that were not looked at yet.  The kernel's side is looked at (a call that does not wait)
 * when ours is idle and the caller does not want to sleep, and at least every
 * KERNEL_LOOK when ours is busy: neither starves, and a program busy with our
 * sockets makes no system call otherwise.  Then the spin phase, then sleep in the kernel's
 * instance.
 *
 * The lock is let go for the kernel's look, while spinning and for the sleep; afterwards
 * the descriptor is looked up again, since another thread may have closed it.
 */
#include <limits.h>

#include "preload/call.h"
#include "preload/epoll.h"
#include "preload/real.h"

#define KERNEL_LOOK (250 * UINT64_C(1000))   /* ns */
#define KERNEL_LOOK_ROUNDS 8		     /* of the spin phase */
#define UNWAKEABLE_NAP (1000 * UINT64_C(1000)) /* ns */

__thread struct eventpoll *epoll_current __attribute__((tls_model("initial-exec")));

/* One call of epoll_wait. */
struct ep_wait {
	struct eventpoll *ep;
	struct file *f;
	int epfd;
	struct epoll_event *events;
	int max;
	int n; /* events stored */
	uint32_t round;
	struct wait w;
};

/* After the lock was let go: is it still this instance?  0, -EBADF */
static int again(const struct ep_wait *c)
{
	const struct file *f = fdtable_file(c->epfd);

	return f != NULL && f == c->f && f->ep == c->ep ? 0 : -EBADF;
}

/* -- our side --------------------------------------------------------------------------- */

/* Report an item; both sides' events of one item become one.  False: no room. */
static bool emit(struct ep_wait *c, struct epitem *epi, uint32_t events)
{
	if (epi->round == c->round && epi->out < c->n) {
		c->events[epi->out].events |= events;
		return true;
	}
	if (c->n >= c->max)
		return false;
	epi->round = c->round;
	epi->out = c->n;
	c->events[c->n].events = events;
	c->events[c->n].data.u64 = epi->data;
	c->n++;
	return true;
}

static void collect(struct ep_wait *c, int max)
{
	struct eventpoll *ep = c->ep;
	uint32_t left;

	for (left = ep->nready; left > 0 && c->n < max; left--) {
		struct epitem *epi = list_entry(ep->ready.next, struct epitem, ready_link);
		uint32_t events;

		epitem_unready(epi);
		if (epi->we.events == 0)
			continue;
		events = file_poll(epi->we.file) & epi->we.events;
		if (events == 0)
			continue;
		emit(c, epi, events);
		if (unlikely((epi->flags & EPOLLONESHOT) != 0))
			epitem_disarm(epi, c->epfd);
		else if ((epi->flags & EPOLLET) == 0)
			epitem_ready_tail(epi, false);
	}
}

/* -- the kernel's side -------------------------------------------------------------------- */

static void slot_event(struct ep_wait *c, uint32_t slot)
{
	if ((int)slot == c->ep->slot) {
		evslot_drain(c->ep->slot);
		c->ep->kicked = false;
	} else if (slot < SHM_MAX_EVSLOTS) {
		/* Of a process that is gone. */
		real.epoll_ctl(c->epfd, EPOLL_CTL_DEL, evslot_fd((int)slot), NULL);
	}
}

static void item_event(struct ep_wait *c, uint32_t i, uint32_t events)
{
	struct epitem *epi = pool_at(&shm->epitems, i);

	if (!pool_is_live(&shm->epitems, i) || epi->ep != c->ep || epi->we.events == 0)
		return;
	if (!emit(c, epi, events))
		return;
	if ((epi->flags & EPOLLONESHOT) != 0)
		epitem_disarm(epi, c->epfd);
}

/* k events of the kernel lie behind our n: keep the program's, act on our own. */
static void sort_kernel_events(struct ep_wait *c, int k)
{
	struct epoll_event *ev = c->events + c->n;
	int i;

	for (i = 0; i < k; i++) {
		struct epoll_event e = ev[i];
		uint32_t low = (uint32_t)e.data.u64;

		if ((e.data.u64 & 0xffffffff00000000u) != epoll_tag_hi()) {
			c->events[c->n++] = e;
			continue;
		}
		switch (low & EPOLL_TAG_MASK) {
		case EPOLL_TAG_SLOT:
			slot_event(c, low & ~EPOLL_TAG_MASK);
			break;
		case EPOLL_TAG_ITEM:
			item_event(c, low & ~EPOLL_TAG_MASK, e.events);
			break;
		default: /* the port's: the stack was or will be run */
			break;
		}
	}
}

/* Ask the kernel without waiting.  0, or -errno if there is nothing else to return. */
static int look(struct ep_wait *c)
{
	int k, r;

	if (c->n >= c->max)
		return 0;
	c->ep->last_look = engine_now();
	epoll_current = NULL;
	engine_leave();
	if (c->w.sigmask != NULL)
		k = (int)call_result(real.epoll_pwait(c->epfd, c->events + c->n, c->max - c->n, 0,
						      c->w.sigmask));
	else
		k = (int)call_result(real.epoll_wait(c->epfd, c->events + c->n, c->max - c->n, 0));
	engine_enter();
	r = again(c);
	if (r < 0)
		return c->n > 0 ? 0 : r;
	epoll_current = c->ep;
	if (k > 0)
		sort_kernel_events(c, k);
	return k < 0 && c->n == 0 ? k : 0;
}

static bool has_kernel_side(const struct ep_wait *c)
{
	return c->ep->kernel_items != 0 || c->ep->hidden_items != 0 || c->w.sigmask != NULL;
}

/* The kernel has not been asked for long: it is, even if our side is busy. */
static bool look_is_overdue(const struct ep_wait *c, uint64_t now)
{
	return now - c->ep->last_look >= KERNEL_LOOK && has_kernel_side(c);
}

/* Our side is idle.  A sleep looks by itself; one who does not sleep, and the spin phase, look now. */
static bool look_while_idle(const struct ep_wait *c, uint64_t now)
{
	if (!has_kernel_side(c))
		return false;
	return now >= c->w.deadline || c->w.rounds % KERNEL_LOOK_ROUNDS == KERNEL_LOOK_ROUNDS - 1;
}

/* -- sleep ---------------------------------------------------------------------------------- */

static int proc_slot(void)
{
	return (int)(engine_proc() - shm->procs);
}

/* Have the eventfd of the instance registered.  False: none left, the sleeper naps. */
static bool ensure_slot(struct ep_wait *c)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct eventpoll *ep = c->ep;

	if (likely(ep->slot >= 0))
		return true;
	ep->slot = evslot_get();
	if (ep->slot < 0)
		return false;
	ep->slot_proc = proc_slot();
	ep->kicked = false;
	evslot_drain(ep->slot);
	ev.data.u64 = epoll_tag_hi() | EPOLL_TAG_SLOT | (uint32_t)ep->slot;
	if (real.epoll_ctl(c->epfd, EPOLL_CTL_ADD, evslot_fd(ep->slot), &ev) == 0 ||
	    errno == EEXIST)
		return true;
	evslot_put(ep->slot);
	ep->slot = -1;
	return false;
}

/* The port's own descriptors spare the hop over another process.  False: it has none. */
static bool ensure_ports(struct ep_wait *c)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	unsigned int i, n;
	int fds[8];

	if (likely(c->ep->ports))
		return true;
	n = wait_port_fds(fds);
	ev.data.u64 = epoll_tag_hi() | EPOLL_TAG_PORT;
	for (i = 0; i < n; i++)
		if (real.epoll_ctl(c->epfd, EPOLL_CTL_ADD, fds[i], &ev) < 0 && errno != EEXIST)
			return false;
	c->ep->ports = n > 0;
	return c->ep->ports;
}

/* Enter this process among the sleepers; returns the place, -1 if there is none left. */
static int count_sleeper(struct eventpoll *ep)
{
	int i, free_place = -1, me = proc_slot();

	for (i = 0; i < EVENTPOLL_SLEEPERS; i++) {
		if (ep->sleepers[i].threads == 0) {
			if (free_place < 0)
				free_place = i;
		} else if (ep->sleepers[i].proc == me) {
			ep->sleepers[i].threads++;
			return i;
		}
	}
	if (free_place >= 0) {
		ep->sleepers[free_place].proc = me;
		ep->sleepers[free_place].threads = 1;
	}
	return free_place;
}

/* Sleep once.  0 or -errno; events may have come. */
static int sleep_once(struct ep_wait *c)
{
	bool wakeable = ensure_slot(c), ports = ensure_ports(c);
	int place = count_sleeper(c->ep), k, r;
	uint64_t ns;

	epoll_current = NULL;
	ns = wait_sleep_begin(&c->w, ports);
	if (unlikely(!wakeable || place < 0) && ns > UNWAKEABLE_NAP)
		ns = UNWAKEABLE_NAP;
	k = wait_epoll(&c->w, c->epfd, c->events, c->max, ns);
	wait_sleep_end(&c->w, ports);
	r = again(c);
	if (r < 0)
		return r;
	epoll_current = c->ep;
	if (place >= 0 && c->ep->sleepers[place].threads > 0)
		c->ep->sleepers[place].threads--;
	c->ep->last_look = engine_now();
	if (k > 0)
		sort_kernel_events(c, k);
	collect(c, c->max);
	return k < 0 && c->n == 0 ? k : 0;
}

/* -- the call --------------------------------------------------------------------------------- */

/* Both sides, as far as they need to be asked.  0 or -errno. */
static int look_around(struct ep_wait *c)
{
	uint64_t now = engine_now();
	bool overdue = look_is_overdue(c, now);
	int r;

	/* There must be room for what the kernel may have; where one event is all, it goes first. */
	if (overdue && c->max == 1 && c->ep->nready > 0) {
		r = look(c);
		if (r < 0)
			return r;
		overdue = false;
	}
	collect(c, overdue ? c->max - 1 : c->max);
	if ((overdue && c->n > 0) || (c->n == 0 && look_while_idle(c, now)))
		return look(c);
	return 0;
}

static int wait_rounds(struct ep_wait *c)
{
	int r;

	for (;;) {
		if (c->ep->nfresh == 0)
			engine_poll();
		r = look_around(c);
		if (r < 0)
			return r;
		if (c->n > 0 || engine_now() >= c->w.deadline)
			return 0;
		if (wait_interrupted(&c->w))
			return -EINTR;
		if (wait_spin(&c->w)) {
			r = again(c);
			if (r < 0)
				return r;
			continue;
		}
		r = sleep_once(c);
		if (r < 0)
			return r;
		if (c->n > 0)
			return 0;
	}
}

/* timeout: ns, UINT64_MAX for ever. */
static long wait_ours(int epfd, struct epoll_event *events, int max, uint64_t timeout,
		      const sigset_t *sigmask)
{
	struct ep_wait c = { .epfd = epfd, .events = events, .max = max };
	uint64_t now;
	long r;

	engine_enter();
	c.f = call_file(epfd, &r);
	if (c.f == NULL)
		goto out;
	if (c.f->type != FILE_EPOLL) {
		r = -EINVAL;
		goto out;
	}
	if (max <= 0 || (size_t)max > INT_MAX / sizeof(struct epoll_event)) {
		r = -EINVAL;
		goto out;
	}
	if (user_is_bad(events)) {
		r = -EFAULT;
		goto out;
	}
	c.ep = c.f->ep;
	c.round = ++c.ep->round;
	now = engine_now();
	wait_begin(&c.w, timeout > UINT64_MAX - now ? UINT64_MAX : now + timeout, sigmask);
	epoll_current = c.ep;
	r = wait_rounds(&c);
	epoll_current = NULL;
	if (r == 0)
		r = c.n;
	/* What this call leaves behind is for the next sleeper. */
	if (again(&c) == 0 && c.ep->nfresh > 0)
		eventpoll_wake(c.ep);
out:
	engine_leave();
	return r;
}

static uint64_t timeout_ms(int ms)
{
	return ms < 0 ? UINT64_MAX : (uint64_t)ms * 1000000u;
}

EXPORT int epoll_wait(int epfd, struct epoll_event *events, int max, int timeout)
{
	long r;

	if (!call_is_ours(epfd))
		return real.epoll_wait(epfd, events, max, timeout);
	r = wait_ours(epfd, events, max, timeout_ms(timeout), NULL);
	if (unlikely(r == CALL_LIBC))
		return real.epoll_wait(epfd, events, max, timeout);
	return (int)call_return(r);
}

EXPORT int epoll_pwait(int epfd, struct epoll_event *events, int max, int timeout,
		       const sigset_t *sigmask)
{
	long r;

	if (!call_is_ours(epfd))
		return real.epoll_pwait(epfd, events, max, timeout, sigmask);
	r = wait_ours(epfd, events, max, timeout_ms(timeout), sigmask);
	if (unlikely(r == CALL_LIBC))
		return real.epoll_pwait(epfd, events, max, timeout, sigmask);
	return (int)call_return(r);
}

EXPORT int epoll_pwait2(int epfd, struct epoll_event *events, int max,
			const struct timespec *timeout, const sigset_t *sigmask)
{
	uint64_t ns = UINT64_MAX;
	long r;

	if (!call_is_ours(epfd))
		return real.epoll_pwait2(epfd, events, max, timeout, sigmask);
	if (timeout != NULL) {
		if (user_is_bad(timeout))
			return (int)call_return(-EFAULT);
		if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec > 999999999)
			return (int)call_return(-EINVAL);
		ns = timeout->tv_sec > INT32_MAX ? UINT64_MAX :
						   (uint64_t)timeout->tv_sec * 1000000000u +
							   (uint64_t)timeout->tv_nsec;
	}
	r = wait_ours(epfd, events, max, ns, sigmask);
	if (unlikely(r == CALL_LIBC))
		return real.epoll_pwait2(epfd, events, max, timeout, sigmask);
	return (int)call_return(r);
}
