/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * own_network.h - a network namespace for the test's own process.
 *
 * Tests that ask the kernel what it would do must not meet the ports and addresses of whatever
 * else runs on the machine, the other suites above all.
 */
#ifndef TEST_OWN_NETWORK_H
#define TEST_OWN_NETWORK_H

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if.h> /* not <net/if.h>: its struct ifaddr is the stack's name */

/* An empty namespace; `ip` may be used in it.  False, with errno: the machine does not allow it. */
static inline bool own_network(void)
{
	char map[32];
	bool mapped;
	int fd;
	uid_t uid = geteuid();

	if (uid == 0)
		return unshare(CLONE_NEWNET) == 0;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	fd = open("/proc/self/uid_map", O_WRONLY);
	if (fd < 0)
		return false;
	mapped = write(fd, map, strlen(map)) > 0;
	close(fd);
	return mapped;
}

/* The same with 127.0.0.1 and ::1 in it; once for the process, however often it is called. */
static inline bool own_loopback(void)
{
	static bool done;
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	if (done)
		return true;
	if (!own_network())
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	done = ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
	close(fd);
	return done;
}

#endif
