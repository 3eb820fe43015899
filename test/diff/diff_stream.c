/* SPDX-License-Identifier: BSD-3-Clause */
/* stream sockets: states, errors, closing */
#include "diff.h"

void unconnected_stream(void)
{
	char buf[10];
	union addr sin;
	socklen_t len = sizeof(sin);
	int s = socket(family, SOCK_STREAM, 0);

	DO(read(s, buf, 10));
	DO(recv(s, buf, 10, MSG_DONTWAIT));
	DO(write(s, buf, 10));
	DO(send(s, buf, 10, MSG_NOSIGNAL));
	DO(getpeername(s, (struct sockaddr *)&sin, &len));
	DO(getsockname(s, (struct sockaddr *)&sin, &len));
	say("%s:%d len %u", addr_text(&sin), ntohs(sin.in.sin_port), len);
	DO(shutdown(s, SHUT_RDWR));
	DO(accept(s, NULL, NULL));
	DO(listen(s, 5));
	wait_for(s, POLLIN | POLLOUT | POLLRDHUP, 0);
	close(s);
	s = socket(family, SOCK_STREAM, 0);
	wait_for(s, POLLIN | POLLOUT | POLLRDHUP, 0);
	DO(listen(s, -1));
	DO(lseek(s, 0, SEEK_SET));
	close(s);
}

void bind_errors(void)
{
	union addr sin = at(our_addr, 0), other = at(foreign_host(), 0);
	socklen_t len = sizeof(sin);
	int s = socket(family, SOCK_STREAM, 0), t = socket(family, SOCK_STREAM, 0), one = 1;

	DO(bind(s, (struct sockaddr *)&sin, 3));
	DO(bind(s, (struct sockaddr *)&sin, 15));
	DO(bind(s, SA(other)));
	DO(bind(s, SA(sin)));
	DO(bind(s, SA(sin)));
	DO(getsockname(s, (struct sockaddr *)&sin, &len));
	say("address %s port %s", addr_text(&sin), sin.in.sin_port ? "chosen" : "zero");
	DO(bind(t, SA(sin)));
	DO(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	DO(setsockopt(t, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	DO(bind(t, SA(sin)));
	DO(listen(s, 5));
	DO(listen(t, 5));
	sin.sa.sa_family = family == AF_INET6 ? AF_INET : AF_INET6;
	close(t);
	t = socket(family, SOCK_STREAM, 0);
	DO(bind(t, SA(sin)));
	sin.sa.sa_family = (sa_family_t)family;
	DO(bind(t, SA(sin)));
	close(s);
	close(t);
}

void reuseport(void)
{
	union addr sin = at(any_host(), 0);
	socklen_t len = sizeof(sin);
	int a = socket(family, SOCK_STREAM, 0), b = socket(family, SOCK_STREAM, 0), one = 1;
	int c = socket(family, SOCK_STREAM, 0);

	setsockopt(a, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	setsockopt(b, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	DO(bind(a, SA(sin)));
	getsockname(a, (struct sockaddr *)&sin, &len);
	DO(bind(b, SA(sin)));
	DO(bind(c, SA(sin)));
	DO(listen(a, 5));
	DO(listen(b, 5));
	DO(bind(c, SA(sin)));
	close(a);
	close(b);
	DO(bind(c, SA(sin)));
	close(c);
}

void connect_errors(void)
{
	union addr closed = at(peer_addr, CLOSED), echo = at(peer_addr, ECHO);
	int s = socket(family, SOCK_STREAM, 0), err = 0;
	socklen_t len = sizeof(err);
	char buf[4];

	DO(connect(s, SA(closed)));
	DO(getsockopt(s, SOL_SOCKET, SO_ERROR, &err, &len));
	say("SO_ERROR %d", err);
	DO(read(s, buf, 4));
	DO(connect(s, SA(echo)));
	DO(connect(s, SA(echo)));
	close(s);
	s = socket(family, SOCK_STREAM, 0);
	DO(connect(s, (struct sockaddr *)&echo, 4));
	echo.sa.sa_family = 99;
	DO(connect(s, SA(echo)));
	close(s);
}

void connect_nonblocking(void)
{
	union addr echo = at(peer_addr, ECHO), closed = at(peer_addr, CLOSED);
	int s = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0), err = -1;
	socklen_t len = sizeof(err);

	DO(connect(s, SA(echo)));
	wait_for(s, POLLOUT, 5000);
	DO(getsockopt(s, SOL_SOCKET, SO_ERROR, &err, &len));
	say("SO_ERROR %d", err);
	DO(connect(s, SA(echo)));
	DO(connect(s, SA(echo)));
	close(s);
	s = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	DO(connect(s, SA(closed)));
	wait_for(s, POLLIN | POLLOUT | POLLRDHUP, 5000);
	DO(getsockopt(s, SOL_SOCKET, SO_ERROR, &err, &len));
	say("SO_ERROR %s", strerrorname_np(err));
	wait_for(s, POLLIN | POLLOUT | POLLRDHUP, 0);
	close(s);
}

void echo_and_names(void)
{
	union addr sin;
	socklen_t len = sizeof(sin);
	char buf[100] = { 0 };
	int s = tcp_to(ECHO), n = -1;

	DO(getpeername(s, (struct sockaddr *)&sin, &len));
	say("peer %s:%d", addr_text(&sin), ntohs(sin.in.sin_port));
	DO(getsockname(s, (struct sockaddr *)&sin, &len));
	say("local %s port %s", addr_text(&sin), sin.in.sin_port ? "chosen" : "zero");
	DO(write(s, "hello", 5));
	wait_for(s, POLLIN, 5000);
	DO(ioctl(s, FIONREAD, &n));
	say("FIONREAD %d", n);
	DO(recv(s, buf, 100, MSG_PEEK));
	DO(recv(s, buf, 2, 0));
	DO(recv(s, buf, 100, MSG_DONTWAIT));
	say("%s", buf);
	DO(recv(s, buf, 100, MSG_DONTWAIT));
	DO(read(s, buf, 0));
	DO(write(s, buf, 0));
	DO(send(s, buf, 0, 0));
	DO(shutdown(s, SHUT_WR));
	wait_for(s, POLLIN | POLLRDHUP, 5000);
	until(s, POLLHUP);
	wait_for(s, POLLIN | POLLOUT | POLLRDHUP, 0);
	DO(read(s, buf, 10));
	DO(send(s, "x", 1, MSG_NOSIGNAL));
	DO(shutdown(s, SHUT_WR));
	close(s);
}

void vectors_and_flags(void)
{
	char a[3], b[50], out[200];
	char abc[] = "abc", defgh[] = "defgh";
	struct iovec v[2] = { { abc, 3 }, { defgh, 5 } }, w[2] = { { a, 3 }, { b, 50 } };
	struct msghdr m = { .msg_iov = w, .msg_iovlen = 2 };
	int s = tcp_to(ECHO);

	DO(writev(s, v, 2));
	DO(recv(s, out, 8, MSG_WAITALL));
	say("%.8s", out);
	DO(writev(s, v, 2));
	DO(recv(s, out, 8, MSG_WAITALL | MSG_PEEK));
	memset(b, 0, sizeof(b));
	DO(recvmsg(s, &m, 0));
	say("%.3s %s flags %x", a, b, m.msg_flags);
	DO(writev(s, v, 2));
	DO(recv(s, NULL, 8, MSG_WAITALL | MSG_TRUNC));
	volatile int less = -1, more = 5000; /* volatile: gcc would refuse them */

	DO(writev(s, v, less));
	DO(readv(s, w, more));
	DO(recv(s, out, 8, MSG_OOB));
	DO(recv(s, out, 8, MSG_ERRQUEUE));
	DO(pread(s, out, 1, 0));
	DO(pwrite(s, out, 1, 0));
	close(s);
}

void receive_timeout(void)
{
	struct timeval tv = { 0, 60000 }, got, bad = { 0, 2000000 };
	socklen_t len = sizeof(got);
	struct timespec t0, t1;
	char buf[4];
	int s = tcp_to(MUTE);

	DO(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	DO(getsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &got, &len));
	say("%ld.%06ld", (long)got.tv_sec, (long)got.tv_usec);
	DO(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &bad, sizeof(bad)));
	DO(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, 4));
	clock_gettime(CLOCK_MONOTONIC, &t0);
	DO(recv(s, buf, 4, 0));
	clock_gettime(CLOCK_MONOTONIC, &t1);
	double ms = (double)(t1.tv_sec - t0.tv_sec) * 1e3 + (double)(t1.tv_nsec - t0.tv_nsec) / 1e6;
	say("it took %s", ms < 50 ? "too short" : ms > 2000 ? "too long" : "its time");
	close(s);
}

void peer_closes(void)
{
	char buf[10];
	int s = tcp_to(FIN);

	wait_for(s, POLLIN | POLLRDHUP, 5000);
	wait_for(s, POLLIN | POLLOUT | POLLRDHUP, 0);
	DO(read(s, buf, 10));
	DO(read(s, buf, 10));
	DO(send(s, "x", 1, MSG_NOSIGNAL));
	until(s, POLLHUP);
	wait_for(s, POLLIN | POLLOUT | POLLRDHUP, 0);
	DO(send(s, "x", 1, MSG_NOSIGNAL));
	DO(read(s, buf, 10));
	close(s);
}

void peer_resets(void)
{
	char buf[10];
	int s = tcp_to(RST), err = -1;
	socklen_t len = sizeof(err);

	until(s, POLLHUP);
	wait_for(s, POLLIN | POLLOUT | POLLRDHUP, 0);
	DO(read(s, buf, 10));
	DO(read(s, buf, 10));
	DO(send(s, "x", 1, MSG_NOSIGNAL));
	DO(getsockopt(s, SOL_SOCKET, SO_ERROR, &err, &len));
	say("SO_ERROR %d", err);
	DO(shutdown(s, SHUT_WR));
	close(s);
	s = tcp_to(RST);
	until(s, POLLERR);
	DO(getsockopt(s, SOL_SOCKET, SO_ERROR, &err, &len));
	say("SO_ERROR %s", strerrorname_np(err));
	wait_for(s, POLLIN | POLLOUT | POLLRDHUP, 0);
	DO(read(s, buf, 10));
	close(s);
	s = tcp_to(RST);
	until(s, POLLERR);
	DO(send(s, "x", 1, MSG_NOSIGNAL));
	DO(send(s, "x", 1, MSG_NOSIGNAL));
	DO(read(s, buf, 10));
	close(s);
	s = tcp_to(UNREAD);
	DO(send(s, "xyz", 3, MSG_NOSIGNAL));
	until(s, POLLERR);
	DO(read(s, buf, 10));
	close(s);
}

void linger_zero_and_closed(void)
{
	struct linger lg = { 1, 0 };
	int port, l = listener(family, &port), c;
	struct tcp_info ti;
	socklen_t len = sizeof(ti);

	ask_peer(port, "hold");
	c = accept(l, NULL, NULL);
	DO(getsockopt(c, SOL_TCP, TCP_INFO, &ti, &len));
	say("state %u ca %u options %s wscale %s", ti.tcpi_state, ti.tcpi_ca_state,
	    (ti.tcpi_options & 3) == 3 ? "timestamps and SACK" : "less",
	    (ti.tcpi_options & 4) ? "yes" : "no");
	say("mss %u %u", ti.tcpi_snd_mss, ti.tcpi_advmss);
	DO(setsockopt(c, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg)));
	DO(close(c));
	close(l);
	/* Nobody listens now: the peer is refused. */
	ask_peer(port, "expect-refused");
}

void tcp_disconnect(void)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	union addr echo = at(peer_addr, ECHO);
	int s = tcp_to(ECHO);
	char buf[4];

	DO(connect(s, &unspec, sizeof(unspec)));
	DO(send(s, "x", 1, MSG_NOSIGNAL));
	DO(read(s, buf, 4));
	DO(connect(s, SA(echo)));
	DO(write(s, "back", 4));
	DO(recv(s, buf, 4, MSG_WAITALL));
	close(s);
}

void half_close(void)
{
	int port, l = listener(family, &port), c;
	char buf[20];

	ask_peer(port, "half-close");
	c = accept(l, NULL, NULL);
	DO(recv(c, buf, 4, MSG_WAITALL));
	DO(read(c, buf, 4));
	wait_for(c, POLLIN | POLLOUT | POLLRDHUP, 0);
	DO(write(c, "after", 5));
	DO(shutdown(c, SHUT_RD));
	DO(write(c, "more", 4));
	DO(shutdown(c, SHUT_WR));
	wait_for(c, POLLIN | POLLOUT | POLLRDHUP, 0);
	DO(shutdown(c, 9));
	close(c);
	close(l);
}

/* The last bytes and the FIN come as one while a call waits for more than is left. */
void last_words(void)
{
	int port, l = listener(family, &port), c, lowat = 20;
	char buf[20] = { 0 };

	ask_peer(port, "last-words");
	c = accept(l, NULL, NULL);
	DO(recv(c, buf, 20, MSG_WAITALL));
	say("%s", buf);
	DO(recv(c, buf, 20, MSG_WAITALL));
	close(c);
	ask_peer(port, "last-words");
	c = accept(l, NULL, NULL);
	DO(recv(c, buf, 20, MSG_WAITALL | MSG_PEEK));
	DO(setsockopt(c, SOL_SOCKET, SO_RCVLOWAT, &lowat, sizeof(lowat)));
	DO(recv(c, buf, 20, 0));
	close(c);
	ask_peer(port, "last-words");
	c = accept(l, NULL, NULL);
	DO(setsockopt(c, SOL_SOCKET, SO_RCVLOWAT, &lowat, sizeof(lowat)));
	DO(recv(c, buf, 20, 0));
	close(c);
	close(l);
}

void urgent(void)
{
	int port, l = listener(family, &port), c, mark = -1;
	char buf[20] = { 0 };

	ask_peer(port, "urgent");
	c = accept(l, NULL, NULL);
	until(c, POLLPRI);
	wait_for(c, POLLIN | POLLPRI, 0);
	DO(recv(c, buf, 20, 0));
	say("%s", buf);
	DO(ioctl(c, SIOCATMARK, &mark));
	say("mark %d", mark);
	DO(recv(c, buf, 1, MSG_OOB));
	say("%.1s", buf);
	DO(recv(c, buf, 1, MSG_OOB));
	memset(buf, 0, sizeof(buf));
	DO(recv(c, buf, 20, 0));
	say("%s", buf);
	close(c);
	close(l);
}
