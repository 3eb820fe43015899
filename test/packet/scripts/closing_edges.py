# SPDX-License-Identifier: BSD-3-Clause
"""closing_edges.py - ends that meet: FINs with data, behind windows, in every state; what the last ACK says."""
from consts import *
from script import script
from receiving_edges import WEIGHT

STATE = ("state", "unacked", "bytes_acked", "bytes_received")


@script
def write_queue_then_shut_then_close(t):
    fd = t.accepted(win=2000)
    t.call("send", fd, 5000)
    t.call("shutdown", fd, SHUT_RDWR)
    t.call("close", fd)
    t.peer("A", ack=2001)
    t.peer("A", ack=4001)
    t.peer("A", ack=5001)
    t.peer("A")
    t.peer("FA")


@script
def shut_both_with_a_queue_and_a_late_ack(t):
    fd = t.accepted()
    t.call("send", fd, 1000)
    t.call("shutdown", fd, SHUT_RDWR)
    t.peer("A", ack=1001)
    t.info(fd, *STATE)
    t.peer("A")
    t.info(fd, *STATE)
    t.call("close", fd)
    t.peer("FA")


@script
def shut_reading_then_writing_then_close(t):
    fd = t.accepted()
    t.call("shutdown", fd, SHUT_RD)
    t.call("shutdown", fd, SHUT_WR)
    t.peer("A")
    t.call("close", fd)
    t.peer("FA")


@script
def shut_writing_then_close_then_fin(t):
    fd = t.accepted()
    t.call("shutdown", fd, SHUT_WR)
    t.call("close", fd)
    t.peer("A")
    t.peer("FA")
    t.peer("FA", seq=1)


@script
def fin_of_the_peer_before_its_last_data(t):
    fd = t.accepted(sack=True)
    t.peer("FA", seq=101, len=10)
    t.poll(fd)
    t.peer("A", seq=1, len=100)
    t.poll(fd)
    t.call("recv", fd, 1000)
    t.call("recv", fd, 1000)


@script
def fin_with_data_that_is_partly_old(t):
    fd = t.accepted(sack=True)
    t.peer("A", len=100)
    t.peer("FA", seq=51, len=100)
    t.call("recv", fd, 1000)
    t.call("recv", fd, 1000)


@script
def data_and_fin_of_us_in_one_segment(t):
    fd = t.accepted()
    t.setint(fd, IPPROTO_TCP, TCP_CORK, 1)
    t.call("send", fd, 500)
    t.call("shutdown", fd, SHUT_WR)
    t.peer("A")
    t.info(fd, *STATE)


@script
def fin_waits_for_nagle(t):
    fd = t.accepted()
    t.call("send", fd, 100)
    t.call("send", fd, 100)
    t.call("close", fd)
    t.peer("A")


@script(seconds=2)
def fin_behind_a_shut_window(t):
    fd = t.accepted(win=1000)
    t.call("send", fd, 1000)
    t.peer("A", win=0)
    t.call("close", fd)
    t.sleep(1.0)
    t.peer("A", win=1000)
    t.peer("FA")


@script
def fins_cross_with_data(t):
    fd = t.accepted()
    t.call("send", fd, 100)
    t.call("close", fd)
    t.peer("FA", len=100, ack=1)
    t.peer("A")


@script
def closing_is_acknowledged_in_parts(t):
    fd = t.accepted()
    t.call("send", fd, 1000)
    t.call("shutdown", fd, SHUT_WR)
    t.peer("FA", ack=1)
    t.info(fd, *STATE)
    t.peer("A", ack=1001)
    t.info(fd, *STATE)
    t.peer("A")
    t.info(fd, *STATE)


@script
def a_syn_in_close_wait_and_last_ack(t):
    fd = t.accepted()
    t.peer("FA")
    t.peer("S", seq=1, mss=1460)
    t.call("close", fd)
    t.peer("S", seq=1, mss=1460)
    t.peer("A", seq=2)


@script
def wrong_acks_in_closing_states(t):
    fd = t.accepted()
    t.call("shutdown", fd, SHUT_WR)
    t.peer("A", ack=100)
    t.peer("A", ack=-70000)
    t.peer("A")
    t.peer("A", ack=100)
    t.peer("FA")
    t.peer("A", ack=100, seq=2)


@script
def data_in_fin_wait_2_and_after(t):
    fd = t.accepted()
    t.call("shutdown", fd, SHUT_WR)
    t.peer("A")
    for n in range(3):
        t.peer("PA", len=100)
    t.call("recv", fd, 1000)
    t.peer("FA", len=100)
    t.peer("PA", seq=402, len=10)
    t.call("recv", fd, 1000)
    t.info(fd, "state")


@script(seconds=2)
def time_wait_and_data(t):
    fd = t.accepted(ts=True)
    t.call("close", fd)
    t.peer("A")
    t.peer("FA")
    t.peer("PA", len=100)
    t.peer("A", seq=1)
    t.peer("FA", seq=1)
    t.peer("R", seq=2)
    t.peer("A")


@script
def time_wait_is_assassinated(t):
    fd = t.accepted()
    t.call("close", fd)
    t.peer("A")
    t.peer("FA")
    t.peer("R", seq=2)
    t.peer("FA", seq=1)


@script
def reset_in_every_closing_state(t):
    lst = t.listener()
    for n in range(4):
        f = t.flow()
        t.use(f)
        t.peer("S", mss=1460)
        t.peer("A")
        fd = t.call("accept", lst).ret
        if n in (0, 1):
            t.peer("FA")
        if n >= 1:
            t.call("shutdown", fd, SHUT_WR)
        if n == 3:
            t.peer("A")
        t.peer("R", seq=2 if n < 2 else 1)
        t.poll(fd)
        t.error(fd)
        t.call("recv", fd, 10)
        t.call("send", fd, 10, MSG_NOSIGNAL)


@script
def close_of_one_of_two_descriptors(t):
    fd = t.accepted()
    two = t.call("dup", fd).ret
    t.call("close", fd)
    t.call("send", two, 10)
    t.peer("A")
    t.call("close", two)


@script
def close_with_data_out_of_order(t):
    fd = t.accepted()
    t.peer("A", len=100, seq=201)
    t.call("close", fd)
    t.peer("A", len=100, seq=1)


@script
def linger_zero_with_data_in_flight(t):
    fd = t.accepted()
    t.call("send", fd, 3000)
    t.call("setsockopt", fd, SOL_SOCKET, SO_LINGER, "x0100000000000000")
    t.call("close", fd)
    t.peer("A")


@script
def abort_by_af_unspec_with_data(t):
    fd = t.accepted()
    t.call("send", fd, 3000)
    t.peer("PA", len=10)
    t.call("connect", fd, "*", 0)
    t.poll(fd)
    t.call("getpeername", fd)
    t.call("send", fd, 10, MSG_NOSIGNAL)
    t.call("recv", fd, 10)


@script(ignore=WEIGHT)
def the_window_of_last_segments(t):
    fd = t.accepted()
    t.peer("PA", len=1000)
    t.call("shutdown", fd, SHUT_RD)
    t.call("send", fd, 100)
    t.call("close", fd)
