/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * takeover.c - one stack per port: the port's name is an abstract unix socket.
 *
 * Whoever has bound the name owns the port; all processes of the stack and its keeper hold
 * the socket, so that the name is free exactly when the last of them is gone.  A program
 * that finds it taken connects: the keeper answers with a process that lives, then the port
 * is in use; or with none, then only closing connections and TIME_WAIT are left of an
 * ended program, and the keeper goes (keeper_watch.c).  A restarted server thus
 * has its port at once.  All waiting here is bounded.
 *
 * Abstract names belong to the network namespace, as interfaces do.
 */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "preload/engine_priv.h"
#include "preload/real.h"

#define ANSWER_MS 2000
#define CLAIM_NS (4 * NSEC_PER_SEC)

static socklen_t name_address(struct sockaddr_un *sun, const char *port_name)
{
	int n;

	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	n = snprintf(sun->sun_path + 1, sizeof(sun->sun_path) - 1, "libshim/%s", port_name);
	if (n > (int)sizeof(sun->sun_path) - 2)
		n = (int)sizeof(sun->sun_path) - 2;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

static void comm_of(pid_t pid, char *comm, size_t size)
{
	char path[32];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	snprintf(comm, size, "?");
	f = fopen(path, "re");
	if (f == NULL)
		return;
	if (fgets(comm, (int)size, f) != NULL)
		comm[strcspn(comm, "\n")] = '\0';
	fclose(f);
}

/* 0: free, try again; -EBUSY: somebody lives there; -ETIMEDOUT: nobody answers. */
static int ask_to_yield(const struct sockaddr_un *sun, socklen_t len, pid_t *owner)
{
	int fd = real.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct takeover_reply reply = { .pid = 0 };
	struct pollfd pfd;
	int r = 0;

	if (fd < 0)
		return -errno;
	if (real.connect(fd, (const struct sockaddr *)sun, len) != 0) {
		/* The name is bound but nobody listens yet, or it has just gone. */
		r = errno == ECONNREFUSED || errno == ENOENT ? 0 : -errno;
		goto out;
	}
	pfd = (struct pollfd){ .fd = fd, .events = POLLIN };
	if (real.poll(&pfd, 1, ANSWER_MS) <= 0) {
		r = -ETIMEDOUT;
		goto out;
	}
	if (real.recv(fd, &reply, sizeof(reply), MSG_DONTWAIT) == sizeof(reply) && reply.pid != 0) {
		*owner = reply.pid;
		r = -EBUSY;
		goto out;
	}
	/* It goes: the connection ends with it. */
	real.poll(&pfd, 1, ANSWER_MS);
out:
	real.close(fd);
	return r;
}

int takeover_claim(const char *port_name, char *err, size_t errlen)
{
	const struct timespec pause = { .tv_nsec = 5 * (long)NSEC_PER_MSEC };
	uint64_t give_up = clock_monotonic() + CLAIM_NS;
	char comm[32];
	struct sockaddr_un sun;
	socklen_t len = name_address(&sun, port_name);
	int fd = real.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	pid_t owner = 0;
	int r;

	if (fd < 0)
		return -errno;
	for (;;) {
		if (real.bind(fd, (struct sockaddr *)&sun, len) == 0 && real.listen(fd, 8) == 0)
			return fd;
		r = -errno;
		if (r != -EADDRINUSE)
			break;
		r = ask_to_yield(&sun, len, &owner);
		if (r < 0)
			break;
		if (clock_monotonic() > give_up) {
			r = -ETIMEDOUT;
			break;
		}
		/* Its last descriptors close a moment after the connection. */
		nanosleep(&pause, NULL);
	}
	real.close(fd);
	if (r == -EBUSY) {
		comm_of(owner, comm, sizeof(comm));
		snprintf(err, errlen, "port %s is in use by process %d (%s)", port_name, (int)owner,
			 comm);
	} else if (r == -ETIMEDOUT) {
		snprintf(err, errlen, "port %s is held by a program that does not answer", port_name);
		r = -EBUSY;
	} else {
		snprintf(err, errlen, "port %s: cannot claim its name: %s", port_name, strerror(-r));
	}
	return r;
}
