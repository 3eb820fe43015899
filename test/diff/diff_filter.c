/* SPDX-License-Identifier: BSD-3-Clause */
/* SO_ATTACH_FILTER: what a socket receives of what arrives, and what it says of its filter */
#include <linux/filter.h>

#include "diff.h"

#define PASS(n) { BPF_STMT(BPF_RET | BPF_K, n) }

static int attach(int s, struct sock_filter *code, unsigned short len)
{
	struct sock_fprog prog = { .len = len, .filter = code };

	return setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

static int detach(int s)
{
	return setsockopt(s, SOL_SOCKET, SO_DETACH_FILTER, &(int){ 0 }, sizeof(int));
}

static void show_filter(int s)
{
	struct sock_filter code[8];
	socklen_t len = 8;

	DO(getsockopt(s, SOL_SOCKET, SO_GET_FILTER, code, &len));
	say("%u instructions", len);
}

/* Echoes of what begins with 'a', at the UDP header's end. */
static void datagrams_of_choice(int s)
{
	struct sock_filter a[] = { BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8),
				   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'a', 0, 1),
				   BPF_STMT(BPF_RET | BPF_K, 0xffff), BPF_STMT(BPF_RET | BPF_K, 0) };
	char buf[20];

	DO(attach(s, a, 4));
	show_filter(s);
	DO(send(s, "b1", 2, 0));
	DO(send(s, "a2", 2, 0));
	wait_for(s, POLLIN, 5000);
	DO(recv(s, buf, sizeof(buf), 0));
	say("%.2s", buf);
	wait_for(s, POLLIN, 50);
	DO(detach(s));
	DO(detach(s));
	DO(send(s, "b3", 2, 0));
	wait_for(s, POLLIN, 5000);
	DO(recv(s, buf, sizeof(buf), 0));
}

void filter_udp(void)
{
	union addr echo = at(peer_addr, UECHO), lo = at(loopback(), 0);
	struct sock_filter three[] = PASS(8 + 3), one[] = PASS(1);
	int s = socket(family, SOCK_DGRAM, 0), l = socket(family, SOCK_DGRAM, 0);
	socklen_t len = sizeof(lo);
	char buf[20];

	DO(connect(s, SA(echo)));
	datagrams_of_choice(s);
	/* Cut off, but never into the header. */
	DO(attach(s, three, 1));
	DO(send(s, "12345", 5, 0));
	wait_for(s, POLLIN, 5000);
	DO(recv(s, buf, sizeof(buf), MSG_TRUNC));
	DO(attach(s, one, 1));
	DO(send(s, "12345", 5, 0));
	wait_for(s, POLLIN, 5000);
	DO(recv(s, buf, sizeof(buf), MSG_TRUNC));
	/* The same for what comes by the kernel's loopback, attached before and after bind(2). */
	DO(attach(l, three, 1));
	DO(bind(l, SA(lo)));
	getsockname(l, &lo.sa, &len);
	DO(sendto(l, "12345", 5, 0, SA(lo)));
	wait_for(l, POLLIN, 5000);
	DO(recv(l, buf, sizeof(buf), MSG_TRUNC));
	DO(attach(l, one, 1));
	DO(sendto(l, "12345", 5, 0, SA(lo)));
	wait_for(l, POLLIN, 5000);
	DO(recv(l, buf, sizeof(buf), MSG_TRUNC));
	show_filter(l);
	close(s);
	close(l);
}

/* A socket that serves both sides. */
void filter_any_address(void)
{
	struct sock_filter three[] = PASS(8 + 3), none[] = PASS(0);
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	union addr any = at(any_host(), 7300), lo;
	int s = socket(family, SOCK_DGRAM, 0), c = socket(family, SOCK_DGRAM, 0);
	union addr echo = at(peer_addr, UECHO);
	char buf[20];

	DO(attach(s, three, 1));
	DO(bind(s, SA(any)));
	lo = at(loopback(), 7300);
	DO(sendto(c, "12345", 5, 0, SA(lo)));
	wait_for(s, POLLIN, 5000);
	DO(recv(s, buf, sizeof(buf), 0));
	DO(sendto(s, "12345", 5, 0, SA(echo)));
	wait_for(s, POLLIN, 5000);
	DO(recv(s, buf, sizeof(buf), 0));
	/* Ours alone for a while, and then both sides' again (an IPv6 socket of the kernel's is not). */
	if (family == AF_INET) {
		DO(connect(s, SA(echo)));
		DO(detach(s));
		DO(connect(s, &unspec, sizeof(unspec)));
		DO(sendto(c, "12345", 5, 0, SA(lo)));
		wait_for(s, POLLIN, 5000);
		DO(recv(s, buf, sizeof(buf), 0));
	}
	DO(attach(s, none, 1));
	DO(setsockopt(s, SOL_SOCKET, SO_LOCK_FILTER, &(int){ 1 }, sizeof(int)));
	DO(attach(s, three, 1));
	DO(detach(s));
	DO(sendto(c, "12345", 5, 0, SA(lo)));
	DO(sendto(s, "12345", 5, 0, SA(echo)));
	wait_for(s, POLLIN, 50);
	close(s);
	close(c);
}

void filter_tcp(void)
{
	struct sock_filter none[] = PASS(0), half[] = PASS(60), all[] = PASS(0xffffffff);
	union addr lo = at(loopback(), 0);
	int s = tcp_to(ECHO), port, l = listener(family, &port), c, d;
	char buf[100];

	/* Nothing is heard until it is detached; then the peer's repetition is. */
	DO(attach(s, none, 1));
	DO(send(s, "hello", 5, 0));
	wait_for(s, POLLIN, 100);
	DO(detach(s));
	wait_for(s, POLLIN, 10000);
	DO(recv(s, buf, sizeof(buf), 0));
	/* What is cut off comes again. */
	memset(buf, 'x', 80);
	DO(attach(s, half, 1));
	DO(send(s, buf, 80, 0));
	DO(recv(s, buf, 80, MSG_WAITALL));
	close(s);
	/* An accepted connection has its listener's, and may change it. */
	DO(attach(l, all, 1));
	ask_peer(port, "send-hello");
	c = DOFD(accept(l, NULL, NULL));
	show_filter(c);
	DO(detach(c));
	show_filter(l);
	DO(recv(c, buf, 6, MSG_WAITALL));
	close(c);
	/* The kernel's side of the listener. */
	DO(attach(l, none, 1));
	lo = at(loopback(), port);
	d = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	DO(connect(d, SA(lo)));
	wait_for(l, POLLIN, 100);
	DO(detach(l));
	wait_for(l, POLLIN, 10000);
	close(accept(l, NULL, NULL));
	close(d);
	/* Locked there as well. */
	DO(attach(l, all, 1));
	DO(setsockopt(l, SOL_SOCKET, SO_LOCK_FILTER, &(int){ 1 }, sizeof(int)));
	d = socket(family, SOCK_STREAM, 0);
	DO(connect(d, SA(lo)));
	c = DOFD(accept(l, NULL, NULL));
	show_filter(c);
	DO(detach(c));
	close(c);
	close(d);
	close(l);
}

/* A connection to the kernel's side, after one to ours was refused. */
void filter_second_try(void)
{
	struct sock_filter none[] = PASS(0);
	union addr closed = at(peer_addr, CLOSED), lo;
	int port, l = listener(family, &port), s = socket(family, SOCK_STREAM, 0);

	DO(connect(s, SA(closed)));
	DO(attach(s, none, 1));
	DO(fcntl(s, F_SETFL, O_NONBLOCK));
	lo = at(loopback(), port);
	DO(connect(s, SA(lo)));
	wait_for(s, POLLOUT, 100);
	show_filter(s);
	DO(detach(s));
	wait_for(s, POLLOUT, 10000);
	close(s);
	close(l);
}

void filter_errors(void)
{
	struct sock_filter bad[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0) }, all[] = PASS(1);
	struct sock_fprog nowhere = { .len = 1, .filter = (struct sock_filter *)16 };
	struct sock_fprog null = { .len = 1, .filter = NULL }, fine = { .len = 1, .filter = all };
	int s = socket(family, SOCK_STREAM, 0);

	DO(attach(s, bad, 1));
	DO(attach(s, all, 0));
	DO(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &nowhere, sizeof(nowhere)));
	DO(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &null, sizeof(null)));
	DO(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &fine, sizeof(fine) - 1));
	DO(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, NULL, sizeof(fine)));
	DO(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &fine, 2));
	DO(detach(s));
	show_filter(s);
	close(s);
}
