# SPDX-License-Identifier: BSD-3-Clause
"""consts.py - numbers that scripts call by name and Python's socket module does not have."""
import struct

SOL_SOCKET, IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_IPV6 = 1, 0, 6, 17, 41
TCP_NODELAY, TCP_MAXSEG, TCP_CORK, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT = 1, 2, 3, 4, 5, 6
TCP_SYNCNT, TCP_LINGER2, TCP_DEFER_ACCEPT, TCP_WINDOW_CLAMP, TCP_INFO, TCP_QUICKACK = 7, 8, 9, 10, 11, 12
TCP_CONGESTION, TCP_USER_TIMEOUT, TCP_FASTOPEN, TCP_TIMESTAMP, TCP_NOTSENT_LOWAT = 13, 18, 23, 24, 25
TCP_FASTOPEN_CONNECT, TCP_INQ, TCP_TX_DELAY = 30, 36, 37
SO_REUSEADDR, SO_TYPE, SO_ERROR, SO_BROADCAST, SO_SNDBUF, SO_RCVBUF, SO_KEEPALIVE = 2, 3, 4, 6, 7, 8, 9
SO_OOBINLINE, SO_LINGER, SO_REUSEPORT, SO_RCVLOWAT, SO_RCVTIMEO, SO_SNDTIMEO = 10, 13, 15, 18, 20, 21
SO_TIMESTAMP, SO_ACCEPTCONN, SO_TIMESTAMPNS, SO_TIMESTAMPING, SO_ZEROCOPY = 29, 30, 35, 37, 60
IP_TOS, IP_TTL, IP_PKTINFO, IP_MTU_DISCOVER, IP_RECVERR, IP_RECVTTL, IP_RECVTOS, IP_MTU = 1, 2, 8, 10, 11, 12, 13, 14
IPV6_UNICAST_HOPS, IPV6_MTU_DISCOVER, IPV6_MTU, IPV6_RECVERR, IPV6_V6ONLY, IPV6_TCLASS = 16, 23, 24, 25, 26, 67
PMTUDISC_DONT, PMTUDISC_WANT, PMTUDISC_DO, PMTUDISC_PROBE = 0, 1, 2, 3
MSG_OOB, MSG_PEEK, MSG_CTRUNC, MSG_TRUNC, MSG_DONTWAIT, MSG_EOR, MSG_WAITALL = 1, 2, 8, 0x20, 0x40, 0x80, 0x100
MSG_ERRQUEUE, MSG_NOSIGNAL, MSG_MORE, MSG_ZEROCOPY, MSG_FASTOPEN = 0x2000, 0x4000, 0x8000, 0x4000000, 0x20000000
SHUT_RD, SHUT_WR, SHUT_RDWR = 0, 1, 2
F_GETFL, F_SETFL, O_NONBLOCK = 3, 4, 0o4000
FIONREAD, SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK, FIONBIO = 0x541b, 0x5411, 0x894b, 0x8905, 0x5421
POLLIN, POLLPRI, POLLOUT, POLLERR, POLLHUP, POLLRDHUP = 1, 2, 4, 8, 16, 0x2000
EPOLLIN, EPOLLPRI, EPOLLOUT, EPOLLERR, EPOLLHUP, EPOLLRDHUP = 1, 2, 4, 8, 16, 0x2000
EPOLLONESHOT, EPOLLET = 1 << 30, 1 << 31
POLL_ALL = POLLIN | POLLPRI | POLLOUT | POLLRDHUP
EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD = 1, 2, 3
AF_INET, AF_INET6, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_NONBLOCK = 2, 10, 1, 2, 3, 0o4000

# struct tcp_info: name → struct's letter, in order
TCP_INFO_FIELDS = (
    [(n, "B") for n in ("state", "ca_state", "retransmits", "probes", "backoff", "options", "wscale",
                        "delivery_flags")] +
    [(n, "I") for n in ("rto", "ato", "snd_mss", "rcv_mss", "unacked", "sacked", "lost", "retrans",
                        "fackets", "last_data_sent", "last_ack_sent", "last_data_recv",
                        "last_ack_recv", "pmtu", "rcv_ssthresh", "rtt", "rttvar", "snd_ssthresh",
                        "snd_cwnd", "advmss", "reordering", "rcv_rtt", "rcv_space",
                        "total_retrans")] +
    [(n, "Q") for n in ("pacing_rate", "max_pacing_rate", "bytes_acked", "bytes_received")] +
    [(n, "I") for n in ("segs_out", "segs_in", "notsent_bytes", "min_rtt", "data_segs_in",
                        "data_segs_out")] +
    [(n, "Q") for n in ("delivery_rate", "busy_time", "rwnd_limited", "sndbuf_limited")] +
    [(n, "I") for n in ("delivered", "delivered_ce")] +
    [(n, "Q") for n in ("bytes_sent", "bytes_retrans")] +
    [(n, "I") for n in ("dsack_dups", "reord_seen", "rcv_ooopack", "snd_wnd", "rcv_wnd", "rehash")] +
    [(n, "H") for n in ("total_rto", "total_rto_recoveries")] + [("total_rto_time", "I")])


def tcp_info(data):
    """Name → value of the bytes that getsockopt(TCP_INFO) gave, as far as they go."""
    out, at = {}, 0
    for name, letter in TCP_INFO_FIELDS:
        size = struct.calcsize(letter)
        if at + size > len(data):
            break
        out[name] = struct.unpack_from("=" + letter, data, at)[0]
        at += size
    return out
