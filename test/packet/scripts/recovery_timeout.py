# SPDX-License-Identifier: BSD-3-Clause
"""recovery_timeout.py - nothing comes back: tail loss probes, time-outs, F-RTO."""
from script import script
from recovery import SACK, STATE, ten


@script(seconds=2, tolerance=0.05)
def tail_loss_probe(t):
    fd = ten(t, **SACK)
    t.peer("A", ack=8001)
    t.sleep(0.25)
    t.info(fd, *STATE)
    t.sleep(0.5)
    t.info(fd, *STATE)
    t.peer("A")
    t.info(fd, *STATE)


@script(seconds=2, tolerance=0.05)
def tail_loss_probe_of_new_data(t):
    fd = ten(t, **SACK)
    t.call("send", fd, 10000)
    t.sleep(0.2)
    t.info(fd, *STATE)
    t.peer("A", ack=6001)
    t.info(fd, *STATE)
    t.peer("A")
    t.info(fd, *STATE)


@script(seconds=3)
def timeouts_double(t):
    fd = t.accepted(**SACK)
    t.sleep(0.02)
    t.call("send", fd, 1000)
    t.sleep(2.4)
    t.info(fd, *STATE, "backoff", "retransmits", "total_rto")
    t.peer("A")
    t.info(fd, *STATE, "backoff", "retransmits")


@script(seconds=2)
def a_second_timeout(t):
    fd = ten(t, **SACK)
    t.sleep(1.1)
    t.info(fd, *STATE, "backoff", "retransmits")
    t.peer("A", ack=1001)
    t.info(fd, *STATE, "backoff", "retransmits")
    t.peer("A", ack=3001)
    t.info(fd, *STATE)
    t.peer("A")
    t.info(fd, *STATE)


@script(seconds=2)
def timeout_of_a_window_with_sack(t):
    fd = ten(t, **SACK)
    t.sleep(0.7)
    t.info(fd, *STATE)
    t.peer("A", ack=2001)
    t.peer("A", ack=4001, sack=[(6001, 7001)])
    t.info(fd, *STATE)
    t.peer("A", ack=10001)
    t.info(fd, *STATE)


@script(seconds=2)
def spurious_timeout_by_timestamps(t):
    fd = ten(t, ts=True)
    old = t.f.tsecr
    t.sleep(0.3)
    t.info(fd, *STATE)
    t.peer("A", ack=2001, tsecr=old)
    t.info(fd, *STATE)
    t.call("send", fd, 10000)
    t.peer("A", ack=10001)
    t.info(fd, *STATE)


@script(seconds=2)
def spurious_timeout_by_f_rto(t):
    fd = ten(t, sack=True)
    t.call("send", fd, 10000)
    t.sleep(0.7)
    t.info(fd, *STATE)
    t.peer("A", ack=1001)
    t.info(fd, *STATE)
    t.peer("A", ack=3001)
    t.info(fd, *STATE)
    t.peer("A")
    t.info(fd, *STATE)


@script(seconds=2)
def f_rto_finds_a_real_loss(t):
    fd = ten(t, sack=True)
    t.call("send", fd, 10000)
    t.sleep(0.7)
    t.peer("A", ack=1001)
    t.info(fd, *STATE)
    t.peer("A", ack=1001, sack=[(11001, 12001)])
    t.info(fd, *STATE)
    t.peer("A", ack=1001, sack=[(11001, 13001)])
    t.info(fd, *STATE)
    t.peer("A", ack=3001, sack=[(11001, 13001)])
    t.info(fd, *STATE)
    t.peer("A", ack=13001)
    t.info(fd, *STATE)
