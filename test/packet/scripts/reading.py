# SPDX-License-Identifier: BSD-3-Clause
"""reading.py - peeking, waiting for all, throwing away; and the end, a reset and signals in the middle of it."""
from consts import *
from script import script
from receiving_edges import WEIGHT

SO_PEEK_OFF = 42


@script(ignore=WEIGHT)
def peeking_from_an_offset(t):
    fd = t.accepted()
    t.setint(fd, SOL_SOCKET, SO_PEEK_OFF, 0)
    t.peer("PA", len=10)
    t.peer("PA", len=10)
    t.call("recv", fd, 4, MSG_PEEK)
    t.call("recv", fd, 100, MSG_PEEK)
    t.call("recv", fd, 100, MSG_PEEK | MSG_DONTWAIT)
    t.getint(fd, SOL_SOCKET, SO_PEEK_OFF)
    t.call("recv", fd, 7)
    t.getint(fd, SOL_SOCKET, SO_PEEK_OFF)
    t.setint(fd, SOL_SOCKET, SO_PEEK_OFF, 5)
    t.call("recv", fd, 100, MSG_PEEK)
    t.setint(fd, SOL_SOCKET, SO_PEEK_OFF, -1)
    t.call("recv", fd, 100, MSG_PEEK)


@script(ignore=WEIGHT)
def peeking_and_waiting_for_all(t):
    fd = t.accepted()
    h = t.start("recv", fd, 20, MSG_PEEK | MSG_WAITALL)
    t.peer("PA", len=10)
    t.sleep(0.06)
    t.peer("PA", len=5)
    t.sleep(0.06)
    t.peer("PA", len=10)
    t.end(h)
    t.call("recv", fd, 100)


@script(ignore=WEIGHT)
def peeking_when_the_end_comes(t):
    fd = t.accepted()
    h = t.start("recv", fd, 20, MSG_PEEK | MSG_WAITALL)
    t.peer("PA", len=10)
    t.peer("FA")
    t.end(h)
    t.call("recv", fd, 100, MSG_PEEK)
    t.call("recv", fd, 100)
    t.call("recv", fd, 100, MSG_PEEK)


@script(ignore=WEIGHT)
def waiting_for_all_when_a_reset_comes(t):
    fd = t.accepted()
    h = t.start("recv", fd, 20, MSG_WAITALL)
    t.peer("PA", len=10)
    t.sleep(0.06)
    t.peer("R")
    t.end(h)
    t.call("recv", fd, 20)
    t.call("recv", fd, 20)


@script(ignore=WEIGHT)
def waiting_for_all_for_a_time(t):
    fd = t.accepted()
    t.call("setsockopt", fd, SOL_SOCKET, SO_RCVTIMEO, "x0000000000000000400d030000000000")
    t.peer("PA", len=10)
    t.call("recv", fd, 20, MSG_WAITALL)
    t.call("recv", fd, 20, MSG_WAITALL)


@script(ignore=WEIGHT)
def waiting_for_all_with_a_mark_of_several(t):
    fd = t.accepted()
    t.setint(fd, SOL_SOCKET, SO_RCVLOWAT, 30)
    t.peer("PA", len=10)
    h = t.start("recv", fd, 20)
    t.sleep(0.06)
    t.peer("PA", len=5)
    t.sleep(0.06)
    t.peer("PA", len=10)
    t.end(h)
    t.call("recv", fd, 20, MSG_DONTWAIT)


@script(ignore=WEIGHT)
def a_reset_behind_unread_data(t):
    fd = t.accepted()
    t.peer("PA", len=10)
    t.peer("R")
    t.poll(fd)
    t.call("ioctl", fd, FIONREAD)
    t.call("recv", fd, 5, MSG_PEEK)
    t.call("recv", fd, 5)
    t.call("recv", fd, 100)
    t.call("recv", fd, 100)
    t.poll(fd)
    t.call("send", fd, 1, MSG_NOSIGNAL)


@script(ignore=WEIGHT)
def throwing_away(t):
    fd = t.accepted()
    for _ in range(3):
        t.peer("PA", len=1000)
    t.call("recv", fd, 2500, MSG_TRUNC)
    t.call("recv", fd, 100, MSG_TRUNC | MSG_PEEK)
    t.call("recv", fd, 1000, MSG_TRUNC | MSG_WAITALL | MSG_DONTWAIT)
    t.call("recv", fd, 1000, MSG_TRUNC | MSG_DONTWAIT)
    t.sleep(0.06)


@script(ignore=WEIGHT)
def reading_in_states_without_data(t):
    fd = t.socket()
    t.call("recv", fd, 10)
    t.call("recv", fd, 0)
    t.call("recv", fd, 10, MSG_ERRQUEUE)
    t.call("recv", fd, 10, MSG_OOB)
    t.call("recv", fd, 10, MSG_PEEK | MSG_DONTWAIT)
    li = t.listener()
    t.call("recv", li, 10)
    t.call("send", li, 10, MSG_NOSIGNAL)
    t.call("ioctl", li, FIONREAD)
    t.call("ioctl", li, SIOCATMARK)
    c = t.connecting(flow=t.flow())
    t.call("recv", c, 10)
    t.call("recv", c, 10, MSG_OOB)
    t.call("ioctl", c, FIONREAD)
    t.call("ioctl", c, SIOCOUTQ)
    t.call("send", c, 10)


@script(ignore=WEIGHT)
def reading_after_shutting_for_reading(t):
    fd = t.accepted()
    t.peer("PA", len=10)
    t.call("shutdown", fd, SHUT_RD)
    t.poll(fd)
    t.call("recv", fd, 5)
    t.call("recv", fd, 100)
    t.call("recv", fd, 100)
    t.peer("PA", len=10)
    t.poll(fd)
    t.call("recv", fd, 100)
    t.call("recv", fd, 100)


@script(ignore=WEIGHT)
def a_reader_and_shutting_by_another(t):
    fd = t.accepted()
    a = t.start("recv", fd, 10)
    t.sleep(0.06)
    t.call("shutdown", fd, SHUT_RD)
    t.end(a)
    b = t.start("recv", fd, 10, MSG_WAITALL)
    t.end(b)


@script(ignore=WEIGHT)
def spliced_away(t):
    fd = t.accepted()
    t.peer("PA", len=10)
    t.peer("PA", len=3000)
    t.call("splice", fd, 5, 0, "in")
    t.call("splice", fd, 10000, 0, "in")
    t.call("ioctl", fd, FIONREAD)
    t.peer("FA")
    t.call("splice", fd, 10, 0, "in")
