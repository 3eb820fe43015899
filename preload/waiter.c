/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * waiter.c - a thread that blocks in something else than epoll_wait.
 *
 * It watches files (one wait entry each) and sleeps in ppoll() on an eventfd taken for
 * the time of the sleep, the port's descriptors and the kernel descriptors it was given.
 *
 * No wake-up is lost: the entries are on their files' lists before the lock is let go for
 * the first time, whoever makes a file ready afterwards does so under the lock and sets
 * notified, and if the waiter is asleep by then writes its eventfd, which stays readable.
 *
 * Where all eventfds are taken a sleep is bounded by WAITER_NAP.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "preload/engine_priv.h"
#include "preload/real.h"

#define WAITER_NAP NSEC_PER_MSEC
/* Watching the port from more threads than this would wake them all for each frame. */
#define WAITER_PORT_WATCHERS 4
/* A call with few kernel descriptors needs no memory of its own for them. */
#define WAITER_INLINE_FDS 32
/* Looks at the kernel's descriptors while spinning: every so many rounds. */
#define WAITER_KERNEL_ROUNDS 16

struct waiter *waiter_get(void)
{
	struct waiter *wt;

	if (engine.slot < 0)
		return NULL;
	wt = pool_alloc(&shm->waiters);
	if (wt == NULL)
		return NULL;
	list_init(&wt->entries);
	wt->owner = engine.slot + 1;
	wt->slot = -1;
	list_add_tail(&shm->procs[engine.slot].waiters, &wt->proc_link);
	return wt;
}

int waiter_watch(struct waiter *wt, struct file *f, uint32_t events)
{
	struct wait_entry *we = pool_alloc(&shm->wait_entries);

	if (we == NULL)
		return -ENOMEM;
	we->file = f;
	we->events = events;
	we->kind = WAIT_CALL;
	we->who = wt;
	f->wait_refs++;
	list_add_tail(&f->waits, &we->link);
	list_add_tail(&wt->entries, &we->set_link);
	return 0;
}

static void waiter_free(struct waiter *wt, uint64_t now)
{
	struct list *n;

	while ((n = list_first(&wt->entries)) != NULL) {
		struct wait_entry *we = list_entry(n, struct wait_entry, set_link);
		struct file *f = we->file;

		list_del(&we->set_link);
		list_del(&we->link);
		pool_free(&shm->wait_entries, we);
		file_put_wait(f, now);
	}
	if (wt->slot >= 0)
		evslot_put(wt->slot);
	list_del(&wt->proc_link);
	pool_free(&shm->waiters, wt);
}

void waiter_put(struct waiter *wt)
{
	waiter_free(wt, engine_now());
}

void waiter_notify(struct waiter *wt)
{
	wt->notified = true;
	evslot_kick(wt->slot);
}

void waiter_proc_gone(int slot, uint64_t now)
{
	struct list *waiters = &shm->procs[slot].waiters, *n;

	while ((n = list_first(waiters)) != NULL)
		waiter_free(list_entry(n, struct waiter, proc_link), now);
}

/*
 * Lists anew from the objects.  An entry that is not complete belonged to the call that
 * was killed; file_recover() puts the others back on their files' lists.
 */
void waiter_recover(uint64_t now)
{
	struct wait_entry *we;
	struct waiter *wt;
	uint32_t i;

	(void)now;
	for (i = 0; i < shm->nprocs; i++)
		list_init(&shm->procs[i].waiters);
	pool_for_each(&shm->waiters, i, wt) {
		list_init(&wt->entries);
		if (wt->owner == 0 || shm->procs[wt->owner - 1].state != PROC_LIVE) {
			pool_free(&shm->waiters, wt);
			continue;
		}
		list_add_tail(&shm->procs[wt->owner - 1].waiters, &wt->proc_link);
		wt->notified = true;
	}
	pool_for_each(&shm->wait_entries, i, we) {
		if (we->kind == WAIT_EPITEM)
			continue;
		wt = we->who;
		if (we->kind != WAIT_CALL || wt == NULL || we->file == NULL ||
		    !pool_is_live(&shm->waiters, pool_index(&shm->waiters, wt)) ||
		    !pool_is_live(&shm->files, pool_index(&shm->files, we->file))) {
			pool_free(&shm->wait_entries, we);
			continue;
		}
		list_init(&we->link);
		list_add_tail(&wt->entries, &we->set_link);
	}
}

/* -- waiting ------------------------------------------------------------------------- */

/* Is one of the kernel's descriptors ready now?  Lock not needed, fills revents. */
static bool kernel_ready(struct pollfd *kfds, nfds_t n)
{
	static const struct timespec zero;

	return n > 0 && real.ppoll(kfds, n, &zero, NULL) > 0;
}

/* What a cancelled thread leaves behind (pthread_cancel() while it sleeps). */
struct sleeping {
	struct waiter *wt;
	struct wait *w;
	bool port;
	void *mem;
	size_t size;
};

static void sleep_cancelled(void *arg)
{
	struct sleeping *s = arg;

	wait_sleep_end(s->w, s->port);
	waiter_put(s->wt);
	engine_leave();
	if (s->mem != NULL)
		munmap(s->mem, s->size);
}

/* The lock is not held: the thread sleeps, and may be cancelled there. */
static int sleep_cancellable(struct sleeping *s, struct pollfd *fds, nfds_t n, uint64_t ns)
{
	int r;

	pthread_cleanup_push(sleep_cancelled, s);
	r = wait_ppoll(s->w, fds, n, ns);
	pthread_cleanup_pop(0);
	return r;
}

/* The sleep itself: the lock is held before and after.  As wait_ppoll(). */
static int waiter_sleep(struct waiter *wt, struct wait *w, struct pollfd *kfds, nfds_t nkfds)
{
	struct pollfd few[WAITER_INLINE_FDS + 9], *fds = few;
	struct sleeping s = { .wt = wt, .w = w };
	int port_fds[8];
	nfds_t n = nkfds;
	uint64_t ns;
	int r;

	if (nkfds > WAITER_INLINE_FDS) {
		s.size = (nkfds + 9) * sizeof(*fds);
		s.mem = mmap(NULL, s.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			     0);
		if (s.mem == MAP_FAILED)
			return -ENOMEM;
		fds = s.mem;
	}
	if (nkfds > 0)
		memcpy(fds, kfds, nkfds * sizeof(*fds));
	if (shm->keeper.port_waiters < WAITER_PORT_WATCHERS) {
		unsigned int np = wait_port_fds(port_fds);

		for (unsigned int i = 0; i < np; i++)
			fds[n++] = (struct pollfd){ .fd = port_fds[i], .events = POLLIN };
		s.port = np > 0;
	}
	wt->slot = evslot_get();
	if (wt->slot >= 0)
		fds[n++] = (struct pollfd){ .fd = evslot_fd(wt->slot), .events = POLLIN };
	ns = wait_sleep_begin(w, s.port);
	if (wt->slot < 0 && ns > WAITER_NAP)
		ns = WAITER_NAP;
	r = sleep_cancellable(&s, fds, n, ns);
	wait_sleep_end(w, s.port);
	if (wt->slot >= 0) {
		/* Also when it was not seen readable: it may have been written since. */
		evslot_drain(wt->slot);
		evslot_put(wt->slot);
		wt->slot = -1;
	}
	if (nkfds > 0)
		memcpy(kfds, fds, nkfds * sizeof(*fds));
	if (s.mem != NULL)
		munmap(s.mem, s.size);
	return r;
}

int waiter_wait(struct waiter *wt, struct wait *w, struct pollfd *kfds, nfds_t nkfds)
{
	bool spinning = true;
	int r;

	for (;;) {
		if (wt->notified) {
			wt->notified = false;
			return 0;
		}
		if (wait_interrupted(w))
			return -EINTR;
		if (engine_now() >= w->deadline)
			return -ETIMEDOUT;
		if (spinning) {
			spinning = wait_spin(w);
			if (nkfds > 0 && w->rounds % WAITER_KERNEL_ROUNDS == 0 &&
			    kernel_ready(kfds, nkfds))
				return 0;
			continue;
		}
		r = waiter_sleep(wt, w, kfds, nkfds);
		/* Readiness goes before a signal, as in the kernel. */
		if (r < 0 && !wt->notified)
			return r;
		for (nfds_t i = 0; i < nkfds; i++)
			if (kfds[i].revents != 0)
				return 0;
	}
}
