/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * epoll.c - epoll instances and their items: create, ctl, notification (see epoll.h).
 */
#include "preload/epoll.h"

#include <fcntl.h>

#include "preload/call.h"
#include "preload/placeholder.h"
#include "preload/real.h"

#define PRIVATE_BITS ((uint32_t)(EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE))
/* What EPOLLEXCLUSIVE may be combined with: EPOLLEXCLUSIVE_OK_BITS of the kernel. */
#define EXCLUSIVE_OK                                                                               \
	((uint32_t)(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE))
/* EP_MAX_NESTS */
#define MAX_NESTS 4

const uint32_t eventpoll_objsize = sizeof(struct eventpoll);
const uint32_t epitem_objsize = sizeof(struct epitem);

/* -- instances -------------------------------------------------------------------------- */

int eventpoll_create(struct file *f, bool kernel_items)
{
	struct eventpoll *ep = pool_alloc(&shm->eventpolls);

	if (ep == NULL)
		return -ENOMEM;
	ep->file = f;
	list_init(&ep->items);
	list_init(&ep->ready);
	ep->slot = -1;
	/* Unknown how many there are: then never none. */
	ep->kernel_items = kernel_items ? UINT32_MAX / 2 : 0;
	f->ep = ep;
	return 0;
}

void eventpoll_free(struct eventpoll *ep)
{
	struct list *n;

	while ((n = list_first(&ep->items)) != NULL)
		epitem_free(list_entry(n, struct epitem, ep_link));
	if (ep->slot >= 0)
		evslot_put(ep->slot);
	pool_free(&shm->eventpolls, ep);
}

struct eventpoll *eventpoll_adopt(int epfd, bool kernel_items, long *err)
{
	struct file *f;

	if (fdtable_is_ours(epfd)) {
		f = call_file(epfd, err);
		if (f == NULL)
			return NULL;
		if (f->type == FILE_EPOLL)
			return f->ep;
		*err = -EINVAL;
		return NULL;
	}
	if ((unsigned int)epfd >= SHM_MAX_FDS) {
		*err = -EBADF;
		return NULL;
	}
	/* Is it an instance at all?  It does not contain itself: EINVAL comes first where it is. */
	if (real.epoll_ctl(epfd, EPOLL_CTL_DEL, shm->evslots[0].fd, NULL) < 0 && errno != ENOENT) {
		*err = -errno;
		return NULL;
	}
	f = file_alloc(FILE_EPOLL);
	if (f == NULL || eventpoll_create(f, kernel_items) < 0) {
		if (f != NULL)
			file_put_fd(f, engine_now());
		*err = -ENOMEM;
		return NULL;
	}
	fdtable_set_inherit(epfd, (real.fcntl(epfd, F_GETFD) & FD_CLOEXEC) == 0);
	fdtable_install(epfd, f);
	return f->ep;
}

static int created(int epfd)
{
	long err;

	if (epfd >= 0 && engine_is_running() && !engine_is_inside()) {
		int saved = errno;

		engine_enter();
		fdtable_fresh(epfd);
		eventpoll_adopt(epfd, false, &err);
		engine_leave();
		errno = saved;
	}
	return epfd;
}

EXPORT int epoll_create(int size)
{
	int epfd = real.epoll_create(size);

	if (epfd < 0 && placeholder_make_room())
		epfd = real.epoll_create(size);
	return created(epfd);
}

EXPORT int epoll_create1(int flags)
{
	int epfd = real.epoll_create1(flags);

	if (epfd < 0 && placeholder_make_room())
		epfd = real.epoll_create1(flags);
	return created(epfd);
}

/* -- readiness ---------------------------------------------------------------------------- */

uint32_t eventpoll_poll(struct eventpoll *ep)
{
	struct list *n;

	list_for_each(n, &ep->ready) {
		struct epitem *epi = list_entry(n, struct epitem, ready_link);

		if ((file_poll(epi->we.file) & epi->we.events) != 0)
			return EPOLLIN | EPOLLRDNORM;
	}
	return 0;
}

bool eventpoll_is_slept_on(const struct eventpoll *ep)
{
	unsigned int i;

	for (i = 0; i < EVENTPOLL_SLEEPERS; i++)
		if (ep->sleepers[i].threads > 0)
			return true;
	return false;
}

void eventpoll_wake(struct eventpoll *ep)
{
	if (!ep->kicked && eventpoll_is_slept_on(ep)) {
		ep->kicked = true;
		evslot_kick(ep->slot);
	}
	if (unlikely(!list_is_empty(&ep->file->waits)))
		file_notify(ep->file, EPOLLIN | EPOLLRDNORM);
}

void epitem_unready(struct epitem *epi)
{
	if (!list_is_linked(&epi->ready_link))
		return;
	list_del(&epi->ready_link);
	epi->ep->nready--;
	if (epi->fresh)
		epi->ep->nfresh--;
	epi->fresh = false;
}

void epitem_ready_tail(struct epitem *epi, bool fresh)
{
	list_add_tail(&epi->ep->ready, &epi->ready_link);
	epi->ep->nready++;
	epi->fresh = fresh;
	if (fresh)
		epi->ep->nfresh++;
}

void epitem_notify(struct epitem *epi, uint32_t events)
{
	struct eventpoll *ep = epi->ep;

	(void)events;
	if (!list_is_linked(&epi->ready_link)) {
		epitem_ready_tail(epi, true);
	} else if (!epi->fresh) {
		epi->fresh = true;
		ep->nfresh++;
	}
	eventpoll_wake(ep);
}

bool epitem_is_exclusive(const struct epitem *epi)
{
	return (epi->flags & EPOLLEXCLUSIVE) != 0;
}

/* How good a choice is this item for a wake-up that only one shall get?  0: nobody waits there. */
static int exclusive_rank(const struct epitem *epi)
{
	if (epi->ep == epoll_current)
		return 3;
	if (!eventpoll_is_slept_on(epi->ep))
		return 0;
	return epi->ep->kicked ? 1 : 2;
}

void epitem_notify_exclusive(struct file *f, uint32_t events)
{
	struct epitem *best = NULL;
	struct list *n, *tmp;
	int rank, best_rank = 0;

	list_for_each_safe(n, tmp, &f->waits) {
		struct wait_entry *we = list_entry(n, struct wait_entry, link);
		struct epitem *epi = we->who;

		if (we->kind != WAIT_EPITEM || !epitem_is_exclusive(epi) ||
		    (we->events & events) == 0)
			continue;
		rank = exclusive_rank(epi);
		/* Nobody waits: whoever comes first finds it, so all are told. */
		if (rank == 0)
			epitem_notify(epi, events);
		if (rank > best_rank) {
			best_rank = rank;
			best = epi;
		}
	}
	if (best == NULL)
		return;
	epitem_notify(best, events);
	/* The next one is for somebody else. */
	list_del(&best->we.link);
	list_add_tail(&f->waits, &best->we.link);
}

/* -- the kernel's instance ------------------------------------------------------------------ */

static struct epoll_event item_tag(const struct epitem *epi, uint32_t events)
{
	struct epoll_event ev = { .events = events };

	ev.data.u64 = epoll_tag_hi() | EPOLL_TAG_ITEM | pool_index(&shm->epitems, epi);
	return ev;
}

static bool has_kernel_side(const struct file *f)
{
	return f->type == FILE_EPOLL || f->side == FILE_DUAL;
}

/* Our side is always writable when the kernel's is: EPOLLOUT is left to it. */
static uint32_t hidden_events(const struct epitem *epi)
{
	if (epi->we.events == 0)
		return epi->flags & EPOLLONESHOT;
	return epi->flags & ~(uint32_t)(EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
}

static void watch_hidden(struct epitem *epi, int epfd)
{
	struct epoll_event ev = item_tag(epi, hidden_events(epi));
	int r = real.epoll_ctl(epfd, EPOLL_CTL_ADD, epi->fd, &ev);

	if (r < 0 && errno == EEXIST)
		r = real.epoll_ctl(epfd, EPOLL_CTL_MOD, epi->fd, &ev);
	if (r == 0 && !epi->hidden) {
		epi->hidden = true;
		epi->ep->hidden_items++;
	}
}

static void unwatch_hidden(struct epitem *epi, int epfd)
{
	if (!epi->hidden)
		return;
	epi->hidden = false;
	epi->ep->hidden_items--;
	real.epoll_ctl(epfd, EPOLL_CTL_DEL, epi->fd, NULL);
}

void epitem_watch_hidden(struct epitem *epi, bool on)
{
	int epfd = fdtable_find(epi->ep->file);

	if (epfd < 0)
		return;
	if (on)
		watch_hidden(epi, epfd);
	else
		unwatch_hidden(epi, epfd);
	/* Whoever sleeps or spins on our side alone looks again. */
	eventpoll_wake(epi->ep);
}

void epitem_to_kernel(struct epitem *epi)
{
	struct epoll_event ev = { .events = epi->flags };
	int epfd = fdtable_find(epi->ep->file);

	if (epi->we.events == 0)
		ev.events = epi->flags & PRIVATE_BITS;
	ev.data.u64 = epi->data;
	if (epfd >= 0) {
		unwatch_hidden(epi, epfd);
		if (real.epoll_ctl(epfd, EPOLL_CTL_ADD, epi->fd, &ev) == 0)
			epi->ep->kernel_items++;
	}
	epitem_free(epi);
}

void epitem_disarm(struct epitem *epi, int epfd)
{
	epi->we.events = 0;
	if (epi->hidden)
		watch_hidden(epi, epfd);
}

/* -- epoll_ctl --------------------------------------------------------------------------------- */

static struct epitem *find(const struct eventpoll *ep, struct file *f, int fd)
{
	struct list *n;

	list_for_each(n, &f->waits) {
		struct wait_entry *we = list_entry(n, struct wait_entry, link);
		struct epitem *epi = we->who;

		if (we->kind == WAIT_EPITEM && epi->ep == ep && epi->fd == fd)
			return epi;
	}
	return NULL;
}

/* Would watching inner from ep make a circle, or go too deep? */
static bool is_loop(const struct eventpoll *ep, struct eventpoll *inner, int depth)
{
	struct list *n;

	if (inner == ep || depth > MAX_NESTS)
		return true;
	list_for_each(n, &inner->items) {
		struct epitem *epi = list_entry(n, struct epitem, ep_link);

		if (epi->we.file->type == FILE_EPOLL && is_loop(ep, epi->we.file->ep, depth + 1))
			return true;
	}
	return false;
}

/* The item's interest is new: what is ready already counts. */
static void rearm(struct epitem *epi, const struct epoll_event *ev, int epfd)
{
	epi->flags = ev->events;
	epi->data = ev->data.u64;
	epi->we.events = (ev->events & ~PRIVATE_BITS) | EPOLLERR | EPOLLHUP;
	if (has_kernel_side(epi->we.file))
		watch_hidden(epi, epfd);
	if ((file_poll(epi->we.file) & epi->we.events) != 0)
		epitem_notify(epi, epi->we.events);
}

static long ctl_add(struct eventpoll *ep, int epfd, struct file *f, int fd,
		    const struct epoll_event *ev)
{
	struct epitem *epi;

	if ((ev->events & EPOLLEXCLUSIVE) != 0 &&
	    (f->type == FILE_EPOLL || (ev->events & ~EXCLUSIVE_OK) != 0))
		return -EINVAL;
	if (f->type == FILE_EPOLL && is_loop(ep, f->ep, 1))
		return -ELOOP;
	if (find(ep, f, fd) != NULL)
		return -EEXIST;
	epi = pool_alloc(&shm->epitems);
	if (epi == NULL)
		return -ENOSPC;
	epi->we.file = f;
	epi->we.kind = WAIT_EPITEM;
	epi->we.who = epi;
	list_init(&epi->we.set_link);
	list_init(&epi->ready_link);
	epi->ep = ep;
	epi->fd = fd;
	list_add_tail(&f->waits, &epi->we.link);
	list_add_tail(&ep->items, &epi->ep_link);
	rearm(epi, ev, epfd);
	return 0;
}

static long ctl_item(struct eventpoll *ep, int epfd, int op, struct file *f, int fd,
		     const struct epoll_event *ev)
{
	struct epitem *epi;

	if (op == EPOLL_CTL_ADD)
		return ctl_add(ep, epfd, f, fd, ev);
	if (op != EPOLL_CTL_MOD && op != EPOLL_CTL_DEL)
		return -EINVAL;
	epi = find(ep, f, fd);
	if (epi == NULL)
		return -ENOENT;
	if (op == EPOLL_CTL_DEL) {
		unwatch_hidden(epi, epfd);
		epitem_free(epi);
		return 0;
	}
	if ((ev->events & EPOLLEXCLUSIVE) != 0 || epitem_is_exclusive(epi))
		return -EINVAL;
	rearm(epi, ev, epfd);
	return 0;
}

static long ctl_ours(int epfd, int op, int fd, const struct epoll_event *ev)
{
	struct eventpoll *ep;
	struct file *f;
	long r;

	if (op != EPOLL_CTL_DEL && user_is_bad(ev))
		return -EFAULT;
	engine_enter();
	f = call_file(fd, &r);
	if (f == NULL)
		goto out;
	if (epfd == fd) {
		r = -EINVAL;
		goto out;
	}
	ep = eventpoll_adopt(epfd, true, &r);
	if (ep != NULL)
		r = ctl_item(ep, epfd, op, f, fd, ev);
out:
	engine_leave();
	return r;
}

/* A descriptor of the kernel in an instance of ours: it is counted, the kernel does the rest. */
static int ctl_kernel(int epfd, int op, int fd, struct epoll_event *ev)
{
	int r = real.epoll_ctl(epfd, op, fd, ev);
	struct file *f;

	if (r < 0 || op == EPOLL_CTL_MOD)
		return r;
	engine_enter();
	f = fdtable_file(epfd);
	if (f != NULL && f->type == FILE_EPOLL) {
		if (op == EPOLL_CTL_ADD)
			f->ep->kernel_items++;
		else if (f->ep->kernel_items > 0)
			f->ep->kernel_items--;
	}
	engine_leave();
	return r;
}

EXPORT int epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev)
{
	long r;

	if (!call_is_ours(fd)) {
		if (!call_is_ours(epfd))
			return real.epoll_ctl(epfd, op, fd, ev);
		if (fdtable_entry(epfd) > FDT_SPECIAL)
			return (int)call_return(-EBADF);
		return ctl_kernel(epfd, op, fd, ev);
	}
	r = ctl_ours(epfd, op, fd, ev);
	if (r == CALL_LIBC)
		return real.epoll_ctl(epfd, op, fd, ev);
	return (int)call_return(r);
}

void epitem_free(struct epitem *epi)
{
	epitem_unready(epi);
	if (epi->hidden)
		epi->ep->hidden_items--;
	list_del(&epi->ep_link);
	list_del(&epi->we.link);
	pool_free(&shm->epitems, epi);
}
