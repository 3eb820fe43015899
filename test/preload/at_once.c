/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * at_once.c - what one socket of a host sends to another has arrived when the call returns.
 *
 * The kernel delivers over its loopback before send(2), close(2) or a non-blocking
 * connect(2) return, and programs' tests of themselves rely on it.  None of the questions
 * asked here runs the stack by itself.
 */
#include <linux/sockios.h>

#include "calls.h"

static void section(const char *name)
{
	printf("-- %s\n", name);
}

static int waiting(int fd)
{
	int n = -1;

	return ioctl(fd, FIONREAD, &n) < 0 ? -1 : n;
}

static const char *error_of(int fd)
{
	int err = -1;
	socklen_t len = sizeof(err);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	return err == 0 ? "none" : strerrorname_np(err);
}

static int state_of(int fd)
{
	struct tcp_info ti;
	socklen_t len = sizeof(ti);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len) < 0 ? -1 : ti.tcpi_state;
}

static void resets(int l)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	char buf[8];
	int s[2];

	section("a reset");
	test_pair(l, s);
	DO(setsockopt(s[0], SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger)));
	DO(fcntl(s[0], F_SETFL, O_NONBLOCK));
	DO(write(s[0], "data", 4));
	DO(close(s[0]));
	DO(getpeername(s[1], (struct sockaddr *)&sin, &len));
	DO(state_of(s[1]));
	DO(read(s[1], buf, 3));
	DO(read(s[1], buf, 3));
	DO(read(s[1], buf, 3));
	close(s[1]);
}

static void data(int l)
{
	static char big[20000];
	int s[2];

	section("data and the end");
	test_pair(l, s);
	DO(write(s[0], "abc", 3));
	DO(waiting(s[1]));
	DO(write(s[1], big, sizeof(big)));
	DO(waiting(s[0]));
	DO(shutdown(s[0], SHUT_WR));
	DO(state_of(s[1]));
	close(s[0]);
	close(s[1]);
}

static void connecting(int l)
{
	struct sockaddr_in there = test_sin(test_addr, test_port(l)), closed;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), other;

	section("connecting");
	DO(connect(fd, SA(there)));
	DO(state_of(fd));
	DO(close(fd));
	close(accept(l, NULL, NULL));
	other = test_listener();
	closed = test_sin(test_addr, test_port(other));
	close(other);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	DO(connect(fd, SA(closed)));
	printf("SO_ERROR %s\n", error_of(fd));
	close(fd);
}

static void datagrams(void)
{
	struct sockaddr_in any = test_sin("0.0.0.0", 0), to;
	int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);

	section("datagrams");
	DO(bind(a, SA(any)));
	to = test_sin(test_addr, test_port(a));
	DO(connect(b, SA(to)));
	DO(write(b, "hello", 5));
	DO(waiting(a));
	DO(close(a));
	DO(write(b, "hello", 5));
	printf("SO_ERROR %s\n", error_of(b));
	close(b);
}

int main(int argc, char **argv)
{
	int l;

	test_begin(argc, argv);
	l = test_listener();
	resets(l);
	data(l);
	connecting(l);
	datagrams();
	close(l);
	return 0;
}
