/* SPDX-License-Identifier: BSD-3-Clause */
/* Making calls and showing what came of them. */
#include "diff.h"

const char *our_addr, *peer_addr;
int family;

void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("  ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	fflush(stdout);
}

long show(const char *what, long r, int err)
{
	if (r < 0)
		say("%s = %ld %s", what, r, strerrorname_np(err));
	else
		say("%s = %ld", what, r);
	errno = err;
	return r;
}

int show_fd(const char *what, int fd, int err)
{
	if (fd < 0)
		say("%s = %s", what, strerrorname_np(err));
	else
		say("%s = a descriptor", what);
	return fd;
}

/* The family is the text's own. */
union addr at(const char *host, int port)
{
	union addr a;

	memset(&a, 0, sizeof(a));
	a.sa.sa_family = strchr(host, ':') != NULL ? AF_INET6 : AF_INET;
	a.in.sin_port = htons((uint16_t)port); /* lies where sin6_port does */
	if (a.sa.sa_family == AF_INET6)
		inet_pton(AF_INET6, host, &a.in6.sin6_addr);
	else
		inet_pton(AF_INET, host, &a.in.sin_addr);
	return a;
}

socklen_t addr_len(const union addr *a)
{
	return a->sa.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in);
}

const char *addr_text(const union addr *a)
{
	static char buf[8][64];
	static int turn;
	char *b = buf[turn++ % 8];

	if (a->sa.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &a->in6.sin6_addr, b, sizeof(buf[0]));
	else
		inet_ntop(AF_INET, &a->in.sin_addr, b, sizeof(buf[0]));
	return b;
}

const char *any_host(void)
{
	return family == AF_INET6 ? "::" : "0.0.0.0";
}

const char *loopback(void)
{
	return family == AF_INET6 ? "::1" : "127.0.0.1";
}

const char *foreign_host(void)
{
	return family == AF_INET6 ? "2001:db8:9::9" : "203.0.113.9";
}

const char *events_name(int ev)
{
	static char buf[8][160];
	static int turn;
	char *b = buf[turn++ % 8];
	static const struct {
		int bit;
		const char *name;
	} names[] = { { POLLIN, "IN" }, { POLLPRI, "PRI" }, { POLLOUT, "OUT" }, { POLLERR, "ERR" },
		      { POLLHUP, "HUP" }, { POLLNVAL, "NVAL" }, { POLLRDNORM, "RDNORM" },
		      { POLLRDBAND, "RDBAND" }, { POLLWRNORM, "WRNORM" }, { POLLWRBAND, "WRBAND" },
		      { POLLMSG, "MSG" }, { POLLRDHUP, "RDHUP" } };

	b[0] = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (ev & names[i].bit) {
			if (b[0])
				strcat(b, "|");
			strcat(b, names[i].name);
		}
	return b[0] ? b : "0";
}

/* Wait for events and print what came. */
int wait_for(int fd, int events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int r = poll(&p, 1, ms);

	say("poll(%s) = %d %s", events_name(events), r, events_name(p.revents));
	return r;
}

/* Wait silently until the level includes all of events, bounded. */
void until(int fd, int events)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (int i = 0; i < 3000; i++) {
		p.revents = 0;
		poll(&p, 1, 2);
		if ((p.revents & events) == events)
			return;
		usleep(1000);
	}
	say("gave up waiting for %s: level is %s", events_name(events), events_name(p.revents));
}

int tcp_to(int port)
{
	union addr sin = at(peer_addr, port);
	int s = socket(family, SOCK_STREAM, 0);

	if (s < 0 || connect(s, SA(sin)) < 0) {
		say("connect to %d: %s", port, strerrorname_np(errno));
		exit(3);
	}
	return s;
}

int listener(int domain, int *port)
{
	union addr any = at(domain == AF_INET6 ? "::" : "0.0.0.0", 0);
	socklen_t len = sizeof(any);
	int s = socket(domain, SOCK_STREAM, 0), one = 1, zero = 0;

	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (domain == AF_INET6)
		setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (bind(s, SA(any)) < 0)
		say("bind: %s", strerrorname_np(errno));
	if (listen(s, 16) < 0)
		say("listen: %s", strerrorname_np(errno));
	getsockname(s, &any.sa, &len);
	*port = ntohs(any.in.sin_port);
	return s;
}

/* Ask the peer to connect to us: mode is what it then does (diff_peer.py). */
void ask_peer(int port, const char *mode)
{
	union addr sin = at(peer_addr, CONTROL);
	int s = socket(family, SOCK_STREAM, 0);
	char msg[100], reply[10];

	if (connect(s, SA(sin)) < 0)
		say("control: %s", strerrorname_np(errno));
	snprintf(msg, sizeof(msg), "%s %d %s\n", our_addr, port, mode);
	if (write(s, msg, strlen(msg)) < 0)
		say("control: %s", strerrorname_np(errno));
	if (read(s, reply, sizeof(reply)) < 0)
		say("control: %s", strerrorname_np(errno));
	close(s);
}

ssize_t read_all(int fd, char *buf, size_t n)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = read(fd, buf + got, n - got);

		if (r < 0)
			return -1;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}
