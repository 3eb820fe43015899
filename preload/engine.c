/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * engine.c - entering and leaving the stack, running it, delivering readiness.
 *
 * Order of engine_leave(): send what was left in the batch, tell the files whose sockets
 * became ready, see to the keeper, unlock, have the kernel send what lies in its ring
 * (AF_PACKET), write the eventfds of those to be woken, let deferred signals come.  Signal
 * handlers of the program are deferred from before the lock is tried until after the eventfds
 * are written (self.depth > 0).
 */
#include <errno.h>
#include <stddef.h>

#include "dpdk_port/port.h"
#include "preload/engine_priv.h"
#include "stack/socket.h"
#include "stack/stack.h"

/* The DPDK lcore id that the stack owns; its user is whoever has the lock. */
#define STACK_LCORE 0

/*
 * Who only sends does not look at the port, and the keeper, which does after 2 ms, would take the
 * stack to another core: a call that ends so long after the last look has another one.
 */
#define POLL_OVERDUE (NSEC_PER_MSEC / 2)

/* How often a process that is busy here looks after the keeper. */
#define KEEPER_CHECK_NS NSEC_PER_SEC

struct shm *shm;
bool engine_ready;
struct engine engine = {
	.slot = -1,
	.listen_fds = { -1, -1, -1, -1 },
	.ctl_fd = -1,
	.ctl_keeper_fd = -1,
	.pipe_fds = { -1, -1 },
	.log_fd = -1,
};

struct proc *engine_proc(void)
{
	return shm != NULL && engine.slot >= 0 ? &shm->procs[engine.slot] : NULL;
}

bool engine_is_held(void)
{
	return engine_self.depth > 0;
}

void engine_inside_begin(void)
{
	engine_self.inside++;
}

void engine_inside_end(void)
{
	engine_self.inside--;
}

/* The call that held the lock was left by siglongjmp() out of a fault's handler: repair, let go. */
static void abandon_call(struct engine_thread *t)
{
	t->in_fault = false;
	engine_recover();
	t->depth = 1;
	engine_leave();
}

bool engine_is_inside(void)
{
	struct engine_thread *t = &engine_self;

	if (t->inside > 0)
		return true;
	if (__builtin_expect(t->depth == 0, 1))
		return false;
	if (t->in_fault && signals_call_abandoned(t)) {
		abandon_call(t);
		return false;
	}
	return true;
}

struct stack *engine_enter(void)
{
	struct engine_thread *t = thread_self();

	/* Only code of ours that is already inside, or a fault's handler, comes here twice. */
	if (t->depth++ > 0)
		return shm->stack;
	t->now = 0;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (__builtin_expect(lock_acquire(&shm->lock, t) != 0, 0)) {
		port_lcore_enter(STACK_LCORE, &t->saved_lcore);
		engine_recover();
	} else {
		port_lcore_enter(STACK_LCORE, &t->saved_lcore);
	}
	return shm->stack;
}

void engine_deliver(void)
{
	struct socket *so;
	uint32_t events;

	while ((so = stack_take_event(shm->stack, &events)) != NULL)
		if (so->owner != NULL)
			file_notify(so->owner, events);
}

void engine_ports_wait_begin(void)
{
	for (unsigned int i = 0; i < engine.nports; i++)
		port_wait_begin(engine.ports[i], 0);
}

void engine_ports_wait_end(void)
{
	bool others = shm->keeper.port_waiters > 0 || shm->keeper.watches;

	for (unsigned int i = 0; i < engine.nports; i++)
		port_wait_end(engine.ports[i], 0, others);
}

unsigned int engine_poll(void)
{
	int saved = errno; /* an empty TAP says EAGAIN, and a call that succeeds leaves errno alone */
	uint64_t now = engine_now();
	unsigned int frames = stack_poll(shm->stack, now);

	shm->keeper.last_poll = now;
	engine_deliver();
	errno = saved;
	return frames;
}

static void kick_ports(void)
{
	for (unsigned int i = 0; i < engine.nports; i++)
		port_tx_kick(engine.ports[i]);
}

void engine_kick_again(void)
{
	for (unsigned int i = 0; i < engine.nports; i++)
		port_tx_kick_again(engine.ports[i]);
}

/* What a program's visit means for the keeper. */
static void note_visit(const struct engine_thread *t, uint64_t now)
{
	struct keeper_shared *k = &shm->keeper;

	if (!t->quiet_visit) {
		if (now > k->last_poll && now - k->last_poll >= POLL_OVERDUE)
			engine_poll();
		k->last_active = now;
		if (k->deep_sleep) {
			k->deep_sleep = 0;
			evslot_kick(SHM_KICK_SLOT);
		}
	}
	if (__builtin_expect(keeper_is_dead() || now >= engine.next_check, 0)) {
		engine.next_check = now + KEEPER_CHECK_NS;
		keeper_check(now);
		socket_set_wall_clock(shm->stack, clock_wall_offset());
	}
}

void engine_leave(void)
{
	struct engine_thread *t = &engine_self;
	int saved = errno;
	uint64_t now;

	if (t->depth > 1) {
		t->depth--;
		return;
	}
	/* The call has asked for the time: that is near enough, and a look costs 10 to 30 ns. */
	now = t->now != 0 ? t->now : engine_now();
	stack_settle(shm->stack, now);
	engine_deliver();
	if (!engine.is_keeper)
		note_visit(t, now);
	port_lcore_leave(t->saved_lcore);
	lock_release(&shm->lock, t);
	if (engine.kicks_ports)
		kick_ports();
	evslot_write_kicks(t);
	if (__builtin_expect(t->nasync != 0, 0))
		async_send(t);
	errno = saved;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	t->depth = 0;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (__builtin_expect(t->deferred, 0))
		signals_release(t);
}
