# SPDX-License-Identifier: BSD-3-Clause
"""recovery.py - losses: what is sent again, when, and what becomes of the window."""
from consts import *
from script import script

SACK = {"ws": 7, "sack": True, "ts": True}
STATE = ("ca_state", "snd_cwnd", "snd_ssthresh", "unacked", "sacked", "lost", "retrans", "total_retrans", "reordering")


def ten(t, **options):
    """A connection with ten segments of 1000 bytes in flight, a round trip of some 60 ms."""
    options.setdefault("mss", 1000 + (12 if options.get("ts") else 0))
    fd = t.accepted(rtt=0.05, **options)
    t.call("send", fd, 10000)
    t.sleep(0.04)
    return fd


@script
def fast_retransmit_without_sack(t):
    fd = ten(t)
    for _ in range(3):
        t.peer("A", ack=1)
    t.info(fd, *STATE)
    for _ in range(6):
        t.peer("A", ack=1)
    t.peer("A", ack=10001)
    t.info(fd, *STATE)


@script
def partial_acks_without_sack(t):
    fd = ten(t)
    t.call("send", fd, 10000)
    for _ in range(4):
        t.peer("A", ack=1)
    t.peer("A", ack=3001)
    t.peer("A", ack=5001)
    t.info(fd, *STATE)
    t.peer("A", ack=10001)
    t.info(fd, *STATE)


@script
def limited_transmit(t):
    fd = ten(t)
    t.call("send", fd, 5000)
    t.peer("A", ack=1)
    t.peer("A", ack=1)
    t.info(fd, *STATE)


@script(seconds=2)
def tail_loss_probe_shows_a_loss(t):
    fd = ten(t, **SACK)
    t.peer("A", ack=7001)
    t.sleep(0.2)
    t.peer("A", ack=7001, sack=[(9001, 10001)])
    t.info(fd, *STATE)
    t.sleep(0.05)
    t.peer("A", ack=10001)
    t.info(fd, *STATE)


@script(seconds=2)
def tail_loss_probe_for_nothing(t):
    fd = ten(t, **SACK)
    t.peer("A", ack=9001)
    t.sleep(0.4)
    t.peer("A", ack=10001)
    t.peer("A", ack=10001, sack=[(9001, 10001)])
    t.info(fd, *STATE)


@script(seconds=2)
def timeout_of_a_window(t):
    fd = ten(t)
    t.sleep(0.3)
    t.info(fd, *STATE)
    t.peer("A", ack=1001)
    t.peer("A", ack=3001)
    t.peer("A", ack=6001)
    t.info(fd, *STATE)
    t.peer("A", ack=10001)
    t.info(fd, *STATE)


@script(seconds=2)
def small_segments_are_sent_again_as_one(t):
    fd = t.accepted(setup=lambda fd: t.setint(fd, IPPROTO_TCP, TCP_NODELAY, 1))
    for n in (100, 200, 300):
        t.call("send", fd, n)
    t.sleep(0.5)
    t.peer("A")


@script(families=(4, 6), seconds=2)
def unreachable_while_connecting(t):
    fd, h = t.connecting(blocking=True)
    if t.family == 4:
        t.icmp(3, 1)
    else:
        t.icmp(1, 3, size=200)
    t.end(h, 1)
    t.error(fd)


@script
def kinds_of_unreachable_while_connecting(t):
    for code in (0, 1, 2, 3, 5, 6, 9, 13):
        f = t.flow()
        t.use(f)
        fd = t.connecting(flow=f)
        t.icmp(3, code)
        t.poll(fd)
        t.error(fd)
