/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * epoll_recover.c - epoll instances after the death of a process: one that slept on them,
 * or one that was killed while it changed them.
 */
#include "preload/engine.h"
#include "preload/epoll.h"

void eventpoll_proc_gone(int slot)
{
	struct eventpoll *ep;
	unsigned int k;
	uint32_t i;

	pool_for_each(&shm->eventpolls, i, ep) {
		for (k = 0; k < EVENTPOLL_SLEEPERS; k++)
			if (ep->sleepers[k].proc == slot)
				ep->sleepers[k].threads = 0;
		if (ep->slot < 0 || ep->slot_proc != slot)
			continue;
		/* Others that sleep on it take one of their own. */
		evslot_kick(ep->slot);
		ep->slot = -1;
		ep->kicked = false;
	}
}

static bool item_is_whole(const struct epitem *epi)
{
	return epi->we.kind == WAIT_EPITEM && epi->ep != NULL && epi->we.file != NULL &&
	       pool_is_live(&shm->eventpolls, pool_index(&shm->eventpolls, epi->ep)) &&
	       pool_is_live(&shm->files, pool_index(&shm->files, epi->we.file));
}

/* One that a file has; else it was being made, or freed. */
static bool is_owned(const struct eventpoll *ep)
{
	const struct file *f = ep->file;

	return f != NULL && pool_is_live(&shm->files, pool_index(&shm->files, f)) &&
	       f->type == FILE_EPOLL && f->ep == ep;
}

/*
 * Called by file_recover() when it has emptied the files' wait lists.  Every item counts
 * as notified: a level is asked for anyway, and an edge too many does no harm.
 */
void eventpoll_recover(void)
{
	struct eventpoll *ep;
	struct epitem *epi;
	uint32_t i;

	pool_for_each(&shm->eventpolls, i, ep) {
		if (!is_owned(ep)) {
			evslot_put(ep->slot);
			pool_free(&shm->eventpolls, ep);
			continue;
		}
		list_init(&ep->items);
		list_init(&ep->ready);
		ep->nready = ep->nfresh = ep->hidden_items = 0;
		ep->kicked = false;
	}
	pool_for_each(&shm->epitems, i, epi) {
		if (!item_is_whole(epi)) {
			pool_free(&shm->epitems, epi);
			continue;
		}
		epi->we.who = epi;
		epi->ep->hidden_items += epi->hidden;
		list_add_tail(&epi->we.file->waits, &epi->we.link);
		list_add_tail(&epi->ep->items, &epi->ep_link);
		epitem_ready_tail(epi, true);
	}
}
