# SPDX-License-Identifier: BSD-3-Clause
"""fast_open.py - data with SYNs, both sides: RFC 7413 as Linux does it."""
from consts import *
from script import script

from receiving_edges import WEIGHT

SYN = {"mss": 1460, "sackok": True, "ts": True, "ws": 7}
TCP_FASTOPEN_NO_COOKIE = 34


def server(t, n=5, setup=None):
    """A listener, and a cookie of it, learned by a first connection that is closed."""
    def prepare(fd):
        t.setint(fd, IPPROTO_TCP, TCP_FASTOPEN, n)
        if setup:
            setup(fd)
    fd = t.listener(setup=prepare)
    t.peer("S", **SYN, tfo=b"")
    t.peer("A")
    a = t.call("accept", fd).ret
    t.call("close", a)
    t.peer("FA")
    f = t.flow()
    t.use(f)
    return fd, t.flows[1].cookie or b""


@script(families=(4, 6))
def fast_open_server_reads_and_writes(t):
    fd, cookie = server(t)
    t.peer("S", **SYN, tfo=cookie, len=500)
    t.poll(fd)
    a = t.call("accept", fd).ret
    t.info(a, "state", "options")
    t.poll(a)
    t.call("recv", a, 1000)
    t.call("send", a, 2000)
    t.peer("A")
    t.info(a, "state", "options", "bytes_received", "unacked")
    t.peer("PA", len=100)
    t.call("recv", a, 1000)
    t.call("close", a)
    t.peer("FA")


@script
def fast_open_server_without_data(t):
    fd, cookie = server(t)
    t.peer("S", **SYN, tfo=cookie)
    t.poll(fd)
    t.peer("A")
    t.poll(fd)


@script(ignore=WEIGHT)
def fast_open_server_with_a_full_segment(t):
    fd, cookie = server(t)
    t.peer("S", **SYN, tfo=cookie, len=1420)
    a = t.call("accept", fd).ret
    t.call("ioctl", a, FIONREAD)
    t.peer("A", len=1448)
    t.call("ioctl", a, FIONREAD)


@script
def fast_open_server_acknowledges_a_part(t):
    fd, cookie = server(t)
    t.peer("S", **SYN, tfo=cookie, len=500)
    a = t.call("accept", fd).ret
    t.call("send", a, 1000)
    t.peer("A", ack=1)
    t.info(a, "state")
    t.peer("A")


@script(seconds=4, ignore=WEIGHT)
def fast_open_server_repeats_its_syn_ack(t):
    fd, cookie = server(t)
    t.peer("S", **SYN, tfo=cookie, len=500)
    a = t.call("accept", fd).ret
    t.call("send", a, 1000)
    t.sleep(3.3)
    t.peer("A")
    t.info(a, "state", "total_retrans")


@script
def fast_open_server_gets_the_syn_again(t):
    fd, cookie = server(t)
    t.peer("S", **SYN, tfo=cookie, len=500)
    t.call("accept", fd)
    t.peer("S", **SYN, tfo=cookie, len=500, seq=0)
    t.peer("A", seq=501)


@script
def fast_open_server_closes_before_the_handshake_ends(t):
    fd, cookie = server(t)
    t.peer("S", **SYN, tfo=cookie, len=500)
    a = t.call("accept", fd).ret
    t.call("recv", a, 1000)
    t.call("close", a)
    t.peer("A", ack=1)
    t.peer("A")
    t.peer("FA")


@script(ignore=WEIGHT)
def fast_open_server_closes_with_unread_data(t):
    fd, cookie = server(t)
    t.peer("S", **SYN, tfo=cookie, len=500)
    a = t.call("accept", fd).ret
    t.call("close", a)
    t.peer("A", ack=1)


@script
def fast_open_server_shuts_before_the_handshake_ends(t):
    fd, cookie = server(t)
    t.peer("S", **SYN, tfo=cookie, len=500)
    a = t.call("accept", fd).ret
    t.call("shutdown", a, SHUT_WR)
    t.poll(a)
    t.peer("A")
    t.info(a, "state")


@script
def fast_open_server_is_reset_before_it_accepts(t):
    fd, cookie = server(t)
    t.peer("S", **SYN, tfo=cookie, len=500)
    t.peer("R", seq=501)
    t.poll(fd)
    a = t.call("accept", fd)
    if not a.err:
        t.call("recv", a.ret, 1000)
        t.call("recv", a.ret, 1000)


@script
def fast_open_server_is_reset_after_it_accepts(t):
    fd, cookie = server(t)
    t.peer("S", **SYN, tfo=cookie, len=500)
    a = t.call("accept", fd).ret
    t.peer("R", seq=501)
    t.poll(a)
    t.call("recv", a, 1000)
    t.call("recv", a, 1000)
    t.call("send", a, 100, MSG_NOSIGNAL)


@script(ignore=WEIGHT)
def fast_open_listener_is_closed(t):
    fd, cookie = server(t)
    t.peer("S", **SYN, tfo=cookie, len=500)
    t.call("close", fd)
    t.peer("A")


@script
def fast_open_queue_is_full(t):
    fd, cookie = server(t, 1)
    t.peer("S", **SYN, tfo=cookie, len=500)
    f = t.flow()
    t.use(f)
    t.peer("S", **SYN, tfo=cookie, len=500)
    t.peer("A", seq=1, ack=1)
    t.poll(fd)


@script
def fast_open_was_not_asked_for(t):
    fd = t.listener()
    t.peer("S", **SYN, tfo=b"")
    f = t.flow()
    t.use(f)
    t.peer("S", **SYN, tfo=bytes(8), len=500)
    t.peer("A", seq=1, ack=1)
    t.poll(fd)


@script
def fast_open_cookies_of_wrong_length(t):
    server(t)
    for n in (2, 3, 4, 5, 16):
        f = t.flow()
        t.use(f)
        t.peer("S", **SYN, tfo=bytes(n), len=100)
        t.peer("R", seq=1)


@script
def fast_open_without_cookies(t):
    fd = t.listener(setup=lambda fd: (t.setint(fd, IPPROTO_TCP, TCP_FASTOPEN, 5),
                                      t.setint(fd, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1)))
    t.peer("S", **SYN, len=300)
    a = t.call("accept", fd).ret
    t.call("recv", a, 1000)
    t.peer("A")
    t.call("send", a, 10)


def client(t):
    """A cookie is learned by a first connection; the socket of a second, whose SYN has data."""
    fd = t.socket(SOCK_STREAM | SOCK_NONBLOCK)
    t.f.port = None
    t.call("sendmsg", fd, 500, MSG_FASTOPEN, t.host, t.f.peer_port)
    t.peer("SA", **SYN, tfo=b"abcdefgh")
    t.call("close", fd)
    t.peer("FA")
    f = t.flow()
    t.use(f)
    f.port = None
    fd = t.socket(SOCK_STREAM | SOCK_NONBLOCK)
    t.call("sendmsg", fd, 500, MSG_FASTOPEN, t.host, f.peer_port)
    return fd


@script
def fast_open_client_learns_and_uses(t):
    fd = client(t)
    t.info(fd, "state")
    t.peer("SA", **SYN)
    t.info(fd, "state", "options", "unacked")
    t.call("send", fd, 100)
    t.peer("A")


@script(seconds=2)
def fast_open_client_whose_data_is_not_taken(t):
    fd = client(t)
    t.peer("SA", **SYN, ack=1)
    t.info(fd, "state", "options", "unacked", "total_retrans")
    t.peer("A")


@script(seconds=3)
def fast_open_client_repeats_its_syn(t):
    fd = client(t)
    t.sleep(1.2)
    t.peer("SA", **SYN, ack=1)
    t.info(fd, "state", "options", "unacked", "total_retrans")
    t.peer("A")


@script
def fast_open_connect_option(t):
    fd = t.socket()
    t.f.port = None
    t.setint(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
    t.call("connect", fd, t.host, t.f.peer_port)
    h = t.start("send", fd, 300)
    t.peer("SA", **SYN, tfo=b"abcdefgh")
    t.end(h)
    t.peer("A")
    f = t.flow()
    t.use(f)
    f.port = None
    fd = t.socket()
    t.setint(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
    t.call("connect", fd, t.host, f.peer_port)
    t.poll(fd)
    t.call("getpeername", fd)
    h = t.start("send", fd, 300)
    t.peer("SA", **SYN)
    t.end(h)
    t.poll(fd)


@script
def fast_open_without_blocking(t):
    fd = t.socket(SOCK_STREAM | SOCK_NONBLOCK)
    t.f.port = None
    t.call("sendmsg", fd, 500, MSG_FASTOPEN, t.host, t.f.peer_port)
    t.call("sendmsg", fd, 500, MSG_FASTOPEN, t.host, t.f.peer_port)
    t.poll(fd)
    t.peer("SA", **SYN)
    t.call("sendmsg", fd, 500, MSG_FASTOPEN, t.host, t.f.peer_port)
    t.call("send", fd, 500)


@script
def fast_open_of_wrong_arguments(t):
    fd = t.socket()
    t.call("sendmsg", fd, 500, MSG_FASTOPEN, "*", 0)
    fd = t.accepted()
    t.call("sendmsg", fd, 500, MSG_FASTOPEN, t.host, t.f.peer_port)
    t.setint(fd, IPPROTO_TCP, TCP_FASTOPEN, 1)
    fd = t.socket()
    t.setint(fd, IPPROTO_TCP, TCP_FASTOPEN, -1)
    t.setint(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 2)
    t.getint(fd, IPPROTO_TCP, TCP_FASTOPEN)
