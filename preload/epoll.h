/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * epoll.h - epoll instances over both kinds of descriptors.
 *
 * The descriptor of an instance is a real kernel epoll instance, in which the kernel's
 * descriptors are registered as always.  Beside it lies a struct eventpoll for sockets of
 * ours: an item per registration, hanging on its file's wait list, and a list of items
 * that may be ready.
 *
 * An instance becomes ours when it is created while the engine runs, or else with the first
 * socket of ours that is added to it; until then it is the kernel's alone.
 *
 * Lists and rules, as fs/eventpoll.c has them:
 *	ready	items notified since they were last looked at ("fresh"), or level-triggered
 *		ones that were reported last time ("stale").  Each wait asks the file of
 *		each item for its level; what is not ready is dropped from the list.
 *	LT	a reported item goes back to the tail.
 *	ET	a reported item is off the list until the next notification.
 *	ONESHOT	a reported item has no events left until EPOLL_CTL_MOD.
 *	EXCLUSIVE	of the items on one file one is notified: that of the thread which is
 *		running the stack in its epoll_wait, else one whose instance is slept on.
 *
 * Sleeping threads are in epoll_pwait2() of the kernel's instance, which holds registrations
 * of ours, told by the upper half of their data (shm->epoll_magic): the instance's
 * eventfd, written by whoever makes an item ready; the port's descriptors; and the
 * hidden sockets of DUAL files (and nested instances), whose events are given the program's data.
 */
#ifndef PRELOAD_EPOLL_H
#define PRELOAD_EPOLL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "preload/file.h"

/* Processes that sleep on one instance; a further one naps instead. */
#define EVENTPOLL_SLEEPERS 8

struct eventpoll {
	struct file *file;
	struct list items; /* struct epitem.ep_link */
	struct list ready; /* struct epitem.ready_link */
	uint32_t nready;
	uint32_t nfresh;
	uint32_t kernel_items; /* registrations of the kernel's descriptors, at least */
	uint32_t hidden_items; /* items that the kernel's instance watches too */
	uint32_t round;	       /* counts calls: see epitem.round */
	int32_t slot;	       /* eventfd that wakes its sleepers, or -1 */
	int32_t slot_proc;     /* whose it is */
	bool ports;	       /* the port's descriptors are registered */
	bool kicked;	       /* the eventfd was or will be written, and not read since */
	uint64_t last_look;    /* ns: when the kernel's side was last asked */
	struct {
		int32_t proc;
		uint32_t threads;
	} sleepers[EVENTPOLL_SLEEPERS];
};

struct epitem {
	struct wait_entry we;	/* on file->waits; events 0: disabled by ONESHOT */
	struct list ep_link;
	struct list ready_link;
	struct eventpoll *ep;
	int fd;			/* together with the file what names the item */
	uint32_t flags;		/* events as given: EPOLLET, EPOLLONESHOT, EPOLLEXCLUSIVE … */
	uint64_t data;
	bool fresh;
	bool hidden;		/* registered in the kernel's instance too */
	uint32_t round;		/* the call that reported it last … */
	int out;		/* … and where, so that two sides' events become one */
};

/* What data of our own registrations says in its lower half. */
enum epoll_tag { EPOLL_TAG_SLOT = 1u << 28, EPOLL_TAG_PORT = 2u << 28, EPOLL_TAG_ITEM = 3u << 28 };
#define EPOLL_TAG_MASK (0xfu << 28)

static inline uint64_t epoll_tag_hi(void)
{
	return shm->epoll_magic & 0xffffffff00000000u;
}

/* epoll.c */
/* The instance behind epfd, made ours if it is not yet.  NULL: *err.  Lock held. */
struct eventpoll *eventpoll_adopt(int epfd, bool kernel_items, long *err);
bool eventpoll_is_slept_on(const struct eventpoll *ep);
/* Wake a sleeper, and whoever watches the instance itself. */
void eventpoll_wake(struct eventpoll *ep);
void epitem_unready(struct epitem *epi);
void epitem_ready_tail(struct epitem *epi, bool fresh);
/* EPOLLONESHOT: reported, hence off. */
void epitem_disarm(struct epitem *epi, int epfd);
/* Register the file's hidden socket with the kernel's instance, or take it out. */
void epitem_watch_hidden(struct epitem *epi, bool on);
/* The file leaves us: register it with the kernel's instance as the program would have; free the item. */
void epitem_to_kernel(struct epitem *epi);

/* epoll_wait.c: the instance in whose epoll_wait this thread is, if it has the lock. */
extern __thread struct eventpoll *epoll_current;

#endif
