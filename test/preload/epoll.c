/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * epoll.c - what epoll(7) and epoll_ctl(2) promise, case by case.
 */
#include "calls.h"

static void section(const char *name)
{
	printf("-- %s\n", name);
}

/* Wait and print what came, by the tag in its data. */
static int show_wait(int ep, int ms)
{
	struct epoll_event ev[8];
	int n = epoll_wait(ep, ev, 8, ms), i, j;

	if (n < 0) {
		printf("wait = %s\n", strerrorname_np(errno));
		return n;
	}
	printf("wait = %d", n);
	/* Sets are not ordered. */
	for (i = 0; i < n; i++)
		for (j = i + 1; j < n; j++)
			if (ev[j].data.u64 < ev[i].data.u64) {
				struct epoll_event t = ev[i];

				ev[i] = ev[j];
				ev[j] = t;
			}
	for (i = 0; i < n; i++)
		printf(" %llu:%s", (unsigned long long)ev[i].data.u64, test_events(ev[i].events));
	printf("\n");
	return n;
}

static long ctl(int ep, int op, int fd, uint32_t events, uint64_t tag)
{
	struct epoll_event ev = { .events = events, .data.u64 = tag };

	return epoll_ctl(ep, op, fd, &ev);
}

/* The peer's bytes are on their way: until they are here. */
static void until_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	poll(&p, 1, 2000);
}

static void level(int l)
{
	int s[2], ep = epoll_create1(0);
	char buf[16];

	section("level-triggered");
	test_pair(l, s);
	DO(ctl(ep, EPOLL_CTL_ADD, s[0], EPOLLIN, 1));
	show_wait(ep, 0);
	DO(write(s[1], "abcdef", 6));
	show_wait(ep, 1000);
	show_wait(ep, 0);
	DO(read(s[0], buf, 3));
	show_wait(ep, 0);
	DO(read(s[0], buf, 3));
	show_wait(ep, 0);
	DO(ctl(ep, EPOLL_CTL_MOD, s[0], EPOLLIN | EPOLLOUT, 2));
	show_wait(ep, 1000);
	show_wait(ep, 1000);
	DO(ctl(ep, EPOLL_CTL_DEL, s[0], 0, 0));
	show_wait(ep, 0);
	DO(ctl(ep, EPOLL_CTL_DEL, s[0], 0, 0));
	DO(ctl(ep, EPOLL_CTL_MOD, s[0], EPOLLIN, 0));
	close(s[0]);
	close(s[1]);
	close(ep);
}

static void edge(int l)
{
	int s[2], ep = epoll_create1(EPOLL_CLOEXEC);
	char buf[16];

	section("edge-triggered");
	test_pair(l, s);
	DO(ctl(ep, EPOLL_CTL_ADD, s[0], EPOLLIN | EPOLLET, 1));
	show_wait(ep, 0);
	DO(write(s[1], "abc", 3));
	show_wait(ep, 1000);
	show_wait(ep, 0);
	DO(read(s[0], buf, 1));
	show_wait(ep, 0);
	/* New data on a socket that is readable anyway. */
	DO(write(s[1], "def", 3));
	show_wait(ep, 1000);
	show_wait(ep, 0);
	/* MOD looks at what is there. */
	DO(ctl(ep, EPOLL_CTL_MOD, s[0], EPOLLIN | EPOLLET, 2));
	show_wait(ep, 0);
	show_wait(ep, 0);
	DO(ctl(ep, EPOLL_CTL_MOD, s[0], EPOLLIN | EPOLLOUT | EPOLLET, 3));
	show_wait(ep, 0);
	show_wait(ep, 0);
	close(s[0]);
	close(s[1]);
	close(ep);
}

static void oneshot(int l)
{
	int s[2], ep = epoll_create(1);

	section("one shot");
	test_pair(l, s);
	DO(ctl(ep, EPOLL_CTL_ADD, s[0], EPOLLIN | EPOLLONESHOT, 1));
	DO(write(s[1], "abc", 3));
	show_wait(ep, 1000);
	show_wait(ep, 0);
	DO(write(s[1], "abc", 3));
	show_wait(ep, 50);
	DO(ctl(ep, EPOLL_CTL_MOD, s[0], EPOLLIN | EPOLLONESHOT, 2));
	show_wait(ep, 0);
	show_wait(ep, 0);
	/* Disabled, it does not even tell of a hang-up. */
	close(s[1]);
	show_wait(ep, 50);
	close(s[0]);
	close(ep);
}

static void listening(int l)
{
	int ep = epoll_create1(0), a, b, c;

	section("listener");
	DO(ctl(ep, EPOLL_CTL_ADD, l, EPOLLIN, 7));
	show_wait(ep, 0);
	a = test_connect(l);
	b = test_connect(l);
	show_wait(ep, 1000);
	c = DOFD(accept(l, NULL, NULL));
	close(c);
	show_wait(ep, 1000);
	c = DOFD(accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
	DO(fcntl(c, F_GETFL) & O_NONBLOCK);
	DO(fcntl(c, F_GETFD));
	close(c);
	show_wait(ep, 0);
	close(a);
	close(b);
	close(ep);
}

static void hangups(int l)
{
	int s[2], ep = epoll_create1(0);
	char buf[16];

	section("hang-ups");
	test_pair(l, s);
	DO(ctl(ep, EPOLL_CTL_ADD, s[0], EPOLLIN | EPOLLRDHUP, 1));
	DO(shutdown(s[1], SHUT_WR));
	show_wait(ep, 1000);
	DO(read(s[0], buf, 1));
	show_wait(ep, 0);
	DO(ctl(ep, EPOLL_CTL_MOD, s[0], 0, 2));
	show_wait(ep, 0);
	DO(shutdown(s[0], SHUT_WR));
	show_wait(ep, 1000);
	close(s[0]);
	show_wait(ep, 0);
	close(s[1]);

	test_pair(l, s);
	DO(write(s[1], "unread", 6));
	until_readable(s[0]);
	DO(ctl(ep, EPOLL_CTL_ADD, s[1], 0, 3));
	show_wait(ep, 0);
	close(s[0]); /* with data unread: a reset */
	show_wait(ep, 1000);
	DO(read(s[1], buf, 1));
	DO(read(s[1], buf, 1));
	close(s[1]);
	close(ep);
}

static void both_kinds(int l)
{
	int s[2], ep = epoll_create1(0), e = eventfd(0, EFD_NONBLOCK), p[2];
	uint64_t v;
	char buf[16];

	section("the kernel's descriptors and sockets in one set");
	test_pair(l, s);
	DO(pipe(p));
	DO(ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN, 1));
	DO(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 2));
	DO(ctl(ep, EPOLL_CTL_ADD, s[0], EPOLLIN, 3));
	show_wait(ep, 0);
	DO(eventfd_write(e, 1));
	show_wait(ep, 1000);
	DO(write(s[1], "x", 1));
	until_readable(s[0]);
	DO(write(p[1], "y", 1));
	/* Neither starves: waits of one event each bring all three before long. */
	{
		long end = test_ms() + 1000;
		struct epoll_event ev;
		unsigned int seen = 0;

		while (seen != 7 && test_ms() < end)
			if (epoll_wait(ep, &ev, 1, 1000) == 1)
				seen |= 1u << (ev.data.u64 - 1);
		printf("seen %u\n", seen);
	}
	DO(read(e, &v, sizeof(v)));
	DO(read(p[0], buf, 1));
	DO(read(s[0], buf, 1));
	show_wait(ep, 0);
	close(e);
	close(p[0]);
	close(p[1]);
	close(s[0]);
	close(s[1]);
	close(ep);
}

static void sets(int l)
{
	int s[2], a = epoll_create1(0), b = epoll_create1(0), d;
	char buf[16];

	section("two sets, nested sets, dup, close");
	test_pair(l, s);
	DO(ctl(a, EPOLL_CTL_ADD, s[0], EPOLLIN, 1));
	DO(ctl(b, EPOLL_CTL_ADD, s[0], EPOLLIN, 2));
	DO(ctl(a, EPOLL_CTL_ADD, s[0], EPOLLIN, 1));
	DO(write(s[1], "x", 1));
	show_wait(a, 1000);
	show_wait(b, 1000);
	DO(ctl(a, EPOLL_CTL_DEL, s[0], 0, 0));
	DO(ctl(a, EPOLL_CTL_ADD, b, EPOLLIN, 3));
	show_wait(a, 1000);
	DO(read(s[0], buf, 1));
	show_wait(a, 0);
	DO(ctl(b, EPOLL_CTL_ADD, a, EPOLLIN, 4));
	DO(ctl(a, EPOLL_CTL_ADD, a, EPOLLIN, 4));
	DO(write(s[1], "x", 1));
	show_wait(a, 1000);
	{
		struct pollfd p = { .fd = a, .events = POLLIN };

		DO(poll(&p, 1, 1000));
	}
	/* A duplicate keeps the registration; it is by number and description. */
	d = DOFD(dup(s[0]));
	DO(ctl(b, EPOLL_CTL_ADD, d, EPOLLIN, 5));
	show_wait(b, 1000);
	DO(close(s[0]));
	show_wait(b, 1000);
	DO(close(d));
	show_wait(b, 0);
	close(s[1]);
	close(a);
	close(b);
}

static void arguments(int l)
{
	int s[2], ep = epoll_create1(0), p[2];
	struct epoll_event ev = { .events = EPOLLIN };

	section("arguments");
	test_pair(l, s);
	DO(epoll_create(0));
	DO(epoll_create1(12345));
	DO(epoll_ctl(ep, 17, s[0], &ev));
	DO(epoll_ctl(ep, EPOLL_CTL_ADD, 9999, &ev));
	DO(epoll_ctl(9999, EPOLL_CTL_ADD, s[0], &ev));
	DO(epoll_ctl(s[1], EPOLL_CTL_ADD, s[0], &ev));
	DO(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &ev));
	DO(epoll_ctl(ep, EPOLL_CTL_ADD, s[0], NULL));
	DO(epoll_wait(ep, &ev, 0, 0));
	DO(syscall(SYS_epoll_wait, ep, &ev, -1, 0));
	DO(epoll_wait(s[0], &ev, 1, 0));
	DO(epoll_wait(9999, &ev, 1, 0));
	DO(ctl(ep, EPOLL_CTL_ADD, s[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLRDHUP, 0));
	DO(ctl(ep, EPOLL_CTL_ADD, s[0], EPOLLIN | EPOLLEXCLUSIVE, 0));
	DO(ctl(ep, EPOLL_CTL_MOD, s[0], EPOLLIN, 0));
	DO(ctl(ep, EPOLL_CTL_DEL, s[0], 0, 0));
	DO(read(ep, &ev, 1));
	DO(pipe(p));
	DO(epoll_ctl(p[0], EPOLL_CTL_ADD, s[0], &ev));
	close(p[0]);
	close(p[1]);
	close(s[0]);
	close(s[1]);
	close(ep);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void blocking(int l)
{
	int s[2], ep = epoll_create1(0);
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct epoll_event ev;
	struct test_later later;
	sigset_t mask, none;
	char buf[16];
	long t;

	section("blocking, timeouts and signals");
	test_pair(l, s);
	sigaction(SIGUSR1, &sa, NULL);
	DO(ctl(ep, EPOLL_CTL_ADD, s[0], EPOLLIN, 1));
	t = test_ms();
	show_wait(ep, 120);
	printf("waited %d\n", test_ms() - t >= 119 && test_ms() - t < 600);
	test_later(&later, 50, s[1], "x");
	show_wait(ep, -1);
	test_later_wait(&later);
	DO(read(s[0], buf, 16));
	/* signal(7): never restarted, whatever SA_RESTART says. */
	test_later_kill(&later, 50);
	show_wait(ep, -1);
	test_later_wait(&later);
	sigemptyset(&none);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	raise(SIGUSR1);
	DO(epoll_wait(ep, &ev, 1, 20));
	DO(epoll_pwait(ep, &ev, 1, -1, &none));
	raise(SIGUSR1);
	DO(epoll_pwait(ep, &ev, 1, 0, &none));
	DO(epoll_pwait(ep, &ev, 1, 0, &none));
	sigprocmask(SIG_UNBLOCK, &mask, NULL);
	/* An item that is added while another thread waits. */
	DO(ctl(ep, EPOLL_CTL_DEL, s[0], 0, 0));
	test_later(&later, 50, s[1], NULL);
	DO(ctl(ep, EPOLL_CTL_ADD, s[0], EPOLLIN | EPOLLET, 2));
	show_wait(ep, -1);
	test_later_wait(&later);
	close(s[0]);
	close(ep);
}

/* What was registered before anything decided the socket's side moves along with it. */
static void registered_first(int l)
{
	struct sockaddr_in sin = test_sin(test_addr, test_port(l));
	int ep = epoll_create1(0), fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), u, err, c;
	socklen_t len = sizeof(err);

	section("registered before connect and bind");
	DO(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLOUT | EPOLLET, 1));
	show_wait(ep, 0);
	connect(fd, SA(sin));
	c = DOFD(accept(l, NULL, NULL));
	{
		struct pollfd p = { .fd = fd, .events = POLLOUT };

		poll(&p, 1, 1000);
	}
	show_wait(ep, 1000);
	DO(getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len));
	DO(write(c, "x", 1));
	until_readable(fd);
	show_wait(ep, 1000);
	show_wait(ep, 0);
	close(c);
	close(fd);

	u = socket(AF_INET, SOCK_DGRAM, 0);
	DO(ctl(ep, EPOLL_CTL_ADD, u, EPOLLIN, 2));
	sin = test_sin("0.0.0.0", 0);
	DO(bind(u, SA(sin)));
	show_wait(ep, 0);
	sin = test_sin(test_addr, test_port(u));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	DO(sendto(fd, "hello", 5, 0, SA(sin)));
	show_wait(ep, 1000);
	show_wait(ep, 0);
	close(u);
	show_wait(ep, 0);
	close(fd);
	close(ep);
}

/* An instance that a child inherits watches what it watched. */
static void inherited(int l)
{
	int s[2], ep = epoll_create1(0), status;
	pid_t pid;

	section("inherited by fork");
	test_pair(l, s);
	DO(ctl(ep, EPOLL_CTL_ADD, s[0], EPOLLIN, 1));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct epoll_event ev = { .events = 0 };

		/* It says so by its status: two processes' lines would come in any order. */
		_exit(epoll_wait(ep, &ev, 1, 2000) == 1 && ev.events == EPOLLIN && ev.data.u64 == 1 ?
			      0 : 1);
	}
	usleep(50000);
	DO(write(s[1], "x", 1));
	waitpid(pid, &status, 0);
	printf("child %d\n", WEXITSTATUS(status));
	show_wait(ep, 1000);
	close(s[0]);
	close(s[1]);
	close(ep);
}

#define THREADS 4
#define SOCKETS 8
#define ROUNDS 200

struct crowd {
	int ep, done, stop;
	int s[SOCKETS][2];
};

/* Echo one byte of whatever is ready, then arm it again: nobody else has it meanwhile. */
static void *crowd_main(void *arg)
{
	struct crowd *c = arg;
	struct epoll_event ev;
	char b;

	while (!__atomic_load_n(&c->stop, __ATOMIC_RELAXED)) {
		if (epoll_wait(c->ep, &ev, 1, 100) != 1)
			continue;
		if (read(c->s[ev.data.u64][1], &b, 1) == 1 && write(c->s[ev.data.u64][1], &b, 1) == 1)
			__atomic_fetch_add(&c->done, 1, __ATOMIC_RELAXED);
		ctl(c->ep, EPOLL_CTL_MOD, c->s[ev.data.u64][1], EPOLLIN | EPOLLONESHOT,
		    ev.data.u64);
	}
	return NULL;
}

static void crowd(int l)
{
	struct crowd c = { .ep = epoll_create1(0) };
	int i, r, answers = 0;
	pthread_t t[THREADS];
	char b;

	section("many threads on one set");
	for (i = 0; i < SOCKETS; i++) {
		test_pair(l, c.s[i]);
		ctl(c.ep, EPOLL_CTL_ADD, c.s[i][1], EPOLLIN | EPOLLONESHOT, (uint64_t)i);
	}
	for (i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, crowd_main, &c);
	for (r = 0; r < ROUNDS; r++) {
		for (i = 0; i < SOCKETS; i++)
			answers -= write(c.s[i][0], "x", 1) != 1;
		for (i = 0; i < SOCKETS; i++)
			answers += read(c.s[i][0], &b, 1) == 1;
	}
	__atomic_store_n(&c.stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	printf("%d answers of %d\n", answers, c.done);
	for (i = 0; i < SOCKETS; i++) {
		close(c.s[i][0]);
		close(c.s[i][1]);
	}
	close(c.ep);
}

/* Workers, each with a set of its own, share a listener: whoever connects is served. */
static void workers(int l)
{
	int w, i, served = 0, status, ended = 0;
	pid_t pid[3];
	char b;

	section("EPOLLEXCLUSIVE in several processes");
	fcntl(l, F_SETFL, O_NONBLOCK);
	for (w = 0; w < 3; w++) {
		struct epoll_event ev;
		int ep, c;

		pid[w] = fork();
		if (pid[w] != 0)
			continue;
		ep = epoll_create1(0);
		ctl(ep, EPOLL_CTL_ADD, l, EPOLLIN | EPOLLEXCLUSIVE, 1);
		for (;;) {
			if (epoll_wait(ep, &ev, 1, -1) != 1)
				_exit(1);
			c = accept(l, NULL, NULL);
			if (c < 0 && errno == EAGAIN)
				continue;
			if (c < 0 || read(c, &b, 1) != 1 || write(c, &b, 1) != 1)
				_exit(2);
			close(c);
			if (b == 'q')
				_exit(0);
		}
	}
	for (i = 0; i < 200; i++) {
		int c = test_connect(l);

		served += write(c, "x", 1) == 1 && read(c, &b, 1) == 1;
		close(c);
	}
	for (w = 0; w < 3; w++) {
		int c = test_connect(l);

		served += write(c, "q", 1) == 1 && read(c, &b, 1) == 1;
		close(c);
		wait(&status);
		ended += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	printf("%d served, %d workers ended\n", served, ended);
	fcntl(l, F_SETFL, 0);
}

int main(int argc, char **argv)
{
	int l;

	test_begin(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	l = test_listener();
	level(l);
	edge(l);
	oneshot(l);
	listening(l);
	hangups(l);
	both_kinds(l);
	sets(l);
	arguments(l);
	blocking(l);
	registered_first(l);
	inherited(l);
	crowd(l);
	workers(l);
	return 0;
}
