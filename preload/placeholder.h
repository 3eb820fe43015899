/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * placeholder.h - real descriptors for accepted connections, without a system call each.
 *
 * An accepted connection has no kernel socket, yet its number must be a real one: select,
 * RLIMIT_NOFILE and arrays indexed by descriptor rely on it.  So numbers are taken from
 * the kernel in batches, as duplicates of one inert socket, handed out lowest first and
 * taken back at close.  Process-private (fork copies it); all functions want the lock.
 */
#ifndef PRELOAD_PLACEHOLDER_H
#define PRELOAD_PLACEHOLDER_H

#include <stdbool.h>

/* The lowest number of the pool, which it stays in; grows the pool.  -EMFILE, -ENFILE, -ENOMEM */
int placeholder_peek(void);
/* Take a number that placeholder_peek() returned. */
void placeholder_take(int fd);
/* Give a number back.  False: the pool has enough; close the descriptor. */
bool placeholder_put(int fd);
/* Something else lies under this number now (dup2): forget it. */
void placeholder_forget(int fd);
/*
 * Give the kernel back what is pooled, for a call that found no free number.
 * Returns how many descriptors were closed.
 */
unsigned int placeholder_drain(void);
/* A call of libc failed with EMFILE: drain.  True: try again.  Takes the lock itself. */
bool placeholder_make_room(void);

#endif
