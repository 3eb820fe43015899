/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * timer.h - a hierarchical timing wheel.
 *
 * Six levels of 64 slots over ticks of 2^17 ns (131 us): arming, moving and
 * cancelling are O(1), a tick with nothing due costs one bit test, and a million
 * idle timers cost nothing.  A timer never fires early; it fires at most one tick
 * late.  Timers name what they are by kind; the stack dispatches by a const table,
 * so no function pointer lies in shared memory.
 */
#ifndef STACK_CORE_TIMER_H
#define STACK_CORE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct stack;

#define TIMER_TICK_SHIFT 17
#define TIMER_LEVELS 6
#define TIMER_SLOTS 64
#define TIMER_NEVER UINT64_MAX

enum timer_kind {
	TIMER_TCP,	/* struct tcp_sock: the earliest of its deadlines */
	TIMER_TCP_REQ,	/* half-open connection */
	TIMER_TCP_TW,	/* TIME_WAIT */
	TIMER_NEIGH,	/* neighbour cache entry */
	TIMER_REASS,	/* IP reassembly */
	TIMER_STACK,	/* housekeeping of the stack itself */
	TIMER_KIND_COUNT
};

struct timer {
	struct timer *next;
	struct timer **pprev; /* NULL: not armed */
	uint64_t deadline;    /* ns */
	uint8_t kind;	      /* enum timer_kind */
	uint8_t level, slot;
};

struct timer_wheel {
	uint64_t now_tick;
	uint64_t occupied[TIMER_LEVELS]; /* bit per slot */
	struct timer *slots[TIMER_LEVELS][TIMER_SLOTS];
	uint32_t armed;
};

void timer_wheel_init(struct timer_wheel *w, uint64_t now);
/*
 * Say what a timer is, and that it is on no wheel whatever its memory says: for new
 * objects, and for recovery, where the links of the old wheel must not be followed.
 */
static inline void timer_init(struct timer *t, enum timer_kind kind)
{
	t->next = 0;
	t->pprev = 0;
	t->kind = (uint8_t)kind;
}
static inline bool timer_is_armed(const struct timer *t)
{
	return t->pprev != 0;
}
/*
 * Arm or move; deadline in ns.  One in the past fires at the next tick, so that a
 * handler that arms itself again cannot keep timer_pop_due() busy for ever.
 * TIMER_NEVER cancels.
 */
void timer_arm(struct timer_wheel *w, struct timer *t, uint64_t deadline);
void timer_cancel(struct timer_wheel *w, struct timer *t);
/* Unlink and return one timer that is due at now, or NULL.  Call until NULL. */
struct timer *timer_pop_due(struct timer_wheel *w, uint64_t now);
/*
 * The earliest time at which timer_pop_due() could return something: exact within
 * one tick for timers less than 64 ticks away, else a lower bound at which the wheel
 * must turn.  TIMER_NEVER when nothing is armed.
 */
uint64_t timer_next_deadline(const struct timer_wheel *w);

#endif
