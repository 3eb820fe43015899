/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fds.c - keep the engine's descriptors out of the program's way.
 *
 * Programs expect the lowest free number, redirect 0 to 2, hand sockets to their children
 * at 3 and up, use select() below 1024 and close whatever they do not know.  So ours
 * lie at the program's own limit or above it: the soft limit is raised to the hard one
 * for the moment of the F_DUPFD, existing descriptors above a limit stay valid
 * (getrlimit(2)).  Where both limits are equal they lie near the top.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "preload/engine_priv.h"
#include "preload/fdtable.h"
#include "preload/real.h"

/* Above this the kernel's own tables, which every fork copies, would grow for nothing. */
#define FDS_HIGH 60000u
/* What we need at most, with room. */
#define FDS_RESERVE 1024u

void fds_limit_raise(struct fds_limit *l)
{
	struct rlimit rl;

	*l = (struct fds_limit){ .cur = 1024, .max = 1024 };
	if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
		return;
	l->cur = rl.rlim_cur;
	l->max = rl.rlim_max;
	if (rl.rlim_cur == rl.rlim_max)
		return;
	rl.rlim_cur = rl.rlim_max;
	l->raised = setrlimit(RLIMIT_NOFILE, &rl) == 0;
}

void fds_limit_restore(const struct fds_limit *l)
{
	struct rlimit rl = { .rlim_cur = l->cur, .rlim_max = l->max };

	if (l->raised)
		setrlimit(RLIMIT_NOFILE, &rl);
}

static int high_base(const struct fds_limit *l)
{
	uint64_t base = l->cur;

	if (!l->raised || l->max - l->cur < FDS_RESERVE) {
		uint64_t top = l->raised ? l->max : l->cur;

		base = top >= 4 * FDS_RESERVE ? top - FDS_RESERVE : top - top / 4;
	}
	return (int)(base < FDS_HIGH ? base : FDS_HIGH);
}

int fds_move_high(int fd)
{
	struct fds_limit limit;
	int high;

	fds_limit_raise(&limit);
	high = real.fcntl(fd, F_DUPFD_CLOEXEC, high_base(&limit));
	if (high < 0)
		high = -errno;
	fds_limit_restore(&limit);
	if (high < 0)
		return high;
	real.close(fd);
	if (fdtable != NULL)
		fdtable_protect(high);
	return high;
}
