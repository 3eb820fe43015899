# SPDX-License-Identifier: BSD-3-Clause
"""sending_edges.py - where segments end: records, the edge of the peer's window, a window that was shut."""
from consts import *
from script import script


@script
def end_of_record(t):
    fd = t.accepted()
    t.setint(fd, IPPROTO_TCP, TCP_CORK, 1)
    t.call("send", fd, 100, MSG_EOR)
    t.call("send", fd, 100)
    t.setint(fd, IPPROTO_TCP, TCP_CORK, 0)
    t.peer("A")


@script(seconds=3, deviation="segments that were cut for a smaller MSS are filled up from all that waits; "
        "the kernel joins two of its buffers at a time")
def a_shut_window_is_probed(t):
    fd = t.accepted(win=2000)
    t.call("send", fd, 10000)
    t.peer("A", win=0)
    t.sleep(1.8)
    t.info(fd, "probes", "backoff")
    t.peer("A", win=0)
    t.sleep(0.7)
    t.peer("A", win=5000)
    t.peer("A")


@script(seconds=2)
def a_window_smaller_than_a_segment(t):
    fd = t.accepted(win=65535)
    t.call("send", fd, 1460)
    t.peer("A", win=300)
    t.call("send", fd, 2000)
    t.sleep(1.2)
    t.peer("A", win=65535)


@script
def the_peers_window_is_scaled(t):
    fd = t.accepted(ws=3, win=1000)
    t.call("send", fd, 20000)
    t.peer("A", win=1000)
    t.peer("A", win=200)
    t.info(fd, "snd_wnd")


@script
def a_shrunk_window(t):
    fd = t.accepted(win=10000)
    t.call("send", fd, 20000)
    t.peer("A", ack=1461, win=2000)
    t.peer("A", ack=2921, win=1460)
    t.peer("A", win=20000)


@script(seconds=1)
def records_are_not_joined_when_sent_again(t):
    fd = t.accepted()
    t.setint(fd, IPPROTO_TCP, TCP_NODELAY, 1)
    t.call("send", fd, 100, MSG_EOR)
    t.call("send", fd, 100)
    t.call("send", fd, 100)
    t.call("send", fd, 100, MSG_EOR)
    t.call("send", fd, 100)
    t.sleep(0.5)
    t.peer("A", ack=101)
    t.sleep(0.01)
    t.peer("A")


@script
def records_and_nagle(t):
    fd = t.accepted()
    t.call("send", fd, 100)
    t.call("send", fd, 100, MSG_EOR)
    t.call("send", fd, 2000, MSG_EOR)
    t.call("send", fd, 50)
    t.peer("A")
    t.peer("A")
    t.call("send", fd, 10, MSG_EOR | MSG_MORE)
    t.call("send", fd, 10, MSG_EOR | MSG_MORE)
    t.call("shutdown", fd, 1)
    t.peer("A")


@script
def a_record_ends_before_a_larger_mss(t):
    fd = t.accepted(win=2000)
    t.call("send", fd, 2000)
    t.call("send", fd, 300, MSG_EOR)
    t.call("send", fd, 3000)
    t.peer("A", win=500)
    t.peer("A", win=600)
    t.peer("A", win=6000)
    t.peer("A", win=6000)


@script
def a_piece_at_the_windows_edge(t):
    fd = t.accepted(win=8000)
    t.call("send", fd, 20000)
    t.peer("A")
    t.call("send", fd, 100)
    t.peer("A")
    t.peer("A")


@script
def no_piece_at_the_windows_edge(t):
    """Nagle holds it back while another one is not acknowledged."""
    fd = t.accepted(win=6000)
    for _ in range(10):
        t.call("send", fd, 1000)
    t.peer("A", win=6000)
    t.peer("A", win=6000)


@script
def no_piece_while_corked(t):
    fd = t.accepted(win=8000)
    t.setint(fd, IPPROTO_TCP, TCP_CORK, 1)
    t.call("send", fd, 5000)
    t.call("send", fd, 5000)
    t.peer("A")
    t.setint(fd, IPPROTO_TCP, TCP_CORK, 0)
    t.peer("A")


@script
def corked_and_sent_from_a_file(t):
    fd = t.accepted()
    t.setint(fd, IPPROTO_TCP, TCP_CORK, 1)
    t.call("send", fd, 200)
    t.call("sendfile", fd, 0, 3000)
    t.call("sendfile", fd, 0, 100)
    t.setint(fd, IPPROTO_TCP, TCP_CORK, 0)
    t.peer("A")
    t.call("send", fd, 200, MSG_MORE)
    t.call("sendfile", fd, 0, 100)
    t.peer("A")


@script(seconds=1)
def a_zero_window_and_a_fin(t):
    fd = t.accepted(win=2000)
    t.call("send", fd, 2000)
    t.peer("A", win=0)
    t.call("shutdown", fd, 1)
    t.sleep(0.3)
    t.call("send", fd, 10)
    t.peer("A", win=1)
    t.peer("A", win=100)
    t.peer("A")


@script(seconds=1)
def a_zero_window_with_data_and_a_fin(t):
    fd = t.accepted(win=2000)
    t.call("send", fd, 2000)
    t.peer("A", win=0)
    t.call("send", fd, 100)
    t.call("close", fd)
    t.sleep(0.3)
    t.peer("A", win=50)
    t.sleep(0.5)
    t.peer("A", win=500)
    t.peer("A")
