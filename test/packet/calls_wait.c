/* SPDX-License-Identifier: BSD-3-Clause */
/* calls_wait.c - the actor's calls on descriptors, and those that wait for them. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>

#include "test/packet/actor.h"

static long call_close(struct call *c)
{
	return close((int)call_int(c, 0));
}

static long call_dup(struct call *c)
{
	return dup((int)call_int(c, 0));
}

/* fcntl FD COMMAND [NUMBER] */
static long call_fcntl(struct call *c)
{
	return fcntl((int)call_int(c, 0), (int)call_int(c, 1), (int)call_int(c, 2));
}

/* poll TIMEOUT FD EVENTS [FD EVENTS...]: tells revents of each */
static long call_poll(struct call *c)
{
	struct pollfd fds[ACTOR_MAX_WORDS / 2];
	int n = (c->argc - 1) / 2, r;

	for (int i = 0; i < n; i++) {
		fds[i].fd = (int)call_int(c, 1 + 2 * i);
		fds[i].events = (short)call_int(c, 2 + 2 * i);
		fds[i].revents = 0;
	}
	r = poll(fds, (nfds_t)n, (int)call_int(c, 0));
	for (int i = 0; i < n; i++)
		call_tell(c, "%#x", (unsigned int)fds[i].revents);
	return r;
}

/* select TIMEOUT-MS FD: asks for all three sets; tells r, w and e */
static long call_select(struct call *c)
{
	int fd = (int)call_int(c, 1), ms = (int)call_int(c, 0), r;
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };
	fd_set set[3];

	for (int i = 0; i < 3; i++) {
		FD_ZERO(&set[i]);
		FD_SET(fd, &set[i]);
	}
	r = select(fd + 1, &set[0], &set[1], &set[2], ms < 0 ? NULL : &tv);
	call_tell(c, "%d%d%d", !!FD_ISSET(fd, &set[0]), !!FD_ISSET(fd, &set[1]),
		  !!FD_ISSET(fd, &set[2]));
	return r;
}

static long call_epoll_create(struct call *c)
{
	(void)c;
	return epoll_create1(0);
}

/* epoll_ctl EPFD OP FD EVENTS DATA */
static long call_epoll_ctl(struct call *c)
{
	struct epoll_event e = { .events = (uint32_t)call_int(c, 3),
				 .data.u64 = (uint64_t)call_int(c, 4) };

	return epoll_ctl((int)call_int(c, 0), (int)call_int(c, 1), (int)call_int(c, 2), &e);
}

/* epoll_wait EPFD MAX TIMEOUT: tells DATA:EVENTS of each */
static long call_epoll_wait(struct call *c)
{
	struct epoll_event e[64];
	int max = (int)call_int(c, 1);
	int r = epoll_wait((int)call_int(c, 0), e, max > 64 ? 64 : max, (int)call_int(c, 2));

	for (int i = 0; i < r; i++)
		call_tell(c, "%llu:%#x", (unsigned long long)e[i].data.u64, e[i].events);
	return r;
}

const struct actor_call wait_calls[] = {
	{ "close", 1, call_close },
	{ "dup", 1, call_dup },
	{ "fcntl", 2, call_fcntl },
	{ "poll", 1, call_poll },
	{ "select", 2, call_select },
	{ "epoll_create", 0, call_epoll_create },
	{ "epoll_ctl", 5, call_epoll_ctl },
	{ "epoll_wait", 3, call_epoll_wait },
	{ NULL, 0, NULL },
};
