/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sigcalls.c - sigaction and the older names for it (see signals.c).
 */
#include <signal.h>
#include <string.h>

#include "preload/call.h"
#include "preload/real.h"

EXPORT int sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	return (int)call_return(signals_sigaction(sig, act, old));
}

int __sigaction(int sig, const struct sigaction *act, struct sigaction *old);
EXPORT int __sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	return sigaction(sig, act, old);
}

/* siginterrupt(3): for which signals signal(3) leaves SA_RESTART away. */
static sigset_t interrupts;

static sighandler_t install(int sig, sighandler_t handler, int flags, bool mask_itself)
{
	struct sigaction act, old;

	if (handler == SIG_ERR || sig < 1 || sig >= NSIG) {
		errno = EINVAL;
		return SIG_ERR;
	}
	memset(&act, 0, sizeof(act));
	act.sa_handler = handler;
	act.sa_flags = flags;
	if (mask_itself)
		sigaddset(&act.sa_mask, sig);
	if (sigaction(sig, &act, &old) < 0)
		return SIG_ERR;
	return old.sa_handler;
}

EXPORT sighandler_t signal(int sig, sighandler_t handler)
{
	return install(sig, handler, sigismember(&interrupts, sig) == 1 ? 0 : SA_RESTART, true);
}

sighandler_t bsd_signal(int sig, sighandler_t handler);
EXPORT sighandler_t bsd_signal(int sig, sighandler_t handler)
{
	return signal(sig, handler);
}

EXPORT sighandler_t ssignal(int sig, sighandler_t handler)
{
	return signal(sig, handler);
}

EXPORT sighandler_t __sysv_signal(int sig, sighandler_t handler)
{
	return install(sig, handler, (int)SA_RESETHAND | SA_NODEFER, false);
}

EXPORT sighandler_t sysv_signal(int sig, sighandler_t handler)
{
	return __sysv_signal(sig, handler);
}

EXPORT int siginterrupt(int sig, int on)
{
	struct sigaction act;

	if (sigaction(sig, NULL, &act) < 0)
		return -1;
	if (on) {
		sigaddset(&interrupts, sig);
		act.sa_flags &= ~SA_RESTART;
	} else {
		sigdelset(&interrupts, sig);
		act.sa_flags |= SA_RESTART;
	}
	return sigaction(sig, &act, NULL);
}
