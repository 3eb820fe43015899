/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * relay - joins two network interfaces through the simulated link's impairments, in real time.
 *
 * usage: relay [OPTION]... INTERFACE-A INTERFACE-B
 *
 *   --seed N          of everything random (default 1)
 *   --delay US        one way, microseconds          --jitter US
 *   --rate MBIT       per direction                  --queue BYTES  waiting for the rate
 *   --loss PPM        --dup PPM    --corrupt PPM     --reorder PPM --reorder-by US
 *   --mtu BYTES       larger IP packets are lost     --mtu-after BYTES  once so much has passed
 *   --tell 1          and their sender is told by ICMP
 *   --a, --b          the options that follow concern frames from A or from B only
 *   --seconds N       end by itself (60)
 *
 * The model is test/wire's, so what an impairment means is the same on the virtual clock and
 * against the kernel.  Frames are read from AF_PACKET sockets, put on a wire of two raw ports
 * whose clock is CLOCK_MONOTONIC, and written to the other side when they have arrived.
 * Both interfaces must have been made for the test, with offloads off, so that no frame is
 * larger than the MTU.  Prints "ready" when it forwards, and what it did at the end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "test/relay/too_big.h"
#include "test/wire/frame.h"
#include "test/wire/wire.h"

#define BURST 64

/* One direction: the wire's impairments, and a path that becomes narrower. */
struct direction {
	struct wire_impair im;
	uint64_t mtu_after;
	bool tell;
	uint64_t told;
};

static struct wire wire;
static struct direction dir[2];
static uint8_t frame[FRAME_MAX];
static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* A packet socket that sees what arrives at the interface, and nothing that leaves it. */
static int open_interface(const char *name)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	struct packet_mreq mreq = { .mr_type = PACKET_MR_PROMISC };
	int fd, one = 1, size = 8 << 20;

	ll.sll_ifindex = (int)if_nametoindex(name);
	if (ll.sll_ifindex == 0)
		die(name);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("packet socket");
	mreq.mr_ifindex = ll.sll_ifindex;
	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mreq, sizeof(mreq)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0 ||
	    bind(fd, (struct sockaddr *)&ll, sizeof(ll)) < 0)
		die(name);
	return fd;
}

enum { OPT_SEED = 256, OPT_DELAY, OPT_JITTER, OPT_RATE, OPT_QUEUE, OPT_LOSS, OPT_DUP, OPT_CORRUPT,
       OPT_REORDER, OPT_REORDER_BY, OPT_MTU, OPT_MTU_AFTER, OPT_TELL, OPT_SECONDS, OPT_A, OPT_B };

static const struct option options[] = {
	{ "seed", 1, 0, OPT_SEED },	  { "delay", 1, 0, OPT_DELAY },
	{ "jitter", 1, 0, OPT_JITTER },	  { "rate", 1, 0, OPT_RATE },
	{ "queue", 1, 0, OPT_QUEUE },	  { "loss", 1, 0, OPT_LOSS },
	{ "dup", 1, 0, OPT_DUP },	  { "corrupt", 1, 0, OPT_CORRUPT },
	{ "reorder", 1, 0, OPT_REORDER }, { "reorder-by", 1, 0, OPT_REORDER_BY },
	{ "mtu", 1, 0, OPT_MTU },	  { "mtu-after", 1, 0, OPT_MTU_AFTER },
	{ "tell", 1, 0, OPT_TELL },	  { "seconds", 1, 0, OPT_SECONDS },
	{ "a", 0, 0, OPT_A },		  { "b", 0, 0, OPT_B },
	{ 0, 0, 0, 0 },
};

static void set_impairment(struct direction *d, int opt, uint64_t v)
{
	struct wire_impair *im = &d->im;

	switch (opt) {
	case OPT_DELAY: im->delay_ns = v * 1000; break;
	case OPT_JITTER: im->jitter_ns = v * 1000; break;
	case OPT_RATE: im->rate_bps = v * 1000000; break;
	case OPT_QUEUE: im->queue_bytes = (uint32_t)v; break;
	case OPT_LOSS: im->loss_ppm = (uint32_t)v; break;
	case OPT_DUP: im->dup_ppm = (uint32_t)v; break;
	case OPT_CORRUPT: im->corrupt_ppm = (uint32_t)v; break;
	case OPT_REORDER: im->reorder_ppm = (uint32_t)v; break;
	case OPT_REORDER_BY: im->reorder_ns = v * 1000; break;
	case OPT_MTU: im->mtu = (uint32_t)v; break;
	case OPT_MTU_AFTER: d->mtu_after = v; break;
	case OPT_TELL: d->tell = v != 0; break;
	}
}

/* Returns the seconds to run. */
static uint64_t parse_options(int argc, char **argv, uint64_t *seed)
{
	uint64_t seconds = 60, v;
	int opt, first = 0, last = 1, i;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		v = optarg != NULL ? strtoull(optarg, NULL, 0) : 0;
		switch (opt) {
		case '?': exit(2);
		case OPT_SEED: *seed = v; break;
		case OPT_SECONDS: seconds = v; break;
		case OPT_A: first = last = 0; break;
		case OPT_B: first = last = 1; break;
		default:
			for (i = first; i <= last; i++)
				set_impairment(&dir[i], opt, v);
		}
	}
	if (argc - optind != 2) {
		fprintf(stderr, "usage: relay [OPTION]... INTERFACE-A INTERFACE-B\n");
		exit(2);
	}
	return seconds;
}

/* The path is as wide as the frames until mtu_after bytes have passed. */
static void narrow(unsigned int port, size_t len)
{
	struct wire_port *p = &wire.ports[port];
	static uint8_t message[FRAME_MAX];
	struct direction *d = &dir[port];
	size_t n;

	if (d->im.mtu == 0 || p->stats.sent_bytes < d->mtu_after)
		return;
	p->tx.mtu = d->im.mtu;
	if (!d->tell || len <= ETH_HLEN + d->im.mtu)
		return;
	n = too_big_build(message, frame, len, d->im.mtu);
	if (n != 0) {
		wire_inject(&wire, !port, message, n);
		d->told++;
	}
}

/* Frames that wait at the interface go on the wire. */
static void take_in(int fd, unsigned int port)
{
	ssize_t n;
	int i;

	for (i = 0; i < BURST && (n = recv(fd, frame, sizeof(frame), MSG_TRUNC)) > 0; i++) {
		if ((size_t)n > sizeof(frame)) {
			wire.ports[port].stats.too_big++;
			continue;
		}
		narrow(port, (size_t)n);
		wire_inject(&wire, port, frame, (size_t)n);
	}
}

/* Frames that have arrived at the wire's other end leave. */
static void give_out(int fd, unsigned int port)
{
	uint64_t arrival;
	size_t n;

	while ((n = wire_take(&wire, port, frame, &arrival)) > 0)
		if (send(fd, frame, n, 0) < 0 && errno != ENOBUFS && errno != EAGAIN)
			die("send");
}

static void forward(const int fd[2], uint64_t end)
{
	struct pollfd p[2] = { { .fd = fd[0], .events = POLLIN }, { .fd = fd[1], .events = POLLIN } };
	uint64_t now, next;
	struct timespec ts;

	while (!stopped && (now = now_ns()) < end) {
		wire_set_now(&wire, now);
		take_in(fd[0], 0);
		take_in(fd[1], 1);
		give_out(fd[0], 0);
		give_out(fd[1], 1);
		next = wire_next_event(&wire);
		if (next > end)
			next = end;
		now = now_ns();
		next = next > now ? next - now : 0;
		ts.tv_sec = (time_t)(next / 1000000000u);
		ts.tv_nsec = (long)(next % 1000000000u);
		if (ppoll(p, 2, &ts, NULL) < 0 && errno != EINTR)
			die("ppoll");
	}
}

int main(int argc, char **argv)
{
	uint64_t seed = 1, seconds = parse_options(argc, argv, &seed);
	struct sigaction sa = { .sa_handler = on_signal };
	int fd[2], i;

	wire_init(&wire, 2, seed, now_ns());
	for (i = 0; i < 2; i++) {
		fd[i] = open_interface(argv[optind + i]);
		wire.ports[i].tx = dir[i].im;
		wire.ports[i].tx.mtu = 0; /* narrow() sets it */
	}
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	printf("ready\n");
	fflush(stdout);
	forward(fd, now_ns() + seconds * 1000000000u);
	for (i = 0; i < 2; i++) {
		const struct wire_stats *s = &wire.ports[i].stats;

		printf("from %s: sent %llu delivered %llu lost %llu queue_full %llu corrupted %llu "
		       "duplicated %llu reordered %llu too_big %llu told %llu\n", argv[optind + i],
		       (unsigned long long)s->sent, (unsigned long long)s->delivered,
		       (unsigned long long)s->lost, (unsigned long long)s->queue_full,
		       (unsigned long long)s->corrupted, (unsigned long long)s->duplicated,
		       (unsigned long long)s->reordered, (unsigned long long)s->too_big,
		       (unsigned long long)dir[i].told);
	}
	wire_free(&wire);
	return 0;
}
