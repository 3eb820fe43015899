/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * list.h - circular doubly linked lists, embedded in their elements.
 *
 * A list is a node whose neighbours are the first and the last element; an empty
 * list points at itself.  list_del() leaves the node empty, so that deleting twice
 * is harmless and list_is_linked() can be asked.
 */
#ifndef STACK_CORE_LIST_H
#define STACK_CORE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

#ifndef container_of /* DPDK's rte_common.h may have come first */
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#endif

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

/* Is the node on a list?  True only after list_init() or list_del() or for zeroed memory. */
static inline bool list_is_linked(const struct list *n)
{
	return n->next != NULL && n->next != n;
}

static inline void list_insert(struct list *n, struct list *prev, struct list *next)
{
	n->next = next;
	n->prev = prev;
	prev->next = n;
	next->prev = n;
}

static inline void list_add_head(struct list *l, struct list *n)
{
	list_insert(n, l, l->next);
}

static inline void list_add_tail(struct list *l, struct list *n)
{
	list_insert(n, l->prev, l);
}

static inline void list_del(struct list *n)
{
	if (n->next == NULL)
		return;
	n->next->prev = n->prev;
	n->prev->next = n->next;
	list_init(n);
}

static inline struct list *list_first(struct list *l)
{
	return list_is_empty(l) ? NULL : l->next;
}

static inline struct list *list_pop_head(struct list *l)
{
	struct list *n = list_first(l);

	if (n != NULL)
		list_del(n);
	return n;
}

#define list_for_each(n, l) for ((n) = (l)->next; (n) != (l); (n) = (n)->next)

/* The current node may be deleted in the body. */
#define list_for_each_safe(n, tmp, l)                                                              \
	for ((n) = (l)->next, (tmp) = (n)->next; (n) != (l); (n) = (tmp), (tmp) = (n)->next)

#define list_entry(n, type, member) container_of(n, type, member)

#endif
