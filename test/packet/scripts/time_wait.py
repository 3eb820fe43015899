# SPDX-License-Identifier: BSD-3-Clause
"""time_wait.py - what comes to a connection that has ended, and to one that waits for the other's end."""
from consts import *
from script import script


def ended(t, **kw):
    """In TIME_WAIT: closed here, then there; the peer's next number is 2."""
    fd = t.accepted(**kw)
    t.call("close", fd)
    t.peer("FA")
    return fd


@script(seconds=2)
def segments_in_the_window_of_the_past(t):
    ended(t, ts=True)
    t.peer("A")
    t.sleep(0.6)
    t.peer("PA", len=100)
    t.sleep(0.6)
    t.peer("PA", seq=1, len=1)
    t.sleep(0.6)
    t.peer("PA", seq=100000, len=10)


@script(seconds=2)
def a_fin_that_comes_again(t):
    ended(t)
    t.peer("FA", seq=1)
    t.sleep(0.6)
    t.peer("FA", seq=1)
    t.peer("FA", seq=1)


@script
def a_reset_of_the_past(t):
    ended(t)
    t.peer("R", seq=1)
    t.peer("FA", seq=1)
    t.peer("R", seq=2)
    t.peer("FA", seq=1)


@script
def a_reset_with_an_old_stamp(t):
    ended(t, ts=True)
    t.peer("RA", seq=2, tsval=5, ts=True)
    t.sleep(0.6)
    t.peer("FA", seq=1)


@script
def a_syn_with_the_same_stamp(t):
    ended(t, ts=True)
    t.peer("S", seq=70000, mss=1460, ts=True, tsval=t.f.tsval)
    t.peer("S", seq=1, mss=1460, ts=True, tsval=t.f.tsval)


@script
def a_syn_with_a_newer_stamp_and_an_old_number(t):
    ended(t, ts=True)
    t.peer("S", seq=1, mss=1460, ts=True, tsval=t.f.tsval + 1000)


@script
def a_syn_without_a_stamp_to_one_that_had_some(t):
    ended(t, ts=True)
    t.peer("S", seq=1, mss=1460)
    t.sleep(0.6)
    t.peer("S", seq=70000, mss=1460)


@script
def a_syn_with_an_ack(t):
    ended(t)
    t.peer("SA", seq=70000, ack=2, mss=1460)
    t.sleep(0.6)
    t.peer("SR", seq=70000, mss=1460)
    t.sleep(0.6)
    t.peer("SF", seq=70000, mss=1460)


@script
def a_syn_when_nobody_listens_any_more(t):
    ended(t)
    t.call("close", t.listening)
    t.peer("S", seq=70000, mss=1460)


@script
def wrong_acks_of_the_past(t):
    ended(t)
    t.peer("A", ack=1)
    t.sleep(0.6)
    t.peer("A", ack=100)
    t.sleep(0.6)
    t.peer("PA", len=5, ack=100)


@script(seconds=2)
def an_orphan_waits_for_the_end(t):
    fd = t.accepted()
    t.setint(fd, IPPROTO_TCP, TCP_LINGER2, 1)
    t.call("close", fd)
    t.peer("A")
    t.sleep(0.5)
    t.peer("A")
    t.peer("FA")
    t.peer("FA", seq=1)


@script(seconds=2)
def an_orphan_gets_data(t):
    fd = t.accepted()
    t.call("close", fd)
    t.peer("A")
    t.peer("PA", len=10)
    t.peer("FA")


@script(seconds=2)
def an_orphan_gets_an_end_out_of_order(t):
    fd = t.accepted()
    t.call("close", fd)
    t.peer("A")
    t.peer("FA", seq=2)
    t.peer("PA", seq=1, len=1)


@script
def an_orphan_gets_a_syn(t):
    fd = t.accepted()
    t.call("close", fd)
    t.peer("A")
    t.peer("S", seq=70000, mss=1460)
    t.sleep(0.6)
    t.peer("R", seq=2)
    t.peer("R", seq=1)
    t.peer("A")


@script
def the_address_of_the_past_is_used_again(t):
    fd = t.connected(ts=True)
    t.call("close", fd)
    t.peer("FA")
    a = t.socket(SOCK_STREAM | SOCK_NONBLOCK)
    t.call("connect", a, t.host, t.f.peer_port)
