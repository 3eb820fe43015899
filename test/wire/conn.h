/* SPDX-License-Identifier: BSD-3-Clause */
/* conn.h - what world.c asks of conn.c. */
#ifndef TEST_WIRE_CONN_H
#define TEST_WIRE_CONN_H

#include <stdbool.h>
#include <stdint.h>

struct node;
struct world;

/* Hand the stack's events to the conns; true if there were any. */
bool node_take_events(struct node *n);
/* Let the streaming conns do what their edges allow; true if any did something. */
bool conns_run(struct world *w);
/* When a slow program goes on, UINT64_MAX: none waits. */
uint64_t conns_next_wake(const struct world *w);
/* Fail if a socket is ready that its conn was never told of. */
void conns_check_edges(struct world *w);

#endif
