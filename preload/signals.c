/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * signals.c - handlers of the program never run while a thread is inside the stack.
 *
 * A handler may call any async-signal-safe function on a descriptor of ours (write(2) on
 * a socket, close(2)), so it must not find the lock taken by the very thread it
 * interrupted.  Blocking signals around each call would cost two system calls.  Instead,
 * from the engine's start on, every handler is ours: outside the lock it calls the
 * program's at once; inside, it queues the signal to its own thread again, with all it
 * carries (rt_tgsigqueueinfo(2)), and returns with all signals blocked.  engine_leave()
 * unblocks them, and the handler runs there with a true context.
 *
 * Faults (SIGSEGV … raised by the running instruction) cannot wait: their handler runs at
 * once, also under the lock.  If it leaves by siglongjmp(), the call it interrupted never
 * goes on: recognised by the stack pointer when the thread next calls in.
 *
 * Kept: SA_SIGINFO, SA_ONSTACK, SA_NODEFER, SA_RESTART, SA_NOCLDSTOP, SA_NOCLDWAIT and the
 * mask are the kernel's to do.  SA_RESETHAND is done here, as the kernel would reset at
 * delivery, hence before a deferred signal comes again.  sigaction(old) tells of the
 * program's own handler.
 *
 * SIGSEGV and SIGBUS have our handler also where the program has none, for the pointers that
 * it gives us (user.h); any other fault meets the default action when the handler has returned.
 *
 * Until the engine starts nothing is wrapped, so that a program that never opens a socket
 * is left alone.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/engine_priv.h"
#include "preload/real.h"
#include "preload/user.h"

#define KEPT_FLAGS (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_ONSTACK | SA_RESTART | SA_NODEFER)

/* The program's actions; read by handlers without a lock, so each has a version count. */
static struct {
	uint32_t version; /* odd: being changed */
	struct sigaction act;
} actions[NSIG];

static bool wrapping;
static uint32_t actions_lock; /* process-private; signals are blocked while it is held */

static bool is_fault(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL || sig == SIGTRAP ||
	       sig == SIGSYS;
}

/* Of these our handler is there always: pointers of the program are tried (user.h). */
static bool is_tried(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS;
}

static bool is_handler(const struct sigaction *act)
{
	return act->sa_handler != SIG_DFL && act->sa_handler != SIG_IGN;
}

static void action_read(int sig, struct sigaction *act)
{
	uint32_t v;

	do {
		v = __atomic_load_n(&actions[sig].version, __ATOMIC_ACQUIRE);
		*act = actions[sig].act;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while ((v & 1) != 0 || v != __atomic_load_n(&actions[sig].version, __ATOMIC_RELAXED));
}

static void action_write(int sig, const struct sigaction *act)
{
	uint32_t v = actions[sig].version;

	__atomic_store_n(&actions[sig].version, v + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	actions[sig].act = *act;
	__atomic_store_n(&actions[sig].version, v + 2, __ATOMIC_RELEASE);
}

void signals_block_all(sigset_t *old)
{
	sigset_t all;

	sigfillset(&all);
	for (int sig = 1; sig < NSIG; sig++)
		if (is_fault(sig))
			sigdelset(&all, sig);
	real.pthread_sigmask(SIG_BLOCK, &all, old);
}

void signals_restore(const sigset_t *old)
{
	real.pthread_sigmask(SIG_SETMASK, old, NULL);
}

static void table_lock(sigset_t *mask)
{
	signals_block_all(mask);
	while (__atomic_exchange_n(&actions_lock, 1, __ATOMIC_ACQUIRE) != 0)
		;
}

static void table_unlock(const sigset_t *mask)
{
	__atomic_store_n(&actions_lock, 0, __ATOMIC_RELEASE);
	signals_restore(mask);
}

/* -- delivery --------------------------------------------------------------------------- */
/* Have it again after the unlock. */
static void defer(struct engine_thread *t, int sig, siginfo_t *info, ucontext_t *uc)
{
	sigset_t *mask = &uc->uc_sigmask, self;

	signals_block_all(NULL);
	/* Also a SIGSEGV, if somebody sent it. */
	sigemptyset(&self);
	sigaddset(&self, sig);
	real.pthread_sigmask(SIG_BLOCK, &self, NULL);
	/*
	 * Several handlers may be stacked on one another before the first instruction of any:
	 * the outermost runs last and has the thread's own mask.
	 */
	memcpy(&t->deferred_mask, mask, sizeof(uint64_t));
	t->deferred = true;
	real.syscall(SYS_rt_tgsigqueueinfo, getpid(), t->tid, sig, info);
	/* The kernel's mask is 64 bits; 32 and 33 are libc's own and never blocked. */
	for (int s = 1; s < NSIG; s++)
		if (s == sig || (!is_fault(s) && s != 32 && s != 33))
			sigaddset(mask, s);
}

static void reset_to_default(int sig)
{
	struct sigaction dfl;

	memset(&dfl, 0, sizeof(dfl));
	dfl.sa_handler = SIG_DFL;
	real.sigaction(sig, &dfl, NULL);
}

static bool on_altstack(void)
{
	stack_t ss;

	return sigaltstack(NULL, &ss) == 0 && (ss.ss_flags & SS_ONSTACK) != 0;
}

/*
 * The program has none: it handles none of what we try, or another thread has changed that a
 * moment ago.  A fault comes again when the instruction does, and is the kernel's then.
 */
static void without_handler(const struct engine_thread *t, int sig, siginfo_t *info,
			    const struct sigaction *act)
{
	bool fault = is_fault(sig) && info->si_code > 0;

	if (!is_tried(sig) || (act->sa_handler == SIG_IGN && !fault))
		return;
	reset_to_default(sig);
	if (!fault)
		real.syscall(SYS_rt_tgsigqueueinfo, getpid(), t->tid, sig, info);
}

static void run(struct engine_thread *t, int sig, siginfo_t *info, void *uc)
{
	struct sigaction act;
	bool fault = t->depth > 0;

	action_read(sig, &act);
	if (!is_handler(&act)) {
		without_handler(t, sig, info, &act);
		return;
	}
	if ((act.sa_flags & (int)SA_RESETHAND) != 0)
		reset_to_default(sig);
	t->handled++;
	t->last_restarts = (act.sa_flags & SA_RESTART) != 0;
	if (fault) {
		t->in_fault = true;
		t->fault_frame = __builtin_frame_address(0);
		t->fault_on_altstack = on_altstack();
	}
	/* The kernel too passes three arguments to handlers of either kind. */
	act.sa_sigaction(sig, info, uc);
	if (fault)
		t->in_fault = false;
}

static void handler(int sig, siginfo_t *info, void *uc)
{
	struct engine_thread *t = &engine_self;
	int saved = errno;

	/* si_code > 0: from the kernel; a SIGSEGV sent by kill(2) can wait. */
	if (is_tried(sig) && info->si_code > 0 && user_fixup(uc))
		return;
	if (t->depth > 0 && !(is_fault(sig) && info->si_code > 0)) {
		defer(t, sig, info, uc);
		errno = saved;
		return;
	}
	run(t, sig, info, uc);
}

void signals_release(struct engine_thread *t)
{
	sigset_t mask;
	int saved = errno;

	sigemptyset(&mask);
	memcpy(&mask, &t->deferred_mask, sizeof(uint64_t));
	t->deferred = false;
	signals_restore(&mask);
	errno = saved;
}

bool signals_last_restarts(void)
{
	return engine_self.last_restarts;
}

/*
 * Stacks grow down: while the fault's handler runs, all frames lie below its own.  One
 * that ran on the alternate stack is gone when the thread is not there any more.
 */
bool signals_call_abandoned(const struct engine_thread *t)
{
	if (on_altstack())
		return false;
	return t->fault_on_altstack ||
	       (char *)__builtin_frame_address(0) > (char *)t->fault_frame;
}

/* -- installing --------------------------------------------------------------------------- */
/* What the kernel is given for an action of the program. */
static struct sigaction wrapped(int sig, const struct sigaction *act)
{
	struct sigaction k = *act;

	if (!is_handler(act) && !is_tried(sig))
		return k;
	k.sa_sigaction = handler;
	k.sa_flags = (act->sa_flags & KEPT_FLAGS) | SA_SIGINFO;
	if (!is_handler(act))
		k.sa_flags |= SA_ONSTACK;
	return k;
}

static bool is_wrapped(const struct sigaction *k)
{
	return (k->sa_flags & SA_SIGINFO) != 0 && k->sa_sigaction == handler;
}

static int install(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction before, k;

	if (real.sigaction(sig, NULL, &before) != 0)
		return -errno;
	if (is_wrapped(&before))
		action_read(sig, &before);
	if (act != NULL) {
		k = wrapped(sig, act);
		/* The table first: a signal may come as soon as the kernel knows. */
		if (is_wrapped(&k))
			action_write(sig, act);
		if (real.sigaction(sig, &k, NULL) != 0)
			return -errno;
	}
	if (old != NULL)
		*old = before;
	return 0;
}

int signals_sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction copy;
	sigset_t mask;
	int r;

	if (!__atomic_load_n(&wrapping, __ATOMIC_ACQUIRE) || sig <= 0 || sig >= NSIG)
		return real.sigaction(sig, act, old) == 0 ? 0 : -errno;
	/* act and old may be one object. */
	if (act != NULL)
		copy = *act;
	table_lock(&mask);
	r = install(sig, act != NULL ? &copy : NULL, old);
	table_unlock(&mask);
	return r;
}

void signals_start(void)
{
	struct sigaction act;
	sigset_t mask;

	__atomic_store_n(&wrapping, true, __ATOMIC_RELEASE);
	table_lock(&mask);
	for (int sig = 1; sig < NSIG; sig++) {
		if (real.sigaction(sig, NULL, &act) != 0 || is_wrapped(&act) ||
		    (!is_handler(&act) && !is_tried(sig)))
			continue;
		install(sig, &act, NULL);
	}
	table_unlock(&mask);
}

void signals_fork_child(void)
{
	/* Another thread of the parent may have held it. */
	actions_lock = 0;
	for (int sig = 1; sig < NSIG; sig++)
		actions[sig].version &= ~1u;
}
