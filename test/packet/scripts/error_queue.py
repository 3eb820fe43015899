# SPDX-License-Identifier: BSD-3-Clause
"""error_queue.py - MSG_ZEROCOPY: when sends are told to be done with, and how."""
from consts import *
from script import script

ERR = MSG_ERRQUEUE | MSG_DONTWAIT
BUFFER = {"data": "the actor writes over its buffer at once, and the kernel sends what is in it then"}


def notes(t, fd):
    t.call("recvmsg", fd, 100, ERR, 200)


@script
def zero_copy(t):
    fd = t.accepted()
    t.call("send", fd, 1000, MSG_ZEROCOPY)
    t.setint(fd, SOL_SOCKET, SO_ZEROCOPY, 1)
    t.peer("A")
    t.call("send", fd, 1000, MSG_ZEROCOPY)
    notes(t, fd)
    t.peer("A")
    t.poll(fd)
    notes(t, fd)
    t.poll(fd)
    notes(t, fd)


@script(ignore=BUFFER)
def zero_copy_in_rows(t):
    """Sends that are told together."""
    fd = t.accepted()
    t.setint(fd, SOL_SOCKET, SO_ZEROCOPY, 1)
    for _ in range(5):
        t.call("send", fd, 2000, MSG_ZEROCOPY)
    t.peer("A", ack=2001)
    notes(t, fd)
    t.peer("A", ack=4001)
    t.peer("A", ack=6001)
    notes(t, fd)
    t.peer("A")
    t.peer("A")
    notes(t, fd)
    notes(t, fd)


@script(ignore=BUFFER)
def zero_copy_sends_in_one_segment(t):
    fd = t.accepted()
    t.setint(fd, SOL_SOCKET, SO_ZEROCOPY, 1)
    t.call("send", fd, 100, MSG_ZEROCOPY)
    t.call("send", fd, 100, MSG_ZEROCOPY)
    t.call("send", fd, 100)
    t.call("send", fd, 100, MSG_ZEROCOPY)
    t.peer("A")
    notes(t, fd)
    t.peer("A")
    notes(t, fd)
    notes(t, fd)


@script
def zero_copy_and_a_reset(t):
    fd = t.accepted()
    t.setint(fd, SOL_SOCKET, SO_ZEROCOPY, 1)
    t.call("send", fd, 100, MSG_ZEROCOPY)
    t.call("send", fd, 0, MSG_ZEROCOPY)
    t.peer("R")
    t.poll(fd)
    notes(t, fd)
    t.poll(fd)
    t.error(fd)
    t.poll(fd)
    t.call("send", fd, 100, MSG_ZEROCOPY | MSG_NOSIGNAL)
    notes(t, fd)


@script
def zero_copy_of_a_listener(t):
    """The option goes to what is accepted, the numbers begin there."""
    fd = t.accepted(setup=lambda fd: t.setint(fd, SOL_SOCKET, SO_ZEROCOPY, 1))
    t.getint(fd, SOL_SOCKET, SO_ZEROCOPY)
    t.call("send", fd, 100, MSG_ZEROCOPY)
    t.peer("A")
    notes(t, fd)
    t.call("send", fd, 100, MSG_ZEROCOPY)
    t.call("close", fd)
    t.peer("A")


@script
def zero_copy_edges(t):
    """EPOLLET: a completion is an edge, also while another is not read."""
    fd = t.accepted()
    t.setint(fd, SOL_SOCKET, SO_ZEROCOPY, 1)
    ep = t.call("epoll_create").ret
    t.call("epoll_ctl", ep, 1, fd, 0x80000000)
    t.call("epoll_wait", ep, 10, 0)
    t.call("send", fd, 100, MSG_ZEROCOPY)
    t.peer("A")
    t.call("epoll_wait", ep, 10, 0)
    t.call("epoll_wait", ep, 10, 0)
    t.call("send", fd, 100, MSG_ZEROCOPY)
    t.peer("A")
    t.call("epoll_wait", ep, 10, 0)
    notes(t, fd)
    t.call("epoll_wait", ep, 10, 0)
    notes(t, fd)


@script
def zero_copy_once(t):
    """EPOLLONESHOT: armed again, what still waits is told."""
    fd = t.accepted()
    t.setint(fd, SOL_SOCKET, SO_ZEROCOPY, 1)
    ep = t.call("epoll_create").ret
    t.call("epoll_ctl", ep, 1, fd, 0x40000000)
    t.call("send", fd, 100, MSG_ZEROCOPY)
    t.peer("A")
    t.call("epoll_wait", ep, 10, 0)
    t.call("epoll_wait", ep, 10, 0)
    t.call("epoll_ctl", ep, 3, fd, 0x40000000)
    t.call("epoll_wait", ep, 10, 0)
    notes(t, fd)
    t.call("epoll_ctl", ep, 3, fd, 0x40000000)
    t.call("epoll_wait", ep, 10, 0)


@script
def a_shut_error_queue(t):
    fd = t.accepted()
    notes(t, fd)
    t.call("recvmsg", fd, 100, MSG_ERRQUEUE, 200)
    t.call("recvmsg", t.listening, 100, MSG_ERRQUEUE, 200)
