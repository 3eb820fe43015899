# SPDX-License-Identifier: BSD-3-Clause
"""receiving_edges.py - data at and beyond the window's edge, TCP_INQ, duplicates told of, timestamps kept."""
from consts import *
from script import script
from receiving import ALL_OPTIONS

WEIGHT = {"win": "how the window grows with what segments weigh"}


def small(t, size=8000, **kw):
    return t.accepted(setup=lambda fd: t.setint(fd, SOL_SOCKET, SO_RCVBUF, size), **kw)


@script(ignore=WEIGHT)
def what_is_left_to_read(t):
    fd = t.accepted()
    t.setint(fd, IPPROTO_TCP, TCP_INQ, 1)
    t.getint(fd, IPPROTO_TCP, TCP_INQ)
    t.peer("PA", len=1000)
    t.peer("PA", len=500)
    t.call("recvmsg", fd, 300, 0, 100)
    t.call("recvmsg", fd, 300, MSG_PEEK, 100)
    t.call("recvmsg", fd, 1200, 0, 100)
    t.call("recvmsg", fd, 100, MSG_DONTWAIT, 100)
    t.peer("PFA", len=100)
    t.sleep(0.06)                                   # the delayed ACK
    t.call("recvmsg", fd, 50, 0, 100)
    t.call("recvmsg", fd, 50, 0, 100)
    t.call("recvmsg", fd, 50, 0, 100)
    t.setint(fd, IPPROTO_TCP, TCP_INQ, 0)
    t.call("recvmsg", fd, 50, 0, 100)
    t.setint(fd, IPPROTO_TCP, TCP_INQ, 2)
    t.setint(fd, IPPROTO_TCP, TCP_INQ, -1)


@script
def what_is_left_with_urgent_data(t):
    fd = t.connected()
    t.setint(fd, IPPROTO_TCP, TCP_INQ, 1)
    t.peer("PAU", len=100, urg=50)
    t.call("recvmsg", fd, 10, 0, 100)
    t.call("recvmsg", fd, 100, 0, 100)
    t.call("recvmsg", fd, 100, 0, 100)
    t.call("recvmsg", fd, 100, MSG_DONTWAIT, 100)


@script
def left_to_read_by_ioctl_with_a_fin(t):
    fd = t.accepted()
    t.call("ioctl", fd, FIONREAD)
    t.peer("PA", len=100)
    t.call("ioctl", fd, FIONREAD)
    t.peer("FA", len=10)
    t.sleep(0.06)                                   # the delayed ACK
    t.call("ioctl", fd, FIONREAD)
    t.call("recv", fd, 100)
    t.call("ioctl", fd, FIONREAD)
    t.call("recv", fd, 100)
    t.call("ioctl", fd, FIONREAD)
    t.call("recv", fd, 100)
    t.call("ioctl", fd, FIONREAD)


@script(ignore=WEIGHT)
def a_segment_beyond_the_window_with_nothing_to_read(t):
    fd = small(t)
    t.peer("A", len=1000)
    t.call("recv", fd, 1000)
    for n in range(2):
        t.peer("A", len=1000)
    t.call("ioctl", fd, FIONREAD)
    t.call("recv", fd, 100000)


@script(ignore=WEIGHT)
def segments_beyond_the_window(t):
    fd = small(t, 2000)
    for _ in range(4):
        t.peer("A", len=1400)
    t.call("ioctl", fd, FIONREAD)
    t.peer("A", len=1400, seq=1)
    t.call("recv", fd, 100000)
    t.peer("A", len=1400)


@script(ignore=WEIGHT)
def more_than_the_window_with_an_empty_queue(t):
    fd = small(t, 1000)
    t.peer("A", len=1460)
    t.call("ioctl", fd, FIONREAD)
    t.peer("A", len=1460)
    t.call("ioctl", fd, FIONREAD)
    t.call("recv", fd, 100000)
    t.peer("A", len=1460)
    t.call("ioctl", fd, FIONREAD)
    t.peer("FA")
    t.call("recv", fd, 100000)
    t.call("recv", fd, 100000)


@script(ignore=WEIGHT)
def out_of_order_beyond_the_window(t):
    fd = small(t, 4000, **ALL_OPTIONS)
    t.peer("A", len=1000, seq=1001)
    t.peer("A", len=1400, seq=2001)
    t.peer("A", len=1400, seq=3001)
    t.peer("A", len=1400, seq=5001)
    t.peer("A", len=1000, seq=1)
    t.call("recv", fd, 100000)


@script(ignore=WEIGHT)
def a_fin_beyond_the_window(t):
    fd = small(t, 1000)
    t.peer("A", len=1100)
    t.peer("FA", len=0)
    t.call("ioctl", fd, FIONREAD)
    t.call("recv", fd, 100000)
    t.call("recv", fd, 100000, MSG_DONTWAIT)


@script(ignore=WEIGHT)
def duplicates_are_told_of(t):
    fd = t.accepted(**ALL_OPTIONS)
    t.peer("A", len=1000, seq=1001)
    t.peer("A", len=1000, seq=1001)
    t.peer("A", len=1000, seq=3001)
    t.peer("A", len=1000, seq=1001)
    t.peer("A", len=1000, seq=1)
    t.peer("A", len=1000, seq=1)
    t.peer("A", len=1000, seq=501)
    t.peer("A", len=2000, seq=1501)
    t.peer("A", len=1000, seq=3501)
    t.peer("A", len=1000, seq=3001)
    t.peer("A", len=5000 - 3600, seq=2501)
    t.info(fd, "rcv_ooopack", "bytes_received")


@script(ignore=WEIGHT)
def several_duplicates_before_an_ack(t):
    t.accepted(**ALL_OPTIONS)
    t.peer("A", len=1000)
    t.peer("A", len=1000)
    with t.burst():
        t.peer("A", len=1000, seq=1)
        t.peer("A", len=1000, seq=1001)
        t.peer("A", len=1000, seq=2001)
    t.peer("A", len=1000, seq=4001)
    with t.burst():
        t.peer("A", len=500, seq=4001)
        t.peer("A", len=500, seq=4501)
    t.peer("A", len=1000, seq=3001)


@script(ignore=WEIGHT)
def what_fills_a_hole_and_more_is_told_of(t):
    fd = t.accepted(**ALL_OPTIONS)
    t.peer("A", len=1000, seq=1001)
    t.peer("A", len=1200, seq=1)
    t.peer("A", len=200, seq=2501)
    t.peer("A", len=200, seq=2901)
    t.peer("A", len=600, seq=2001)
    t.peer("A", len=600, seq=2701)
    t.peer("A", len=200, seq=3501)
    t.peer("A", len=200, seq=3901)
    t.peer("A", len=1400, seq=3301)
    t.peer("A", len=200, seq=5001)
    t.peer("A", len=1000, seq=4201)
    t.peer("A", len=400, seq=5301)
    t.peer("FA", len=500, seq=5201)
    t.call("recv", fd, 10000)
    t.info(fd, "rcv_ooopack", "bytes_received")


@script(ignore=WEIGHT)
def what_fills_a_hole_before_the_end_is_not_told_of(t):
    fd = t.accepted(**ALL_OPTIONS)
    t.peer("FA", len=100, seq=501)
    t.peer("A", len=550, seq=1)
    t.call("recv", fd, 10000)


@script(ignore=WEIGHT)
def many_holes(t):
    fd = t.accepted(**ALL_OPTIONS)
    for n in range(1, 8):
        t.peer("A", len=100, seq=n * 200 + 1)
    t.peer("A", len=100, seq=601)
    t.peer("A", len=100, seq=301)
    t.peer("A", len=100, seq=101)
    t.peer("A", len=100, seq=1)
    t.peer("A", len=2000, seq=1)
    t.call("recv", fd, 10000)


@script(ignore=WEIGHT)
def many_holes_without_timestamps(t):
    t.accepted(sack=True)
    for n in range(1, 8):
        t.peer("A", len=100, seq=n * 200 + 1)
    t.peer("A", len=100, seq=601)
    t.peer("A", len=100, seq=1)


@script(ignore=WEIGHT)
def the_peers_mss_is_estimated(t):
    fd = t.accepted(mss=1000, **ALL_OPTIONS)
    t.info(fd, "rcv_mss", "advmss", "snd_mss")
    t.peer("A", len=536)
    t.info(fd, "rcv_mss")
    t.peer("A", len=1000)
    t.info(fd, "rcv_mss")
    t.peer("A", len=1000, seq=5001)
    t.info(fd, "rcv_mss")
    t.peer("PA", len=200)
    t.info(fd, "rcv_mss")


@script
def a_signature_nobody_asked_for(t):
    t.listener()
    t.peer("S", mss=1460)
    t.peer("A", opts=b"\x13\x12" + bytes(16) + b"\1\1")
    t.sleep(0.05)
    t.peer("A")
    f = t.flow()
    t.use(f)
    t.peer("S", opts=b"\2\4\5\xb4\x13\x12" + bytes(16) + b"\1\1")


@script(deviation="a segment with an option of impossible length is dropped, where Linux reads no further")
def options_of_impossible_length(t):
    fd = t.listener()
    for opts in (b"\2\0\5\xb4", b"\2\1\5\xb4", b"\xfe\x20\1\2"):
        f = t.flow()
        t.use(f)
        t.peer("S", opts=opts)
    t.poll(fd)


@script
def options_of_wrong_form(t):
    fd = t.listener()
    t.peer("S", opts=b"\2\4\5")
    for n, opts in enumerate((b"\3\3\1\2\4\5\xb4\0", b"\0\2\4\5\xb4\0\0\0",
                              b"\2\4\0\0", b"\2\4\0\x08", b"\3\3\x0f\1", b"\3\3\xff\1", b"\xfe\4\1\2",
                              b"\4\3\1\1", b"\2\4\4\0\2\4\2\0", b"\x08\x0a" + bytes(8) + b"\x08\x0a" + bytes(7) + b"\1")):
        f = t.flow()
        t.use(f)
        t.peer("S", opts=opts)
        t.peer("R", seq=1)
    t.poll(fd)


@script
def stamps_of_wrong_acks_are_not_kept(t):
    fd = t.accepted(**ALL_OPTIONS)
    t.peer("PA", len=10, tsval=20000)
    t.peer("PA", len=10, tsval=25000, ack=5000)
    t.sleep(0.6)
    t.peer("PA", seq=11, len=10, tsval=21000, ack=1)
    t.call("send", fd, 10)
    t.peer("PA", seq=21, len=10, tsval=26000, ack=11)
    t.call("recv", fd, 100)


@script
def the_stamp_of_a_fin(t):
    fd = t.accepted(**ALL_OPTIONS)
    t.peer("FA", tsval=30000)
    t.peer("FA", tsval=30010, seq=1)
    t.call("close", fd)
    t.peer("A", tsval=30020)


@script
def the_stamp_of_a_reset(t):
    fd = t.accepted(**ALL_OPTIONS)
    t.peer("PA", len=100, tsval=20000)
    t.call("close", fd)
    t.peer("A", tsval=20010)


@script
def segments_without_any_flag(t):
    fd = t.accepted()
    t.peer("", seq=1)
    t.peer("", seq=1, len=10)
    t.peer("P", seq=1, len=10)
    t.peer("FP", seq=1, len=10)
    t.peer("SFRPU", seq=1)
    t.poll(fd)


@script
def all_flags_at_once(t):
    fd = t.accepted()
    t.peer("SFPAU", seq=1, len=10)
    t.peer("FPUA", seq=1, len=10, urg=3)
    t.poll(fd)
    t.call("recv", fd, 100)


@script
def rst_with_data_and_fin(t):
    fd = t.accepted()
    t.peer("RFA", seq=1, len=10)
    t.poll(fd)
    t.error(fd)


@script
def the_low_water_mark_and_the_window(t):
    fd = small(t, 4000)
    t.setint(fd, SOL_SOCKET, SO_RCVLOWAT, 3000)
    t.getint(fd, SOL_SOCKET, SO_RCVBUF)
    t.peer("PA", len=1000)
    t.poll(fd, POLLIN)
    t.peer("PA", len=1000)
    t.poll(fd, POLLIN)
    t.peer("PA", len=1000)
    t.poll(fd, POLLIN)
    t.call("recv", fd, 100000)
