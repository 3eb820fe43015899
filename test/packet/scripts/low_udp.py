# SPDX-License-Identifier: BSD-3-Clause
"""low_udp.py - UDP sockets and what happens below them (RFC 768, RFC 1122 4.1)."""
import frame as fr
from low import BROADCAST, group_mac, ip4, ip6, see_all, send
from script import script

SOCK_DGRAM, DONTWAIT, ERRQUEUE = 2, 0x40, 0x2000
PORT = 5000


def bound(t, port=PORT, addr=None):
    fd = t.socket(SOCK_DGRAM)
    t.call("bind", fd, addr or t.any, port)
    return fd


def datagram(t, text, payload=b"0123456789", src=None, dst=None, sport=6000, dport=PORT, to=None, cut=None, more=b"", opts=b"", **how):
    src, dst = src or t.host, dst or t.subject
    d = fr.udp(src, dst, sport, dport, payload, **how)[:cut] + more
    packet = ip6(src, dst, fr.UDP, d) if t.family == 6 else ip4(src, dst, fr.UDP, d, opts=opts)
    send(t, packet, text, *([to] if to else []))


def received(t, fd):
    return t.call("recvmsg", fd, 100, DONTWAIT, 256)


def error_about(t, kind, code, rest=0, port=6000, src=None, src_port=PORT, size=40):
    """From a router, about a datagram that the subject might have sent."""
    router = "2001:db8::fe" if t.family == 6 else "192.0.2.254"
    d = fr.udp(t.subject, t.host, src_port, port, b"x" * size)
    q = ip6(src or t.subject, t.host, fr.UDP, d) if t.family == 6 else ip4(src or t.subject, t.host, fr.UDP, d)
    m = fr.icmp(kind, code, rest, q, v6=(router, t.subject) if t.family == 6 else None)
    packet = ip6(router, t.subject, fr.ICMP6, m) if t.family == 6 else ip4(router, t.subject, fr.ICMP, m)
    send(t, packet, f"icmp {kind}/{code} {rest}")


UNREACH4 = [(3, c, 1400 if c == 4 else 0) for c in range(17)] + [(4, 0, 0), (11, 0, 0), (11, 1, 0), (5, 1, 0)]
UNREACH6 = [(1, c, 0) for c in range(8)] + [(2, 0, 1400), (3, 0, 0), (3, 1, 0)]


@script(families=(4, 6))
def udp_lengths_and_checksums(t):
    fd = bound(t)
    for text, how in (("as it should be", {}), ("empty", {"payload": b""}), ("odd", {"payload": b"abc"}),
                      ("without a checksum", {"no_csum": True}), ("with a bad one", {"bad_csum": True}),
                      ("shorter than the packet", {"more": b"junk"}), ("length 7", {"length": 7}),
                      ("beyond the packet", {"length": 30}), ("cut", {"cut": 7}), ("from port 0", {"sport": 0}),
                      ("to port 0", {"dport": 0})):
        datagram(t, text, **how)
        received(t, fd)


@script(families=(4, 6))
def udp_errors_to_a_connected_socket(t):
    fd = bound(t)
    t.call("connect", fd, t.host, 6000)
    for kind, code, rest in UNREACH6 if t.family == 6 else UNREACH4:
        error_about(t, kind, code, rest)
        t.error(fd)


@script(families=(4, 6))
def udp_errors_end_the_next_call(t):
    fd = bound(t)
    t.call("connect", fd, t.host, 6000)
    refused = (1, 4) if t.family == 6 else (3, 3)
    for call in ("send", "recv"):
        error_about(t, *refused)
        t.poll(fd)
        t.call(call, fd, 10, DONTWAIT)
        t.call(call, fd, 10, DONTWAIT)
    h = t.start("recv", fd, 10)
    error_about(t, *refused)
    t.end(h)


@script(families=(4, 6))
def udp_errors_to_a_socket_that_is_not_connected(t):
    fd = bound(t)
    for kind, code, rest in UNREACH6 if t.family == 6 else UNREACH4:
        error_about(t, kind, code, rest)
        t.error(fd)


@script(families=(4, 6))
def udp_errors_are_queued(t):
    fd = bound(t)
    t.setint(fd, *((41, 25) if t.family == 6 else (0, 11)), 1)
    for kind, code, rest in UNREACH6 if t.family == 6 else UNREACH4:
        error_about(t, kind, code, rest)
        t.poll(fd)
        t.call("recvmsg", fd, 100, ERRQUEUE | DONTWAIT, 512)
        t.error(fd)


@script(families=(6,), deviation="RFC 8201 4: packet too big of less than 1280 is discarded")
def udp_too_big_of_too_little(t):
    fd = bound(t)
    t.call("connect", fd, t.host, 6000)
    error_about(t, 2, 0, 100)
    t.error(fd)


@script(families=(4, 6))
def udp_errors_about_others(t):
    fd = bound(t)
    t.call("connect", fd, t.host, 6000)
    refused = (1, 4) if t.family == 6 else (3, 3)
    error_about(t, *refused, port=6001)
    t.error(fd)
    error_about(t, *refused, src_port=PORT + 1)
    t.error(fd)
    error_about(t, *refused, src="2001:db8::77" if t.family == 6 else "192.0.2.77")
    t.error(fd)


@script(families=(4, 6))
def udp_broadcasts_and_groups_are_delivered(t):
    see_all(t)
    wild, named = bound(t), bound(t, PORT + 1, t.subject)
    for fd, port in ((wild, PORT), (named, PORT + 1)):
        targets = ["ff02::1", "ff02::99"] if t.family == 6 else ["192.0.2.255", "255.255.255.255", "192.0.2.0", "224.0.0.1", "239.7.7.7"]
        for dst in targets:
            group = t.family == 6 or dst.startswith(("224", "239"))
            datagram(t, f"to {dst}", dst=dst, dport=port, to=group_mac(dst) if group else BROADCAST)
            received(t, fd)
        datagram(t, "to us, in a broadcast frame", dport=port, to=BROADCAST)
        received(t, fd)


@script
def udp_broadcasts_are_sent(t):
    see_all(t)
    fd = bound(t)
    t.call("send", fd, 10, 0, "192.0.2.255", 6000)
    t.setint(fd, 1, 6, 1)                           # SO_BROADCAST
    t.call("send", fd, 10, 0, "192.0.2.255", 6000)
    t.call("send", fd, 10, 0, "192.0.2.0", 6000)
    received(t, fd)


@script(families=(4, 6))
def udp_large_datagrams_leave_in_fragments(t):
    fd = bound(t)
    for size in (1472, 1473, 1452, 1453, 4000, 30000):
        t.call("send", fd, size, 0, t.host, 6000)
    t.call("send", fd, 65507, 0, t.host, 6000)
    t.call("send", fd, 65508, 0, t.host, 6000)
    t.setint(fd, *((41, 23) if t.family == 6 else (0, 10)), 2) # never fragment
    t.call("send", fd, 1400, 0, t.host, 6000)
    t.call("send", fd, 1473, 0, t.host, 6000)


@script(families=(4, 6))
def udp_a_narrower_path_is_learned(t):
    fd = bound(t)
    t.call("connect", fd, t.host, 6000)
    t.call("send", fd, 1400)
    error_about(t, *((2, 0) if t.family == 6 else (3, 4)), 1300, size=1400)
    t.error(fd)
    t.call("send", fd, 1400)
    t.call("send", fd, 1400)
    t.getint(fd, *((41, 24) if t.family == 6 else (0, 14)))
