# SPDX-License-Identifier: BSD-3-Clause
"""backlogs.py - listeners that are full, that wait for data, and what half-open connections meet there."""
from consts import *
from script import script
from receiving_edges import WEIGHT

SYN = {"mss": 1460}


def others(t, n, **kw):
    """So many further connections, made by the peer as far as their last ACK."""
    flows = []
    for _ in range(n):
        f = t.flow()
        f.peer("S", **SYN, **kw)
        f.peer("A")
        flows.append(f)
    return flows


@script(seconds=4)
def a_full_queue_is_emptied_before_the_syn_ack_is_repeated(t):
    li = t.listener(backlog=0)
    others(t, 1)
    late = t.flow()
    late.peer("S", **SYN)
    t.sleep(0.3)
    t.call("accept", li)
    late.peer("S", seq=0, **SYN)
    late.peer("A")
    t.call("accept", li)


@script(seconds=4)
def the_last_ack_comes_to_a_full_queue(t):
    li = t.listener(backlog=1)
    a, b, c = t.flow(), t.flow(), t.flow()
    for f in (a, b, c):
        f.peer("S", **SYN)
    for f in (a, b, c):
        f.peer("A")
    t.sleep(0.3)
    t.call("accept", li)
    c.peer("A")
    t.call("accept", li)
    t.call("accept", li)


@script(seconds=3)
def data_comes_to_a_full_queue(t):
    li = t.listener(backlog=0)
    a, b = t.flow(), t.flow()
    for f in (a, b):
        f.peer("S", **SYN)
    for f in (a, b):
        f.peer("A")
    b.peer("PA", len=100)
    t.sleep(0.3)
    t.call("accept", li)
    b.peer("PA", seq=1, len=100)
    r = t.call("accept", li)
    t.call("recv", r.ret, 1000, MSG_DONTWAIT)


@script
def the_state_of_a_listener(t):
    li = t.listener(backlog=5)
    t.info(li, "state", "unacked", "sacked")
    others(t, 2)
    t.info(li, "state", "unacked", "sacked")
    t.call("accept", li)
    t.info(li, "state", "unacked", "sacked")
    t.call("listen", li, 2)
    t.info(li, "state", "unacked", "sacked")


@script
def half_open_ones_when_the_listener_goes(t):
    li = t.listener()
    t.peer("S", **SYN)
    b = t.flow()
    b.peer("S", **SYN)
    b.peer("A")
    t.call("close", li)
    t.peer("A")
    b.peer("A")


@script
def half_open_ones_when_the_listener_is_shut(t):
    li = t.listener()
    t.peer("S", **SYN)
    t.call("shutdown", li, SHUT_RD)
    late = t.flow()
    late.peer("S", **SYN)
    t.call("listen", li, 5)
    f = t.flow()
    f.peer("S", **SYN)


@script(seconds=3)
def deferred_and_an_ack_without_data(t):
    li = t.listener(setup=lambda fd: t.setint(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 3))
    t.getint(li, IPPROTO_TCP, TCP_DEFER_ACCEPT)
    t.peer("S", **SYN)
    t.peer("A")
    t.poll(li)
    t.sleep(1.5)
    t.peer("A")
    t.peer("PA", len=10)
    t.poll(li)
    fd = t.call("accept", li).ret
    t.getint(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT)
    t.call("recv", fd, 100)


@script
def deferred_and_a_fin(t):
    li = t.listener(setup=lambda fd: t.setint(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 3))
    t.peer("S", **SYN)
    t.peer("A")
    t.peer("FA")
    t.poll(li)
    t.call("fcntl", li, F_SETFL, O_NONBLOCK)
    t.call("accept", li)


@script
def deferred_for_odd_times(t):
    fd = t.socket()
    for seconds in (0, 1, 2, 4, 8, 100, 100000, -1):
        t.setint(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, seconds)
        t.getint(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT)


@script(ignore=WEIGHT)
def data_behind_the_last_ack_is_lost(t):
    li = t.listener()
    t.peer("S", sackok=True, **SYN)
    t.peer("PA", seq=1001, len=1000)
    t.sleep(0.06)
    t.peer("PA", seq=1, len=1000)
    fd = t.call("accept", li).ret
    t.call("recv", fd, 10000, MSG_DONTWAIT)


@script(seconds=4)
def a_syn_ack_repeated_and_then_an_ack(t):
    li = t.listener()
    t.peer("S", ts=True, **SYN)
    t.sleep(1.3)
    t.peer("A")
    fd = t.call("accept", li).ret
    t.info(fd, "snd_cwnd", "total_retrans", "retransmits")
    t.call("send", fd, 20000)


@script
def two_families_of_one_port(t):
    li = t.listener()
    t.call("getsockname", li)
    t.peer("S", **SYN)
    t.peer("A")
    fd = t.call("accept", li).ret
    t.call("getsockname", fd)
    t.call("getpeername", fd)
    t.call("bind", fd, t.any, 0)
    t.call("listen", fd, 5)
    t.call("connect", fd, t.host, 9)
    t.call("accept", fd)
