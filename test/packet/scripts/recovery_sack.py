# SPDX-License-Identifier: BSD-3-Clause
"""recovery_sack.py - losses that SACK tells of: what is lost, what goes again, and cwnd."""
from script import script
from recovery import SACK, STATE, ten


@script(families=(4, 6))
def fast_retransmit_with_sack(t):
    fd = ten(t, **SACK)
    t.call("send", fd, 10000)
    for n in (2, 3, 4):
        t.peer("A", ack=1, sack=[(1001, n * 1000 + 1)])
    t.info(fd, *STATE)
    for n in (6, 10):                               # well before what went since could count as lost (RACK)
        t.peer("A", ack=1, sack=[(1001, n * 1000 + 1)])
    t.info(fd, *STATE)
    t.peer("A", ack=10001)
    t.info(fd, *STATE)
    t.peer("A")
    t.info(fd, *STATE)


@script
def several_holes(t):
    fd = ten(t, **SACK)
    t.call("send", fd, 10000)
    t.peer("A", ack=1, sack=[(1001, 2001)])
    t.peer("A", ack=1, sack=[(3001, 4001), (1001, 2001)])
    t.peer("A", ack=1, sack=[(5001, 6001), (3001, 4001), (1001, 2001)])
    t.info(fd, *STATE)
    t.peer("A", ack=1, sack=[(7001, 10001), (5001, 6001), (3001, 4001)])
    t.info(fd, *STATE)
    t.peer("A", ack=2001, sack=[(7001, 10001), (5001, 6001), (3001, 4001)])
    t.peer("A", ack=6001, sack=[(7001, 10001)])
    t.peer("A", ack=10001)
    t.info(fd, *STATE)


@script
def one_sack_of_three_segments(t):
    fd = ten(t, **SACK)
    t.peer("A", ack=1, sack=[(1001, 4001)])
    t.info(fd, *STATE)
    t.sleep(0.05)
    t.info(fd, *STATE)
    t.peer("A")


@script
def the_reordering_timer(t):
    fd = ten(t, **SACK)
    t.peer("A", ack=1, sack=[(1001, 2001)])
    t.info(fd, *STATE)
    t.sleep(0.05)
    t.info(fd, *STATE)


@script
def reordering_is_learned(t):
    fd = ten(t, **SACK)
    t.peer("A", ack=1, sack=[(5001, 6001)])
    t.peer("A", ack=1, sack=[(1001, 2001), (5001, 6001)])
    t.peer("A", ack=6001)
    t.info(fd, *STATE, "reord_seen")


@script
def an_ack_fills_a_hole_that_was_not_repaired(t):
    fd = ten(t, **SACK)
    t.peer("A", ack=1, sack=[(2001, 4001)])
    t.peer("A", ack=4001)
    t.info(fd, *STATE, "reord_seen")
    t.peer("A", ack=4001, sack=[(6001, 7001)])
    t.sleep(0.03)
    t.info(fd, *STATE, "reord_seen")
    t.peer("A")
    t.info(fd, *STATE)


@script
def a_retransmission_is_lost_too(t):
    fd = ten(t, **SACK)
    t.call("send", fd, 20000)
    for n in (2, 3, 4):
        t.peer("A", ack=1, sack=[(1001, n * 1000 + 1)])
    t.sleep(0.02)
    t.peer("A", ack=1, sack=[(1001, 10001)])
    t.sleep(0.02)
    t.peer("A", ack=1, sack=[(1001, 12001)])
    t.sleep(0.05)
    t.info(fd, *STATE)


@script
def loss_during_recovery(t):
    fd = ten(t, **SACK)
    t.call("send", fd, 30000)
    for n in (2, 3, 4, 5, 6):
        t.peer("A", ack=1, sack=[(1001, n * 1000 + 1)])
    t.info(fd, *STATE)
    t.sleep(0.03)
    t.peer("A", ack=10001)
    t.info(fd, *STATE)
    t.peer("A", ack=10001, sack=[(11001, 13001)])
    t.info(fd, *STATE)
    t.peer("A", ack=10001, sack=[(11001, 15001)])
    t.info(fd, *STATE)
    t.sleep(0.03)
    t.peer("A")
    t.info(fd, *STATE, "bytes_retrans", "delivered")


@script
def sacks_that_make_no_sense(t):
    fd = ten(t, **SACK)
    t.peer("A", ack=1, sack=[(20001, 30001)])
    t.peer("A", ack=1, sack=[(5001, 4001)])
    t.peer("A", ack=3001, sack=[(1001, 2001)])
    t.peer("A", ack=3001, sack=[(4001, 4001)])
    t.info(fd, *STATE)


@script(seconds=2)
def reneging(t):
    fd = ten(t, **SACK)
    t.peer("A", ack=1, sack=[(1001, 5001)])
    t.sleep(0.02)
    t.peer("A", ack=1001)
    t.sleep(0.3)
    t.info(fd, *STATE)


@script
def ecn_echo_then_loss(t):
    fd = ten(t, **SACK)
    t.call("send", fd, 10000)
    t.peer("AE", ack=2001)
    t.info(fd, *STATE)
    for n in (4, 5, 6):
        t.peer("A", ack=2001, sack=[(3001, n * 1000 + 1)])
    t.info(fd, *STATE)
    t.peer("A")
    t.info(fd, *STATE)


def grows_after_a_loss(t, rtt):
    fd = ten(t, **SACK)
    t.call("send", fd, 40000)
    for n in (2, 3, 4, 5, 6, 7, 8, 9, 10):
        t.peer("A", ack=1, sack=[(1001, n * 1000 + 1)])
    t.peer("A")
    for _ in range(8):
        t.sleep(rtt)
        t.peer("A")
        t.info(fd, "snd_cwnd", "snd_ssthresh", "ca_state")


@script(seconds=1)
def cubic_after_a_loss(t):
    grows_after_a_loss(t, 0.04)


@script(opts={"cc": "reno"}, seconds=1)
def reno_after_a_loss(t):
    grows_after_a_loss(t, 0.02)
