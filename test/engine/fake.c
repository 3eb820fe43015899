/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fake.c - see fake.h.  Also what of preload the engine calls and these tests do not use.
 */
#include "test/engine/fake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "dpdk_port/port.h"
#include "preload/engine_priv.h"
#include "preload/file.h"
#include "preload/real.h"
#include "shim/config.h"

int fake_wire[2] = { -1, -1 };
bool fake_port_pollable = true;
unsigned int fake_polls_here;
unsigned int fake_kicks, fake_kicks_inside, fake_kicks_again;
unsigned int fake_spin_us;
char fake_port_name[64] = "fake0";

/* -- configuration ---------------------------------------------------------------------- */
int config_load(struct shim_config *cfg, char *err, size_t errlen)
{
	(void)err;
	(void)errlen;
	memset(cfg, 0, sizeof(*cfg));
	cfg->enabled = true;
	cfg->nports = 1;
	cfg->log_level = getenv("FAKE_LOG") != NULL ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR;
	cfg->spin_us = fake_spin_us;
	snprintf(cfg->ports[0].vdev, sizeof(cfg->ports[0].vdev), "%s", fake_port_name);
	return 0;
}

/* -- port ---------------------------------------------------------------------------------- */
struct port {
	int nothing;
};
static struct port the_port;

int ports_open(const struct port_params *params, unsigned int n, struct port **out,
	       char err[PORT_ERR_LEN])
{
	const struct timespec as_long_as_eal = { .tv_nsec = 30000000 };

	(void)params;
	(void)n;
	(void)err;
	nanosleep(&as_long_as_eal, NULL);
	*out = &the_port;
	return 0;
}

void port_close(struct port *port)
{
	(void)port;
}

struct netif *port_netif(struct port *port)
{
	(void)port;
	return NULL;
}

struct rte_mempool *port_mbuf_pool(struct port *port)
{
	(void)port;
	return NULL;
}

unsigned int port_wait_fds(const struct port *port, uint16_t queue, int fds[PORT_MAX_WAIT_FDS])
{
	(void)port;
	(void)queue;
	fds[0] = fake_wire[1];
	return fake_port_pollable ? 1 : 0;
}

void port_wait_begin(struct port *port, uint16_t queue)
{
	(void)port;
	(void)queue;
}

void port_wait_end(struct port *port, uint16_t queue, bool others)
{
	(void)port;
	(void)queue;
	(void)others;
}

unsigned int port_fds(const struct port *port, int *fds, unsigned int n)
{
	(void)port;
	(void)n;
	fds[0] = fake_wire[1];
	return 1;
}

bool port_tx_kick_later(struct port *port)
{
	(void)port;
	return true;
}

void port_tx_kick(struct port *port)
{
	(void)port;
	if ((__atomic_load_n(&shm->lock.word, __ATOMIC_RELAXED) & FUTEX_TID_MASK) ==
	    (uint32_t)engine_self.tid)
		fake_kicks_inside++;
	fake_kicks++;
}

void port_tx_kick_again(struct port *port)
{
	(void)port;
	fake_kicks_again++;
}

void port_after_fork(struct port *port)
{
	(void)port;
}

void port_lcore_enter(unsigned int lcore, unsigned int *saved)
{
	*saved = lcore;
}

void port_lcore_leave(unsigned int saved)
{
	(void)saved;
}

unsigned int mbuf_pool_available(const struct rte_mempool *pool)
{
	(void)pool;
	return 0;
}

unsigned int mbuf_pool_rebuild(struct rte_mempool *pool,
			       bool (*keep)(const struct rte_mbuf *m, void *arg), void *arg)
{
	(void)pool;
	(void)keep;
	(void)arg;
	return 0;
}

/* -- stack ----------------------------------------------------------------------------------- */
void stack_config_defaults(struct stack_config *cfg)
{
	memset(cfg, 0, sizeof(*cfg));
	cfg->max_sockets = FAKE_SOCKETS;
}

size_t stack_footprint(const struct stack_config *cfg)
{
	(void)cfg;
	return sizeof(struct stack);
}

struct stack *stack_create(void *mem, size_t size, const struct stack_config *cfg, int *err,
			   uint64_t now)
{
	(void)cfg;
	(void)now;
	*err = size < sizeof(struct stack) ? -ENOMEM : 0;
	return mem;
}

static void raise_event(struct stack *st, uint32_t i, uint32_t events)
{
	struct fake_sock *s = &st->sockets[i];

	if (s->events == 0)
		st->queue[st->nqueue++] = i;
	s->events |= events;
}

unsigned int stack_poll(struct stack *st, uint64_t now)
{
	unsigned int n = 0;
	uint32_t frame;

	fake_polls_here++;
	st->polls++;
	while (n < 32 && real.recv(fake_wire[1], &frame, sizeof(frame), MSG_DONTWAIT) ==
				 sizeof(frame)) {
		n++;
		if (frame >= FAKE_SOCKETS || !st->sockets[frame].used)
			continue;
		st->sockets[frame].readable = true;
		raise_event(st, frame, EPOLLIN);
	}
	st->frames += n;
	if (st->deadline != 0 && now >= st->deadline) {
		st->deadline = 0;
		st->timeouts++;
	}
	return n;
}

uint64_t stack_mib(const struct stack *st, unsigned int which)
{
	(void)st;
	(void)which;
	return 0;
}

void stack_settle(struct stack *st, uint64_t now)
{
	(void)now;
	st->flushes++;
}

uint64_t stack_next_deadline(const struct stack *st)
{
	return st->deadline != 0 ? st->deadline : UINT64_MAX;
}

struct socket *stack_take_event(struct stack *st, uint32_t *events)
{
	struct fake_sock *s;

	if (st->nqueue == 0)
		return NULL;
	s = &st->sockets[st->queue[--st->nqueue]];
	*events = s->events;
	s->events = 0;
	return &s->so;
}

bool stack_is_quiescent(const struct stack *st)
{
	return !st->busy;
}

bool stack_has_unsent_state(const struct stack *st)
{
	return st->unsent;
}

void stack_recover(struct stack *st, uint64_t now)
{
	(void)now;
	st->recoveries++;
	st->nqueue = 0;
	for (uint32_t i = 0; i < FAKE_SOCKETS; i++)
		st->sockets[i].events = 0;
}

unsigned int stack_release_ownerless(struct stack *st, uint64_t now)
{
	unsigned int n = 0;

	(void)now;
	for (uint32_t i = 0; i < FAKE_SOCKETS; i++) {
		if (!st->sockets[i].used || st->sockets[i].so.owner != NULL)
			continue;
		st->sockets[i].used = false;
		n++;
	}
	return n;
}

void stack_mark_mbufs(struct stack *st)
{
	(void)st;
}

bool stack_owns_mbuf(const struct rte_mbuf *m, void *st)
{
	(void)m;
	(void)st;
	return true;
}

struct socket *fake_socket(struct stack *st)
{
	for (uint32_t i = 0; i < FAKE_SOCKETS; i++) {
		struct fake_sock *s = &st->sockets[i];

		if (s->used)
			continue;
		memset(s, 0, sizeof(*s));
		s->used = true;
		return &s->so;
	}
	return NULL;
}

uint32_t fake_number(struct stack *st, const struct socket *so)
{
	return (uint32_t)((const struct fake_sock *)so - st->sockets);
}

bool fake_read(struct stack *st, struct socket *so)
{
	struct fake_sock *s = &st->sockets[fake_number(st, so)];
	bool was = s->readable;

	s->readable = false;
	return was;
}

void socket_release(struct stack *st, struct socket *so, uint64_t now)
{
	(void)now;
	st->sockets[fake_number(st, so)].used = false;
	st->released++;
}

uint32_t socket_poll(struct stack *st, struct socket *so)
{
	return st->sockets[fake_number(st, so)].readable ? EPOLLIN : 0;
}

void socket_set_wall_clock(struct stack *st, int64_t offset)
{
	(void)st;
	(void)offset;
}

/* -- epoll: none here ---------------------------------------------------------------------------- */
const uint32_t eventpoll_objsize = 64, epitem_objsize = 64;

void eventpoll_proc_gone(int slot)
{
	(void)slot;
}

void eventpoll_free(struct eventpoll *ep)
{
	(void)ep;
}

uint32_t eventpoll_poll(struct eventpoll *ep)
{
	(void)ep;
	return 0;
}

void eventpoll_recover(void)
{
}

void epitem_notify(struct epitem *epi, uint32_t events)
{
	(void)epi;
	(void)events;
}

void epitem_notify_exclusive(struct file *f, uint32_t events)
{
	(void)f;
	(void)events;
}

bool epitem_is_exclusive(const struct epitem *epi)
{
	(void)epi;
	return false;
}

void epitem_free(struct epitem *epi)
{
	(void)epi;
}
