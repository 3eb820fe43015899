/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mbuf_pool.c - mbufs for one stack: a LIFO that survives the death of its user.
 *
 * DPDK's own pools are rings made for many producers: a process that is killed inside
 * one leaves it so that everybody else waits for ever.  A stack's pool is used under the
 * stack's lock alone, by whichever process holds it, so it needs no atomics; it needs to
 * be repairable at any instruction.
 *
 * The truth is one state byte per mbuf; the LIFO beside it is only an index of those that
 * are free, and can be made again from the bytes:
 *
 *	VIRGIN -> (initialised) -> FREE -> STACK | DRIVER -> FREE -> …
 *
 * Taking marks the byte before the LIFO's count goes down, giving back marks the byte
 * before the count goes up: an mbuf is at no moment FREE and in use.  What a killed
 * process had taken and told nobody about is STACK without an owner: mbuf_pool_rebuild()
 * asks for an owner and takes it back.
 *
 * Mbufs are initialised when they are first needed, in order: a pool costs no time at
 * start and no memory beyond its high-water mark, and because the last one freed is the
 * next one used, that mark stays low and the mbufs stay in the cache.  Where IO addresses
 * are physical, objects lie at uneven distances (none may cross a page whose neighbour
 * is elsewhere) and all are initialised at creation.
 *
 * Objects are told apart by (address - base) / size: they are at least size apart, so the
 * quotient is different for each, gaps or not.
 *
 * Everything lies in memzones made at creation, before any fork: the children use it, and
 * nobody allocates from DPDK's heap later.  There is no cache per lcore.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_memzone.h>

#include "dpdk_port/mbuf_pool.h"
#include "dpdk_port/port.h"

#define OPS_NAME "shim_lifo"

enum mbuf_state {
	MBUF_VIRGIN = 0, /* never initialised */
	MBUF_FREE,
	MBUF_STACK,  /* taken by the stack's code */
	MBUF_DRIVER, /* in a driver's receive ring */
};

struct lifo {
	uintptr_t base;	   /* of the object memory */
	uint32_t obj_size; /* header, mbuf, private area, data room */
	uint32_t slots;	   /* indices 0..slots-1 exist */
	uint32_t n;	   /* objects */
	uint32_t fresh;	   /* lazy: objects below were initialised, in order of address */
	bool lazy;
	uint8_t take_state; /* what an allocation is marked with: MBUF_STACK or MBUF_DRIVER */
	uint32_t count;	    /* entries of stack[] in use */
	uint64_t bad_frees;
	uint8_t *state; /* enum mbuf_state by index */
	struct rte_mbuf **stack;
};

/*
 * The order of stores is what a later reader in another process sees after a kill; the
 * processor keeps it (x86-64), the compiler has to be told.
 */
#define ordered() __asm__ volatile("" ::: "memory")

/* Between two stores whose order matters.  The unit test ends an operation here, half done. */
#ifndef MBUF_POOL_STEP
#define MBUF_POOL_STEP(result) ordered()
#endif

static inline struct lifo *lifo_of(const struct rte_mempool *mp)
{
	return mp->pool_data;
}

static inline uint32_t lifo_index(const struct lifo *l, const void *obj)
{
	return (uint32_t)(((uintptr_t)obj - l->base) / l->obj_size);
}

/* -- rte_mempool's operations ------------------------------------------------------- */

/* Initialise the next object in order of address and make it free. */
static int lifo_materialise(struct rte_mempool *mp, struct lifo *l)
{
	struct rte_mempool_objhdr *hdr;
	uintptr_t at = l->base + (uintptr_t)l->fresh * l->obj_size;
	struct rte_mbuf *m = (struct rte_mbuf *)(at + mp->header_size);

	hdr = rte_mempool_get_header(m);
	hdr->mp = mp;
	hdr->iova = (rte_iova_t)(uintptr_t)m; /* lazy only where IO addresses are virtual */
	rte_pktmbuf_init(mp, NULL, m, 0);
	MBUF_POOL_STEP(-EINTR);
	STAILQ_INSERT_TAIL(&mp->elt_list, hdr, next); /* for rte_mempool_obj_iter() */
	MBUF_POOL_STEP(-EINTR);
	l->state[l->fresh] = MBUF_FREE;
	MBUF_POOL_STEP(-EINTR);
	l->stack[l->count] = m;
	MBUF_POOL_STEP(-EINTR);
	l->fresh++;
	MBUF_POOL_STEP(-EINTR);
	l->count++;
	return 0;
}

static int lifo_dequeue(struct rte_mempool *mp, void **objs, unsigned int n)
{
	struct lifo *l = lifo_of(mp);
	uint32_t count;

	while (unlikely(l->count < n)) {
		if (!l->lazy || l->fresh >= l->n)
			return -ENOBUFS;
		if (lifo_materialise(mp, l) < 0)
			return -EINTR; /* the unit test's death */
	}
	count = l->count;
	for (unsigned int i = 0; i < n; i++) {
		struct rte_mbuf *m = l->stack[--count];

		l->state[lifo_index(l, m)] = l->take_state;
		objs[i] = m;
		MBUF_POOL_STEP(-EINTR);
	}
	l->count = count;
	return 0;
}

static int lifo_enqueue(struct rte_mempool *mp, void *const *objs, unsigned int n)
{
	struct lifo *l = lifo_of(mp);

	for (unsigned int i = 0; i < n; i++) {
		uint32_t idx = lifo_index(l, objs[i]);

		if (unlikely(idx >= l->slots || l->state[idx] <= MBUF_FREE)) {
			/* At creation each object arrives here for the first time. */
			if (idx >= l->slots || l->lazy || l->state[idx] == MBUF_FREE) {
				l->bad_frees++;
				continue;
			}
		}
		l->state[idx] = MBUF_FREE;
		MBUF_POOL_STEP(0);
		l->stack[l->count] = (struct rte_mbuf *)(uintptr_t)objs[i];
		MBUF_POOL_STEP(0);
		l->count++;
		MBUF_POOL_STEP(0);
	}
	return 0;
}

static unsigned int lifo_count(const struct rte_mempool *mp)
{
	const struct lifo *l = lifo_of(mp);

	return l->count + (l->lazy ? l->n - l->fresh : 0);
}

/* pool_config is the struct lifo, made by mbuf_pool_create(). */
static int lifo_alloc(struct rte_mempool *mp)
{
	mp->pool_data = mp->pool_config;
	return 0;
}

static void lifo_free(struct rte_mempool *mp)
{
	mp->pool_data = NULL;
}

static int lifo_populate(struct rte_mempool *mp, unsigned int max_objs, void *vaddr,
			 rte_iova_t iova, size_t len, rte_mempool_populate_obj_cb_t *obj_cb,
			 void *obj_cb_arg)
{
	struct lifo *l = lifo_of(mp);
	size_t fit = len / l->obj_size;

	if (!l->lazy)
		return rte_mempool_op_populate_default(mp, max_objs, vaddr, iova, len, obj_cb,
						       obj_cb_arg);
	if (fit > max_objs)
		fit = max_objs;
	if ((uintptr_t)vaddr != l->base + (uintptr_t)mp->populated_size * l->obj_size)
		return -EINVAL;
	mp->populated_size += (uint32_t)fit;
	return (int)fit;
}

static const struct rte_mempool_ops lifo_ops = {
	.name = OPS_NAME,
	.alloc = lifo_alloc,
	.free = lifo_free,
	.enqueue = lifo_enqueue,
	.dequeue = lifo_dequeue,
	.get_count = lifo_count,
	.populate = lifo_populate,
};
RTE_MEMPOOL_REGISTER_OPS(lifo_ops)

/* -- making one --------------------------------------------------------------------- */

static uint32_t elt_size(uint16_t priv_size, uint16_t data_room)
{
	return (uint32_t)sizeof(struct rte_mbuf) + priv_size + data_room;
}

static const struct rte_memzone *pool_zone(const char *name, const char *what, size_t len,
					   int socket_id)
{
	char zone[RTE_MEMZONE_NAMESIZE];

	snprintf(zone, sizeof(zone), "%.20s_%s", name, what);
	return rte_memzone_reserve_aligned(zone, len, socket_id, 0, RTE_CACHE_LINE_SIZE);
}

/* Where no physical addresses are in play every object lies behind the one before. */
static bool pool_is_lazy(void)
{
	return rte_eal_iova_mode() == RTE_IOVA_VA || !rte_eal_has_hugepages();
}

static uint64_t pool_object_bytes(unsigned int n, uint32_t obj_size)
{
	/* Not lazy: at most one object's worth of gap per 2 MB page. */
	uint64_t bytes = (uint64_t)n * obj_size + RTE_CACHE_LINE_SIZE;

	return pool_is_lazy() ? bytes : bytes + (bytes / (2u << 20) + 2) * obj_size;
}

uint64_t mbuf_pool_bytes(unsigned int n, uint16_t priv_size, uint16_t data_room)
{
	uint32_t obj = rte_mempool_calc_obj_size(elt_size(priv_size, data_room),
						 RTE_MEMPOOL_F_NO_SPREAD, NULL);

	return (uint64_t)n * (obj + sizeof(void *) + 1) + (uint64_t)n / 512 * obj;
}

static struct lifo *lifo_make(const struct rte_mempool *mp, const char *name, unsigned int n,
			      const struct rte_memzone *objs, int socket_id)
{
	uint32_t obj_size = mp->header_size + mp->elt_size + mp->trailer_size;
	uint32_t slots = (uint32_t)(objs->len / obj_size) + 1;
	size_t states = RTE_ALIGN_CEIL(slots, RTE_CACHE_LINE_SIZE);
	const struct rte_memzone *mz;
	struct lifo *l;

	mz = pool_zone(name, "lifo",
		       RTE_ALIGN_CEIL(sizeof(*l), RTE_CACHE_LINE_SIZE) + states +
			       (size_t)slots * sizeof(struct rte_mbuf *),
		       socket_id);
	if (mz == NULL)
		return NULL;
	l = mz->addr;
	memset(l, 0, RTE_ALIGN_CEIL(sizeof(*l), RTE_CACHE_LINE_SIZE) + states);
	l->base = (uintptr_t)objs->addr;
	l->obj_size = obj_size;
	l->slots = slots;
	l->n = n;
	l->lazy = pool_is_lazy();
	l->take_state = MBUF_STACK;
	l->state = (uint8_t *)mz->addr + RTE_ALIGN_CEIL(sizeof(*l), RTE_CACHE_LINE_SIZE);
	l->stack = (struct rte_mbuf **)(l->state + states);
	return l;
}

static int pool_populate(struct rte_mempool *mp, const struct rte_memzone *objs, struct lifo *l)
{
	size_t page;
	int r;

	if (l->lazy)
		return rte_mempool_populate_iova(mp, objs->addr, (rte_iova_t)(uintptr_t)objs->addr,
						 objs->len, NULL, NULL);
	r = rte_mempool_get_page_size(mp, &page);
	if (r < 0)
		return r;
	return rte_mempool_populate_virt(mp, objs->addr, objs->len, page, NULL, NULL);
}

struct rte_mempool *mbuf_pool_create(const char *name, unsigned int n, uint16_t priv_size,
				     uint16_t data_room, int socket_id)
{
	struct rte_pktmbuf_pool_private priv = { .mbuf_data_room_size = data_room,
						 .mbuf_priv_size = priv_size };
	const struct rte_memzone *objs;
	struct rte_mempool *mp;
	struct lifo *l;
	int r;

	if (n == 0 || priv_size % RTE_MBUF_PRIV_ALIGN != 0) {
		rte_errno = EINVAL;
		return NULL;
	}
	mp = rte_mempool_create_empty(name, n, elt_size(priv_size, data_room), 0, sizeof(priv),
				      socket_id, RTE_MEMPOOL_F_NO_SPREAD);
	if (mp == NULL)
		return NULL;
	rte_pktmbuf_pool_init(mp, &priv);
	objs = pool_zone(name, "objs",
			 pool_object_bytes(n, mp->header_size + mp->elt_size + mp->trailer_size),
			 socket_id);
	l = objs != NULL ? lifo_make(mp, name, n, objs, socket_id) : NULL;
	if (l == NULL) {
		rte_mempool_free(mp);
		rte_memzone_free(objs);
		rte_errno = ENOMEM;
		return NULL;
	}
	r = rte_mempool_set_ops_byname(mp, OPS_NAME, l);
	if (r == 0)
		r = pool_populate(mp, objs, l);
	if (r < 0 || mp->populated_size < n) {
		rte_mempool_free(mp);
		rte_errno = r < 0 ? -r : ENOMEM;
		return NULL;
	}
	if (!l->lazy)
		rte_mempool_obj_iter(mp, rte_pktmbuf_init, NULL);
	return mp;
}

unsigned int mbuf_pool_available(const struct rte_mempool *pool)
{
	return lifo_count(pool);
}

uint64_t mbuf_pool_bad_frees(const struct rte_mempool *pool)
{
	return lifo_of(pool)->bad_frees;
}

/* -- what a driver holds ------------------------------------------------------------ */

void mbuf_pool_lend(struct rte_mempool *pool)
{
	lifo_of(pool)->take_state = MBUF_DRIVER;
	ordered();
}

void mbuf_pool_take(struct rte_mempool *pool, struct rte_mbuf **pkts, uint16_t n)
{
	struct lifo *l = lifo_of(pool);

	ordered();
	l->take_state = MBUF_STACK;
	for (uint16_t i = 0; i < n; i++)
		for (struct rte_mbuf *m = pkts[i]; m != NULL; m = m->next)
			l->state[lifo_index(l, m)] = MBUF_STACK;
}

/* -- after a kill ------------------------------------------------------------------- */

struct rebuild {
	struct lifo *l;
	bool (*keep)(const struct rte_mbuf *m, void *arg);
	void *arg;
	unsigned int orphans;
};

static void rebuild_one(struct rte_mempool *mp, struct rebuild *rb, struct rte_mbuf *m)
{
	struct lifo *l = rb->l;
	uint8_t *state = &l->state[lifo_index(l, m)];

	switch (*state) {
	case MBUF_STACK:
		if (rb->keep(m, rb->arg))
			return;
		rte_pktmbuf_init(mp, NULL, m, 0); /* may have been attached, chained, shared */
		ordered();
		*state = MBUF_FREE;
		rb->orphans++;
		break;
	case MBUF_FREE:
		break;
	default: /* a driver's, or not made yet */
		return;
	}
	l->stack[l->count++] = m;
}

/* The iteration list again, from the addresses: an insertion may have been cut in half. */
static void rebuild_list(struct rte_mempool *mp, struct lifo *l)
{
	STAILQ_INIT(&mp->elt_list);
	for (uint32_t i = 0; i < l->fresh; i++) {
		struct rte_mbuf *m =
			(void *)(l->base + (uintptr_t)i * l->obj_size + mp->header_size);

		STAILQ_INSERT_TAIL(&mp->elt_list, rte_mempool_get_header(m), next);
	}
}

static void rebuild_iter(struct rte_mempool *mp, void *arg, void *obj, unsigned int i)
{
	(void)i;
	rebuild_one(mp, arg, obj);
}

unsigned int mbuf_pool_rebuild(struct rte_mempool *pool,
			       bool (*keep)(const struct rte_mbuf *m, void *arg), void *arg)
{
	struct lifo *l = lifo_of(pool);
	struct rebuild rb = { .l = l, .keep = keep, .arg = arg };

	l->take_state = MBUF_STACK;
	/* Nothing is FREE twice, and a second kill in here leaves the bytes as true as before. */
	l->count = 0;
	if (l->lazy) {
		while (l->fresh < l->n && l->state[l->fresh] != MBUF_VIRGIN)
			l->fresh++;
		rebuild_list(pool, l);
	}
	rte_mempool_obj_iter(pool, rebuild_iter, &rb);
	return rb.orphans;
}
