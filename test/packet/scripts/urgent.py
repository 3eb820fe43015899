# SPDX-License-Identifier: BSD-3-Clause
"""urgent.py - the urgent pointer: marks that move, are read past, are put in line, and come with little else."""
from consts import *
from script import script


@script
def a_second_mark_before_the_first_is_read(t):
    fd = t.accepted()
    t.peer("PAU", len=10, urg=5)
    t.peer("PAU", len=10, urg=5)
    t.poll(fd)
    t.call("recv", fd, 1, MSG_OOB)
    t.call("recv", fd, 100)
    t.call("ioctl", fd, SIOCATMARK)
    t.call("recv", fd, 100)
    t.call("ioctl", fd, FIONREAD)


@script
def the_mark_is_announced_before_its_byte(t):
    fd = t.accepted()
    t.peer("PAU", len=10, urg=30)
    t.poll(fd)
    t.call("recv", fd, 1, MSG_OOB)
    t.call("ioctl", fd, SIOCATMARK)
    t.call("recv", fd, 100)
    t.peer("PA", len=30)
    t.poll(fd)
    t.call("recv", fd, 1, MSG_OOB | MSG_PEEK)
    t.call("recv", fd, 1, MSG_OOB)
    t.call("recv", fd, 100)
    t.call("recv", fd, 100)


@script
def a_mark_with_nothing_else(t):
    fd = t.accepted()
    t.peer("PAU", len=1, urg=1)
    t.poll(fd)
    t.call("ioctl", fd, FIONREAD)
    t.call("ioctl", fd, SIOCATMARK)
    t.call("recv", fd, 100, MSG_DONTWAIT)
    t.call("recv", fd, 1, MSG_OOB)
    t.poll(fd)
    t.call("recv", fd, 100, MSG_DONTWAIT)


@script
def a_mark_in_a_segment_without_data(t):
    fd = t.accepted()
    t.peer("AU", urg=1)
    t.poll(fd)
    t.call("recv", fd, 1, MSG_OOB)
    t.peer("PA", len=5)
    t.poll(fd)
    t.call("recv", fd, 1, MSG_OOB)
    t.call("recv", fd, 100)


@script
def a_pointer_of_zero(t):
    fd = t.accepted()
    t.peer("PAU", len=5, urg=0)
    t.poll(fd)
    t.call("recv", fd, 1, MSG_OOB)
    t.call("recv", fd, 100)
    t.call("recv", fd, 100, MSG_DONTWAIT)


@script
def marks_in_line(t):
    fd = t.accepted()
    t.setint(fd, SOL_SOCKET, SO_OOBINLINE, 1)
    t.peer("PAU", len=10, urg=5)
    t.poll(fd)
    t.call("recv", fd, 1, MSG_OOB)
    t.call("recv", fd, 100)
    t.call("ioctl", fd, SIOCATMARK)
    t.call("recv", fd, 2)
    t.call("ioctl", fd, SIOCATMARK)
    t.call("recv", fd, 100)
    t.setint(fd, SOL_SOCKET, SO_OOBINLINE, 0)
    t.peer("PAU", len=10, urg=1)
    t.call("recv", fd, 100, MSG_PEEK)
    t.call("recv", fd, 100)


@script
def peeking_and_waiting_stop_at_the_mark(t):
    fd = t.accepted()
    t.peer("PAU", len=10, urg=5)
    t.call("recv", fd, 100, MSG_PEEK)
    t.call("recv", fd, 3)
    t.call("recv", fd, 100, MSG_WAITALL | MSG_DONTWAIT)
    t.call("recv", fd, 5, MSG_WAITALL)
    t.call("recv", fd, 1, MSG_OOB)


@script
def a_mark_and_the_end(t):
    fd = t.accepted()
    t.peer("FPAU", len=3, urg=3)
    t.poll(fd)
    t.call("recv", fd, 100)
    t.call("recv", fd, 100)
    t.call("recv", fd, 1, MSG_OOB)
    t.call("recv", fd, 1, MSG_OOB)
    t.poll(fd)


@script
def a_mark_out_of_order(t):
    fd = t.accepted(sack=True)
    t.peer("PAU", seq=11, len=10, urg=5)
    t.poll(fd)
    t.call("recv", fd, 1, MSG_OOB)
    t.peer("PA", seq=1, len=10)
    t.poll(fd)
    t.call("recv", fd, 1, MSG_OOB)
    t.call("recv", fd, 100)
    t.call("recv", fd, 100)


@script
def marks_that_are_old(t):
    fd = t.accepted()
    t.peer("PA", len=10)
    t.call("recv", fd, 10)
    t.peer("PAU", seq=1, len=10, urg=5)
    t.poll(fd)
    t.peer("PAU", len=10, urg=5)
    t.call("recv", fd, 1, MSG_OOB)
    t.call("recv", fd, 100)
    t.peer("PAU", seq=11, len=10, urg=5)
    t.poll(fd)
    t.call("recv", fd, 100)
    t.call("recv", fd, 100, MSG_DONTWAIT)


@script(seconds=2)
def urgent_bytes_are_sent(t):
    fd = t.accepted()
    t.call("send", fd, 1, MSG_OOB)
    t.call("send", fd, 1, MSG_OOB)
    t.call("send", fd, 5)
    t.peer("A", ack=2)
    t.peer("A")
    t.call("send", fd, 0, MSG_OOB)
    t.call("send", fd, 10, MSG_OOB | MSG_MORE)
    t.sleep(0.06)
    t.call("send", fd, 5)
    t.peer("A")
    t.call("shutdown", fd, SHUT_WR)
    t.call("send", fd, 1, MSG_OOB | MSG_NOSIGNAL)


@script(seconds=2)
def urgent_bytes_behind_a_shut_window(t):
    fd = t.accepted(win=2000)
    t.call("send", fd, 2000)
    t.peer("A", win=0)
    t.call("send", fd, 1, MSG_OOB)
    t.call("send", fd, 100)
    t.sleep(0.06)
    t.peer("A", win=2000)
    t.peer("A")
