# SPDX-License-Identifier: BSD-3-Clause
"""paws.py - timestamps of the peer that wrap, jump and go back (RFC 7323 4 and 5)."""
from consts import *
from script import script
from receiving_edges import WEIGHT

OPTIONS = dict(mss=1460, ws=7, sack=True)
HALF = 1 << 31


def begin(t, tsval):
    """A connection whose first stamp is tsval, and one byte behind it."""
    t.listening = t.listener()
    t.f.peer("S", mss=1460, ws=7, sackok=True, ts=True, tsval=tsval, tsecr=0)
    t.settle()
    t.peer("A", tsval=tsval)
    fd = t.call("accept", t.listening).ret
    t.peer("PA", len=1, tsval=tsval)
    t.sleep(0.06)
    return fd


def told(t, fd):
    t.sleep(0.06)
    t.info(fd, "bytes_received", "segs_in", "data_segs_in")


@script(ignore=WEIGHT, families=(4, 6))
def stamps_wrap(t):
    fd = begin(t, 0xfffffff0)
    t.peer("PA", len=10, tsval=0xffffffff)
    t.peer("PA", len=10, tsval=0)
    t.peer("PA", len=10, tsval=5)
    told(t, fd)
    t.peer("PA", len=10, tsval=0xfffffffe)
    told(t, fd)
    t.call("recv", fd, 100)


@script(ignore=WEIGHT)
def stamps_jump_by_half(t):
    fd = begin(t, 1000)
    t.peer("PA", len=10, tsval=1000 + HALF - 1)
    told(t, fd)


@script(ignore=WEIGHT)
def stamps_jump_by_more_than_half(t):
    fd = begin(t, 1000)
    t.peer("PA", len=10, tsval=1000 + HALF)
    told(t, fd)
    t.peer("PA", len=10, seq=2, tsval=1000 + HALF + 1)
    told(t, fd)


@script(ignore=WEIGHT)
def stamps_go_back_by_one(t):
    fd = begin(t, 1000)
    t.peer("PA", len=10, tsval=999)
    told(t, fd)
    t.peer("A", tsval=999, seq=2)
    t.peer("FA", tsval=998, seq=2)
    told(t, fd)
    t.peer("PA", len=10, seq=2, tsval=1000)
    told(t, fd)


@script(ignore=WEIGHT)
def a_stamp_of_zero_behind_others(t):
    fd = begin(t, 1000)
    t.peer("PA", len=10, tsval=0)
    told(t, fd)


@script(ignore=WEIGHT)
def old_stamps_out_of_order(t):
    fd = begin(t, 1000)
    t.peer("PA", len=10, seq=102, tsval=999)
    t.peer("PA", len=10, seq=102, tsval=1005)
    t.peer("PA", len=10, seq=2, tsval=1002)
    told(t, fd)
    t.peer("PA", len=90, seq=12, tsval=1001)
    told(t, fd)


@script(ignore=WEIGHT)
def old_stamps_of_duplicates(t):
    fd = begin(t, 1000)
    t.peer("PA", len=10, tsval=1010)
    t.peer("PA", len=10, seq=2, tsval=1000)
    t.peer("PA", len=10, seq=2, tsval=1010)
    told(t, fd)


@script(ignore=WEIGHT)
def old_stamps_beyond_the_window(t):
    fd = begin(t, 1000)
    t.peer("PA", len=10, seq=200000, tsval=999)
    t.sleep(0.6)
    t.peer("PA", len=10, seq=200000, tsval=1001)
    told(t, fd)


@script(ignore=WEIGHT)
def an_old_stamp_with_an_ack_of_data(t):
    fd = begin(t, 1000)
    t.call("send", fd, 1000)
    t.peer("A", ack=1001, seq=2, tsval=990)
    t.info(fd, "unacked")
    t.peer("A", ack=1001, seq=2, tsval=1000)
    t.info(fd, "unacked")


@script(ignore=WEIGHT)
def old_stamps_of_bare_acks(t):
    fd = begin(t, 1000)
    for _ in range(3):
        t.peer("A", seq=2, tsval=990)
    t.sleep(0.6)
    t.peer("A", seq=2, tsval=990)
    t.info(fd, "segs_in", "segs_out")


@script(ignore=WEIGHT)
def old_stamps_of_acks_that_were_overtaken(t):
    fd = begin(t, 1000)
    t.call("send", fd, 1000)
    t.peer("PA", len=10, ack=501, tsval=1100)
    t.sleep(0.06)
    for ack, stamp in ((301, 1050), (501, 1050), (1, 1050), (701, 1050), (501, 500)):
        t.peer("A", seq=2, ack=ack, tsval=stamp)
        t.sleep(0.6)
        t.info(fd, "segs_out", "bytes_acked", "snd_wnd")
    t.peer("A", seq=12, ack=501, tsval=1050, win=1000)
    t.sleep(0.6)
    t.peer("A", seq=12, ack=501, tsval=1050)
    t.sleep(0.6)
    t.info(fd, "segs_out", "bytes_acked", "snd_wnd")


@script(ignore=WEIGHT)
def any_stamp_is_newer_than_zero(t):
    fd = begin(t, 0)
    t.peer("PA", len=10, tsval=0xf0000000)
    told(t, fd)
    t.peer("PA", len=10, tsval=0)
    told(t, fd)


@script(ignore=WEIGHT)
def echoes_of_the_future(t):
    fd = begin(t, 1000)
    t.call("send", fd, 1000)
    t.peer("A", ack=1001, seq=2, tsval=1001, tsecr=0xf0000000)
    t.info(fd, "unacked", "bytes_acked")
    t.call("send", fd, 1000)
    t.peer("A", ack=2001, seq=2, tsval=1002, tsecr=0)
    t.info(fd, "unacked", "bytes_acked")


@script(ignore=WEIGHT)
def a_reset_with_no_stamp(t):
    fd = begin(t, 1000)
    t.peer("R", seq=2, ts=False)
    t.info(fd, "state")


@script(ignore=WEIGHT)
def a_syn_with_an_old_stamp(t):
    fd = begin(t, 1000)
    t.peer("S", seq=2, ts=True, tsval=900, tsecr=0)
    t.sleep(0.6)
    t.peer("S", seq=2, ts=True, tsval=1900, tsecr=0)
    t.info(fd, "state")


@script(ignore=WEIGHT)
def which_stamps_are_echoed(t):
    fd = begin(t, 1000)
    t.call("send", fd, 10)
    t.peer("PA", len=10, tsval=1010)
    t.peer("PA", len=10, tsval=1020)
    t.sleep(0.06)
    t.peer("PA", len=10, seq=32, tsval=1030)
    t.peer("PA", len=10, seq=22, tsval=1025)
    t.sleep(0.06)
    t.peer("A", tsval=1040)
    t.call("send", fd, 10)
    t.peer("PA", len=10, seq=32, tsval=1050)
    t.call("send", fd, 10)


@script(ignore=WEIGHT)
def stamps_of_one_that_connects(t):
    fd = t.connecting()
    t.peer("SA", mss=1460, ts=True, tsval=0xfffffffe)
    t.peer("PA", len=10, tsval=0xffffffff)
    t.peer("PA", len=10, tsval=3)
    told(t, fd)
    t.peer("SA", mss=1460, seq=0, ts=True, tsval=1)
    told(t, fd)


@script(ignore=WEIGHT)
def no_echo_in_an_answer(t):
    fd = t.connecting()
    t.peer("SA", mss=1460, ts=True, tsval=77, tsecr=0)
    t.settle()
    t.info(fd, "state", "options")
    t.call("send", fd, 10)
