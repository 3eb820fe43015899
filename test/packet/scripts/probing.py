# SPDX-License-Identifier: BSD-3-Clause
"""probing.py - timers that ask whether somebody is there: shut windows, keepalives, SYNs, tails."""
from consts import *
from script import script

STATE = ("state", "probes", "backoff", "retransmits", "unacked", "notsent_bytes")


@script(seconds=4)
def a_shut_window_is_probed(t):
    fd = t.accepted(win=1000, mss=1460)
    t.call("send", fd, 1000)
    t.peer("A", win=0)
    t.call("send", fd, 500)
    t.sleep(1.8)
    t.info(fd, *STATE)
    t.peer("A", win=0)
    t.sleep(0.5)
    t.info(fd, *STATE)
    t.peer("A", win=100)
    t.info(fd, *STATE)
    t.peer("A", win=1000)


@script(seconds=3)
def a_probe_is_answered_each_time(t):
    fd = t.accepted(win=1000, mss=1460)
    t.call("send", fd, 1000)
    t.peer("A", win=0)
    t.call("send", fd, 500)
    for n in range(3):
        t.until_packet()
        t.peer("A", win=0)
        t.info(fd, "probes", "backoff", "retransmits")
    t.peer("A", win=5000)


@script(seconds=2)
def keepalive_of_a_busy_connection(t):
    fd = t.accepted()
    t.setint(fd, SOL_SOCKET, SO_KEEPALIVE, 1)
    t.setint(fd, IPPROTO_TCP, TCP_KEEPIDLE, 1)
    t.setint(fd, IPPROTO_TCP, TCP_KEEPINTVL, 1)
    t.sleep(0.6)
    t.peer("PA", len=10)
    t.sleep(0.6)
    t.peer("PA", len=10)
    t.sleep(1.3)
    t.peer("A")
    t.info(fd, *STATE)


@script(seconds=3)
def keepalive_with_data_in_flight(t):
    fd = t.accepted()
    t.setint(fd, SOL_SOCKET, SO_KEEPALIVE, 1)
    t.setint(fd, IPPROTO_TCP, TCP_KEEPIDLE, 1)
    t.setint(fd, IPPROTO_TCP, TCP_KEEPINTVL, 1)
    t.call("send", fd, 100)
    t.sleep(1.4)
    t.peer("A")
    t.sleep(1.3)
    t.info(fd, *STATE)


@script(seconds=4)
def keepalive_ends_a_dead_connection(t):
    fd = t.accepted()
    t.setint(fd, IPPROTO_TCP, TCP_KEEPIDLE, 1)
    t.setint(fd, IPPROTO_TCP, TCP_KEEPINTVL, 1)
    t.setint(fd, IPPROTO_TCP, TCP_KEEPCNT, 2)
    t.setint(fd, SOL_SOCKET, SO_KEEPALIVE, 1)
    t.sleep(3.4)
    t.poll(fd)
    t.error(fd)
    t.call("recv", fd, 10)


@script(seconds=2)
def keepalive_is_answered_by_a_reset(t):
    fd = t.accepted()
    t.setint(fd, IPPROTO_TCP, TCP_KEEPIDLE, 1)
    t.setint(fd, SOL_SOCKET, SO_KEEPALIVE, 1)
    t.sleep(1.2)
    t.peer("R", seq=1)
    t.poll(fd)
    t.error(fd)


@script(seconds=2)
def a_tail_is_probed_with_one_segment_in_flight(t):
    fd = t.accepted(mss=1012, ws=7, sack=True, ts=True, rtt=0.05)
    t.call("send", fd, 500)
    t.sleep(0.35)
    t.info(fd, *STATE)
    t.peer("A")
    t.info(fd, *STATE)


@script(seconds=2)
def a_tail_is_probed_once(t):
    fd = t.accepted(mss=1012, ws=7, sack=True, ts=True, rtt=0.05)
    t.call("send", fd, 5000)
    t.sleep(0.8)
    t.info(fd, *STATE)
    t.peer("A")


@script(seconds=2)
def a_tail_is_probed_by_a_corked_rest(t):
    fd = t.accepted(mss=1012, ws=7, sack=True, ts=True, rtt=0.05)
    t.setint(fd, IPPROTO_TCP, TCP_CORK, 1)
    t.call("send", fd, 2500)
    t.sleep(0.5)
    t.info(fd, *STATE)
    t.peer("A")


@script(seconds=3)
def user_timeout_of_a_syn(t):
    fd = t.connecting(setup=lambda fd: t.setint(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 1500))
    t.sleep(2.5)
    t.poll(fd)
    t.error(fd)


@script(seconds=3)
def user_timeout_longer_than_the_row(t):
    fd = t.accepted(rtt=0.02)
    t.setint(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 1000)
    t.call("send", fd, 100)
    t.sleep(1.6)
    t.poll(fd)
    t.error(fd)
    t.call("send", fd, 100, MSG_NOSIGNAL)


@script(seconds=2)
def the_rto_follows_the_round_trip(t):
    fd = t.accepted(mss=1012, ws=7, sack=True, ts=True, rtt=0.1)
    for n in range(4):
        t.call("send", fd, 100)
        t.sleep(0.1)
        t.peer("A")
    t.call("send", fd, 1000)
    t.sleep(1.0)
    t.peer("A")


@script(seconds=3)
def a_repeated_segment_grows_by_what_was_written_since(t):
    fd = t.accepted(setup=lambda fd: t.setint(fd, IPPROTO_TCP, TCP_NODELAY, 1), mss=1012, ts=True, rtt=0.02)
    t.call("send", fd, 100)
    t.call("send", fd, 100)
    t.sleep(0.7)
    t.call("send", fd, 100)
    t.sleep(0.3)                                    # well before the next time-out
    t.peer("A")


@script(seconds=2)
def an_rto_and_acks_of_the_original(t):
    fd = t.accepted(mss=1012, ws=7, sack=True, ts=True, rtt=0.02)
    t.call("send", fd, 5000)
    original = t.f.tsecr
    t.sleep(0.5)
    t.info(fd, *STATE)
    t.peer("A", ack=1001, tsecr=original)
    t.info(fd, *STATE)
    t.peer("A", ack=5001)
    t.info(fd, *STATE)
