/* SPDX-License-Identifier: BSD-3-Clause */
/* Making calls and showing what came of them. */
#include "diff.h"

const char *our_addr, *peer_addr;

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

struct sockaddr_in addr4(const char *host, int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, host, &sin.sin_addr);
	return sin;
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
	struct sockaddr_in sin = addr4(peer_addr, port);
	int s = socket(AF_INET, SOCK_STREAM, 0);

	if (s < 0 || connect(s, SA(sin)) < 0) {
		say("connect to %d: %s", port, strerrorname_np(errno));
		exit(3);
	}
	return s;
}

int listener(int domain, int *port)
{
	struct sockaddr_in sin = addr4("0.0.0.0", 0);
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int s = socket(domain, SOCK_STREAM, 0), one = 1, zero = 0;

	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (domain == AF_INET6) {
		setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
		if (bind(s, SA(sin6)) < 0)
			say("bind: %s", strerrorname_np(errno));
	} else if (bind(s, SA(sin)) < 0) {
		say("bind: %s", strerrorname_np(errno));
	}
	if (listen(s, 16) < 0)
		say("listen: %s", strerrorname_np(errno));
	getsockname(s, (struct sockaddr *)&ss, &len);
	*port = ntohs(((struct sockaddr_in *)&ss)->sin_port);
	return s;
}

/* Ask the peer to connect to us: mode is what it then does (diff_peer.py). */
void ask_peer(int port, const char *mode)
{
	struct sockaddr_in sin = addr4(peer_addr, CONTROL);
	int s = socket(AF_INET, SOCK_STREAM, 0);
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
