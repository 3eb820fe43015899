/* SPDX-License-Identifier: BSD-3-Clause */
/* datagrams */
#include "diff.h"

void udp_basics(void)
{
	union addr echo = at(peer_addr, UECHO), from, no_port = at(peer_addr, 0);
	socklen_t len = sizeof(from);
	char buf[3000];
	int s = socket(family, SOCK_DGRAM, 0), n = -1;

	wait_for(s, POLLIN | POLLOUT, 0);
	DO(recv(s, buf, 10, MSG_DONTWAIT));
	DO(send(s, "x", 1, 0));
	DO(sendto(s, "hello", 5, 0, SA(echo)));
	wait_for(s, POLLIN, 5000);
	DO(ioctl(s, FIONREAD, &n));
	say("FIONREAD %d", n);
	DO(recvfrom(s, buf, 3, MSG_TRUNC | MSG_PEEK, (struct sockaddr *)&from, &len));
	say("from %s:%d", addr_text(&from), ntohs(from.in.sin_port));
	DO(recvfrom(s, buf, 100, 0, (struct sockaddr *)&from, &len));
	DO(sendto(s, "", 0, 0, SA(echo)));
	wait_for(s, POLLIN, 5000);
	DO(recv(s, buf, 10, 0));
	memset(buf, 7, sizeof(buf));
	DO(sendto(s, buf, 2500, 0, SA(echo)));
	wait_for(s, POLLIN, 5000);
	DO(recv(s, buf, 3000, 0));
	static char big[70000];
	DO(sendto(s, big, 65508, 0, SA(echo)));
	DO(sendto(s, big, 70000, 0, SA(echo)));
	DO(sendto(s, "x", 1, 0, SA(no_port)));
	DO(sendto(s, "x", 1, 0, (struct sockaddr *)&echo, 5));
	DO(sendto(s, "x", 1, MSG_OOB, SA(echo)));
	DO(listen(s, 1));
	close(s);
}

void udp_connected(void)
{
	union addr echo = at(peer_addr, UECHO), closed = at(peer_addr, CLOSED), sin;
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	socklen_t len = sizeof(sin);
	char buf[100];
	int s = socket(family, SOCK_DGRAM, 0);

	DO(connect(s, SA(echo)));
	DO(getpeername(s, (struct sockaddr *)&sin, &len));
	DO(getsockname(s, (struct sockaddr *)&sin, &len));
	say("local %s", addr_text(&sin));
	DO(write(s, "abc", 3));
	DO(read(s, buf, 100));
	DO(connect(s, SA(closed)));
	DO(send(s, "x", 1, 0));
	until(s, POLLERR);
	wait_for(s, POLLIN | POLLOUT, 0);
	DO(recv(s, buf, 10, MSG_DONTWAIT));
	DO(recv(s, buf, 10, MSG_DONTWAIT));
	DO(connect(s, &unspec, sizeof(unspec)));
	DO(getpeername(s, (struct sockaddr *)&sin, &len));
	DO(send(s, "x", 1, 0));
	DO(shutdown(s, SHUT_RD));
	DO(connect(s, SA(echo)));
	DO(shutdown(s, SHUT_RDWR));
	wait_for(s, POLLIN | POLLOUT | POLLRDHUP, 0);
	DO(recv(s, buf, 10, 0));
	DO(send(s, "x", 1, MSG_NOSIGNAL));
	close(s);
}

static void show_cmsg(const struct cmsghdr *c)
{
	const void *data = CMSG_DATA(c);
	union addr a = at(any_host(), 0);

	if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_PKTINFO) {
		a.in.sin_addr = ((const struct in_pktinfo *)data)->ipi_addr;
		say("IP_PKTINFO %s", addr_text(&a));
	} else if (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
		a.in6.sin6_addr = ((const struct in6_pktinfo *)data)->ipi6_addr;
		say("IPV6_PKTINFO %s", addr_text(&a));
	} else if (c->cmsg_level == SOL_SOCKET) {
		say("cmsg SOL_SOCKET %d len %zu", c->cmsg_type, (size_t)c->cmsg_len);
	} else {
		say("cmsg %d %d: %d len %zu", c->cmsg_level, c->cmsg_type, *(const uint8_t *)data,
		    (size_t)c->cmsg_len);
	}
}

void udp_control_messages(void)
{
	static const int of4[] = { IP_PKTINFO, IP_RECVTTL, IP_RECVTOS },
			 of6[] = { IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS };
	union addr echo = at(peer_addr, UECHO);
	char buf[100], control[200];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	int s = socket(family, SOCK_DGRAM, 0), one = 1;

	for (int i = 0; i < 3; i++) {
		if (family == AF_INET6)
			DO(setsockopt(s, SOL_IPV6, of6[i], &one, sizeof(one)));
		else
			DO(setsockopt(s, SOL_IP, of4[i], &one, sizeof(one)));
	}
	setsockopt(s, SOL_SOCKET, SO_TIMESTAMP, &one, sizeof(one));
	DO(sendto(s, "x", 1, 0, SA(echo)));
	DO(recvmsg(s, &m, 0));
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		show_cmsg(c);
	m.msg_controllen = 10;
	DO(sendto(s, "x", 1, 0, SA(echo)));
	DO(recvmsg(s, &m, 0));
	say("flags %x", m.msg_flags);
	close(s);
}
