# SPDX-License-Identifier: BSD-3-Clause
"""events.py - epoll's edges: what makes a descriptor ready anew."""
from consts import *
from script import script

ALL = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP


def watched(t, fd, events=ALL | EPOLLET):
    ep = t.call("epoll_create").ret
    t.call("epoll_ctl", ep, EPOLL_CTL_ADD, fd, events, 7)
    t.call("epoll_wait", ep, 8, 0)
    t.call("epoll_wait", ep, 8, 0)
    return ep


@script
def edges_of_reading(t):
    fd = t.accepted()
    ep = watched(t, fd)
    t.peer("PA", len=100)
    t.call("epoll_wait", ep, 8, 0)
    t.call("epoll_wait", ep, 8, 0)
    t.peer("PA", len=100)
    t.call("epoll_wait", ep, 8, 0)
    t.call("recv", fd, 50)
    t.call("epoll_wait", ep, 8, 0)
    t.call("recv", fd, 1000)
    t.call("epoll_wait", ep, 8, 0)
    t.peer("PA", len=100, seq=301)
    t.call("epoll_wait", ep, 8, 0)
    t.peer("PA", len=100, seq=201)
    t.call("epoll_wait", ep, 8, 0)
    t.peer("A", len=100, seq=201)
    t.call("epoll_wait", ep, 8, 0)
    t.peer("FA")
    t.call("epoll_wait", ep, 8, 0)
    t.call("shutdown", fd, SHUT_WR)
    t.call("epoll_wait", ep, 8, 0)
    t.peer("A")
    t.call("epoll_wait", ep, 8, 0)


def fill(t, fd):
    t.call("send", fd, 1000000, MSG_DONTWAIT)
    t.call("send", fd, 1000000, MSG_DONTWAIT)


@script(ignore={"data": "where a segment ends in a full buffer"})
def edges_of_writing(t):
    fd = t.accepted(setup=lambda fd: t.setint(fd, SOL_SOCKET, SO_SNDBUF, 20000), ws=7)
    ep = watched(t, fd)
    t.call("send", fd, 100)
    t.call("epoll_wait", ep, 8, 0)
    t.peer("A")
    t.call("epoll_wait", ep, 8, 0)
    fill(t, fd)
    t.call("epoll_wait", ep, 8, 0)
    t.peer("A", ack=t.f.rcv_nxt)
    t.call("epoll_wait", ep, 8, 0)
    t.call("epoll_wait", ep, 8, 0)


@script
def edges_of_writing_with_a_low_water_mark(t):
    fd = t.accepted(mss=1000)
    t.setint(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 3000)
    ep = watched(t, fd)
    t.call("send", fd, 100000, MSG_DONTWAIT)
    t.call("epoll_wait", ep, 8, 0)
    t.call("send", fd, 1000, MSG_DONTWAIT)
    t.poll(fd, POLLOUT)
    for n in range(6):
        t.peer("A", ack=t.f.rcv_nxt)
        t.call("epoll_wait", ep, 8, 0)
        t.poll(fd, POLLOUT)


@script
def one_shot(t):
    fd = t.accepted()
    ep = watched(t, fd, EPOLLIN | EPOLLONESHOT)
    t.peer("PA", len=100)
    t.call("epoll_wait", ep, 8, 0)
    t.peer("PA", len=100)
    t.call("epoll_wait", ep, 8, 0)
    t.call("epoll_ctl", ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT, 8)
    t.call("epoll_wait", ep, 8, 0)
    t.peer("FA")
    t.call("epoll_wait", ep, 8, 0)
    t.call("epoll_ctl", ep, EPOLL_CTL_MOD, fd, EPOLLRDHUP | EPOLLONESHOT, 9)
    t.call("epoll_wait", ep, 8, 0)


@script
def edges_of_a_listener(t):
    fd = t.listener()
    ep = watched(t, fd)
    for n in range(2):
        f = t.flow()
        t.use(f)
        t.peer("S", mss=1460)
        t.call("epoll_wait", ep, 8, 0)
        t.peer("A")
        t.call("epoll_wait", ep, 8, 0)
        t.call("epoll_wait", ep, 8, 0)
    t.call("accept", fd)
    t.call("epoll_wait", ep, 8, 0)
    t.call("accept", fd)
    t.call("epoll_wait", ep, 8, 0)


@script
def edges_of_connecting(t):
    fd = t.socket(SOCK_STREAM | SOCK_NONBLOCK)
    ep = watched(t, fd)
    t.f.port = None
    t.call("connect", fd, t.host, t.f.peer_port)
    t.call("epoll_wait", ep, 8, 0)
    t.peer("SA", mss=1460)
    t.call("epoll_wait", ep, 8, 0)
    t.call("epoll_wait", ep, 8, 0)
    t.peer("PA", len=10)
    t.call("epoll_wait", ep, 8, 0)


@script
def edges_of_being_refused(t):
    fd = t.socket(SOCK_STREAM | SOCK_NONBLOCK)
    ep = watched(t, fd)
    t.f.port = None
    t.call("connect", fd, t.host, t.f.peer_port)
    t.call("epoll_wait", ep, 8, 0)
    t.peer("RA", seq=0)
    t.call("epoll_wait", ep, 8, 0)
    t.call("epoll_wait", ep, 8, 0)
    t.error(fd)
    t.call("epoll_wait", ep, 8, 0)
    t.call("connect", fd, t.host, t.f.peer_port)
    t.call("epoll_wait", ep, 8, 0)


@script
def edges_of_urgent_data(t):
    fd = t.accepted()
    ep = watched(t, fd)
    t.peer("PAU", len=10, urg=5)
    t.call("epoll_wait", ep, 8, 0)
    t.call("recv", fd, 1, MSG_OOB)
    t.call("epoll_wait", ep, 8, 0)
    t.call("recv", fd, 100)
    t.call("ioctl", fd, SIOCATMARK)
    t.call("recv", fd, 100)
    t.peer("PAU", len=10, urg=20)
    t.call("epoll_wait", ep, 8, 0)
    t.call("recv", fd, 1, MSG_OOB | MSG_DONTWAIT)
    t.peer("PA", len=20)
    t.call("epoll_wait", ep, 8, 0)
    t.call("recv", fd, 1, MSG_OOB | MSG_DONTWAIT)


@script
def edges_of_closing(t):
    fd = t.accepted()
    ep = watched(t, fd)
    t.call("shutdown", fd, SHUT_RD)
    t.call("epoll_wait", ep, 8, 0)
    t.call("shutdown", fd, SHUT_WR)
    t.call("epoll_wait", ep, 8, 0)
    t.peer("A")
    t.call("epoll_wait", ep, 8, 0)
    t.peer("FA")
    t.call("epoll_wait", ep, 8, 0)


@script
def edges_of_a_reset(t):
    fd = t.accepted()
    ep = watched(t, fd)
    t.peer("PA", len=10)
    t.call("epoll_wait", ep, 8, 0)
    t.peer("RA")
    t.call("epoll_wait", ep, 8, 0)
    t.call("epoll_wait", ep, 8, 0)
    t.call("recv", fd, 100)
    t.call("recv", fd, 100)
    t.call("recv", fd, 100)
    t.call("epoll_wait", ep, 8, 0)
    t.call("send", fd, 10, MSG_NOSIGNAL)


@script
def edges_after_a_zero_copy(t):
    fd = t.accepted()
    t.setint(fd, SOL_SOCKET, SO_ZEROCOPY, 1)
    ep = watched(t, fd)
    t.call("send", fd, 1000, MSG_ZEROCOPY)
    t.call("epoll_wait", ep, 8, 0)
    t.peer("A")
    t.call("epoll_wait", ep, 8, 0)
    t.call("epoll_wait", ep, 8, 0)
    t.call("recverr", fd)
    t.call("epoll_wait", ep, 8, 0)


@script
def level_after_a_zero_copy_once(t):
    fd = t.accepted()
    t.setint(fd, SOL_SOCKET, SO_ZEROCOPY, 1)
    ep = watched(t, fd, EPOLLIN | EPOLLONESHOT)
    t.call("send", fd, 1000, MSG_ZEROCOPY)
    t.peer("A")
    t.call("epoll_wait", ep, 8, 0)
    t.call("epoll_wait", ep, 8, 0)
    t.call("send", fd, 1000, MSG_ZEROCOPY)
    t.peer("A")
    t.call("epoll_wait", ep, 8, 0)
    t.call("epoll_ctl", ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT, 8)
    t.call("epoll_wait", ep, 8, 0)
