# SPDX-License-Identifier: BSD-3-Clause
"""sending.py - when data goes out: Nagle, cork, windows, probes, slow start."""
from consts import *
from script import script

ALL_OPTIONS = {"ws": 7, "sack": True, "ts": True}


@script(families=(4, 6))
def nagle_holds_small_writes(t):
    fd = t.accepted()
    t.call("send", fd, 100)
    t.call("send", fd, 100)
    t.call("send", fd, 100)
    t.peer("A")
    t.peer("A")
    t.call("send", fd, 1400)
    t.call("send", fd, 1600)
    t.peer("A")


@script
def nodelay_sends_at_once(t):
    fd = t.accepted(setup=lambda fd: t.setint(fd, IPPROTO_TCP, TCP_NODELAY, 1))
    for _ in range(3):
        t.call("send", fd, 100)
    t.peer("A")
    t.setint(fd, IPPROTO_TCP, TCP_NODELAY, 0)
    for _ in range(3):
        t.call("send", fd, 100)
    t.setint(fd, IPPROTO_TCP, TCP_NODELAY, 1)
    t.peer("A")


@script(seconds=1)
def cork_holds_for_200_ms(t):
    fd = t.accepted()
    t.setint(fd, IPPROTO_TCP, TCP_CORK, 1)
    t.call("send", fd, 100)
    t.call("send", fd, 100)
    t.sleep(0.5)
    t.peer("A")
    t.call("send", fd, 2000)
    t.setint(fd, IPPROTO_TCP, TCP_CORK, 0)
    t.peer("A")


@script
def cork_and_nodelay(t):
    fd = t.accepted()
    t.setint(fd, IPPROTO_TCP, TCP_CORK, 1)
    t.call("send", fd, 100)
    t.setint(fd, IPPROTO_TCP, TCP_NODELAY, 1)
    t.call("send", fd, 100)
    t.sleep(0.05)
    t.setint(fd, IPPROTO_TCP, TCP_CORK, 0)
    t.peer("A")


@script
def more_to_come(t):
    fd = t.accepted()
    t.call("send", fd, 100, MSG_MORE)
    t.sleep(0.03)
    t.call("send", fd, 100, MSG_MORE)
    t.call("send", fd, 100)
    t.peer("A")
    t.call("send", fd, 3000, MSG_MORE)
    t.peer("A")
    t.call("shutdown", fd, SHUT_WR)


@script(families=(4, 6))
def initial_window(t):
    fd = t.accepted(**ALL_OPTIONS)
    t.call("send", fd, 40000)
    t.peer("A", ack=1449)
    t.peer("A", ack=2897)
    t.peer("A", ack=5793)
    t.info(fd, "snd_cwnd", "unacked", "notsent_bytes", "bytes_acked", "snd_ssthresh")
    t.peer("A", ack=14481)
    t.info(fd, "snd_cwnd", "unacked", "notsent_bytes", "bytes_acked")


@script
def initial_window_of_a_small_mss(t):
    fd = t.accepted(mss=500)
    t.call("send", fd, 30000)
    t.info(fd, "snd_cwnd")


@script
def slow_start_of_a_limited_program(t):
    fd = t.accepted(**ALL_OPTIONS)
    for _ in range(5):
        t.call("send", fd, 2896)
        t.peer("A")
    t.info(fd, "snd_cwnd")
    t.call("send", fd, 60000)
    t.info(fd, "snd_cwnd", "unacked")


@script(seconds=3)
def window_after_idle(t):
    fd = t.accepted(**ALL_OPTIONS)
    for _ in range(3):
        t.call("send", fd, 28960)
        t.peer("A")
        t.peer("A")
    t.info(fd, "snd_cwnd")
    t.sleep(1.2)
    t.call("send", fd, 60000)
    t.info(fd, "snd_cwnd", "unacked")


@script
def small_windows_of_the_peer(t):
    fd = t.accepted(win=3000)
    t.call("send", fd, 10000)
    t.peer("A", ack=1461, win=1500)
    t.peer("A", win=500)
    t.peer("A", win=1460)
    t.peer("A", win=3000)
    t.peer("A")


@script(seconds=2)
def a_shut_window_with_data_in_flight(t):
    fd = t.accepted(win=4000)
    t.call("send", fd, 10000)
    t.peer("A", ack=1001, win=0)
    t.sleep(1.0)
    t.peer("A", win=8000)


@script(seconds=2)
def urgent_data(t):
    fd = t.accepted()
    t.call("send", fd, 10)
    t.peer("A")
    t.call("send", fd, 1, MSG_OOB)
    t.call("send", fd, 5)
    t.peer("A")
    t.call("send", fd, 3000, MSG_OOB)
    t.peer("A")
    t.call("send", fd, 10)


@script
def urgent_data_received(t):
    fd = t.accepted()
    t.call("recv", fd, 1, MSG_OOB)
    t.peer("PAU", len=10, urg=5)
    t.poll(fd)
    t.call("ioctl", fd, SIOCATMARK)
    t.call("ioctl", fd, FIONREAD)
    t.call("recv", fd, 1, MSG_OOB)
    t.call("recv", fd, 1, MSG_OOB)
    t.call("recv", fd, 100)
    t.call("ioctl", fd, SIOCATMARK)
    t.call("recv", fd, 100)
    t.peer("PAU", len=3, urg=3)
    t.setint(fd, SOL_SOCKET, SO_OOBINLINE, 1)
    t.call("recv", fd, 100)
    t.call("recv", fd, 100)
    t.poll(fd)


@script
def not_sent_low_water_mark(t):
    fd = t.accepted(win=5000)
    t.setint(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 3000)
    t.call("send", fd, 20000, MSG_DONTWAIT)
    t.poll(fd)
    t.peer("A", win=5000)
    t.poll(fd)
    t.peer("A", win=5000)
    t.poll(fd)
    t.call("send", fd, 20000, MSG_DONTWAIT)


@script
def a_blocked_write_goes_on(t):
    fd = t.accepted(setup=lambda fd: t.setint(fd, SOL_SOCKET, SO_SNDBUF, 4096))
    h = t.start("send", fd, 75000)
    for _ in range(12):
        if t.is_over(h):
            break
        t.peer("A")
        t.peer("A")
    t.end(h)


@script(seconds=1)
def send_timeout(t):
    fd = t.accepted(win=2000, setup=lambda fd: t.setint(fd, SOL_SOCKET, SO_SNDBUF, 4096))
    t.call("setsockopt", fd, SOL_SOCKET, SO_SNDTIMEO, "x0000000000000000400d030000000000")
    t.call("send", fd, 100000)
    t.call("send", fd, 100000)


@script(seconds=5)
def keepalive(t):
    fd = t.accepted(ts=True)
    t.setint(fd, IPPROTO_TCP, TCP_KEEPIDLE, 1)
    t.setint(fd, IPPROTO_TCP, TCP_KEEPINTVL, 1)
    t.setint(fd, IPPROTO_TCP, TCP_KEEPCNT, 2)
    t.setint(fd, SOL_SOCKET, SO_KEEPALIVE, 1)
    t.sleep(1.2)
    t.peer("A")
    t.sleep(3.3)
    t.poll(fd)
    t.error(fd)
    t.call("send", fd, 10, MSG_NOSIGNAL)


@script(seconds=3)
def user_timeout(t):
    fd = t.accepted()
    t.setint(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 1000)
    t.call("send", fd, 100)
    t.sleep(2.0)
    t.poll(fd)
    t.error(fd)


@script(seconds=3)
def user_timeout_of_a_shut_window(t):
    fd = t.accepted(win=2000)
    t.setint(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 1000)
    t.call("send", fd, 5000)
    t.peer("A", win=0)
    t.sleep(2.2)
    t.error(fd)


@script
def ecn_of_the_passive_side(t):
    fd = t.listener()
    t.peer("SEC", mss=1460, sackok=True, ts=True, ws=7)
    t.peer("A")
    a = t.call("accept", fd).ret
    t.info(a, "options")
    t.call("send", a, 3000)
    t.peer("A")
    t.peer("PA", len=100, tos=3)
    t.peer("PA", len=100, tos=0)


@script(opts={"ecn": 1})
def ecn_is_refused(t):
    fd = t.connecting()
    t.peer("SA", mss=1460)
    t.call("send", fd, 1000)
    t.info(fd, "options")


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
