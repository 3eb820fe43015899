/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reqload - a closed loop of requests over many connections, with the tail of its times.
 *
 *	reqload [-u] [-c CONNECTIONS] [-s SECONDS] [-b BYTES] ADDR PORT REQUEST
 *
 * Each connection (with -u: connected UDP socket) has one request out.  \r and \n in REQUEST
 * are what C makes of them; -b says how long an answer is (default: as long as REQUEST).  One
 * thread, one epoll instance.  Prints answers a second, p50, p99, p99.9 and the longest time
 * in µs, and what the worst served connection got of what the best one got.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNS 1024
#define MAX_TIMES (1u << 22)
#define LOST_NS	  200000000u /* a datagram's answer does not come any more */

static struct conn {
	int fd;
	size_t got;
	uint64_t began, answers;
} conns[MAX_CONNS];

static struct {
	unsigned int conns, seconds;
	size_t answer, len;
	int udp;
	char request[4096];
} opt = { .conns = 50, .seconds = 3 };

static uint32_t *times;
static unsigned int ntimes;
static uint64_t lost;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void unescape(const char *s)
{
	while (*s != '\0' && opt.len < sizeof(opt.request)) {
		char c = *s++;

		if (c == '\\' && (*s == 'r' || *s == 'n' || *s == '0')) {
			c = *s == 'r' ? '\r' : *s == 'n' ? '\n' : '\0';
			s++;
		}
		opt.request[opt.len++] = c;
	}
}

static void ask(struct conn *c)
{
	c->got = 0;
	c->began = now_ns();
	if (send(c->fd, opt.request, opt.len, 0) != (ssize_t)opt.len && !opt.udp)
		fail("send");
}

static void open_conns(const char *addr, unsigned int port, int ep)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int one = 1;

	inet_pton(AF_INET, addr, &sin.sin_addr);
	for (unsigned int i = 0; i < opt.conns; i++) {
		struct epoll_event ev = { .events = EPOLLIN, .data.u32 = i };
		int fd = socket(AF_INET, opt.udp ? SOCK_DGRAM : SOCK_STREAM, 0);

		if (fd < 0 || connect(fd, (struct sockaddr *)&sin, sizeof(sin)) < 0)
			fail("connect");
		if (!opt.udp)
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) < 0)
			fail("epoll_ctl");
		conns[i].fd = fd;
	}
}

static void answered(struct conn *c)
{
	char buf[65536];
	ssize_t n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		fail("recv");
	c->got += (size_t)n;
	if (c->got < opt.answer)
		return;
	if (ntimes < MAX_TIMES)
		times[ntimes++] = (uint32_t)(now_ns() - c->began);
	c->answers++;
	ask(c);
}

static void ask_again(uint64_t now)
{
	for (unsigned int i = 0; i < opt.conns; i++)
		if (now - conns[i].began > LOST_NS) {
			lost++;
			ask(&conns[i]);
		}
}

static void run(int ep)
{
	uint64_t end = now_ns() + opt.seconds * UINT64_C(1000000000);
	struct epoll_event ev[64];

	for (unsigned int i = 0; i < opt.conns; i++)
		ask(&conns[i]);
	while (now_ns() < end) {
		int n = epoll_wait(ep, ev, 64, 50);

		for (int i = 0; i < n; i++)
			answered(&conns[ev[i].data.u32]);
		if (opt.udp && n == 0)
			ask_again(now_ns());
	}
}

static int by_time(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static double at(double share)
{
	return ntimes == 0 ? 0 : times[(unsigned int)(share * (ntimes - 1))] / 1e3;
}

static void report(double seconds)
{
	uint64_t most = 0, least = UINT64_MAX;

	for (unsigned int i = 0; i < opt.conns; i++) {
		most = conns[i].answers > most ? conns[i].answers : most;
		least = conns[i].answers < least ? conns[i].answers : least;
	}
	qsort(times, ntimes, sizeof(*times), by_time);
	printf("%.0f answers/s, p50 %.0f p99 %.0f p99.9 %.0f longest %.0f us, least/most %.2f, lost %llu\n",
	       ntimes / seconds, at(0.5), at(0.99), at(0.999), at(1),
	       most > 0 ? (double)least / (double)most : 0, (unsigned long long)lost);
}

int main(int argc, char **argv)
{
	uint64_t begin;
	int c, ep;

	while ((c = getopt(argc, argv, "ub:c:s:")) >= 0) {
		unsigned int v = optarg != NULL ? (unsigned int)atoi(optarg) : 0;

		if (c == 'u')
			opt.udp = 1;
		else if (c == 'b')
			opt.answer = v;
		else if (c == 'c')
			opt.conns = v;
		else if (c == 's')
			opt.seconds = v;
		else
			return 2;
	}
	if (argc - optind != 3 || opt.conns == 0 || opt.conns > MAX_CONNS) {
		fprintf(stderr,
			"usage: reqload [-u] [-c N] [-s SECONDS] [-b BYTES] ADDR PORT REQUEST\n");
		return 2;
	}
	unescape(argv[optind + 2]);
	if (opt.answer == 0)
		opt.answer = opt.len;
	times = malloc(MAX_TIMES * sizeof(*times));
	ep = epoll_create1(0);
	if (times == NULL || ep < 0)
		fail("epoll_create1");
	open_conns(argv[optind], (unsigned int)atoi(argv[optind + 1]), ep);
	begin = now_ns();
	run(ep);
	report((double)(now_ns() - begin) / 1e9);
	return 0;
}
