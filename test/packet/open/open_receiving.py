# SPDX-License-Identifier: BSD-3-Clause
"""open_receiving.py - receiving, where the shim still differs from the kernel."""
from consts import *
from script import script
from receiving import ALL_OPTIONS


@script(seconds=1)
def every_second_full_segment(t):
    t.accepted(**ALL_OPTIONS)
    for _ in range(30):
        t.peer("A", len=1448)


@script(seconds=1)
def a_burst_of_segments(t):
    t.accepted(**ALL_OPTIONS)
    t.peer("A", len=1448)
    for _ in range(20):
        t.peer("A", len=1448)
    t.sleep(0.1)


@script(families=(4, 6))
def out_of_order(t):
    fd = t.accepted(**ALL_OPTIONS)
    t.peer("A", len=1000, seq=1001)
    t.peer("A", len=1000, seq=3001)
    t.peer("A", len=1000, seq=5001)
    t.peer("A", len=1000, seq=7001)
    t.peer("A", len=1000, seq=9001)
    t.info(fd, "rcv_ooopack")
    t.peer("A", len=1000, seq=4001)
    t.peer("A", len=1000, seq=1)
    t.peer("A", len=1000, seq=2001)
    t.call("recv", fd, 100000)
    t.peer("A", len=1000, seq=8001)
    t.peer("A", len=1000, seq=6001)
    t.call("recv", fd, 100000)


@script
def duplicates_and_overlaps(t):
    fd = t.accepted(**ALL_OPTIONS)
    t.peer("A", len=1000)
    t.peer("A", len=1000, seq=1)
    t.peer("A", len=1000, seq=501)
    t.peer("A", len=1000, seq=3001)
    t.peer("A", len=1000, seq=3001)
    t.peer("A", len=1000, seq=3501)
    t.peer("A", len=2000, seq=2501)
    t.peer("A", len=100, seq=3101)
    t.peer("A", len=3000, seq=1501)
    t.call("recv", fd, 100000)


@script
def duplicates_without_sack(t):
    t.accepted()
    t.peer("A", len=1000)
    t.peer("A", len=1000, seq=1)
    t.peer("A", len=1000, seq=501)


@script(seconds=2)
def the_window_fills_and_opens(t):
    fd = t.accepted(setup=lambda fd: t.setint(fd, SOL_SOCKET, SO_RCVBUF, 8000))
    for _ in range(12):
        t.peer("A", len=1000)
    t.sleep(0.3)
    t.call("recv", fd, 1000)
    t.call("recv", fd, 3000)
    t.call("recv", fd, 100000)
    t.peer("PA", len=1000)


@script(seconds=2)
def the_window_grows(t):
    fd = t.accepted(**ALL_OPTIONS)
    for _ in range(20):
        t.peer("A", len=1448)
        t.peer("A", len=1448)
        t.call("recv", fd, 100000)
    t.info(fd, "rcv_ssthresh", "rcv_space")


@script(seconds=2)
def unread_data_shuts_the_window(t):
    fd = t.accepted(ws=7)
    for _ in range(50):
        t.peer("A", len=1460)
    t.call("ioctl", fd, FIONREAD)
