# SPDX-License-Identifier: BSD-3-Clause
"""closing.py - close, shutdown, linger; what comes after."""
from consts import *
from script import script

LINGER0, LINGER1 = "x0100000000000000", "x0100000001000000"


@script(families=(4, 6))
def unread_data_resets(t):
    fd = t.accepted(ts=True)
    t.peer("PA", len=100)
    t.call("close", fd)
    t.peer("A")


@script
def unread_data_resets_though_data_is_unsent(t):
    fd = t.accepted(win=1000)
    t.call("send", fd, 3000)
    t.peer("PA", len=100, ack=1)
    t.call("close", fd)
    t.peer("A")


@script
def read_data_does_not_reset(t):
    fd = t.accepted()
    t.peer("PA", len=100)
    t.call("recv", fd, 100)
    t.call("close", fd)
    t.peer("A")
    t.peer("FA")


@script
def peeked_data_resets(t):
    fd = t.accepted()
    t.peer("PA", len=100)
    t.call("recv", fd, 100, MSG_PEEK)
    t.call("close", fd)


@script
def unread_fin_does_not_reset(t):
    fd = t.accepted()
    t.peer("FA")
    t.call("close", fd)
    t.peer("A")


@script(seconds=3)
def data_after_close_resets(t):
    fd = t.accepted(ts=True)
    t.call("close", fd)
    t.peer("A")
    t.peer("PA", len=100)
    t.peer("A")
    t.peer("FA")


@script
def data_with_fin_after_close(t):
    fd = t.accepted(ts=True)
    t.call("close", fd)
    t.peer("FPA", len=10)
    t.peer("A")


@script
def data_before_the_ack_of_fin(t):
    fd = t.accepted()
    t.call("close", fd)
    t.peer("PA", len=10, ack=1)
    t.peer("PA", len=10)


@script
def data_after_shutdown_is_received(t):
    fd = t.accepted(ts=True)
    t.call("shutdown", fd, SHUT_WR)
    t.poll(fd)
    t.peer("A")
    t.peer("PA", len=100)
    t.poll(fd)
    t.call("recv", fd, 1000)
    t.call("send", fd, 10, MSG_NOSIGNAL)
    t.peer("FA", len=5)
    t.call("recv", fd, 1000)
    t.call("recv", fd, 1000)
    t.poll(fd)
    t.info(fd, "state")
    t.call("close", fd)
    t.peer("FA", seq=106)
    t.peer("A")


@script
def shut_reading(t):
    fd = t.accepted()
    t.call("shutdown", fd, SHUT_RD)
    t.poll(fd)
    t.call("recv", fd, 100)
    t.peer("PA", len=100)
    t.poll(fd)
    t.call("recv", fd, 100)
    t.call("recv", fd, 100)
    t.call("send", fd, 100)
    t.peer("A")
    t.call("close", fd)
    t.peer("A")


@script
def shut_both(t):
    fd = t.accepted()
    t.call("shutdown", fd, SHUT_RDWR)
    t.poll(fd)
    t.call("shutdown", fd, SHUT_RDWR)
    t.call("recv", fd, 100)
    t.call("send", fd, 100, MSG_NOSIGNAL)
    t.peer("A")
    t.call("shutdown", fd, SHUT_RDWR)
    t.peer("PA", len=100)
    t.call("recv", fd, 100)
    t.peer("FA")
    t.poll(fd)
    t.call("shutdown", fd, SHUT_RDWR)
    t.info(fd, "state")


@script
def shutdown_of_listeners_and_fresh_sockets(t):
    fd = t.socket()
    t.call("shutdown", fd, SHUT_WR)
    t.poll(fd)
    fd = t.listener()
    t.peer("S", mss=1460)
    t.call("shutdown", fd, SHUT_RD)
    t.poll(fd)
    t.call("accept", fd, 0)
    t.peer("A", seq=1)
    t.info(fd, "state")
    t.call("listen", fd, 5)


@script
def fin_waits_for_data(t):
    fd = t.accepted(win=1000)
    t.call("send", fd, 2500)
    t.call("shutdown", fd, SHUT_WR)
    t.peer("A", ack=1001)
    t.peer("A", ack=2001)
    t.peer("A")
    t.info(fd, "state")


@script
def simultaneous_close(t):
    fd = t.accepted(ts=True)
    t.call("close", fd)
    t.peer("FA", ack=1)
    t.peer("A")
    t.peer("FA", seq=1)


@script
def simultaneous_close_seen(t):
    fd = t.accepted()
    t.call("shutdown", fd, SHUT_WR)
    t.peer("FA", ack=1)
    t.info(fd, "state")
    t.poll(fd)
    t.peer("A")
    t.info(fd, "state")
    t.poll(fd)
    t.call("recv", fd, 10)
    t.call("send", fd, 10, MSG_NOSIGNAL)
    t.call("getpeername", fd)


@script
def passive_close(t):
    fd = t.accepted(ts=True)
    t.peer("FA")
    t.poll(fd)
    t.info(fd, "state")
    t.call("send", fd, 100)
    t.peer("A")
    t.call("close", fd)
    t.peer("A")
    t.peer("A")


@script(seconds=2)
def last_ack_repeats_its_fin(t):
    fd = t.accepted(ts=True)
    t.peer("FA")
    t.call("close", fd)
    t.sleep(1.2)
    t.peer("FA", seq=1)
    t.peer("A")


@script(seconds=2)
def fin_wait_1_repeats_its_fin(t):
    fd = t.accepted(ts=True, sack=True)
    t.call("close", fd)
    t.sleep(1.6)
    t.peer("A")


@script
def linger_zero_resets(t):
    fd = t.accepted(ts=True)
    t.call("send", fd, 1000)
    t.call("setsockopt", fd, SOL_SOCKET, SO_LINGER, LINGER0)
    t.call("close", fd)
    t.peer("A")


@script
def linger_zero_of_a_half_closed_one(t):
    fd = t.accepted()
    t.peer("FA")
    t.call("setsockopt", fd, SOL_SOCKET, SO_LINGER, LINGER0)
    t.call("close", fd)


@script
def linger_zero_after_shutdown(t):
    fd = t.accepted()
    t.call("shutdown", fd, SHUT_WR)
    t.peer("A")
    t.call("setsockopt", fd, SOL_SOCKET, SO_LINGER, LINGER0)
    t.call("close", fd)


@script
def linger_zero_while_connecting(t):
    fd = t.connecting()
    t.call("setsockopt", fd, SOL_SOCKET, SO_LINGER, LINGER0)
    t.call("close", fd)
    t.peer("SA", mss=1460)


@script
def close_while_connecting(t):
    fd = t.connecting()
    t.call("close", fd)
    t.peer("SA", mss=1460)


@script(seconds=2)
def linger_waits(t):
    fd = t.accepted()
    t.call("setsockopt", fd, SOL_SOCKET, SO_LINGER, LINGER1)
    t.call("send", fd, 1000)
    h = t.start("close", fd)
    t.sleep(0.1)
    t.peer("A", ack=1001)
    t.sleep(0.1)
    t.peer("A")
    t.end(h)


@script(seconds=2)
def linger_ends(t):
    fd = t.accepted()
    t.call("setsockopt", fd, SOL_SOCKET, SO_LINGER, LINGER1)
    t.call("send", fd, 1000)
    h = t.start("close", fd)
    t.end(h)
    t.peer("A")


@script
def connect_to_af_unspec_resets(t):
    fd = t.accepted()
    t.call("connect", fd, "-", 0)
    t.poll(fd)
    t.call("recv", fd, 10, MSG_DONTWAIT)
    t.call("send", fd, 10, MSG_NOSIGNAL)


@script(families=(4, 6))
def reset_of_an_idle_one(t):
    fd = t.accepted(ts=True)
    t.peer("R", seq=1)
    t.poll(fd)
    t.call("recv", fd, 10)
    t.call("recv", fd, 10)
    t.call("send", fd, 10, MSG_NOSIGNAL)
    t.poll(fd)
    t.info(fd, "state")


@script
def reset_seen_by_a_writer(t):
    fd = t.accepted()
    t.peer("R", seq=1)
    t.call("send", fd, 10, MSG_NOSIGNAL)
    t.call("send", fd, 10, MSG_NOSIGNAL)
    t.call("recv", fd, 10)
    t.error(fd)


@script
def reset_with_data_waiting(t):
    fd = t.accepted()
    t.peer("PA", len=100)
    t.peer("R", seq=101)
    t.poll(fd)
    t.call("recv", fd, 1000)
    t.call("recv", fd, 1000)
    t.call("recv", fd, 1000)


@script
def reset_after_fin(t):
    fd = t.accepted()
    t.peer("FPA", len=100)
    t.peer("R", seq=102)
    t.poll(fd)
    t.error(fd)
    t.call("recv", fd, 1000)
    t.call("send", fd, 10, MSG_NOSIGNAL)


@script
def reset_in_fin_wait(t):
    fd = t.accepted()
    t.call("shutdown", fd, SHUT_WR)
    t.peer("A")
    t.peer("R", seq=1)
    t.poll(fd)
    t.call("recv", fd, 10)
    t.call("recv", fd, 10)


@script
def reset_ends_a_blocked_read(t):
    fd = t.accepted()
    h = t.start("recv", fd, 100)
    t.sleep(0.05)
    t.peer("RA", seq=1)
    t.end(h)
    t.call("recv", fd, 100)


@script
def close_ends_no_blocked_read(t):
    fd = t.accepted()
    h = t.start("recv", fd, 100)
    t.call("shutdown", fd, SHUT_RD)
    t.end(h)


@script
def rst_at_the_edges_of_the_window(t):
    """RFC 5961 3: exactly at rcv_nxt, else a challenge or nothing."""
    fd = t.accepted()
    t.peer("R", seq=0)
    t.peer("R", seq=2)
    t.sleep(0.6)
    t.peer("R", seq=60000)
    t.sleep(0.6)
    t.peer("R", seq=70000)
    t.peer("R", seq=-5)
    t.peer("RA", seq=1, ack=50)
    t.poll(fd)


@script
def rst_at_the_right_edge_with_data_missing(t):
    fd = t.accepted(sack=True)
    t.peer("A", seq=101, len=100)
    t.sleep(0.6)
    t.peer("R", seq=201)
    t.poll(fd)


@script
def rst_at_rcv_nxt_with_data_missing(t):
    fd = t.accepted(sack=True)
    t.peer("A", seq=101, len=100)
    t.peer("R", seq=1)
    t.poll(fd)


@script(seconds=2)
def time_wait_answers(t):
    fd = t.accepted(ts=True)
    t.call("close", fd)
    t.peer("FA")
    t.peer("FA", seq=1)
    t.peer("A", seq=2, len=10)
    t.peer("A", seq=0, len=1)
    t.peer("A", seq=2)
    t.peer("R", seq=50)
    t.peer("FA", seq=1, tsval=5)
    t.peer("R", seq=2)
    t.peer("FA", seq=1)


@script
def time_wait_and_a_new_syn(t):
    fd = t.accepted(ts=True)
    t.call("close", fd)
    t.peer("FA")
    t.peer("S", seq=1, mss=1460, ts=True, tsval=100)
    t.peer("S", seq=5000, mss=1460, ts=True, tsval=20000)
    t.peer("A", seq=5001, ack=1)
    t.call("accept", t.listening)


@script
def time_wait_without_timestamps_and_a_new_syn(t):
    fd = t.accepted()
    t.call("close", fd)
    t.peer("FA")
    t.peer("S", seq=1, mss=1460)
    t.peer("S", seq=100000, mss=1460)


@script(seconds=2)
def fin_wait_2_timeout_by_linger2(t):
    fd = t.accepted()
    t.setint(fd, IPPROTO_TCP, TCP_LINGER2, 1)
    t.call("close", fd)
    t.peer("A")
    t.sleep(0.3)
    t.peer("A")
    t.sleep(1.4)
    t.peer("FA")


@script
def negative_linger2_ends_at_once(t):
    fd = t.accepted()
    t.setint(fd, IPPROTO_TCP, TCP_LINGER2, -1)
    t.call("close", fd)
    t.peer("A")
    t.peer("FA")


@script
def fin_out_of_order(t):
    fd = t.accepted(sack=True)
    t.peer("FA", seq=101)
    t.poll(fd)
    t.peer("PA", seq=1, len=100)
    t.poll(fd)
    t.call("recv", fd, 1000)
    t.call("recv", fd, 1000)


@script
def data_after_fin(t):
    fd = t.accepted()
    t.peer("FA")
    t.peer("PA", seq=2, len=10)
    t.peer("FA", seq=1)
    t.call("recv", fd, 100)


@script
def close_of_a_listener_resets_the_waiting(t):
    fd = t.listener()
    t.peer("S", mss=1460)
    f = t.flow()
    f.peer("S", mss=1460, ts=True)
    f.peer("A", seq=1)
    t.call("close", fd)
    t.peer("A", seq=1)
    f.peer("A", seq=1)


@script
def sigpipe(t):
    t.call("catch", 13)
    fd = t.accepted()
    t.call("shutdown", fd, SHUT_WR)
    t.call("send", fd, 1)
    t.call("caught", 13)
    t.call("write", fd, 1)
    t.call("caught", 13)


@script(families=(4, 6))
def ack_of_what_was_never_sent(t):
    fd = t.accepted(ts=True)
    t.peer("PA", len=10, ack=1000)
    t.sleep(0.6)
    t.call("recv", fd, 100, MSG_DONTWAIT)
    t.peer("PA", seq=1, len=10, ack=-100000)
    t.sleep(0.6)
    t.peer("PA", seq=1, len=10, ack=-100)
    t.call("recv", fd, 100, MSG_DONTWAIT)


@script
def close_with_corked_data(t):
    fd = t.accepted()
    t.setint(fd, IPPROTO_TCP, TCP_CORK, 1)
    t.call("send", fd, 100)
    t.call("close", fd)
    t.peer("A")


@script
def self_connect(t):
    fd = t.socket()
    t.call("bind", fd, t.subject, 9999)
    t.call("connect", fd, t.subject, 9999)
    t.call("send", fd, 100)
    t.call("recv", fd, 1000)
    t.info(fd, "state")
    t.call("shutdown", fd, SHUT_WR)
    t.call("recv", fd, 1000)
