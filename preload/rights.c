/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rights.c - the rights a process may use but has switched off.
 *
 * A careful program, ping for example, keeps CAP_NET_RAW and CAP_NET_ADMIN in its permitted
 * set and takes them out of the effective one before its first socket, to switch them on for
 * single calls (capabilities(7)).  Opening a port is such a call: while it lasts,
 * the thread's effective set is its permitted one.  What was given away for good stays away.
 */
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>

#include "preload/engine_priv.h"
#include "preload/real.h"

static struct __user_cap_header_struct header(void)
{
	/* The kernel writes its version into it where it does not like ours. */
	return (struct __user_cap_header_struct){ .version = _LINUX_CAPABILITY_VERSION_3 };
}

void rights_raise(struct rights *saved)
{
	struct __user_cap_header_struct head = header();
	struct __user_cap_data_struct caps[2];

	saved->raised = false;
	if (real.syscall(SYS_capget, &head, caps) != 0)
		return;
	memcpy(saved->caps, caps, sizeof(caps));
	for (int i = 0; i < 2; i++) {
		if (caps[i].effective != caps[i].permitted)
			saved->raised = true;
		caps[i].effective = caps[i].permitted;
	}
	if (!saved->raised)
		return;
	head = header();
	saved->raised = real.syscall(SYS_capset, &head, caps) == 0;
}

void rights_restore(const struct rights *saved)
{
	struct __user_cap_header_struct head = header();

	if (saved->raised)
		real.syscall(SYS_capset, &head, saved->caps);
}
