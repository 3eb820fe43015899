# SPDX-License-Identifier: BSD-3-Clause
"""listening.py - listeners: what may come before accept(2), what children inherit, what a busy one drops."""
from consts import *
from script import script
from receiving_edges import WEIGHT


@script
def options_that_children_inherit(t):
    def setup(fd):
        t.setint(fd, IPPROTO_TCP, TCP_NODELAY, 1)
        t.setint(fd, IPPROTO_TCP, TCP_KEEPIDLE, 33)
        t.setint(fd, IPPROTO_TCP, TCP_KEEPINTVL, 11)
        t.setint(fd, IPPROTO_TCP, TCP_KEEPCNT, 4)
        t.setint(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000)
        t.setint(fd, IPPROTO_TCP, TCP_LINGER2, 7)
        t.setint(fd, IPPROTO_TCP, TCP_CORK, 0)
        t.setint(fd, IPPROTO_TCP, TCP_INQ, 1)
        t.setint(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 4000)
        t.setint(fd, SOL_SOCKET, SO_KEEPALIVE, 1)
        t.setint(fd, SOL_SOCKET, SO_OOBINLINE, 1)
        t.setint(fd, SOL_SOCKET, SO_RCVLOWAT, 5)
        t.setint(fd, SOL_SOCKET, SO_SNDBUF, 30000)
        t.setint(fd, SOL_SOCKET, SO_ZEROCOPY, 1)
        t.setint(fd, IPPROTO_IP, IP_TOS, 0x20)
        t.setint(fd, IPPROTO_IP, IP_TTL, 9)
    fd = t.accepted(setup=setup)
    for level, name in ((6, TCP_NODELAY), (6, TCP_KEEPIDLE), (6, TCP_KEEPINTVL), (6, TCP_KEEPCNT), (6, TCP_USER_TIMEOUT),
                        (6, TCP_LINGER2), (6, TCP_INQ), (6, TCP_NOTSENT_LOWAT), (1, SO_KEEPALIVE), (1, SO_OOBINLINE),
                        (1, SO_RCVLOWAT), (1, SO_SNDBUF), (1, SO_ZEROCOPY), (0, IP_TOS), (0, IP_TTL), (1, SO_REUSEADDR),
                        (1, SO_ACCEPTCONN), (1, SO_TYPE), (6, TCP_MAXSEG), (6, TCP_DEFER_ACCEPT), (6, TCP_SYNCNT)):
        t.getint(fd, level, name)
    t.call("send", fd, 10)
    t.call("fcntl", fd, F_GETFL)


@script
def data_and_fin_before_accept(t):
    fd = t.listener()
    t.peer("S", mss=1460)
    t.peer("A")
    t.peer("PA", len=100)
    t.peer("FA", len=10)
    t.sleep(0.06)                                   # the delayed ACK
    t.poll(fd)
    a = t.call("accept", fd).ret
    t.poll(a)
    t.call("recv", a, 1000)
    t.call("recv", a, 1000)
    t.info(a, "state", "bytes_received")


@script
def a_reset_before_accept(t):
    fd = t.listener()
    t.peer("S", mss=1460)
    t.peer("A")
    t.peer("PA", len=100)
    t.peer("RA")
    t.poll(fd)
    a = t.call("accept", fd).ret
    t.poll(a)
    t.error(a)
    t.call("recv", a, 1000)
    t.call("send", a, 10, MSG_NOSIGNAL)
    t.call("getpeername", a)


@script
def urgent_data_before_accept(t):
    fd = t.listener()
    t.peer("S", mss=1460)
    t.peer("A")
    t.peer("PAU", len=10, urg=10)
    a = t.call("accept", fd).ret
    t.poll(a)
    t.call("recv", a, 100)
    t.call("recv", a, 1, MSG_OOB)


@script
def a_wrong_ack_of_a_syn_ack(t):
    fd = t.listener()
    t.peer("S", mss=1460)
    t.peer("A", ack=100)
    t.peer("A", ack=0)
    t.peer("A", seq=5000)
    t.peer("A")
    t.poll(fd)


@script
def a_syn_ack_to_a_listener(t):
    t.listener()
    t.peer("SA", mss=1460, ack=5)
    t.peer("A", seq=1, ack=77)
    t.peer("FA", seq=1, ack=78)
    t.peer("R", seq=1)
    t.peer("F", seq=1)
    t.peer("", seq=1)
    t.peer("P", seq=1, len=4)


@script
def a_different_syn_to_a_half_open_one(t):
    fd = t.listener()
    t.peer("S", mss=1460)
    t.peer("S", seq=-1000, mss=1460)
    t.peer("A", seq=1)
    t.poll(fd)


@script(seconds=2)
def a_half_open_one_with_a_newer_stamp(t):
    fd = t.listener()
    t.peer("S", mss=1460, ts=True, tsval=1000)
    t.peer("A", tsval=500)
    t.poll(fd)
    t.peer("A", tsval=1001)
    t.poll(fd)
    t.peer("PA", len=10, tsval=1002)


@script
def listen_again_changes_the_backlog(t):
    fd = t.listener(backlog=1)
    for n in range(4):
        f = t.flow()
        t.use(f)
        t.peer("S", mss=1460)
        t.peer("A", seq=1, ack=1)
    t.call("listen", fd, 10)
    f = t.flow()
    t.use(f)
    t.peer("S", mss=1460)
    t.peer("A")
    for n in range(3):
        t.call("accept", fd)
    t.poll(fd)


@script
def two_listeners_on_one_port(t):
    one = t.listener(setup=lambda fd: t.setint(fd, SOL_SOCKET, SO_REUSEPORT, 1))
    two = t.socket()
    t.call("bind", two, t.any, 8080)
    three = t.socket()
    t.setint(three, SOL_SOCKET, SO_REUSEPORT, 1)
    t.call("bind", three, t.any, 8080)
    t.call("listen", three, 8)
    t.call("close", one)
    t.peer("S", mss=1460)
    t.peer("A")
    t.call("accept", three)


@script
def a_named_listener_comes_first(t):
    wild = t.listener(setup=lambda fd: t.setint(fd, SOL_SOCKET, SO_REUSEPORT, 1))
    named = t.socket()
    t.setint(named, SOL_SOCKET, SO_REUSEADDR, 1)
    t.setint(named, SOL_SOCKET, SO_REUSEPORT, 1)
    t.call("bind", named, t.subject, 8080)
    t.call("listen", named, 8)
    t.peer("S", mss=1460)
    t.peer("A")
    t.poll(wild)
    t.poll(named)
    t.call("accept", named)
    t.call("close", named)
    f = t.flow()
    t.use(f)
    t.peer("S", mss=1460)
    t.peer("A")
    t.poll(wild)


@script(families=(6,))
def a_listener_for_both_families(t):
    fd = t.listener()
    t.getint(fd, IPPROTO_IPV6, IPV6_V6ONLY)
    t.peer("S", mss=1440)
    t.peer("A")
    a = t.call("accept", fd).ret
    t.call("getpeername", a)
    t.getint(a, IPPROTO_TCP, TCP_MAXSEG)
    t.call("send", a, 3000)


@script(ignore=WEIGHT)
def the_mss_of_both(t):
    for mss in (None, 1, 20, 88, 536, 1460, 9000):
        f = t.flow()
        fd = t.accepted(mss=mss, flow=f) if f.name == "flow1" else None
        if fd is None:
            t.use(f)
            t.peer("S", mss=mss)
            t.peer("A")
            fd = t.call("accept", t.listening).ret
        t.getint(fd, IPPROTO_TCP, TCP_MAXSEG)
        t.info(fd, "snd_mss", "rcv_mss", "advmss", "pmtu")
        t.call("send", fd, 200)
        t.peer("RA", flow=f)
