# SPDX-License-Identifier: BSD-3-Clause
"""calls_in_states.py - calls made while a connection comes or goes, and what they wait for."""
from consts import *
from script import script
from receiving_edges import WEIGHT

BRIEF = "x0000000000000000400d030000000000"     # struct timeval of 0.2 s


@script(ignore=WEIGHT)
def writing_when_it_is_refused(t):
    fd = t.connecting()
    t.call("fcntl", fd, F_SETFL, 0)
    h = t.start("send", fd, 100, MSG_NOSIGNAL)
    t.sleep(0.06)
    t.peer("RA", seq=0)
    t.end(h)
    t.call("send", fd, 100, MSG_NOSIGNAL)
    t.error(fd)


@script
def writing_before_it_is_connected(t):
    fd = t.connecting()
    t.call("send", fd, 100)
    t.call("fcntl", fd, F_SETFL, 0)
    h = t.start("send", fd, 100)
    t.sleep(0.06)
    t.peer("SA", mss=1460)
    t.end(h)


@script
def a_writer_waits_and_gives_up(t):
    fd, h = t.connecting(blocking=True)
    w = t.start("send", fd, 100)
    t.peer("SA", mss=1460)
    t.end(h)
    t.end(w)
    t.peer("A")


@script
def a_writer_waits_and_it_is_refused(t):
    fd = t.connecting()
    t.call("fcntl", fd, F_SETFL, 0)
    h = t.start("send", fd, 100)
    t.sleep(0.06)
    t.peer("RA")
    t.end(h)
    t.error(fd)


@script(ignore=WEIGHT)
def reading_before_it_is_connected(t):
    fd = t.connecting()
    t.call("fcntl", fd, F_SETFL, 0)
    h = t.start("recv", fd, 100)
    t.sleep(0.06)
    t.peer("SA", mss=1460)
    t.sleep(0.06)
    t.peer("PA", len=10)
    t.end(h)


@script
def connecting_for_a_time(t):
    fd = t.socket()
    t.call("setsockopt", fd, SOL_SOCKET, SO_SNDTIMEO, BRIEF)
    t.f.port = None
    h = t.start("connect", fd, t.host, t.f.peer_port)
    t.end(h)
    t.call("connect", fd, t.host, t.f.peer_port)
    t.poll(fd)
    t.peer("SA", mss=1460)
    t.poll(fd)
    t.call("connect", fd, t.host, t.f.peer_port)
    t.call("connect", fd, t.host, t.f.peer_port)


@script
def shut_while_connecting(t):
    fd = t.connecting()
    t.call("shutdown", fd, SHUT_WR)
    t.poll(fd)
    t.call("send", fd, 10, MSG_NOSIGNAL)
    t.peer("SA", mss=1460)
    t.poll(fd)


@script
def shut_for_reading_while_connecting(t):
    fd = t.connecting()
    t.call("shutdown", fd, SHUT_RD)
    t.poll(fd)
    t.peer("SA", mss=1460)
    t.poll(fd)
    t.call("recv", fd, 10)


@script
def names_while_connecting(t):
    fd = t.connecting()
    t.call("getpeername", fd)
    t.call("bind", fd, t.any, 0)
    t.call("listen", fd, 3)
    t.call("accept", fd)
    t.info(fd, "state")
    t.peer("RA", seq=0)
    t.call("getpeername", fd)
    t.error(fd)
    t.call("connect", fd, t.host, t.f.peer_port)


@script
def a_refused_one_tries_again(t):
    fd = t.connecting()
    t.peer("RA", seq=0)
    t.call("connect", fd, t.host, t.f.peer_port)
    t.call("connect", fd, t.host, t.f.peer_port)
    t.peer("SA", seq=0, mss=1460)
    t.call("connect", fd, t.host, t.f.peer_port)
    t.poll(fd)


@script(ignore=WEIGHT)
def shut_and_shut_again(t):
    fd = t.accepted()
    t.call("shutdown", fd, SHUT_WR)
    t.call("shutdown", fd, SHUT_WR)
    t.peer("A")
    t.call("shutdown", fd, SHUT_RDWR)
    t.peer("FA")
    t.call("shutdown", fd, SHUT_RDWR)
    t.call("shutdown", fd, 5)
    t.call("getpeername", fd)
    t.info(fd, "state")


@script(ignore=WEIGHT)
def options_of_a_dead_one(t):
    fd = t.accepted()
    t.peer("R")
    t.setint(fd, IPPROTO_TCP, TCP_NODELAY, 1)
    t.setint(fd, SOL_SOCKET, SO_KEEPALIVE, 1)
    t.setint(fd, IPPROTO_TCP, TCP_CORK, 0)
    t.setint(fd, IPPROTO_TCP, TCP_QUICKACK, 1)
    t.getint(fd, IPPROTO_TCP, TCP_MAXSEG)
    t.info(fd, "state", "snd_mss", "unacked")
    t.call("getsockname", fd)
    t.call("getpeername", fd)
    t.error(fd)
    t.error(fd)
    t.call("ioctl", fd, SIOCOUTQ)
    t.call("ioctl", fd, FIONREAD)
    t.call("shutdown", fd, SHUT_WR)
    t.call("listen", fd, 3)


@script(ignore=WEIGHT)
def sends_of_nothing(t):
    fd = t.accepted()
    t.call("send", fd, 0)
    t.call("send", fd, 0, MSG_MORE)
    t.call("send", fd, 0, MSG_EOR)
    t.call("send", fd, 0, MSG_OOB)
    t.call("write", fd, 0)
    t.call("writev", fd, 0, 0)
    t.call("send", fd, 10)
    t.call("shutdown", fd, SHUT_WR)
    t.call("send", fd, 0, MSG_NOSIGNAL)


@script(ignore=WEIGHT)
def a_writer_waits_and_the_peer_goes(t):
    fd = t.accepted(win=1000)
    t.setint(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 1)
    h = t.start("send", fd, 1000000, MSG_NOSIGNAL)
    t.sleep(0.06)
    t.peer("R")
    t.is_over(h)
    t.call("send", fd, 10, MSG_NOSIGNAL)
    t.call("send", fd, 10, MSG_NOSIGNAL)
    t.error(fd)


@script(ignore=WEIGHT)
def the_queue_of_what_was_sent(t):
    fd = t.accepted(win=3000, rtt=0.1)
    t.call("ioctl", fd, SIOCOUTQ)
    t.call("send", fd, 5000)
    t.call("ioctl", fd, SIOCOUTQ)
    t.call("ioctl", fd, SIOCOUTQNSD)
    t.peer("A", ack=1001, win=3000)
    t.call("ioctl", fd, SIOCOUTQ)
    t.call("ioctl", fd, SIOCOUTQNSD)
    t.call("shutdown", fd, SHUT_WR)
    t.call("ioctl", fd, SIOCOUTQ)
    t.peer("A", win=3000)
    t.call("ioctl", fd, SIOCOUTQ)
    t.peer("A")
    t.call("ioctl", fd, SIOCOUTQ)
    t.call("ioctl", fd, SIOCOUTQNSD)


@script(ignore=WEIGHT)
def a_clamp_is_set_while_connected(t):
    fd = t.accepted()
    t.setint(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 3000)
    t.getint(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP)
    t.peer("PA", len=10)
    t.setint(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 0)
    t.setint(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 1)
    t.getint(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP)


@script(ignore=WEIGHT)
def congestion_control_is_changed_on_the_way(t):
    fd = t.accepted(sack=True, rtt=0.1)
    t.call("send", fd, 14600)
    t.call("setsockopt", fd, IPPROTO_TCP, TCP_CONGESTION, "x7265656e6f")
    t.call("setsockopt", fd, IPPROTO_TCP, TCP_CONGESTION, "x72656e6f")
    t.call("getsockopt", fd, IPPROTO_TCP, TCP_CONGESTION, 16)
    t.info(fd, "snd_cwnd", "snd_ssthresh", "ca_state")
    t.peer("A", ack=1, sack=[(1461, 5841)])
    t.info(fd, "snd_cwnd", "snd_ssthresh", "ca_state")


@script(ignore=WEIGHT)
def who_answers_first_is_to_wait_with_its_ack(t):
    fd = t.connecting(lambda fd: t.setint(fd, IPPROTO_TCP, TCP_QUICKACK, 0))
    t.peer("SA", mss=1460)
    t.sleep(0.05)
    t.call("send", fd, 10)
    t.sleep(0.1)
    t.peer("A")


@script(ignore=WEIGHT)
def who_answers_first_has_nothing_to_say(t):
    t.connecting(lambda fd: t.setint(fd, IPPROTO_TCP, TCP_QUICKACK, 0))
    t.peer("SA", mss=1460)
    t.sleep(0.4)


@script(ignore=WEIGHT)
def deferred_accept_of_one_that_connects(t):
    fd = t.connecting(lambda fd: t.setint(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 2))
    t.peer("SA", mss=1460)
    t.sleep(0.05)
    t.peer("PA", len=10)
    t.sleep(0.1)
    t.call("send", fd, 10)
    t.peer("PA", len=10)
    t.sleep(0.1)
