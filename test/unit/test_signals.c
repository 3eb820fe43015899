/* SPDX-License-Identifier: BSD-3-Clause */
/* test_signals.c - handlers are deferred inside the stack, and otherwise as the kernel has them. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "preload/engine_priv.h"
#include "preload/real.h"
#include "test/check_main.h"

/* What signals.c refers to besides libc. */
__thread struct engine_thread engine_self;

static struct {
	volatile int runs, sigs[16], values[16];
	volatile int nested, on_stack, blocked_self;
	void *volatile addr;
} seen;

static char altstack[65536];

static void note(int sig, siginfo_t *info, void *uc)
{
	sigset_t mask;
	stack_t ss;

	(void)uc;
	/* Never inside. */
	if (engine_self.depth > 0)
		seen.nested++;
	seen.sigs[seen.runs % 16] = sig;
	seen.values[seen.runs % 16] = info->si_value.sival_int;
	sigprocmask(SIG_BLOCK, NULL, &mask);
	seen.blocked_self = sigismember(&mask, sig);
	sigaltstack(NULL, &ss);
	seen.on_stack = (ss.ss_flags & SS_ONSTACK) != 0;
	seen.runs++;
}

static void plain(int sig)
{
	(void)sig;
	seen.runs++;
}

static void set(int sig, int flags)
{
	struct sigaction sa = { .sa_sigaction = note, .sa_flags = flags | SA_SIGINFO };

	ck_assert_int_eq(signals_sigaction(sig, &sa, NULL), 0);
}

static void enter(void)
{
	engine_self.tid = (pid_t)syscall(SYS_gettid);
	engine_self.depth = 1;
}

static void leave(void)
{
	engine_self.depth = 0;
	if (engine_self.deferred)
		signals_release(&engine_self);
}

static void setup(void)
{
	stack_t ss = { .ss_sp = altstack, .ss_size = sizeof(altstack) };

	memset((void *)&seen, 0, sizeof(seen));
	sigaltstack(&ss, NULL);
	signals_start();
}

static void teardown(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int sig = 1; sig < 65; sig++)
		if (sig != SIGKILL && sig != SIGSTOP && sig != 32 && sig != 33 && sig != SIGALRM)
			signals_sigaction(sig, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	memset(&engine_self, 0, sizeof(engine_self));
}

START_TEST(handlers_are_the_programs_own_until_the_engine_starts)
{
	struct sigaction sa = { .sa_handler = plain }, k, old;

	/* First test of the suite: nothing is wrapped yet. */
	ck_assert_int_eq(signals_sigaction(SIGUSR1, &sa, NULL), 0);
	ck_assert_int_eq(real.sigaction(SIGUSR1, NULL, &k), 0);
	ck_assert(k.sa_handler == plain);
	signals_start();
	ck_assert_int_eq(real.sigaction(SIGUSR1, NULL, &k), 0);
	ck_assert(k.sa_handler != plain);
	ck_assert_int_eq(signals_sigaction(SIGUSR1, NULL, &old), 0);
	ck_assert(old.sa_handler == plain);
	seen.runs = 0;
	raise(SIGUSR1);
	ck_assert_int_eq(seen.runs, 1);
	teardown();
}
END_TEST

START_TEST(old_action_is_the_programs_own)
{
	struct sigaction sa = { .sa_handler = plain, .sa_flags = SA_RESTART | SA_NODEFER }, old;

	sigemptyset(&sa.sa_mask);
	sigaddset(&sa.sa_mask, SIGUSR2);
	ck_assert_int_eq(signals_sigaction(SIGUSR1, &sa, &old), 0);
	ck_assert(old.sa_handler == SIG_DFL);
	ck_assert_int_eq(signals_sigaction(SIGUSR1, NULL, &old), 0);
	ck_assert(old.sa_handler == plain);
	ck_assert_int_eq(old.sa_flags & (SA_RESTART | SA_NODEFER | SA_SIGINFO),
			 SA_RESTART | SA_NODEFER);
	ck_assert_int_eq(sigismember(&old.sa_mask, SIGUSR2), 1);
	sa.sa_handler = SIG_IGN;
	ck_assert_int_eq(signals_sigaction(SIGUSR1, &sa, &old), 0);
	ck_assert(old.sa_handler == plain);
	ck_assert_int_eq(signals_sigaction(SIGUSR1, NULL, &old), 0);
	ck_assert(old.sa_handler == SIG_IGN);
	ck_assert_int_eq(signals_sigaction(SIGKILL, &sa, NULL), -EINVAL);
	ck_assert_int_eq(signals_sigaction(0, &sa, NULL), -EINVAL);
	ck_assert_int_eq(signals_sigaction(99, NULL, &old), -EINVAL);
}
END_TEST

START_TEST(handler_waits_until_the_thread_is_outside)
{
	union sigval v = { .sival_int = 4711 };
	sigset_t mask;

	set(SIGUSR1, 0);
	enter();
	sigqueue(getpid(), SIGUSR1, v);
	ck_assert_int_eq(seen.runs, 0);
	leave();
	ck_assert_int_eq(seen.runs, 1);
	ck_assert_int_eq(seen.values[0], 4711);
	ck_assert_int_eq(seen.nested, 0);
	/* The mask is as before. */
	sigprocmask(SIG_BLOCK, NULL, &mask);
	for (int sig = 1; sig < 65; sig++)
		ck_assert_int_ne(sigismember(&mask, sig), 1);
	/* And it counts as a handler that ran. */
	ck_assert_uint_eq(engine_self.handled, 1);
}
END_TEST

START_TEST(several_signals_wait_together)
{
	union sigval v;
	sigset_t all, old;

	set(SIGUSR1, 0);
	set(SIGUSR2, 0);
	set(SIGHUP, 0);
	set(SIGRTMIN, 0);
	enter();
	/* Unblocked at once: their handlers are stacked on one another. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	raise(SIGUSR1);
	raise(SIGUSR2);
	for (int i = 0; i < 3; i++) {
		v.sival_int = i;
		sigqueue(getpid(), SIGRTMIN, v);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	/* Blocked by now, pending. */
	raise(SIGHUP);
	ck_assert_int_eq(seen.runs, 0);
	leave();
	ck_assert_int_eq(seen.runs, 6);
	ck_assert_int_eq(seen.nested, 0);
	sigprocmask(SIG_BLOCK, NULL, &old);
	ck_assert_int_eq(sigismember(&old, SIGUSR1), 0);
}
END_TEST

START_TEST(a_blocked_signal_stays_blocked)
{
	sigset_t mask, old;

	set(SIGUSR1, 0);
	set(SIGUSR2, 0);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	enter();
	raise(SIGUSR1);
	raise(SIGUSR2);
	leave();
	ck_assert_int_eq(seen.runs, 1);
	ck_assert_int_eq(seen.sigs[0], SIGUSR1);
	sigprocmask(SIG_UNBLOCK, &mask, &old);
	ck_assert_int_eq(sigismember(&old, SIGUSR2), 1);
	ck_assert_int_eq(seen.runs, 2);
}
END_TEST

START_TEST(resethand_resets_when_the_handler_runs)
{
	struct sigaction old;

	set(SIGCHLD, (int)SA_RESETHAND);
	enter();
	raise(SIGCHLD);
	signals_sigaction(SIGCHLD, NULL, &old);
	ck_assert(old.sa_sigaction == note);
	leave();
	ck_assert_int_eq(seen.runs, 1);
	signals_sigaction(SIGCHLD, NULL, &old);
	ck_assert(old.sa_handler == SIG_DFL);
	raise(SIGCHLD);
	ck_assert_int_eq(seen.runs, 1);
}
END_TEST

START_TEST(nodefer_onstack_and_restart_are_kept)
{
	set(SIGUSR1, SA_ONSTACK | SA_RESTART);
	raise(SIGUSR1);
	ck_assert_int_eq(seen.on_stack, 1);
	ck_assert_int_eq(seen.blocked_self, 1);
	ck_assert(signals_last_restarts());
	set(SIGUSR1, SA_NODEFER);
	raise(SIGUSR1);
	ck_assert_int_eq(seen.on_stack, 0);
	ck_assert_int_eq(seen.blocked_self, 0);
	ck_assert(!signals_last_restarts());
}
END_TEST

/* -- faults ---------------------------------------------------------------------------- */
static char *page;

static void make_accessible(int sig, siginfo_t *info, void *uc)
{
	(void)sig;
	(void)uc;
	seen.addr = info->si_addr;
	seen.runs++;
	mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

START_TEST(a_fault_is_handled_at_once_also_inside)
{
	struct sigaction sa = { .sa_sigaction = make_accessible, .sa_flags = SA_SIGINFO };

	page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	signals_sigaction(SIGSEGV, &sa, NULL);
	enter();
	((volatile char *)page)[5] = 1;
	ck_assert_int_eq(seen.runs, 1);
	ck_assert_ptr_eq(seen.addr, page + 5);
	ck_assert(!engine_self.in_fault);
	/* One that somebody sends can wait. */
	raise(SIGSEGV);
	ck_assert_int_eq(seen.runs, 1);
	leave();
	ck_assert_int_eq(seen.runs, 2);
	munmap(page, 4096);
}
END_TEST

static sigjmp_buf away;

static void jump(int sig)
{
	(void)sig;
	siglongjmp(away, 1);
}

static __attribute__((noinline)) void fault_inside(void)
{
	enter();
	*(volatile char *)page = 1;
}

static bool abandoned_below(int depth)
{
	volatile char room[64];

	room[0] = (char)depth;
	return depth == 0 ? signals_call_abandoned(&engine_self) : abandoned_below(room[0] - 1);
}

/* While the handler runs, the call it interrupted may go on. */
static void look_and_return(int sig)
{
	(void)sig;
	seen.runs++;
	seen.nested += signals_call_abandoned(&engine_self) || abandoned_below(10);
	mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

START_TEST(a_call_left_by_siglongjmp_is_recognised)
{
	struct sigaction sa = { .sa_handler = jump, .sa_flags = _i };

	page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	signals_sigaction(SIGSEGV, &sa, NULL);
	if (sigsetjmp(away, 1) == 0) {
		fault_inside();
		ck_abort();
	}
	ck_assert(engine_self.in_fault);
	ck_assert(signals_call_abandoned(&engine_self));
	ck_assert(abandoned_below(3));
	leave();
	/* One whose handler still runs is not. */
	memset(&engine_self, 0, sizeof(engine_self));
	mprotect(page, 4096, PROT_NONE);
	sa.sa_handler = look_and_return;
	signals_sigaction(SIGSEGV, &sa, NULL);
	fault_inside();
	ck_assert_int_eq(seen.runs, 1);
	ck_assert_int_eq(seen.nested, 0);
	munmap(page, 4096);
}
END_TEST

static Suite *signals_suite(void)
{
	Suite *s = suite_create("signals");
	TCase *first = tcase_create("before"), *tc = tcase_create("signals");

	tcase_add_test(first, handlers_are_the_programs_own_until_the_engine_starts);
	suite_add_tcase(s, first);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, old_action_is_the_programs_own);
	tcase_add_test(tc, handler_waits_until_the_thread_is_outside);
	tcase_add_test(tc, several_signals_wait_together);
	tcase_add_test(tc, a_blocked_signal_stays_blocked);
	tcase_add_test(tc, resethand_resets_when_the_handler_runs);
	tcase_add_test(tc, nodefer_onstack_and_restart_are_kept);
	tcase_add_test(tc, a_fault_is_handled_at_once_also_inside);
	tcase_add_loop_test(tc, a_call_left_by_siglongjmp_is_recognised, 0, 1);
	tcase_add_loop_test(tc, a_call_left_by_siglongjmp_is_recognised, SA_ONSTACK,
			    SA_ONSTACK + 1);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(signals_suite)
