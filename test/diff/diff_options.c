/* SPDX-License-Identifier: BSD-3-Clause */
/* socket options: values, lengths, errors */
#include "diff.h"

#ifndef IP_PROTOCOL
#define IP_PROTOCOL 52
#endif

void options(void)
{
	static const struct {
		int level, name;
		const char *text;
		int set; /* value to set, or -1 */
	} opts[] = {
#define OPT(l, n, v) { l, n, #n, v }
		OPT(SOL_SOCKET, SO_REUSEADDR, 1), OPT(SOL_SOCKET, SO_REUSEPORT, 1),
		OPT(SOL_SOCKET, SO_KEEPALIVE, 1), OPT(SOL_SOCKET, SO_BROADCAST, 5),
		OPT(SOL_SOCKET, SO_OOBINLINE, 1), OPT(SOL_SOCKET, SO_TYPE, -1),
		OPT(SOL_SOCKET, SO_DOMAIN, -1), OPT(SOL_SOCKET, SO_PROTOCOL, -1),
		OPT(SOL_SOCKET, SO_TYPE, 1), OPT(SOL_SOCKET, SO_ERROR, 1),
		OPT(SOL_SOCKET, SO_SNDBUF, 20000), OPT(SOL_SOCKET, SO_RCVBUF, 30000),
		OPT(SOL_SOCKET, SO_SNDBUF, 1), OPT(SOL_SOCKET, SO_RCVBUF, 1),
		OPT(SOL_SOCKET, SO_RCVLOWAT, 10), OPT(SOL_SOCKET, SO_SNDLOWAT, 10),
		OPT(SOL_SOCKET, SO_SNDLOWAT, -1), OPT(SOL_SOCKET, SO_PRIORITY, 3),
		OPT(SOL_SOCKET, SO_MARK, 3), OPT(SOL_SOCKET, SO_TIMESTAMP, 1),
		OPT(SOL_SOCKET, 9999, 1), OPT(SOL_SOCKET, SO_PEEK_OFF, 3),
		OPT(SOL_SOCKET, SO_TIMESTAMPING, 0x90), OPT(SOL_SOCKET, SO_TIMESTAMPING, 0x10010),
		OPT(SOL_SOCKET, SO_RXQ_OVFL, 1), OPT(SOL_SOCKET, SO_BUSY_POLL, -1),
		OPT(SOL_TCP, TCP_NODELAY, 1), OPT(SOL_TCP, TCP_CORK, 1), OPT(SOL_TCP, TCP_QUICKACK, 0),
		OPT(SOL_TCP, TCP_KEEPIDLE, 30), OPT(SOL_TCP, TCP_KEEPINTVL, 5),
		OPT(SOL_TCP, TCP_KEEPCNT, 4), OPT(SOL_TCP, TCP_KEEPIDLE, 0),
		OPT(SOL_TCP, TCP_KEEPCNT, 128), OPT(SOL_TCP, TCP_SYNCNT, 3),
		OPT(SOL_TCP, TCP_SYNCNT, 0), OPT(SOL_TCP, TCP_LINGER2, 10),
		OPT(SOL_TCP, TCP_DEFER_ACCEPT, 5), OPT(SOL_TCP, TCP_USER_TIMEOUT, 1000),
		OPT(SOL_TCP, TCP_USER_TIMEOUT, -5), OPT(SOL_TCP, TCP_MAXSEG, 1000),
		OPT(SOL_TCP, TCP_MAXSEG, 10), OPT(SOL_TCP, TCP_NOTSENT_LOWAT, 16384),
		OPT(SOL_TCP, TCP_WINDOW_CLAMP, -5), OPT(SOL_TCP, TCP_INQ, 1), OPT(SOL_TCP, 9999, 1),
		OPT(SOL_IP, IP_TOS, 0x10), OPT(SOL_IP, IP_TTL, 70), OPT(SOL_IP, IP_TTL, 0),
		OPT(SOL_IP, IP_TTL, 300), OPT(SOL_IP, IP_MTU_DISCOVER, 2), OPT(SOL_IP, IP_MTU_DISCOVER, 9),
		OPT(SOL_IP, IP_RECVERR, 1), OPT(SOL_IP, IP_MTU, -1), OPT(SOL_IP, IP_PKTINFO, 1),
		OPT(SOL_IP, IP_FREEBIND, 1), OPT(SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1),
		OPT(SOL_IP, IP_MINTTL, 10), OPT(SOL_IP, IP_PROTOCOL, -1), OPT(SOL_IP, 9999, 1),
		OPT(SOL_IPV6, IPV6_V6ONLY, 1), OPT(SOL_IPV6, IPV6_V6ONLY, 7), OPT(SOL_IPV6, IPV6_UNICAST_HOPS, 70),
		OPT(SOL_IPV6, IPV6_UNICAST_HOPS, -1), OPT(SOL_IPV6, IPV6_UNICAST_HOPS, 256),
		OPT(SOL_IPV6, IPV6_MULTICAST_HOPS, 5), OPT(SOL_IPV6, IPV6_MULTICAST_LOOP, 0),
		OPT(SOL_IPV6, IPV6_RECVPKTINFO, 1), OPT(SOL_IPV6, IPV6_RECVHOPLIMIT, 1),
		OPT(SOL_IPV6, IPV6_RECVTCLASS, 1), OPT(SOL_IPV6, IPV6_TCLASS, 0x20),
		OPT(SOL_IPV6, IPV6_TCLASS, 256), OPT(SOL_IPV6, IPV6_RECVERR, 1),
		OPT(SOL_IPV6, IPV6_MTU_DISCOVER, 2), OPT(SOL_IPV6, IPV6_MTU_DISCOVER, 9),
		OPT(SOL_IPV6, IPV6_MTU, -1), OPT(SOL_IPV6, IPV6_DONTFRAG, 1),
		OPT(SOL_IPV6, 9999, 1),
		OPT(12345, 1, 1),
	};

	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		int s = socket(family, type, 0);

		for (size_t i = 0; i < sizeof(opts) / sizeof(opts[0]); i++) {
			int v = opts[i].set, r = 0, got = -1;
			socklen_t len = sizeof(got);
			char line[100];

			if (v != -1) {
				errno = 0;
				r = setsockopt(s, opts[i].level, opts[i].name, &v, sizeof(v));
				snprintf(line, sizeof(line), "set %s %d: %s", opts[i].text, v,
					 r < 0 ? strerrorname_np(errno) : "0");
			} else {
				snprintf(line, sizeof(line), "get %s", opts[i].text);
			}
			errno = 0;
			r = getsockopt(s, opts[i].level, opts[i].name, &got, &len);
			if (r < 0)
				say("%s; get %s", line, strerrorname_np(errno));
			else
				say("%s; get %d len %u", line, got, len);
		}
		close(s);
	}
}

void option_lengths(void)
{
	struct linger lg = { 1, 5 }, got = { 0, 0 };
	struct tcp_info ti;
	char cc[32] = "reno";
	unsigned char c = 1;
	int s = socket(family, SOCK_STREAM, 0), one = 1;
	socklen_t len = sizeof(got);

	DO(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &c, 1));
	DO(setsockopt(s, SOL_TCP, TCP_NODELAY, &c, 1));
	DO(setsockopt(s, SOL_IP, IP_TOS, &c, 1));
	DO(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, 0));
	DO(setsockopt(s, SOL_IP, IP_TRANSPARENT, &one, 0));
	DO(setsockopt(s, SOL_IPV6, IPV6_AUTOFLOWLABEL, &c, 1));
	DO(setsockopt(s, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg)));
	DO(setsockopt(s, SOL_SOCKET, SO_LINGER, &lg, 4));
	DO(getsockopt(s, SOL_SOCKET, SO_LINGER, &got, &len));
	say("%d %d %u", got.l_onoff, got.l_linger, len);
	len = 2;
	DO(getsockopt(s, SOL_SOCKET, SO_LINGER, &got, &len));
	say("%u", len);
	len = 2;
	DO(getsockopt(s, SOL_SOCKET, SO_TYPE, &one, &len));
	say("%u", len);
	len = (socklen_t)-1;
	DO(getsockopt(s, SOL_SOCKET, SO_TYPE, &one, &len));
	len = 8;
	DO(getsockopt(s, SOL_TCP, TCP_INFO, &ti, &len));
	say("%u state %u", len, ti.tcpi_state);
	DO(setsockopt(s, SOL_TCP, TCP_CONGESTION, "nonesuch", 8));
	DO(setsockopt(s, SOL_TCP, TCP_CONGESTION, cc, 4));
	len = sizeof(cc);
	DO(getsockopt(s, SOL_TCP, TCP_CONGESTION, cc, &len));
	say("%s %u", cc, len);
	close(s);
}
