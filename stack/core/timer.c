/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * timer.c - the hierarchical timing wheel (Varghese and Lauck, scheme 7).
 *
 * Time is counted in ticks.  A timer that expires d ticks from now lies on level L with
 * 64^L <= d < 64^(L+1), in the slot that digit L of its expiry names, so that each
 * level is a ring read from now's own digit on.  A slot of level 0 is one tick; a slot
 * above is emptied into the levels below when now reaches its first tick.
 *
 * On level 0 the slot of now itself holds what is due.  On the levels above that slot
 * was emptied when now entered it, so a timer there lies one whole turn ahead.
 *
 * Nothing is scanned tick by tick: one bit per slot says whether it is occupied, and
 * now jumps from one occupied slot's start to the next.  Timers further away than the
 * whole wheel (104 days) wait in its farthest slot and are placed again from there.
 */
#include "stack/core/timer.h"

#include <stddef.h>
#include <string.h>

#define LEVEL_BITS 6
#define SLOT_MASK  (TIMER_SLOTS - 1)
#define WHEEL_SPAN (1ull << (LEVEL_BITS * TIMER_LEVELS))

_Static_assert(TIMER_SLOTS == 1 << LEVEL_BITS, "a level is one digit");
_Static_assert(TIMER_SLOTS == 64, "occupied is one word per level");

/* The first tick that does not lie before ns: a timer is never early. */
static uint64_t tick_ceil(uint64_t ns)
{
	uint64_t tick = ns >> TIMER_TICK_SHIFT;

	return tick + ((ns & ((1ull << TIMER_TICK_SHIFT) - 1)) != 0);
}

void timer_wheel_init(struct timer_wheel *w, uint64_t now)
{
	memset(w, 0, sizeof(*w));
	w->now_tick = now >> TIMER_TICK_SHIFT;
}

static void timer_link(struct timer_wheel *w, struct timer *t, unsigned int level,
		       unsigned int slot)
{
	struct timer **head = &w->slots[level][slot];

	t->level = (uint8_t)level;
	t->slot = (uint8_t)slot;
	t->next = *head;
	if (t->next != NULL)
		t->next->pprev = &t->next;
	t->pprev = head;
	*head = t;
	w->occupied[level] |= 1ull << slot;
}

static void timer_unlink(struct timer_wheel *w, struct timer *t)
{
	*t->pprev = t->next;
	if (t->next != NULL)
		t->next->pprev = t->pprev;
	t->next = NULL;
	t->pprev = NULL;
	if (w->slots[t->level][t->slot] == NULL)
		w->occupied[t->level] &= ~(1ull << t->slot);
}

/* Put t into the slot of tick, which is not before now_tick. */
static void timer_place(struct timer_wheel *w, struct timer *t, uint64_t tick)
{
	uint64_t distance = tick - w->now_tick;
	unsigned int level = 0;

	if (distance >= WHEEL_SPAN) {
		distance = WHEEL_SPAN - 1;
		tick = w->now_tick + distance;
	}
	if (distance != 0)
		level = (63u - (unsigned int)__builtin_clzll(distance)) / LEVEL_BITS;
	timer_link(w, t, level, (tick >> (level * LEVEL_BITS)) & SLOT_MASK);
}

void timer_arm(struct timer_wheel *w, struct timer *t, uint64_t deadline)
{
	uint64_t tick = tick_ceil(deadline);

	timer_cancel(w, t);
	if (deadline == TIMER_NEVER)
		return;
	if (tick <= w->now_tick)
		tick = w->now_tick + 1;
	t->deadline = deadline;
	timer_place(w, t, tick);
	w->armed++;
}

void timer_cancel(struct timer_wheel *w, struct timer *t)
{
	if (!timer_is_armed(t))
		return;
	timer_unlink(w, t);
	w->armed--;
}

/* Ticks from now's slot on level to the next occupied one; the ring is read from now's digit on. */
static unsigned int slots_ahead(const struct timer_wheel *w, unsigned int level)
{
	unsigned int cur = (w->now_tick >> (level * LEVEL_BITS)) & SLOT_MASK;
	uint64_t bits = w->occupied[level];

	/* Above level 0 the current slot means one whole turn: read it last. */
	if (level > 0)
		cur = (cur + 1) & SLOT_MASK;
	bits = bits >> cur | (cur != 0 ? bits << (TIMER_SLOTS - cur) : 0);
	return (unsigned int)__builtin_ctzll(bits) + (level > 0);
}

/* The tick at which something is due or a slot must be emptied; UINT64_MAX for never. */
static uint64_t next_event_tick(const struct timer_wheel *w)
{
	uint64_t earliest = UINT64_MAX, tick;
	unsigned int level;

	for (level = 0; level < TIMER_LEVELS; level++) {
		if (w->occupied[level] == 0)
			continue;
		tick = (w->now_tick >> (level * LEVEL_BITS)) + slots_ahead(w, level);
		tick <<= level * LEVEL_BITS;
		if (tick < earliest)
			earliest = tick;
	}
	return earliest;
}

/* now has entered a slot of level: place its timers again, lower down. */
static void cascade(struct timer_wheel *w, unsigned int level)
{
	unsigned int slot = (w->now_tick >> (level * LEVEL_BITS)) & SLOT_MASK;
	struct timer *t = w->slots[level][slot], *next;
	uint64_t tick;

	w->slots[level][slot] = NULL;
	w->occupied[level] &= ~(1ull << slot);
	for (; t != NULL; t = next) {
		next = t->next;
		tick = tick_ceil(t->deadline);
		timer_place(w, t, tick > w->now_tick ? tick : w->now_tick);
	}
}

static void cascade_all(struct timer_wheel *w)
{
	unsigned int level;

	for (level = 1; level < TIMER_LEVELS; level++) {
		if ((w->now_tick & ((1ull << (level * LEVEL_BITS)) - 1)) != 0)
			return;
		cascade(w, level);
	}
}

struct timer *timer_pop_due(struct timer_wheel *w, uint64_t now)
{
	uint64_t target = now >> TIMER_TICK_SHIFT, tick;
	struct timer *t;

	for (;;) {
		t = w->slots[0][w->now_tick & SLOT_MASK];
		if (t != NULL) {
			timer_unlink(w, t);
			w->armed--;
			return t;
		}
		if (w->now_tick >= target)
			return NULL;
		tick = next_event_tick(w);
		if (tick > target) {
			w->now_tick = target;
			return NULL;
		}
		w->now_tick = tick;
		cascade_all(w);
	}
}

uint64_t timer_next_deadline(const struct timer_wheel *w)
{
	uint64_t tick = next_event_tick(w);

	return tick == UINT64_MAX ? TIMER_NEVER : tick << TIMER_TICK_SHIFT;
}
