/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool.c - arena and typed pools.
 *
 * The order of the stores matters, not for other threads but for recovery: a process
 * may be killed between any two of them.  pool_rebuild() believes only the live flags
 * below high, so an object becomes live last when it is taken and dead first when it
 * is given back.  pool_order() keeps the compiler to that.
 */
#include "stack/core/pool.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define CACHE_LINE 64

static inline void pool_order(void)
{
	__asm__ volatile("" ::: "memory");
}

void arena_init(struct arena *a, void *base, size_t size)
{
	a->base = base;
	a->size = size;
	a->used = 0;
}

void *arena_alloc(struct arena *a, size_t size, size_t align)
{
	uintptr_t at = ((uintptr_t)a->base + a->used + align - 1) & ~(uintptr_t)(align - 1);
	size_t start = at - (uintptr_t)a->base;

	if (start > a->size || size > a->size - start)
		return NULL;
	a->used = start + size;
	return a->base + start;
}

size_t pool_footprint(uint32_t objsize, uint32_t max)
{
	return (size_t)max * (objsize + sizeof(uint8_t) + sizeof(uint32_t)) + 3 * CACHE_LINE;
}

int pool_init(struct pool *p, struct arena *a, uint32_t objsize, uint32_t max)
{
	memset(p, 0, sizeof(*p));
	p->base = arena_alloc(a, (size_t)objsize * max, CACHE_LINE);
	p->live = arena_alloc(a, max, CACHE_LINE);
	p->next = arena_alloc(a, (size_t)max * sizeof(uint32_t), CACHE_LINE);
	if (p->base == NULL || p->live == NULL || p->next == NULL)
		return -ENOMEM;
	p->objsize = objsize;
	p->max = max;
	p->free_head = POOL_NIL;
	return 0;
}

void *pool_alloc(struct pool *p)
{
	uint32_t i = p->free_head;
	void *obj;

	if (i != POOL_NIL) {
		p->free_head = p->next[i];
		obj = pool_at(p, i);
		memset(obj, 0, p->objsize);
	} else if (p->high < p->max) {
		i = p->high++;
		obj = pool_at(p, i); /* fresh: the arena is zeroed */
	} else {
		p->failures++;
		return NULL;
	}
	p->used++;
	pool_order();
	p->live[i] = 1;
	return obj;
}

void pool_free(struct pool *p, void *obj)
{
	uint32_t i = pool_index(p, obj);

	assert(i < p->high && p->live[i] != 0);
	p->live[i] = 0;
	pool_order();
	p->next[i] = p->free_head;
	p->free_head = i;
	p->used--;
}

void pool_rebuild(struct pool *p)
{
	uint32_t i;

	p->free_head = POOL_NIL;
	p->used = 0;
	for (i = p->high; i-- > 0;) {
		if (p->live[i] != 0) {
			p->used++;
			continue;
		}
		p->next[i] = p->free_head;
		p->free_head = i;
	}
}
