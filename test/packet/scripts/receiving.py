# SPDX-License-Identifier: BSD-3-Clause
"""receiving.py - acknowledgments, the window offered, out-of-order data, timestamps; reading."""
from consts import *
from script import script

ALL_OPTIONS = {"ws": 7, "sack": True, "ts": True}


@script(families=(4, 6))
def first_data_is_acknowledged_at_once(t):
    fd = t.accepted(**ALL_OPTIONS)
    for _ in range(4):
        t.peer("PA", len=100)
    t.info(fd, "rcv_mss", "ato", "rcv_ssthresh", "bytes_received", "segs_in", "data_segs_in")


@script(seconds=1)
def delayed_ack_of_a_conversation(t):
    fd = t.accepted(**ALL_OPTIONS)
    for _ in range(3):
        t.peer("PA", len=100)
        t.call("recv", fd, 1000)
        t.call("send", fd, 50)
        t.peer("A")
        t.sleep(0.02)
    t.peer("PA", len=100)
    t.sleep(0.15)


@script
def out_of_order_without_sack(t):
    fd = t.accepted(ts=True)
    t.peer("A", len=1000, seq=1001)
    t.peer("A", len=1000, seq=3001)
    t.peer("A", len=1000, seq=1)
    t.peer("A", len=1000, seq=2001)
    t.call("recv", fd, 100000)


@script
def data_outside_the_window(t):
    fd = t.accepted()
    t.peer("A", len=10, seq=70000)
    t.peer("A", len=10, seq=70000)
    t.peer("A", seq=70000)
    t.peer("A", seq=70000)
    t.peer("A", len=10, seq=64240)
    t.peer("A", len=100, seq=-200)
    t.peer("A", seq=0)
    t.call("recv", fd, 100, MSG_DONTWAIT)


@script
def a_keepalive_of_the_peer(t):
    t.accepted(**ALL_OPTIONS)
    t.peer("A", seq=0)
    t.sleep(0.6)
    t.peer("A", seq=0, len=1)


@script
def segments_without_ack(t):
    fd = t.accepted()
    t.peer("P", len=10)
    t.peer("", len=10, seq=1)
    t.peer("F", seq=1)
    t.call("recv", fd, 100, MSG_DONTWAIT)


@script
def old_timestamps(t):
    fd = t.accepted(**ALL_OPTIONS)
    t.peer("PA", len=10, tsval=20000)
    t.peer("PA", len=10, tsval=19000)
    t.sleep(0.6)
    t.peer("PA", seq=11, len=10, tsval=19999)
    t.peer("PA", seq=21, len=10, tsval=20000)
    t.peer("R", seq=31, tsval=15000)
    t.call("recv", fd, 100, MSG_DONTWAIT)
    t.call("recv", fd, 100, MSG_DONTWAIT)


@script
def timestamps_that_are_missing(t):
    fd = t.accepted(**ALL_OPTIONS)
    t.peer("PA", len=10, ts=False)
    t.peer("PA", len=10)
    t.call("recv", fd, 100, MSG_DONTWAIT)


@script
def timestamps_that_were_not_agreed(t):
    fd = t.accepted()
    t.peer("PA", len=10, tsval=77, tsecr=5)
    t.call("recv", fd, 100, MSG_DONTWAIT)


@script
def echoed_timestamp_of_delayed_acks(t):
    fd = t.accepted(**ALL_OPTIONS)
    t.setint(fd, IPPROTO_TCP, TCP_QUICKACK, 0)
    with t.burst():
        t.peer("A", len=100, tsval=20000)
        t.peer("A", len=100, tsval=20010)
    t.peer("A", len=1000, seq=2000, tsval=20020)
    t.sleep(0.1)


@script
def reading_in_all_ways(t):
    fd = t.accepted()
    t.peer("PA", len=100)
    t.call("recv", fd, 10, MSG_PEEK)
    t.call("recv", fd, 10)
    t.call("recv", fd, 10, MSG_TRUNC)
    t.call("readv", fd, 10, 20, 5)
    t.call("ioctl", fd, FIONREAD)
    t.call("recvmsg", fd, 5, 0, 100)
    t.setint(fd, IPPROTO_TCP, TCP_INQ, 1)
    t.call("recvmsg", fd, 5, 0, 100)
    t.call("recv", fd, 0)
    t.call("recv", fd, 1000)
    t.call("recv", fd, 1000, MSG_DONTWAIT)
    t.call("recv", fd, 0, MSG_DONTWAIT)


@script
def waiting_for_all(t):
    fd = t.accepted()
    h = t.start("recv", fd, 200, MSG_WAITALL)
    t.peer("PA", len=100)
    t.sleep(0.05)
    t.peer("PA", len=100)
    t.end(h)
    h = t.start("recv", fd, 200, MSG_WAITALL)
    t.peer("PA", len=100)
    t.peer("FA")
    t.end(h)


@script
def low_water_mark(t):
    fd = t.accepted()
    t.setint(fd, SOL_SOCKET, SO_RCVLOWAT, 200)
    h = t.start("recv", fd, 1000)
    t.peer("PA", len=100)
    t.poll(fd)
    t.peer("PA", len=100)
    t.end(h)
    t.poll(fd)


@script(seconds=1)
def receive_timeout(t):
    fd = t.accepted()
    t.call("setsockopt", fd, SOL_SOCKET, SO_RCVTIMEO, "x0000000000000000400d030000000000")
    t.call("recv", fd, 100)
    t.peer("PA", len=10)
    t.call("recv", fd, 100)


@script
def blocking_calls(t):
    lst = t.listener()
    h = t.start("accept", lst)
    t.sleep(0.05)
    t.peer("S", mss=1460)
    t.peer("A")
    fd = t.end(h).ret
    h = t.start("recv", fd, 100)
    t.sleep(0.05)
    t.peer("PA", len=10)
    t.end(h)
    h = t.start("recv", fd, 100)
    t.peer("FA")
    t.end(h)
    h = t.start("poll", 2000, fd, POLL_ALL)
    t.end(h)


@script
def events_of_a_connection(t):
    fd = t.accepted()
    ep = t.call("epoll_create").ret
    t.call("epoll_ctl", ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET, 7)
    for flags, length in (("PA", 10), ("PA", 10), ("PAU", 1), ("FA", 0)):
        t.call("epoll_wait", ep, 10, 0)
        t.peer(flags, len=length, urg=1 if "U" in flags else 0)
    t.call("epoll_wait", ep, 10, 0)
    t.call("shutdown", fd, SHUT_WR)
    t.call("epoll_wait", ep, 10, 0)
    t.peer("A")
    t.call("epoll_wait", ep, 10, 0)


@script
def events_of_a_reset(t):
    fd = t.accepted()
    ep = t.call("epoll_create").ret
    t.call("epoll_ctl", ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLRDHUP, 7)
    t.peer("R")
    t.call("epoll_wait", ep, 10, 0)
    t.call("select", 0, fd)
    t.call("recv", fd, 10)
    t.call("epoll_wait", ep, 10, 0)
    t.poll(fd)


@script
def fast_open_with_a_wrong_cookie(t):
    fd = t.listener(setup=lambda fd: t.setint(fd, IPPROTO_TCP, TCP_FASTOPEN, 5))
    t.peer("S", mss=1460, sackok=True, ts=True, ws=7, tfo=b"12345678", len=100)
    t.peer("A", seq=1)
    t.call("accept", fd)


@script
def fast_open_client(t):
    t.f.port = None
    fd = t.socket(SOCK_STREAM | SOCK_NONBLOCK)
    t.call("sendmsg", fd, 100, MSG_FASTOPEN, t.host, 7000)
    t.peer("SA", mss=1460, sackok=True, ts=True, ws=7, tfo=b"abcdefgh")
    t.peer("A")
    t.call("send", fd, 100)
    t.peer("A")
    f = t.flow(peer_port=7000)
    f.port = None
    t.use(f)
    fd = t.socket(SOCK_STREAM | SOCK_NONBLOCK)
    t.call("sendmsg", fd, 100, MSG_FASTOPEN, t.host, 7000)
    t.peer("SA", ack=101, mss=1460, sackok=True, ts=True, ws=7)
    t.info(fd, "options", "unacked")


@script(seconds=1)
def quickack_option(t):
    fd = t.accepted(**ALL_OPTIONS)
    t.getint(fd, IPPROTO_TCP, TCP_QUICKACK)
    t.setint(fd, IPPROTO_TCP, TCP_QUICKACK, 0)
    t.getint(fd, IPPROTO_TCP, TCP_QUICKACK)
    t.peer("PA", len=100)
    t.sleep(0.1)
    t.peer("PA", len=100)
    t.setint(fd, IPPROTO_TCP, TCP_QUICKACK, 1)
    t.getint(fd, IPPROTO_TCP, TCP_QUICKACK)
    t.peer("PA", len=100)
    t.sleep(0.1)
