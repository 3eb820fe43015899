# SPDX-License-Identifier: BSD-3-Clause
"""recovery_prr.py - many losses at once, ranges that join and split, what cwnd is after disorder."""
from consts import *
from script import script
from recovery import SACK, STATE, ten


def twenty(t, **kw):
    """
    A connection whose window is 20 segments of 1000, all of them in flight from byte 10001 on.
    The round trip is long, so that the reordering timer has no part in what follows.
    """
    fd = t.accepted(mss=1012, rtt=0.4, **kw)
    t.call("send", fd, 10000)
    t.sleep(0.4)
    t.peer("A", ack=10001)
    t.info(fd, *STATE)
    t.call("send", fd, 20000)
    t.sleep(0.4)
    return fd


@script(seconds=2)
def one_of_twenty_is_lost(t):
    fd = twenty(t, **SACK)
    for n in range(12, 31):
        t.peer("A", ack=10001, sack=[(11001, n * 1000 + 1)])
        if n % 4 == 0:
            t.info(fd, *STATE)
    t.peer("A", ack=30001)
    t.info(fd, *STATE)
    t.call("send", fd, 5000)


@script(seconds=2)
def one_of_twenty_is_lost_and_new_data_waits(t):
    fd = twenty(t, **SACK)
    t.call("send", fd, 20000)
    for n in range(12, 31):
        t.peer("A", ack=10001, sack=[(11001, n * 1000 + 1)])
    t.info(fd, *STATE)
    t.peer("A", ack=30001)
    t.info(fd, *STATE)


@script(seconds=2)
def the_first_four_and_six_more_are_lost(t):
    fd = twenty(t, **SACK)
    t.peer("A", ack=10001, sack=[(14001, 15001)])
    t.peer("A", ack=10001, sack=[(14001, 17001)])
    t.peer("A", ack=10001, sack=[(14001, 20001)])
    t.info(fd, *STATE)
    for n in range(27, 31):
        t.peer("A", ack=10001, sack=[(26001, n * 1000 + 1), (14001, 20001)])
        t.info(fd, *STATE)
    t.peer("A", ack=12001, sack=[(26001, 30001), (14001, 20001)])
    t.info(fd, *STATE)
    t.peer("A", ack=20001, sack=[(26001, 30001)])
    t.info(fd, *STATE)
    t.peer("A", ack=24001, sack=[(26001, 30001)])
    t.peer("A", ack=30001)
    t.info(fd, *STATE)


@script(seconds=3)
def all_but_the_last_are_lost(t):
    fd = twenty(t, **SACK)
    t.peer("A", ack=10001, sack=[(29001, 30001)])
    t.info(fd, *STATE)
    t.sleep(0.15)
    t.info(fd, *STATE)
    for n in range(11, 15):
        t.peer("A", ack=n * 1000 + 1, sack=[(29001, 30001)])
        t.info(fd, *STATE)
    t.until_quiet()


@script(seconds=2)
def acks_below_what_is_acknowledged(t):
    fd = twenty(t, **SACK)
    t.peer("A", ack=12001, sack=[(13001, 16001)])
    t.info(fd, *STATE)
    t.peer("A", ack=11001, sack=[(13001, 17001)])
    t.info(fd, *STATE)
    t.peer("A", ack=12001, sack=[(13001, 18001)])
    t.info(fd, *STATE)
    t.peer("A", ack=18001)
    t.info(fd, *STATE)


@script
def ranges_join_2_6_8_3_9(t):
    fd = ten(t, **SACK)
    t.peer("A", ack=1, sack=[(2001, 3001)])
    t.peer("A", ack=1, sack=[(6001, 7001), (2001, 3001)])
    t.peer("A", ack=1, sack=[(8001, 9001), (6001, 7001), (2001, 3001)])
    t.info(fd, *STATE)
    t.peer("A", ack=1, sack=[(2001, 4001), (8001, 9001), (6001, 7001)])
    t.info(fd, *STATE)
    t.peer("A", ack=1, sack=[(8001, 10001), (2001, 4001), (6001, 7001)])
    t.info(fd, *STATE)
    t.peer("A", ack=10001)
    t.info(fd, *STATE)


@script
def ranges_join_7_3_4_8_9(t):
    fd = ten(t, **SACK)
    t.peer("A", ack=1, sack=[(7001, 8001)])
    t.peer("A", ack=1, sack=[(3001, 4001), (7001, 8001)])
    t.peer("A", ack=1, sack=[(3001, 5001), (7001, 8001)])
    t.info(fd, *STATE)
    t.peer("A", ack=1, sack=[(7001, 9001), (3001, 5001)])
    t.peer("A", ack=1, sack=[(7001, 10001), (3001, 5001)])
    t.info(fd, *STATE)
    t.peer("A", ack=10001)


@script
def ranges_join_7_5_6_8_9(t):
    fd = ten(t, **SACK)
    t.peer("A", ack=1, sack=[(7001, 8001)])
    t.peer("A", ack=1, sack=[(5001, 6001), (7001, 8001)])
    t.peer("A", ack=1, sack=[(5001, 8001)])
    t.peer("A", ack=1, sack=[(5001, 9001)])
    t.peer("A", ack=1, sack=[(5001, 10001)])
    t.info(fd, *STATE)
    t.peer("A", ack=10001)


@script
def ranges_within_segments(t):
    fd = ten(t, **SACK)
    t.peer("A", ack=1, sack=[(1501, 2501)])
    t.info(fd, *STATE)
    t.peer("A", ack=1, sack=[(1001, 4501)])
    t.info(fd, *STATE)
    t.peer("A", ack=501, sack=[(1001, 4501)])
    t.info(fd, *STATE)
    t.peer("A", ack=4501)
    t.info(fd, *STATE)
    t.peer("A", ack=10001)


@script
def disorder_does_not_moderate(t):
    fd = ten(t, **SACK)
    t.peer("A", ack=1, sack=[(1001, 2001)])
    t.info(fd, *STATE)
    t.peer("A", ack=2001)
    t.info(fd, *STATE)
    t.peer("A", ack=10001)
    t.info(fd, *STATE)
    t.call("send", fd, 30000)
    t.info(fd, *STATE)


@script(seconds=2)
def early_retransmit_of_three(t):
    fd = t.accepted(mss=1012, rtt=0.4, **SACK)
    t.call("send", fd, 3000)
    t.sleep(0.4)
    t.peer("A", ack=1, sack=[(1001, 2001)])
    t.peer("A", ack=1, sack=[(1001, 3001)])
    t.info(fd, *STATE)
    t.sleep(0.1)
    t.info(fd, *STATE)
    t.peer("A", ack=3001)
    t.info(fd, *STATE)


@script
def early_retransmit_of_two_without_sack(t):
    fd = t.accepted(mss=1000)
    t.call("send", fd, 2000)
    t.peer("A", ack=1)
    t.info(fd, *STATE)
    t.sleep(0.1)
    t.info(fd, *STATE)
    t.peer("A", ack=2001)


@script
def window_updates_are_no_duplicates(t):
    fd = ten(t)
    for w in (60000, 50000, 40000, 60000, 50000):
        t.peer("A", ack=1, win=w)
    t.info(fd, *STATE)
    for n in range(3):
        t.peer("A", ack=1, len=100)
    t.info(fd, *STATE)
    for n in range(3):
        t.peer("A", ack=1)
    t.info(fd, *STATE)


@script
def slow_start_of_acks_of_one(t):
    fd = ten(t, **SACK)
    t.call("send", fd, 30000)
    for n in range(1, 11):
        t.peer("A", ack=n * 1000 + 1)
    t.info(fd, *STATE)


@script
def slow_start_of_acks_of_two(t):
    fd = ten(t, **SACK)
    t.call("send", fd, 30000)
    for n in range(2, 11, 2):
        t.peer("A", ack=n * 1000 + 1)
    t.info(fd, *STATE)


@script
def slow_start_of_five_of_ten(t):
    fd = t.accepted(mss=1012, **SACK)
    t.call("send", fd, 5000)
    t.peer("A", ack=2001)
    t.peer("A", ack=4001)
    t.peer("A", ack=5001)
    t.info(fd, *STATE)
    t.call("send", fd, 6000)
    t.peer("A", ack=7001)
    t.peer("A", ack=9001)
    t.peer("A", ack=11001)
    t.info(fd, *STATE)


@script
def slow_start_after_a_window_update(t):
    fd = t.accepted(mss=1012, win=3000, **{k: v for k, v in SACK.items() if k != "ws"})
    t.call("send", fd, 20000)
    t.peer("A", ack=3001, win=3000)
    t.info(fd, *STATE)
    t.peer("A", ack=6001, win=65535)
    t.info(fd, *STATE)
    t.peer("A", ack=10001)
    t.info(fd, *STATE)


@script
def acks_of_parts_of_segments(t):
    fd = ten(t, **SACK)
    for a in (301, 601, 1001, 1501, 2501):
        t.peer("A", ack=a)
        t.info(fd, *STATE)


@script(seconds=2)
def a_jump_of_the_ack_beyond_recovery(t):
    fd = twenty(t, **SACK)
    t.peer("A", ack=10001, sack=[(13001, 16001)])
    t.peer("A", ack=10001, sack=[(13001, 19001)])
    t.info(fd, *STATE)
    t.peer("A", ack=30001)
    t.info(fd, *STATE)
    t.call("send", fd, 20000)
