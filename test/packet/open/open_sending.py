# SPDX-License-Identifier: BSD-3-Clause
"""open_sending.py - sending, where the shim still differs from the kernel."""
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


@script(seconds=3)
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


@script
def vectors_files_and_pipes(t):
    fd = t.accepted()
    t.call("writev", fd, 10, 2000, 0, 500)
    t.peer("A")
    t.call("sendfile", fd, 0, 5000)
    t.peer("A")
    t.call("sendfile", fd, 100, 5000, 2000)
    t.peer("A")
    t.call("splice", fd, 5000, 0, "out")
    t.peer("A")
    t.peer("PA", len=1000)
    t.call("splice", fd, 400, 0, "in")
    t.call("recv", fd, 1000)


@script
def zero_copy(t):
    fd = t.accepted()
    t.call("send", fd, 1000, MSG_ZEROCOPY)
    t.setint(fd, SOL_SOCKET, SO_ZEROCOPY, 1)
    t.peer("A")
    t.call("send", fd, 1000, MSG_ZEROCOPY)
    t.call("recvmsg", fd, 100, MSG_ERRQUEUE | MSG_DONTWAIT, 200)
    t.peer("A")
    t.poll(fd)
    t.call("recvmsg", fd, 100, MSG_ERRQUEUE | MSG_DONTWAIT, 200)


@script(opts={"ecn": 1})
def ecn_of_the_active_side(t):
    fd = t.connecting()
    t.peer("SAE", mss=1460, sackok=True, ts=True, ws=7)
    t.info(fd, "options")
    t.call("send", fd, 20000)
    t.peer("AE", ack=1449)
    t.peer("AE", ack=4345)
    t.info(fd, "snd_cwnd", "snd_ssthresh", "ca_state")
    t.peer("A", ack=14481)
    t.peer("PA", len=100, tos=3)
    t.peer("PA", len=100, tos=2)
    t.peer("PAC", len=100, tos=2)


@script(opts={"ecn": 1})
def ecn_is_reflected_foolishly(t):
    fd = t.connecting()
    t.peer("SAEC", mss=1460)
    t.call("send", fd, 1000)
    t.info(fd, "options")
