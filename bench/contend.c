/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * contend - threads or processes that use one stack at the same time.
 *
 *	contend [-p] [-n N] [-s SECONDS] [-w NS] [-e] ADDR PORT
 *
 * N threads (with -p: processes), each with two UDP sockets of its own, bound to ADDR and
 * connected to one another.  One round is send, epoll_wait that does not wait, recv that is
 * not to block, then NS of the program's own work; with -e the first socket is also asked in
 * vain each time, so that the port is polled.  ADDR is the stack's own: no link, no peer, and
 * nobody sleeps of his own will, so that what is measured is how the stack is shared.
 *
 * Prints one line: rounds a second, how long a round took (p50, p99, p99.9, longest, µs), what
 * the one who got least had of what the one who got most had, and system calls of the kind
 * that sleeping costs (voluntary context switches a round).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORKERS 64
/* Of round times: 8 bins an octave from 1 ns on. */
#define BINS (8 * 40)

struct worker {
	uint64_t rounds, max_ns, switches;
	uint32_t bins[BINS];
} __attribute__((aligned(128)));

static struct {
	struct worker w[MAX_WORKERS];
	unsigned int ready, go, stop;
} * sh;

static struct {
	unsigned int n, seconds, work_ns, port;
	int processes, empty;
	const char *addr;
} opt = { .n = 1, .seconds = 2 };

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void fail(const char *what)
{
	perror(what);
	_exit(1);
}

static unsigned int bin_of(uint64_t ns)
{
	unsigned int oct, bin;

	if (ns < 8)
		return 0;
	oct = 63 - (unsigned int)__builtin_clzll(ns);
	bin = oct * 8 + (unsigned int)((ns >> (oct - 3)) & 7);
	return bin < BINS ? bin : BINS - 1;
}

static double bin_us(unsigned int bin)
{
	return (double)((8u + bin % 8) * (1ull << (bin / 8)) / 8) / 1e3;
}

static int make_socket(unsigned int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	inet_pton(AF_INET, opt.addr, &sin.sin_addr);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) < 0)
		fail("bind");
	return fd;
}

static void join_sockets(int fd, unsigned int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	inet_pton(AF_INET, opt.addr, &sin.sin_addr);
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) < 0)
		fail("connect");
}

static void spin(uint64_t ns)
{
	uint64_t end = ns > 0 ? now_ns() + ns : 0;

	while (ns > 0 && now_ns() < end)
		;
}

/* What is sent to oneself may need another look until it is there. */
static void one_round(int a, int b, int ep)
{
	struct epoll_event ev;
	char buf[64] = "";

	if (send(a, buf, sizeof(buf), 0) < 0)
		fail("send");
	if (opt.empty && recv(a, buf, sizeof(buf), 0) >= 0)
		fail("recv of nothing");
	while (epoll_wait(ep, &ev, 1, 0) == 0)
		;
	if (recv(b, buf, sizeof(buf), 0) != sizeof(buf))
		fail("recv");
}

static void *work(void *arg)
{
	struct worker *w = arg;
	unsigned int i = (unsigned int)(w - sh->w), port = opt.port + 2 * i;
	int a = make_socket(port), b = make_socket(port + 1), ep = epoll_create1(0);
	struct epoll_event ev = { .events = EPOLLIN };
	struct rusage before, after;
	uint64_t t0, t1;

	join_sockets(a, port + 1);
	join_sockets(b, port);
	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, b, &ev) < 0)
		fail("epoll");
	__atomic_add_fetch(&sh->ready, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&sh->go, __ATOMIC_ACQUIRE))
		usleep(100);
	getrusage(RUSAGE_THREAD, &before);
	while (!__atomic_load_n(&sh->stop, __ATOMIC_RELAXED)) {
		t0 = now_ns();
		one_round(a, b, ep);
		t1 = now_ns() - t0;
		w->rounds++;
		w->bins[bin_of(t1)]++;
		if (t1 > w->max_ns)
			w->max_ns = t1;
		spin(opt.work_ns);
	}
	getrusage(RUSAGE_THREAD, &after);
	w->switches = (uint64_t)(after.ru_nvcsw - before.ru_nvcsw);
	return NULL;
}

static void report(double seconds)
{
	uint64_t rounds = 0, seen = 0, max = 0, most = 0, least = UINT64_MAX, switches = 0;
	const double want[] = { 0.5, 0.99, 0.999 };
	double at[3] = { 0 };
	unsigned int k = 0;

	for (unsigned int i = 0; i < opt.n; i++) {
		const struct worker *w = &sh->w[i];

		rounds += w->rounds;
		switches += w->switches;
		max = w->max_ns > max ? w->max_ns : max;
		most = w->rounds > most ? w->rounds : most;
		least = w->rounds < least ? w->rounds : least;
	}
	for (unsigned int b = 0; b < BINS; b++) {
		for (unsigned int i = 0; i < opt.n; i++)
			seen += sh->w[i].bins[b];
		while (k < 3 && rounds > 0 && (double)seen >= want[k] * (double)rounds)
			at[k++] = bin_us(b);
	}
	printf("%u %s: %.0f rounds/s, p50 %.1f p99 %.1f p99.9 %.1f longest %.0f us, "
	       "least/most %.2f, %.4f switches/round\n",
	       opt.n, opt.processes ? "processes" : "threads", (double)rounds / seconds, at[0],
	       at[1], at[2], (double)max / 1e3, most > 0 ? (double)least / (double)most : 0,
	       rounds > 0 ? (double)switches / (double)rounds : 0);
}

static void start(pthread_t *threads)
{
	for (unsigned int i = 0; i < opt.n; i++) {
		if (!opt.processes) {
			if (pthread_create(&threads[i], NULL, work, &sh->w[i]) != 0)
				fail("pthread_create");
		} else {
			pid_t pid = fork();

			if (pid < 0)
				fail("fork");
			if (pid == 0) {
				work(&sh->w[i]);
				_exit(0);
			}
		}
	}
}

static void parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "pen:s:w:")) >= 0) {
		unsigned int v = optarg != NULL ? (unsigned int)atoi(optarg) : 0;

		if (c == 'p')
			opt.processes = 1;
		else if (c == 'e')
			opt.empty = 1;
		else if (c == 'n')
			opt.n = v;
		else if (c == 's')
			opt.seconds = v;
		else if (c == 'w')
			opt.work_ns = v;
		else
			exit(2);
	}
	if (argc - optind != 2 || opt.n == 0 || opt.n > MAX_WORKERS) {
		fprintf(stderr, "usage: contend [-p] [-n N] [-s SECONDS] [-w NS] [-e] ADDR PORT\n");
		exit(2);
	}
	opt.addr = argv[optind];
	opt.port = (unsigned int)atoi(argv[optind + 1]);
}

int main(int argc, char **argv)
{
	pthread_t threads[MAX_WORKERS];
	uint64_t begin, took;
	int keep;

	parse(argc, argv);
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED)
		fail("mmap");
	/* The stack starts with the first socket, before the processes part. */
	keep = socket(AF_INET, SOCK_DGRAM, 0);
	if (keep < 0)
		fail("socket");
	start(threads);
	while (__atomic_load_n(&sh->ready, __ATOMIC_ACQUIRE) < opt.n)
		usleep(1000);
	begin = now_ns();
	__atomic_store_n(&sh->go, 1, __ATOMIC_RELEASE);
	usleep(opt.seconds * 1000000);
	__atomic_store_n(&sh->stop, 1, __ATOMIC_RELAXED);
	took = now_ns() - begin;
	for (unsigned int i = 0; i < opt.n; i++) {
		if (!opt.processes)
			pthread_join(threads[i], NULL);
		else
			wait(NULL);
	}
	report((double)took / 1e9);
	close(keep);
	return 0;
}
