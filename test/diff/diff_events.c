/* SPDX-License-Identifier: BSD-3-Clause */
/* epoll, poll and select */
#include "diff.h"

static void show_epoll(int ep, int ms)
{
	struct epoll_event ev[8];
	int n = epoll_wait(ep, ev, 8, ms);

	say("epoll_wait(%s) = %d", ms == 0 ? "0" : "wait", n);
	for (int i = 0; i < n; i++)
		say("  %u %s", ev[i].data.u32, events_name((int)ev[i].events));
}

void epoll_level_and_edge(void)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), s = tcp_to(ECHO), e = eventfd(0, 0);
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = 1 };
	char buf[10];

	DO(epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev));
	DO(epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev));
	DO(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &ev));
	DO(epoll_ctl(ep, EPOLL_CTL_DEL, e, &ev));
	DO(epoll_ctl(ep, EPOLL_CTL_MOD, e, &ev));
	DO(epoll_ctl(ep, EPOLL_CTL_ADD, -1, &ev));
	DO(epoll_ctl(s, EPOLL_CTL_ADD, e, &ev));
	DO(epoll_ctl(ep, 77, s, &ev));
	DO(epoll_wait(ep, &ev, 0, 0));
	DO(epoll_wait(s, &ev, 1, 0));
	show_epoll(ep, 0);
	DO(write(s, "abcdef", 6));
	show_epoll(ep, 5000);
	show_epoll(ep, 0);
	DO(read(s, buf, 3));
	show_epoll(ep, 0);
	DO(read(s, buf, 3));
	show_epoll(ep, 0);
	ev = (struct epoll_event){ .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = 2 };
	DO(epoll_ctl(ep, EPOLL_CTL_MOD, s, &ev));
	show_epoll(ep, 0);
	show_epoll(ep, 0);
	DO(write(s, "abcdef", 6));
	until(s, POLLIN);
	show_epoll(ep, 5000);
	show_epoll(ep, 0);
	DO(read(s, buf, 3));
	show_epoll(ep, 0);
	DO(write(s, "ghi", 3));
	for (int n = 0; n < 6; ioctl(s, FIONREAD, &n))
		usleep(1000);
	show_epoll(ep, 0);
	ev = (struct epoll_event){ .events = EPOLLIN | EPOLLONESHOT, .data.u32 = 3 };
	DO(epoll_ctl(ep, EPOLL_CTL_MOD, s, &ev));
	show_epoll(ep, 0);
	show_epoll(ep, 0);
	DO(epoll_ctl(ep, EPOLL_CTL_MOD, s, &ev));
	show_epoll(ep, 0);
	ev.events = EPOLLIN | EPOLLEXCLUSIVE;
	DO(epoll_ctl(ep, EPOLL_CTL_MOD, s, &ev));
	DO(epoll_ctl(ep, EPOLL_CTL_DEL, s, NULL));
	DO(epoll_ctl(ep, EPOLL_CTL_DEL, s, NULL));
	ev.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT;
	DO(epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev));
	show_epoll(ep, 0);
	close(s);
	close(ep);
	close(e);
}

void epoll_hangups(void)
{
	int ep = epoll_create1(0), s = tcp_to(FIN), d;
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP | EPOLLOUT, .data.u32 = 1 };

	DO(epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev));
	until(s, POLLRDHUP);
	show_epoll(ep, 5000);
	DO(shutdown(s, SHUT_WR));
	show_epoll(ep, 0);
	d = dup(s);
	close(s);
	show_epoll(ep, 0);
	close(d);
	show_epoll(ep, 0);
	s = tcp_to(RST);
	ev.events = 0;
	ev.data.u32 = 2;
	DO(epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev));
	until(s, POLLHUP);
	show_epoll(ep, 5000);
	close(s);
	show_epoll(ep, 0);
	s = socket(family, SOCK_STREAM, 0);
	ev.events = EPOLLIN | EPOLLOUT;
	DO(epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev));
	show_epoll(ep, 0);
	close(s);
	close(ep);
}

void epoll_mixed_and_nested(void)
{
	int port, l = listener(family, &port), ep = epoll_create1(0), outer = epoll_create1(0);
	int e = eventfd(0, EFD_NONBLOCK), p[2], c;
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = 1 };
	union addr sin = at(loopback(), port);
	uint64_t one = 1;

	if (pipe(p) < 0)
		return;
	DO(epoll_ctl(ep, EPOLL_CTL_ADD, l, &ev));
	ev.data.u32 = 2;
	DO(epoll_ctl(ep, EPOLL_CTL_ADD, e, &ev));
	ev.data.u32 = 9;
	DO(epoll_ctl(outer, EPOLL_CTL_ADD, ep, &ev));
	show_epoll(outer, 0);
	wait_for(ep, POLLIN, 0);
	DO(write(e, &one, 8));
	show_epoll(ep, 5000);
	show_epoll(outer, 0);
	wait_for(ep, POLLIN, 0);
	DO(read(e, &one, 8));
	show_epoll(ep, 0);
	show_epoll(outer, 0);
	ask_peer(port, "send-hello");
	until(l, POLLIN);
	show_epoll(outer, 5000);
	show_epoll(ep, 5000);
	c = DOFD(accept(l, NULL, NULL));
	close(c);
	show_epoll(ep, 0);
	show_epoll(outer, 0);
	int s = socket(family, SOCK_STREAM, 0);
	DO(connect(s, SA(sin)));
	show_epoll(ep, 5000);
	c = DOFD(accept(l, NULL, NULL));
	ev.data.u32 = 3;
	DO(epoll_ctl(ep, EPOLL_CTL_ADD, c, &ev));
	DO(write(s, "x", 1));
	show_epoll(ep, 5000);
	close(s);
	close(c);
	show_epoll(ep, 0);
	close(l);
	show_epoll(ep, 0);
	close(ep);
	show_epoll(outer, 0);
	close(outer);
	close(e);
	close(p[0]);
	close(p[1]);
}

void select_mixed(void)
{
	int s = tcp_to(ECHO), e = eventfd(0, 0), r;
	struct timeval tv = { 0, 0 };
	uint64_t one = 1;
	fd_set in, out, ex;

#define SELECT(sec)                                                                                \
	do {                                                                                       \
		FD_ZERO(&in);                                                                      \
		FD_ZERO(&out);                                                                     \
		FD_ZERO(&ex);                                                                      \
		FD_SET(s, &in);                                                                    \
		FD_SET(e, &in);                                                                    \
		FD_SET(s, &ex);                                                                    \
		tv.tv_sec = sec;                                                                   \
		r = select((s > e ? s : e) + 1, &in, &out, &ex, &tv);                               \
		say("select = %d: s %d e %d ex %d", r, !!FD_ISSET(s, &in), !!FD_ISSET(e, &in),       \
		    !!FD_ISSET(s, &ex));                                                           \
	} while (0)
	SELECT(0);
	DO(write(s, "x", 1));
	SELECT(5);
	DO(write(e, &one, 8));
	SELECT(5);
	close(e);
	close(s);
	FD_ZERO(&in);
	FD_SET(s, &in);
	DO(select(s + 1, &in, NULL, NULL, &tv));
	DO(select(-1, &in, NULL, NULL, &tv));
	struct pollfd p[3] = { { -1, POLLIN, 7 }, { s, POLLIN, 7 }, { 1, 0, 7 } };
	DO(poll(p, 3, 0));
	say("%s %s", events_name(p[0].revents), events_name(p[1].revents));
}
