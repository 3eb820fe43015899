/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calls.h - the programs of this directory print what calls return, on both ends of
 * connections to one address (argument 1): 127.0.0.1 for the kernel, the port's own for
 * the shim.  Two runs must print the same.  What differs by nature (numbers of descriptors,
 * ports, addresses) is not printed.
 */
#ifndef TEST_PRELOAD_CALLS_H
#define TEST_PRELOAD_CALLS_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *test_addr = "127.0.0.1";

static inline void test_begin(int argc, char **argv)
{
	if (argc > 1)
		test_addr = argv[1];
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* A call that never returns must not look like a slow one. */
	alarm(60);
}

static inline long test_show(const char *what, long r, int err)
{
	if (r < 0)
		printf("%s = -1 %s\n", what, strerrorname_np(err));
	else
		printf("%s = %ld\n", what, r);
	return r;
}

/* Make a call, print what it returned; errno that a success left behind is an error too. */
#define DO(call)                                                                                   \
	({                                                                                         \
		errno = 0;                                                                         \
		long r_ = (long)(call);                                                            \
		int e_ = errno;                                                                    \
		test_show(#call, r_, e_);                                                          \
	})
/* The same for calls that return a descriptor. */
#define DOFD(call)                                                                                 \
	({                                                                                         \
		errno = 0;                                                                         \
		int fd_ = (int)(call), e_ = errno;                                                 \
		test_show(#call, fd_ < 0 ? -1 : 0, e_);                                            \
		fd_;                                                                               \
	})

static inline struct sockaddr_in test_sin(const char *addr, int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	inet_pton(AF_INET, addr, &sin.sin_addr);
	return sin;
}
#define SA(x) ((struct sockaddr *)&(x)), sizeof(x)

static inline int test_port(int fd)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	if (getsockname(fd, (struct sockaddr *)&sin, &len) < 0)
		return -1;
	return ntohs(sin.sin_port);
}

/* A listener on the wildcard address. */
static inline int test_listener(void)
{
	struct sockaddr_in sin = test_sin("0.0.0.0", 0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, SA(sin)) < 0 || listen(fd, 64) < 0) {
		perror("listener");
		exit(2);
	}
	return fd;
}

static inline int test_connect(int listener)
{
	struct sockaddr_in sin = test_sin(test_addr, test_port(listener));
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, SA(sin)) < 0) {
		perror("connect");
		exit(2);
	}
	return fd;
}

/* Both ends of a connection: [0] connected, [1] was accepted. */
static inline void test_pair(int listener, int fds[2])
{
	fds[0] = test_connect(listener);
	fds[1] = accept(listener, NULL, NULL);
	if (fds[1] < 0) {
		perror("accept");
		exit(2);
	}
}

static inline const char *test_events(unsigned int ev)
{
	static const struct {
		unsigned int bit;
		const char *name;
	} names[] = {
		{ EPOLLIN, "IN" }, { EPOLLPRI, "PRI" }, { EPOLLOUT, "OUT" }, { EPOLLERR, "ERR" },
		{ EPOLLHUP, "HUP" }, { EPOLLRDHUP, "RDHUP" },
	};
	static char text[4][64];
	static int turn;
	char *p = text[turn++ % 4];

	p[0] = '\0';
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((ev & names[i].bit) != 0)
			strcat(strcat(p, p[0] != '\0' ? "|" : ""), names[i].name);
	return p[0] != '\0' ? p : "0";
}

static inline long test_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Something that happens while the main thread blocks. */
struct test_later {
	pthread_t thread;
	int ms, fd;
	const char *data; /* NULL: close */
	pthread_t kill;	  /* 0: none */
};

static inline void *test_later_main(void *arg)
{
	struct test_later *l = arg;

	usleep((useconds_t)l->ms * 1000);
	if (l->kill != 0)
		pthread_kill(l->kill, SIGUSR1);
	else if (l->data == NULL)
		close(l->fd);
	else if (write(l->fd, l->data, strlen(l->data)) < 0)
		perror("write");
	return NULL;
}

static inline void test_later(struct test_later *l, int ms, int fd, const char *data)
{
	*l = (struct test_later){ .ms = ms, .fd = fd, .data = data };
	pthread_create(&l->thread, NULL, test_later_main, l);
}

static inline void test_later_kill(struct test_later *l, int ms)
{
	*l = (struct test_later){ .ms = ms, .kill = pthread_self() };
	pthread_create(&l->thread, NULL, test_later_main, l);
}

static inline void test_later_wait(struct test_later *l)
{
	pthread_join(l->thread, NULL);
}

#endif
