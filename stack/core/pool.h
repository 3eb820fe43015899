/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool.h - typed pools: one virtual array per kind of object.
 *
 * A pool owns a stretch of the stack's reservation large enough for its maximum;
 * pages are committed by first touch, so an unused maximum costs nothing.  A live
 * flag per object lets every pool, list and hash be rebuilt by walking the array
 * after a process was killed in the middle of a change.  Free objects form a LIFO,
 * so that the warm one comes back first.  Not thread-safe: the stack's lock serves.
 */
#ifndef STACK_CORE_POOL_H
#define STACK_CORE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A bump allocator over [base, base + size): all start-time memory comes from one. */
struct arena {
	char *base;
	size_t size, used;
};

void arena_init(struct arena *a, void *base, size_t size);
/* Zeroed (fresh mapping) memory aligned to align (a power of two), or NULL when the arena is full. */
void *arena_alloc(struct arena *a, size_t size, size_t align);

#define POOL_NIL UINT32_MAX

struct pool {
	char *base;
	uint8_t *live;	    /* one byte per object: 1 allocated, 0 free */
	uint32_t *next;	    /* free list links */
	uint32_t objsize;
	uint32_t max;
	uint32_t high;	    /* objects [0, high) were ever allocated */
	uint32_t used;
	uint32_t free_head; /* POOL_NIL: none */
	uint64_t failures;  /* allocations refused because the pool was full */
};

/* Bytes of arena that a pool of max objects takes. */
size_t pool_footprint(uint32_t objsize, uint32_t max);
/* Returns 0 or -ENOMEM. */
int pool_init(struct pool *p, struct arena *a, uint32_t objsize, uint32_t max);
/* A zeroed object, or NULL when max are in use. */
void *pool_alloc(struct pool *p);
void pool_free(struct pool *p, void *obj);
/* Rebuild the free list and the counters from the live flags alone. */
void pool_rebuild(struct pool *p);

static inline void *pool_at(const struct pool *p, uint32_t i)
{
	return p->base + (size_t)i * p->objsize;
}

static inline uint32_t pool_index(const struct pool *p, const void *obj)
{
	return (uint32_t)(((const char *)obj - p->base) / p->objsize);
}

static inline bool pool_is_live(const struct pool *p, uint32_t i)
{
	return i < p->high && p->live[i] != 0;
}

/* Visit every live object: i is a uint32_t, obj a pointer. */
#define pool_for_each(p, i, obj)                                                                   \
	for ((i) = 0; (i) < (p)->high; (i)++)                                                      \
		if ((p)->live[i] != 0 && ((obj) = pool_at((p), (i)), 1))

#endif
