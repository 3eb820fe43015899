/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * file.c - open file descriptions: references, readiness, rebuilding.
 */
#include "preload/file.h"

#include <fcntl.h>
#include <sys/epoll.h>

#include "preload/engine.h"

struct file *file_alloc(enum file_type type)
{
	struct file *f = pool_alloc(&shm->files);

	if (f == NULL)
		return NULL;
	list_init(&f->waits);
	f->type = (uint8_t)type;
	f->flags = O_RDWR;
	f->fd_refs = 1;
	return f;
}

static void file_release(struct file *f, uint64_t now)
{
	struct list *n, *tmp;

	/* epoll(7) Q6: closing the last descriptor takes the file out of every set. */
	list_for_each_safe(n, tmp, &f->waits) {
		struct wait_entry *we = list_entry(n, struct wait_entry, link);

		if (we->kind == WAIT_EPITEM)
			epitem_free(we->who);
	}
	/*
	 * The file lets go before what it had is freed: if this process is killed in between, the
	 * next holder finds something without an owner, not an owner of what is free.
	 */
	if (f->type == FILE_SOCKET && f->so != NULL) {
		struct socket *so = f->so;

		so->owner = NULL;
		f->so = NULL;
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		socket_release(shm->stack, so, now);
	} else if (f->type == FILE_EPOLL && f->ep != NULL) {
		struct eventpoll *ep = f->ep;

		f->ep = NULL;
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		eventpoll_free(ep);
	}
	pool_free(&shm->files, f);
}

void file_put_fd(struct file *f, uint64_t now)
{
	if (f->fd_refs > 0)
		f->fd_refs--;
	if (f->fd_refs == 0 && f->wait_refs == 0)
		file_release(f, now);
}

void file_put_wait(struct file *f, uint64_t now)
{
	if (f->wait_refs > 0)
		f->wait_refs--;
	if (f->fd_refs == 0 && f->wait_refs == 0)
		file_release(f, now);
}

uint32_t file_poll(struct file *f)
{
	if (f->type == FILE_SOCKET)
		return socket_poll(shm->stack, f->so);
	return eventpoll_poll(f->ep);
}

void file_notify(struct file *f, uint32_t events)
{
	bool exclusive = false;
	struct list *n, *tmp;

	list_for_each_safe(n, tmp, &f->waits) {
		struct wait_entry *we = list_entry(n, struct wait_entry, link);

		if ((we->events & events) == 0)
			continue;
		if (we->kind == WAIT_CALL)
			waiter_notify(we->who);
		else if (epitem_is_exclusive(we->who))
			exclusive = true;
		else
			epitem_notify(we->who, events);
	}
	if (exclusive)
		epitem_notify_exclusive(f, events);
	if (__builtin_expect(f->owner_pid != 0, 0))
		async_note(f, events);
}

/* Count references again from what holds them: the fd tables and the entries of blocked calls. */
static void recount(void)
{
	struct wait_entry *we;
	uint32_t i, fd, e;
	struct file *f;

	pool_for_each(&shm->files, i, f) {
		f->fd_refs = f->wait_refs = 0;
		list_init(&f->waits);
	}
	for (i = 0; i < SHM_MAX_PROCS; i++) {
		const struct proc *p = &shm->procs[i];

		if (p->state == PROC_FREE)
			continue;
		for (fd = 0; fd < p->fd_high; fd++) {
			e = p->fdtab[fd];
			if (e != FDT_NONE && e < FDT_SPECIAL && pool_is_live(&shm->files, e - 1))
				((struct file *)pool_at(&shm->files, e - 1))->fd_refs++;
		}
	}
	pool_for_each(&shm->wait_entries, i, we) {
		if (we->kind != WAIT_CALL || we->file == NULL)
			continue;
		we->file->wait_refs++;
		list_add_tail(&we->file->waits, &we->link);
	}
}

void file_recover(uint64_t now)
{
	struct file *f;
	uint32_t i;

	recount();
	eventpoll_recover();
	pool_for_each(&shm->files, i, f)
		if (f->fd_refs == 0 && f->wait_refs == 0)
			file_release(f, now);
}
