# SPDX-License-Identifier: BSD-3-Clause
"""datagrams.py - what programs are told of datagrams and tell of them: control messages, flags, UDP_GRO, ping sockets."""
import frame as fr
from consts import *
from low import ip4, ip6, send
from low_udp import PORT, bound, datagram, error_about, received
from script import script

UDP_CORK, UDP_SEGMENT, UDP_GRO = 1, 103, 104
IP_RECVORIGDSTADDR = 20
IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS, IPV6_FLOWINFO = 49, 51, 66, 11
IPV6_HOPLIMIT, IPV6_PKTINFO, IPV6_DONTFRAG = 52, 50, 62


def hexint(v):
    return v.to_bytes(4, "little").hex()


@script(families=(4, 6))
def all_that_is_told_of_a_datagram(t):
    fd = bound(t)
    if t.family == 6:
        for o in (IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS, IPV6_FLOWINFO):
            t.setint(fd, IPPROTO_IPV6, o, 1)
    else:
        for o in (IP_PKTINFO, IP_RECVTTL, IP_RECVTOS, IP_RECVORIGDSTADDR):
            t.setint(fd, IPPROTO_IP, o, 1)
    datagram(t, "plain")
    received(t, fd)
    d = fr.udp(t.host, t.subject, 6000, PORT, b"12345")
    send(t, ip6(t.host, t.subject, fr.UDP, d, hops=7, tos=0x2b) if t.family == 6 else
         ip4(t.host, t.subject, fr.UDP, d, ttl=7, tos=0x2b), "ttl 7, tos 0x2b")
    received(t, fd)
    datagram(t, "little room")
    t.call("recvmsg", fd, 100, MSG_DONTWAIT, 40)
    datagram(t, "less")
    t.call("recvmsg", fd, 100, MSG_DONTWAIT, 20)
    datagram(t, "none")
    t.call("recvmsg", fd, 100, MSG_DONTWAIT, 0)





@script(families=(4, 6))
def what_a_send_may_say(t):
    fd = bound(t)
    if t.family == 6:
        words = [f"41:{IPV6_HOPLIMIT}:{hexint(9)}", f"41:67:{hexint(0x20)}", f"41:{IPV6_HOPLIMIT}:{hexint(256)}",
                 f"41:{IPV6_HOPLIMIT}:{hexint(2**32 - 1)}", f"41:67:{hexint(256)}", f"41:{IPV6_DONTFRAG}:{hexint(1)}",
                 f"41:{IPV6_PKTINFO}:" + fr.packed(t.subject).hex() + hexint(0),
                 f"41:{IPV6_PKTINFO}:" + fr.packed("2001:db8::77").hex() + hexint(0), "41:99:" + hexint(1)]
    else:
        words = [f"0:2:{hexint(9)}", f"0:1:{hexint(0x20)}", f"0:2:{hexint(0)}", f"0:2:{hexint(256)}", "0:1:28",
                 "0:8:" + hexint(0) + fr.packed(t.subject).hex() + hexint(0),
                 "0:8:" + hexint(0) + fr.packed("192.0.2.77").hex() + hexint(0), "0:99:" + hexint(1)]
    for w in words:
        t.call("sendmsg", fd, 20, 0, t.host, 6000, w)
    t.call("sendmsg", fd, 20, 0, t.host, 6000, *words[:2])


@script(families=(4, 6))
def segments_of_one_send(t):
    fd = bound(t)
    t.call("connect", fd, t.host, 6000)
    for seg, size in ((500, 2000), (500, 2100), (500, 400), (1400, 1400), (1472, 3000), (1473, 3000), (0, 1000), (10, 5000)):
        t.setint(fd, IPPROTO_UDP, UDP_SEGMENT, seg)
        t.call("send", fd, size)
    t.setint(fd, IPPROTO_UDP, UDP_SEGMENT, 0)
    t.call("sendmsg", fd, 1000, 0, "*", 0, "17:103:" + (300).to_bytes(2, "little").hex())
    t.setint(fd, IPPROTO_UDP, UDP_SEGMENT, -1)
    t.setint(fd, IPPROTO_UDP, UDP_SEGMENT, 65536)
    t.getint(fd, IPPROTO_UDP, UDP_SEGMENT)


@script(families=(4, 6))
def corked_datagrams(t):
    fd = bound(t)
    t.call("connect", fd, t.host, 6000)
    t.call("send", fd, 100, MSG_MORE)
    t.call("send", fd, 200, MSG_MORE)
    t.call("send", fd, 300)
    t.setint(fd, IPPROTO_UDP, UDP_CORK, 1)
    t.call("send", fd, 100)
    t.call("send", fd, 2000)
    t.setint(fd, IPPROTO_UDP, UDP_CORK, 0)
    t.call("send", fd, 0)
    t.call("send", fd, 100, MSG_MORE)
    t.call("close", fd)


@script(families=(4, 6))
def connected_and_not(t):
    fd = bound(t)
    t.call("send", fd, 10)
    t.call("connect", fd, t.host, 6000)
    t.call("getpeername", fd)
    t.call("getsockname", fd)
    t.call("send", fd, 10)
    t.call("send", fd, 10, 0, t.host, 6001)
    datagram(t, "from the peer")
    datagram(t, "from another port", sport=6001)
    received(t, fd)
    received(t, fd)
    t.call("connect", fd, "*", 0)
    t.call("getpeername", fd)
    t.call("getsockname", fd)
    datagram(t, "from another port", sport=6001)
    received(t, fd)


@script(families=(4, 6))
def pieces_of_a_datagram(t):
    fd = bound(t)
    datagram(t, "ten bytes")
    t.call("ioctl", fd, FIONREAD)
    t.call("recv", fd, 4, MSG_PEEK)
    t.call("recv", fd, 4, MSG_PEEK | MSG_TRUNC)
    t.call("recvmsg", fd, 4, 0, 0)
    t.call("recv", fd, 4, MSG_DONTWAIT)
    datagram(t, "empty", payload=b"")
    t.poll(fd)
    t.call("ioctl", fd, FIONREAD)
    t.call("recv", fd, 4)
    t.call("recv", fd, 4, MSG_DONTWAIT)


@script(families=(4, 6))
def the_buffer_overflows(t):
    fd = bound(t)
    t.setint(fd, SOL_SOCKET, SO_RCVBUF, 1)
    t.getint(fd, SOL_SOCKET, SO_RCVBUF)
    t.setint(fd, SOL_SOCKET, 40, 1)                 # SO_RXQ_OVFL
    for n in range(8):
        datagram(t, f"{n}", payload=bytes([n]) * 10)
    received(t, fd)
    datagram(t, "later")
    for n in range(4):
        received(t, fd)


@script(families=(4, 6))
def shut_datagram_sockets(t):
    fd = bound(t)
    t.call("shutdown", fd, SHUT_RD)
    t.call("connect", fd, t.host, 6000)
    t.call("shutdown", fd, SHUT_RD)
    t.poll(fd)
    t.call("recv", fd, 10)
    datagram(t, "nevertheless")
    t.call("recv", fd, 10)
    t.call("shutdown", fd, SHUT_WR)
    t.call("send", fd, 10, MSG_NOSIGNAL)
    t.poll(fd)


@script(families=(4, 6))
def ping_sockets(t):
    proto = 58 if t.family == 6 else 1
    fd = t.socket(SOCK_DGRAM, proto)
    t.call("bind", fd, t.any, 777)
    t.call("connect", fd, t.host, 0)
    t.call("getsockname", fd)
    kind, answer = ("80", 129) if t.family == 6 else ("08", 0)
    t.call("sendhex", fd, kind + "00000000000001" + "aabbccdd")
    for ident, text in ((777, "ours"), (778, "of another")):
        body = b"\xaa\xbb\xcc\xdd"
        m = fr.icmp(answer, 0, ident << 16 | 1, body, v6=(t.host, t.subject) if t.family == 6 else None)
        send(t, ip6(t.host, t.subject, fr.ICMP6, m) if t.family == 6 else ip4(t.host, t.subject, fr.ICMP, m), text)
        t.call("recvmsg", fd, 100, MSG_DONTWAIT, 100)
    t.call("sendhex", fd, "0000000000000001aabb")
    t.call("sendhex", fd, kind + "01000000000001aa")
    t.call("sendhex", fd, kind + "00")


@script(families=(6,))
def mapped_addresses_of_a_datagram_socket(t):
    fd = bound(t)
    t.setint(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
    host = "192.0.2." + str(int(t.host.rsplit(":", 1)[1], 16))
    d = fr.udp(host, "192.0.2.1", 6000, PORT, b"mapped")
    send(t, ip4(host, "192.0.2.1", fr.UDP, d), "over IPv4")
    t.call("recv", fd, 100, MSG_DONTWAIT)
    t.setint(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)
    two = t.socket(SOCK_DGRAM)
    t.setint(two, IPPROTO_IPV6, IPV6_V6ONLY, 1)
    t.call("bind", two, t.any, PORT + 1)
    d = fr.udp(host, "192.0.2.1", 6000, PORT + 1, b"mapped")
    send(t, ip4(host, "192.0.2.1", fr.UDP, d), "over IPv4, to one of IPv6 only")
    t.call("recv", two, 100, MSG_DONTWAIT)


@script(families=(4, 6))
def an_error_waits_for_whom(t):
    fd = bound(t)
    t.call("connect", fd, t.host, 6000)
    datagram(t, "data first")
    error_about(t, *((1, 4) if t.family == 6 else (3, 3)))
    t.poll(fd)
    t.call("recv", fd, 100, MSG_DONTWAIT)
    t.call("recv", fd, 100, MSG_DONTWAIT)
    error_about(t, *((1, 4) if t.family == 6 else (3, 3)))
    t.call("connect", fd, t.host, 6000)
    t.call("recv", fd, 100, MSG_DONTWAIT)
    error_about(t, *((1, 4) if t.family == 6 else (3, 3)))
    t.error(fd)
    t.error(fd)
