/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * file.h - struct file: an open file description, as fork, dup and accept share it.
 *
 * A file is referenced by fd table entries (of all processes) and by wait entries (a
 * call that blocks on it).  Both kinds can be counted again from the tables, which
 * is what recovery does.  The last reference gone, the socket or epoll instance is
 * released.
 *
 * Which side a socket is on:
 *   FILE_UNDECIDED  made by socket(); nothing has decided yet.  The real kernel socket of
 *                   the same number exists and options go to both.
 *   FILE_SHIM       ours alone; the kernel socket stays hidden and silent.
 *   FILE_DUAL       both: a listener or datagram socket on a wildcard address, which also
 *                   serves the kernel's addresses (127.0.0.1 …) through the hidden socket.
 *   A socket that turns out to be the kernel's leaves the fd table: its number is then an
 *   ordinary descriptor again and every call on it is libc's.
 *
 * All functions here want the engine's lock.
 */
#ifndef PRELOAD_FILE_H
#define PRELOAD_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "preload/shm.h"
#include "stack/socket.h"

enum file_type { FILE_SOCKET = 1, FILE_EPOLL };
enum file_side { FILE_UNDECIDED, FILE_SHIM, FILE_DUAL };

struct eventpoll;

struct file {
	uint8_t type;	     /* enum file_type */
	uint8_t side;	     /* enum file_side */
	uint8_t placeholder; /* the descriptor is a pooled placeholder, not a kernel socket */
	uint8_t turn;	     /* DUAL: counts calls, so that the kernel's side does not starve */
	bool hidden_bound;   /* the hidden kernel socket has our port */
	bool pinned;	     /* bound to an address of the port: never the kernel's */
	bool listening;	     /* listen(2) was called */
	uint32_t flags;	     /* O_NONBLOCK | O_ASYNC … as F_GETFL gives them, with O_RDWR */
	uint32_t fd_refs;    /* fd table entries in all processes */
	uint32_t wait_refs;  /* wait entries of blocked calls */
	int owner_pid;	     /* F_SETOWN: whom SIGIO goes to, < 0 a group, 0: nobody */
	int owner_sig;	     /* F_SETSIG: 0 is SIGIO */
	int owner_fd;	     /* the descriptor by which O_ASYNC was set */
	uint8_t owner_type;  /* F_OWNER_PID …; a group's id is negative in any case */
	struct list waits;   /* struct wait_entry.link */
	union {
		struct socket *so;
		struct eventpoll *ep;
	};
};

enum wait_kind { WAIT_CALL = 1, WAIT_EPITEM };

/* Somebody's interest in a file's readiness. */
struct wait_entry {
	struct list link;     /* on file->waits */
	struct list set_link; /* on waiter->entries */
	struct file *file;
	uint32_t events;      /* EPOLL* bits wanted */
	uint8_t kind;	      /* enum wait_kind */
	void *who;	      /* struct waiter or struct epitem */
};

/* A new file with one reference to be installed; NULL: -ENFILE. */
struct file *file_alloc(enum file_type type);
static inline void file_get_fd(struct file *f)
{
	f->fd_refs++;
}
/* Drop an fd table reference; releases the object with the last one. */
void file_put_fd(struct file *f, uint64_t now);
void file_put_wait(struct file *f, uint64_t now);

/* Current EPOLL* level of a file of ours (the kernel side of a DUAL one is not asked). */
uint32_t file_poll(struct file *f);

/* Readiness edges: tell every wait entry that wants them.  Called by the engine's delivery. */
void file_notify(struct file *f, uint32_t events);

/* epoll.c: an item's file became ready. */
struct epitem;
void epitem_notify(struct epitem *epi, uint32_t events);
/* epoll.c: wake one of the EPOLLEXCLUSIVE items of a file. */
void epitem_notify_exclusive(struct file *f, uint32_t events);
bool epitem_is_exclusive(const struct epitem *epi);
/* epoll.c: the file goes; so does its item. */
void epitem_free(struct epitem *epi);
/* epoll.c: an instance for a file of type FILE_EPOLL; -ENOMEM. */
int eventpoll_create(struct file *f, bool kernel_items);
void eventpoll_free(struct eventpoll *ep);
uint32_t eventpoll_poll(struct eventpoll *ep);
/* epoll.c: rebuild ready lists and item lists after a killed lock holder. */
void eventpoll_recover(void);
/*
 * hidden.c: the kernel socket behind a socket of ours, under the same number.
 *
 * file_to_kernel(): the socket turns out to be the kernel's.  It leaves the fd table, and
 * its epoll registrations move to the kernel's instances.  f is gone afterwards.
 * file_make_dual(): from now on both sides serve; the hidden socket becomes non-blocking
 * and its readiness is watched wherever the file's is.
 */
void file_to_kernel(struct stack *st, struct file *f, int fd, uint64_t now);
void file_make_dual(struct file *f, int fd);
/* A DUAL file is ours alone from now on (a datagram socket that was connected). */
void file_make_shim(struct file *f, int fd);

/* file.c: recount references from the fd tables and wait entries; release what has none. */
void file_recover(uint64_t now);

#endif
