/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keeper.h - between keeper.c and keeper_watch.c: the keeper's eyes on its processes.
 */
#ifndef PRELOAD_KEEPER_H
#define PRELOAD_KEEPER_H

#include <stdbool.h>

/* In the keeper: a descriptor that is readable when there is something to run for. */
int keeper_watch_start(void);
/*
 * Hear who came and went, reap the dead, answer requests for the port; lock held.
 * readable: the descriptor is.
 */
void keeper_watch_run(bool readable);
/* Time to look at the processes, even if no descriptor tells of one. */
bool keeper_watch_is_due(uint64_t now);
/* Nobody is left, and nothing to do. */
bool keeper_watch_is_over(void);

#endif
