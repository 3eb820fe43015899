/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * recover.c - after the lock's holder was killed: trust arrays, rebuild the rest.
 *
 * Runs in whoever takes the lock next, before anything else.  It is itself safe against
 * being killed: the word then says OWNER_DIED again and the next taker starts over.
 *
 * Order: the pools' free lists (from their live flags); the stack, which resets the
 * socket that was in hand; blocked calls and their entries; files, whose references
 * are counted again from the fd tables, and the epoll instances; totals; last the
 * packets, when it is known who still holds which.  The dead process's own descriptors
 * are not dropped here: it is the keeper that hears of its death.
 */
#include "dpdk_port/port.h"
#include "preload/engine_priv.h"
#include "stack/stack.h"

/* Evslots that no waiter claims stay used until their process ends: they may be an epoll's. */
static void rebuild_waiting(uint64_t now)
{
	pool_rebuild(&shm->waiters);
	pool_rebuild(&shm->wait_entries);
	waiter_recover(now);
	registry_recount();
}

void engine_recover(void)
{
	struct stack *st = shm->stack;
	uint64_t begin = engine_now();
	unsigned int orphans;

	shm->epoch++;
	pool_rebuild(&shm->files);
	pool_rebuild(&shm->eventpolls);
	pool_rebuild(&shm->epitems);
	stack_recover(st, begin);
	rebuild_waiting(begin);
	file_recover(begin);
	stack_mark_mbufs(st);
	orphans = mbuf_pool_rebuild(port_mbuf_pool(engine.ports[0]), stack_owns_mbuf, st);
	/* Accepted by the dead one and not yet given to anybody; this may send, so the pool comes first. */
	stack_release_ownerless(st, begin);
	/* Whoever was to be told of something by the dead one looks for himself. */
	evslot_kick_all();
	engine_kick_again();
	shim_log(LOG_LEVEL_WARN,
		 "a process was killed inside the stack: repaired in %u us, %u packets taken back "
		 "(%u times so far)",
		 (unsigned int)((engine_now() - begin) / NSEC_PER_USEC), orphans,
		 (unsigned int)shm->epoch);
}
