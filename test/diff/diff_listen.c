/* SPDX-License-Identifier: BSD-3-Clause */
/* listening and accepting, from both sides */
#include "diff.h"

void accepting(void)
{
	union addr sin;
	socklen_t len = sizeof(sin);
	int port, l = listener(family, &port), c, on = -1;
	char buf[20] = { 0 };

	fcntl(l, F_SETFL, O_NONBLOCK);
	DOFD(accept(l, NULL, NULL));
	wait_for(l, POLLIN | POLLOUT, 0);
	ask_peer(port, "send-hello");
	wait_for(l, POLLIN | POLLOUT, 5000);
	c = DOFD(accept4(l, (struct sockaddr *)&sin, &len, SOCK_CLOEXEC));
	say("from %s len %u F_GETFL %x F_GETFD %x", addr_text(&sin), len, fcntl(c, F_GETFL),
	    fcntl(c, F_GETFD));
	wait_for(c, POLLIN, 5000);
	DO(read(c, buf, 20));
	say("%s", buf);
	len = sizeof(on);
	DO(getsockopt(c, SOL_SOCKET, SO_ACCEPTCONN, &on, &len));
	say("%d", on);
	DO(getsockopt(l, SOL_SOCKET, SO_ACCEPTCONN, &on, &len));
	say("%d", on);
	DO(read(l, buf, 1));
	DO(write(l, buf, 1));
	DO(connect(l, SA(sin)));
	DO(listen(l, 1));
	DO(listen(c, 1));
	DO(getpeername(l, (struct sockaddr *)&sin, &len));
	close(c);
	close(l);
}

void accept_errors(void)
{
	int port, l = listener(family, &port), u = socket(family, SOCK_DGRAM, 0), p[2];
	union addr sin;
	socklen_t len = (socklen_t)-1;

	fcntl(l, F_SETFL, O_NONBLOCK);
	DOFD(accept4(l, NULL, NULL, 0x123));
	DOFD(accept(u, NULL, NULL));
	if (pipe(p) == 0)
		DOFD(accept(p[0], NULL, NULL));
	DOFD(accept(-1, NULL, NULL));
	DOFD(accept(9999, (struct sockaddr *)&sin, &len));
	ask_peer(port, "send-hello");
	until(l, POLLIN);
	DOFD(accept(l, (struct sockaddr *)&sin, &len));
	close(l);
	close(u);
}

void mapped_addresses(void)
{
	struct sockaddr_in6 sin6;
	union addr echo;
	socklen_t len = sizeof(sin6);
	int port, l = listener(AF_INET6, &port), c;
	char buf[20], text[64];

	ask_peer(port, "send-hello");
	c = DOFD(accept(l, (struct sockaddr *)&sin6, &len));
	say("family %d from %s len %u", sin6.sin6_family,
	    inet_ntop(AF_INET6, &sin6.sin6_addr, text, sizeof(text)), len);
	DO(recv(c, buf, 6, MSG_WAITALL));
	len = sizeof(sin6);
	DO(getsockname(c, (struct sockaddr *)&sin6, &len));
	say("at %s", inet_ntop(AF_INET6, &sin6.sin6_addr, text, sizeof(text)));
	close(c);
	close(l);
	c = socket(AF_INET6, SOCK_STREAM, 0);
	snprintf(text, sizeof(text), "::ffff:%s", peer_addr);
	echo = at(text, ECHO);
	DO(connect(c, SA(echo)));
	DO(write(c, "mapped", 6));
	DO(recv(c, buf, 6, MSG_WAITALL));
	close(c);
}

void loopback_and_port(void)
{
	union addr sin = at(loopback(), 0);
	int port, l = listener(family, &port), s = socket(family, SOCK_STREAM, 0), c;
	socklen_t len = sizeof(sin);
	char buf[20];

	sin.in.sin_port = htons(port);
	DO(connect(s, SA(sin)));
	c = DOFD(accept(l, (struct sockaddr *)&sin, &len));
	say("from %s", addr_text(&sin));
	DO(write(s, "loop", 4));
	DO(recv(c, buf, 4, MSG_WAITALL));
	close(s);
	DO(read(c, buf, 4));
	close(c);
	ask_peer(port, "send-hello");
	c = DOFD(accept(l, (struct sockaddr *)&sin, &len));
	say("from %s", addr_text(&sin));
	close(c);
	close(l);
}
