/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * option_sweep.c - every number as a socket option, at every level, of every kind of socket
 * in every state, with all sorts of lengths and values.
 *
 * usage: option_sweep IPV4-ADDRESS IPV6-ADDRESS [KIND [STATE [LEVEL [NUMBER]]]]
 *
 * The sockets talk to themselves over these addresses.  A line per option; runs of the same
 * answer are one word.  What differs from run to run by nature is not printed (unsteady()).
 */
#include "calls.h"

#ifndef IP_PROTOCOL
#define IP_PROTOCOL 52
#endif
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#define LAST_OPTION 130
#define BUF	    256

enum state { FRESH, BOUND, CONNECTED, LISTENING, NSTATES };
static const char *const state_names[] = { "fresh", "bound", "connected", "listening" };

struct kind {
	const char *name;
	int domain, type, protocol;
	bool mapped; /* connects to an IPv4 address */
	enum state last;
};

static const struct kind kinds[] = {
	{ "tcp4", AF_INET, SOCK_STREAM, 0, false, LISTENING },
	{ "udp4", AF_INET, SOCK_DGRAM, 0, false, CONNECTED },
	{ "raw4", AF_INET, SOCK_RAW, 253, false, CONNECTED },
	{ "rawicmp4", AF_INET, SOCK_RAW, IPPROTO_ICMP, false, FRESH },
	{ "ping4", AF_INET, SOCK_DGRAM, IPPROTO_ICMP, false, CONNECTED },
	{ "tcp6", AF_INET6, SOCK_STREAM, 0, false, LISTENING },
	{ "udp6", AF_INET6, SOCK_DGRAM, 0, false, CONNECTED },
	{ "tcp6mapped", AF_INET6, SOCK_STREAM, 0, true, CONNECTED },
	{ "udp6mapped", AF_INET6, SOCK_DGRAM, 0, true, CONNECTED },
	{ "raw6", AF_INET6, SOCK_RAW, 253, false, CONNECTED },
	{ "rawicmp6", AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, false, FRESH },
	{ "ping6", AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6, false, CONNECTED },
};

static const struct {
	const char *name;
	int level;
} levels[] = {
	{ "SOCKET", SOL_SOCKET },     { "IP", IPPROTO_IP },   { "IPV6", IPPROTO_IPV6 },
	{ "TCP", IPPROTO_TCP },	      { "UDP", IPPROTO_UDP }, { "RAW", IPPROTO_RAW },
	{ "ICMPV6", IPPROTO_ICMPV6 },
};

static const int get_lengths[] = { -1, 0, 1, 2, 3, 4, 7, 8, 16, 128 };
static const int set_lengths[] = { -1, 0, 1, 2, 3, 4, 7, 8, 12, 16, 20, 128 };
static const int values[] = { 0, 1, 2, -1, 7, 255, 256, 70000, INT32_MAX };

static const char *addr4, *addr6;

/* What memory, the clock, the processor, a counter or an address decides. */
static bool unsteady(int level, int name)
{
	if (level == IPPROTO_IP)
		return name == IP_PROTOCOL; /* the port */
	if (level == IPPROTO_TCP)
		return name == TCP_INFO || name == TCP_TIMESTAMP || name == TCP_CONGESTION ||
		       name == TCP_CC_INFO;
	if (level != SOL_SOCKET)
		return false;
	return name == SO_COOKIE || name == SO_MEMINFO || name == SO_INCOMING_CPU ||
	       name == SO_INCOMING_NAPI_ID || name == SO_PEERNAME || name == SO_NETNS_COOKIE;
}

static socklen_t address(const struct kind *k, bool any, int port, struct sockaddr_storage *ss)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;
	char text[80];

	memset(ss, 0, sizeof(*ss));
	ss->ss_family = (sa_family_t)k->domain;
	if (k->type == SOCK_RAW)
		port = 0;
	if (k->domain == AF_INET) {
		sin->sin_port = htons((uint16_t)port);
		inet_pton(AF_INET, any ? "0.0.0.0" : addr4, &sin->sin_addr);
		return sizeof(*sin);
	}
	snprintf(text, sizeof(text), "%s%s", k->mapped ? "::ffff:" : "", k->mapped ? addr4 : addr6);
	sin6->sin6_port = htons((uint16_t)port);
	inet_pton(AF_INET6, any ? "::" : text, &sin6->sin6_addr);
	return sizeof(*sin6);
}

/* A listener of the kind's family, made once. */
static int server(const struct kind *k)
{
	static int fds[2];
	int *fd = &fds[k->domain == AF_INET6];
	struct sockaddr_storage ss;
	socklen_t len = address(k, true, 0, &ss);

	if (*fd == 0) {
		*fd = socket(k->domain, SOCK_STREAM, 0);
		if (bind(*fd, (struct sockaddr *)&ss, len) < 0 || listen(*fd, 16) < 0)
			return -1;
	}
	return *fd;
}

static int connected(const struct kind *k, int fd, int *peer)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	int port = 9;

	if (k->type == SOCK_STREAM) {
		if (getsockname(server(k), (struct sockaddr *)&ss, &len) < 0)
			return -1;
		port = ntohs(((struct sockaddr_in *)&ss)->sin_port);
	}
	len = address(k, false, port, &ss);
	if (connect(fd, (struct sockaddr *)&ss, len) < 0)
		return -1;
	if (k->type == SOCK_STREAM)
		*peer = accept(server(k), NULL, NULL);
	return 0;
}

static int make(const struct kind *k, enum state state, int *peer)
{
	int fd = socket(k->domain, k->type, k->protocol);
	struct sockaddr_storage ss;
	socklen_t len = address(k, true, 0, &ss);

	*peer = -1;
	if (fd < 0 || state == FRESH)
		return fd;
	if (state == CONNECTED) {
		if (connected(k, fd, peer) == 0)
			return fd;
	} else if (bind(fd, (struct sockaddr *)&ss, len) == 0 &&
		   (state != LISTENING || listen(fd, 5) == 0)) {
		return fd;
	}
	close(fd);
	return -1;
}

/* Answers in a row, equal ones together: "1,2:EINVAL 4:0". */
struct row {
	char text[4000], last[400];
	size_t used;
};

static void add(struct row *r, int key, const char *answer)
{
	bool same = r->used > 0 && strcmp(answer, r->last) == 0;
	int n;

	if (same)
		n = snprintf(r->text + r->used, sizeof(r->text) - r->used, ",%d", key);
	else
		n = snprintf(r->text + r->used, sizeof(r->text) - r->used, "%s%s %d",
			     r->used > 0 ? "=" : "", r->last, key);
	r->used += (size_t)n;
	snprintf(r->last, sizeof(r->last), "%s", answer);
}

static const char *text_of(struct row *r)
{
	snprintf(r->text + r->used, sizeof(r->text) - r->used, "=%s", r->last);
	return r->text;
}

static void put_value(char *to, size_t size, int level, int name, const unsigned char *buf, int len)
{
	size_t n = strlen(to);

	if (unsteady(level, name) || len < 0 || len > BUF)
		return;
	/* Four bytes are a number; of more their start. */
	if (len == 4)
		snprintf(to + n, size - n, "/%d", *(const int *)(const void *)buf);
	else
		for (int i = 0; i < len && i < 16; i++)
			n += (size_t)snprintf(to + n, size - n, "%s%02x", i == 0 ? "/" : "",
					      buf[i]);
}

static void get(int fd, int level, int name, int want, char *to, size_t size)
{
	unsigned char buf[BUF] __attribute__((aligned(8)));
	socklen_t len = (socklen_t)want;

	memset(buf, 0xee, sizeof(buf));
	if (getsockopt(fd, level, name, buf, &len) < 0) {
		snprintf(to, size, "%s", strerrorname_np(errno));
		return;
	}
	if (unsteady(level, name))
		snprintf(to, size, "0");
	else
		snprintf(to, size, "len %d", (int)len);
	put_value(to, size, level, name, buf, (int)len);
}

static void sweep_gets(int fd, int level, int name)
{
	struct row r = { "", "", 0 };
	char answer[300];

	for (size_t i = 0; i < sizeof(get_lengths) / sizeof(get_lengths[0]); i++) {
		get(fd, level, name, get_lengths[i], answer, sizeof(answer));
		add(&r, get_lengths[i], answer);
	}
	printf(" get%s", text_of(&r));
}

static void set(int fd, int level, int name, const void *buf, int len, char *to, size_t size)
{
	char got[300];
	int err = 0;
	socklen_t four = sizeof(err);

	if (setsockopt(fd, level, name, buf, (socklen_t)len) < 0) {
		snprintf(to, size, "%s", strerrorname_np(errno));
		return;
	}
	get(fd, level, name, 4, got, sizeof(got));
	snprintf(to, size, "0,%s", got);
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &four);
}

static void sweep_sets(int fd, int level, int name)
{
	struct row lengths = { "", "", 0 }, vals = { "", "", 0 };
	char answer[400];
	size_t i;

	for (i = 0; i < sizeof(set_lengths) / sizeof(set_lengths[0]); i++) {
		unsigned char buf[BUF] __attribute__((aligned(8))) = { 1 };

		set(fd, level, name, buf, set_lengths[i], answer, sizeof(answer));
		add(&lengths, set_lengths[i], answer);
	}
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		set(fd, level, name, &values[i], 4, answer, sizeof(answer));
		add(&vals, values[i], answer);
	}
	printf(" set%s of 4%s", text_of(&lengths), text_of(&vals));
}

static void sweep(const struct kind *k, enum state state, size_t l, int name)
{
	int peer, fd = make(k, state, &peer);

	printf("%s %s %s %d:", k->name, state_names[state], levels[l].name, name);
	if (fd < 0) {
		printf(" cannot be made: %s\n", strerrorname_np(errno));
		return;
	}
	sweep_gets(fd, levels[l].level, name);
	sweep_sets(fd, levels[l].level, name);
	printf("\n");
	close(fd);
	if (peer >= 0)
		close(peer);
}

static bool wanted(const char *arg, const char *name)
{
	return arg == NULL || strcmp(arg, name) == 0;
}

int main(int argc, char **argv)
{
	const char *only[4] = { NULL, NULL, NULL, NULL };

	if (argc < 3)
		return 2;
	test_begin(argc, argv);
	setvbuf(stdout, NULL, _IOFBF, 1 << 20);
	addr4 = argv[1];
	addr6 = argv[2];
	for (int i = 0; i < 4 && i + 3 < argc; i++)
		only[i] = argv[i + 3];
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (enum state s = FRESH; s <= kinds[k].last; s++)
			for (size_t l = 0; l < sizeof(levels) / sizeof(levels[0]); l++)
				for (int n = 0; n <= LAST_OPTION; n++) {
					if ((only[3] == NULL || atoi(only[3]) == n) &&
					    wanted(only[0], kinds[k].name) &&
					    wanted(only[1], state_names[s]) &&
					    wanted(only[2], levels[l].name))
						sweep(&kinds[k], s, l, n);
				}
	return 0;
}
