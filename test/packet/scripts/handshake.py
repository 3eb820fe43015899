# SPDX-License-Identifier: BSD-3-Clause
"""handshake.py - opening: options of SYN and SYN-ACK in all combinations, repeated SYNs, backlogs."""
from consts import *
from script import script


@script(families=(4, 6))
def accepted_with_all_options(t):
    fd = t.accepted(mss=1460, ws=7, sack=True, ts=True)
    t.call("send", fd, 1000)
    t.peer("A")
    t.call("close", fd)
    t.peer("FA")


@script(families=(4, 6))
def connected_with_all_options(t):
    fd = t.connected(mss=1460, ws=7, sack=True, ts=True)
    t.error(fd)
    t.peer("PA", len=6)
    t.sleep(0.1)
    t.call("recv", fd, 100)
    t.peer("FA")
    t.poll(fd)
    t.call("close", fd)
    t.peer("A")


def matrix(name, **options):
    """Each set of options a peer's SYN and SYN-ACK may have."""
    def passive(t):
        fd = t.accepted(**options)
        t.call("send", fd, 3000)
        t.peer("A", ack=1461)
        t.peer("A")
        t.info(fd, "options", "wscale", "snd_mss", "rcv_mss", "advmss", "snd_cwnd", "rcv_ssthresh")
        t.call("close", fd)

    def active(t):
        fd = t.connected(**options)
        t.call("send", fd, 3000)
        t.peer("A")
        t.info(fd, "options", "wscale", "snd_mss", "rcv_mss", "advmss", "snd_cwnd", "rcv_ssthresh")
        t.call("close", fd)
    for fn, side in ((passive, "accepted"), (active, "connected")):
        fn.__name__ = f"{side}_{name}"
        script(families=(4, 6))(fn)


matrix("without_options", mss=None)
matrix("with_mss_only", mss=1000)
matrix("with_a_tiny_mss", mss=40)
matrix("with_a_zero_mss", mss=0)
matrix("with_a_huge_mss", mss=9000)
matrix("with_timestamps_only", ts=True)
matrix("with_sack_only", sack=True)
matrix("with_scaling_only", ws=3)
matrix("with_sack_and_scaling", sack=True, ws=14)
matrix("with_too_large_a_scale", ws=15)
matrix("with_timestamps_and_sack", ts=True, sack=True)
matrix("with_timestamps_and_scaling", ts=True, ws=0)


@script(seconds=8)
def syn_ack_is_repeated(t):
    t.listener()
    t.peer("S", mss=1460, ws=7, sackok=True, ts=True)
    t.sleep(7.5)


@script(seconds=8)
def syn_is_repeated(t):
    t.connecting()
    t.sleep(6.5)


@script(seconds=4)
def syncnt_ends_it(t):
    fd, h = t.connecting(lambda fd: t.setint(fd, IPPROTO_TCP, TCP_SYNCNT, 1), blocking=True)
    t.end(h, 8)
    t.error(fd)


@script
def a_repeated_syn_gets_the_same_answer(t):
    t.listener()
    t.peer("S", mss=1460, ws=7, sackok=True, ts=True)
    t.peer("S", seq=0, mss=1460, ws=7, sackok=True, ts=True)
    t.peer("S", seq=0, mss=536)


@script
def an_ack_of_nothing_to_a_half_open_one(t):
    t.listener()
    t.peer("S", mss=1460)
    t.peer("A", ack=5)
    t.peer("A", ack=0)
    t.peer("A", seq=70000, ack=1)
    t.peer("A", seq=1, ack=1)


@script
def rst_ends_a_half_open_one(t):
    fd = t.listener()
    t.peer("S", mss=1460)
    t.peer("R", seq=1)
    t.peer("A", ack=1)


@script
def rst_outside_the_window_of_a_half_open_one(t):
    t.listener()
    t.peer("S", mss=1460)
    t.peer("R", seq=100000)
    t.peer("R", seq=5)
    t.peer("RA", seq=1, ack=1)
    t.peer("A", seq=1, ack=1)


@script
def fin_completes_the_handshake(t):
    fd = t.listener()
    t.peer("S", mss=1460)
    t.peer("FA", ack=1)
    a = t.call("accept", fd).ret
    t.poll(a)
    t.call("recv", a, 10)
    t.call("close", a)


@script(families=(4, 6))
def data_completes_the_handshake(t):
    fd = t.listener()
    t.peer("S", mss=1460, ts=True, sackok=True)
    t.peer("PA", ack=1, len=100)
    a = t.call("accept", fd).ret
    t.call("recv", a, 1000)
    t.sleep(0.1)


@script
def data_in_a_syn_without_fast_open(t):
    fd = t.listener()
    t.peer("S", mss=1460, len=100)
    t.peer("A", seq=1, ack=1)
    a = t.call("accept", fd).ret
    t.call("recv", a, 1000, MSG_DONTWAIT)
    t.peer("PA", seq=1, len=100)
    t.call("recv", a, 1000, MSG_DONTWAIT)


@script
def data_in_a_syn_ack(t):
    fd = t.connecting()
    t.peer("SA", mss=1460, len=100)
    t.call("recv", fd, 1000, MSG_DONTWAIT)
    t.peer("A", seq=1, ack=1)
    t.peer("PA", seq=1, len=100)
    t.call("recv", fd, 1000, MSG_DONTWAIT)


@script
def fin_in_a_syn_ack(t):
    fd = t.connecting()
    t.peer("SFA", mss=1460)
    t.poll(fd)
    t.call("recv", fd, 1000, MSG_DONTWAIT)


@script
def syn_with_fin_to_a_listener(t):
    fd = t.listener()
    t.peer("SF", mss=1460)
    t.peer("A", seq=1, ack=1)
    t.poll(fd)


@script
def syn_with_rst_and_null_segments_to_a_listener(t):
    t.listener()
    t.peer("SR", mss=1460)
    t.peer("", seq=0)
    t.peer("F", seq=0)
    t.peer("FPU", seq=0, urg=1)
    t.peer("SA", seq=0, ack=1, mss=1460)
    t.peer("A", seq=0, ack=77)
    t.peer("PA", seq=0, ack=77, len=10)
    t.peer("R", seq=0)
    t.peer("RA", seq=0, ack=77)


@script(families=(4, 6))
def closed_port(t):
    t.peer("S", mss=1460)
    t.peer("S", seq=10, mss=1460, len=20)
    t.peer("A", seq=1, ack=77)
    t.peer("FA", seq=1, ack=77)
    t.peer("F", seq=1)
    t.peer("PA", seq=1, ack=77, len=10)
    t.peer("SA", seq=1, ack=77)
    t.peer("", seq=1, len=10)
    t.peer("R", seq=1)
    t.peer("S", seq=1, bad_csum=True)


@script
def wrong_answers_to_a_syn(t):
    fd = t.connecting()
    t.peer("SA", ack=5, mss=1460)
    t.sleep(0.03)                                   # after which the SYN goes again
    t.peer("A", ack=1)
    t.peer("A", ack=3)
    t.peer("R", seq=0)
    t.peer("RA", seq=0, ack=0)
    t.peer("FA", seq=0, ack=1)
    t.peer("PA", seq=0, ack=1, len=10)
    t.error(fd)
    t.peer("SA", seq=0, ack=1, mss=1460)
    t.error(fd)
    t.poll(fd)


@script(families=(4, 6))
def refused(t):
    fd, h = t.connecting(blocking=True)
    t.peer("RA", seq=0, ack=1)
    t.end(h)
    t.error(fd)
    t.poll(fd)
    t.call("getpeername", fd)
    t.call("send", fd, 10, MSG_NOSIGNAL)
    t.call("recv", fd, 10, MSG_DONTWAIT)


@script(families=(4, 6))
def refused_nonblocking(t):
    fd = t.connecting()
    t.poll(fd)
    t.peer("RA", seq=0, ack=1)
    t.poll(fd)
    t.call("connect", fd, t.host, 7000)
    t.error(fd)
    t.poll(fd)
    t.call("connect", fd, t.host, 7000)
    t.peer("RA", seq=0, ack=t.f.rcv_nxt)
    t.call("recv", fd, 10)
    t.call("recv", fd, 10)
    t.call("send", fd, 10, MSG_NOSIGNAL)


@script
def connecting_states(t):
    fd = t.connecting()
    t.call("connect", fd, t.host, 7000)
    t.call("send", fd, 10, MSG_NOSIGNAL)
    t.call("recv", fd, 10)
    t.call("getpeername", fd)
    t.call("shutdown", fd, SHUT_WR)
    t.call("listen", fd, 5)
    t.poll(fd)
    t.peer("SA", mss=1460, sackok=True)
    t.call("connect", fd, t.host, 7000)
    t.call("connect", fd, t.host, 7000)
    t.poll(fd)


@script
def simultaneous_open(t):
    fd = t.connecting()
    t.peer("S", mss=1460, ws=7, sackok=True, ts=True)
    t.info(fd, "state")
    t.peer("SA", seq=0, ack=1, mss=1460, ws=7, sackok=True, ts=True)
    t.info(fd, "state", "options")
    t.poll(fd)
    t.call("send", fd, 100)
    t.peer("A")
    t.peer("FA")
    t.call("close", fd)


@script(ignore={"win": "the kernel goes on to scale its window though the peer offered no scaling"})
def simultaneous_open_ended_by_ack(t):
    fd = t.connecting()
    t.peer("S", mss=1460)
    t.peer("A", seq=1, ack=1)
    t.info(fd, "state")
    t.poll(fd)
    t.call("send", fd, 100)


@script(seconds=2)
def simultaneous_open_repeats(t):
    fd = t.connecting()
    t.peer("S", mss=1460)
    t.sleep(1.5)
    t.peer("RA", seq=1, ack=1)
    t.error(fd)


@script(seconds=3)
def full_backlog(t):
    fd = t.listener(backlog=1)
    flows = [t.f] + [t.flow() for _ in range(3)]
    for f in flows:
        f.peer("S", mss=1460)
        f.peer("A", seq=1)
    t.sleep(1.3)
    for _ in range(2):
        t.call("accept", fd)
    t.sleep(1.5)
    for f in flows[2:]:
        f.peer("PA", seq=1, len=10)


@script
def backlog_of_zero(t):
    fd = t.listener(backlog=0)
    flows = [t.f] + [t.flow() for _ in range(2)]
    for f in flows:
        f.peer("S", mss=1460)
        f.peer("A", seq=1)
    t.sleep(0.2)
    t.poll(fd)


@script(seconds=3)
def deferred_accept(t):
    fd = t.listener(setup=lambda fd: t.setint(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 3))
    t.getint(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT)
    t.peer("S", mss=1460)
    t.peer("A", seq=1)
    t.poll(fd)
    t.sleep(1.5)
    t.peer("PA", seq=1, len=20)
    t.poll(fd)
    a = t.call("accept", fd).ret
    t.call("recv", a, 100)
    t.call("close", a)


@script(seconds=10)
def deferred_accept_gives_up_waiting(t):
    fd = t.listener(setup=lambda fd: t.setint(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1))
    t.peer("S", mss=1460)
    t.peer("A", seq=1)
    t.sleep(1.5)
    t.peer("A", seq=1)
    t.poll(fd)
    t.sleep(2.5)
    t.poll(fd)


# The low six bits of its timestamps are options: up to 64 ms off.
@script(opts={"syncookies": 2}, tolerance=0.064)
def cookies(t):
    fd = t.listener()
    t.peer("S", mss=1460, ws=7, sackok=True, ts=True)
    t.peer("A", seq=1)
    a = t.call("accept", fd).ret
    t.info(a, "options", "wscale", "snd_mss", "advmss")
    t.call("send", a, 3000)
    t.peer("A")


@script(opts={"syncookies": 2})
def cookies_without_timestamps(t):
    fd = t.listener()
    t.peer("S", mss=1400, ws=7, sackok=True)
    t.peer("A", seq=1)
    a = t.call("accept", fd).ret
    t.info(a, "options", "wscale", "snd_mss", "advmss")
    t.call("send", a, 3000)
    t.peer("A", seq=1)


@script(opts={"syncookies": 2})
def a_wrong_cookie(t):
    t.listener()
    t.peer("S", mss=1400)
    t.peer("A", seq=1, ack=2)
    t.peer("A", seq=1, ack=1 << 20)
    t.peer("PA", seq=1, ack=1, len=100)


@script
def syn_in_every_state(t):
    """Challenge acknowledgments, RFC 5961 4."""
    fd = t.accepted(ts=True, sack=True)
    t.peer("S", seq=1, mss=1460, ts=True)
    t.sleep(0.6)
    t.peer("S", seq=0, mss=1460)
    t.sleep(0.6)
    t.peer("SA", seq=0, ack=1, mss=1460, ts=True)
    t.sleep(0.6)
    t.peer("SA", seq=1, ack=1, mss=1460)
    t.call("send", fd, 10)
    t.peer("A")
    t.peer("FA")
    t.sleep(0.6)
    t.peer("S", seq=2, mss=1460, ts=True)
    t.call("close", fd)
    t.sleep(0.6)
    t.peer("S", seq=2, mss=1460, ts=True)


@script(families=(4, 6))
def maxseg_limits_both_ways(t):
    def setup(fd):
        t.setint(fd, IPPROTO_TCP, TCP_MAXSEG, 1000)
        t.getint(fd, IPPROTO_TCP, TCP_MAXSEG)
    fd = t.accepted(mss=1460, ts=True, setup=setup)
    t.getint(fd, IPPROTO_TCP, TCP_MAXSEG)
    t.call("send", fd, 3000)
    t.info(fd, "snd_mss", "advmss")


@script(families=(4, 6))
def maxseg_of_a_connecting_one(t):
    def setup(fd):
        for v in (87, 88, 40000, 700):
            t.setint(fd, IPPROTO_TCP, TCP_MAXSEG, v)
        t.getint(fd, IPPROTO_TCP, TCP_MAXSEG)
    fd = t.connected(setup=setup, ts=True)
    t.getint(fd, IPPROTO_TCP, TCP_MAXSEG)
    t.call("send", fd, 3000)


@script
def tos_and_ttl_of_segments(t):
    def setup(fd):
        t.setint(fd, IPPROTO_IP, IP_TOS, 0x28)
        t.setint(fd, IPPROTO_IP, IP_TTL, 40)
    fd = t.accepted(setup=setup)
    t.getint(fd, IPPROTO_IP, IP_TOS)
    t.call("send", fd, 100)
    t.setint(fd, IPPROTO_IP, IP_TOS, 0xff)
    t.getint(fd, IPPROTO_IP, IP_TOS)
    t.call("send", fd, 100)
    t.call("close", fd)
    t.peer("A")
    t.peer("FA")
    t.peer("FA", seq=1)


def receive_buffer(size):
    def a_receive_buffer(t):
        fd = t.accepted(ws=7, ts=True, sack=True, setup=lambda fd: t.setint(fd, SOL_SOCKET, SO_RCVBUF, size))
        t.getint(fd, SOL_SOCKET, SO_RCVBUF)
        t.info(fd, "rcv_ssthresh", "rcv_space", "rcv_wnd")
        t.use(t.flow())
        t.connected(ws=7, setup=lambda fd: t.setint(fd, SOL_SOCKET, SO_RCVBUF, size))
    a_receive_buffer.__name__ = f"a_receive_buffer_of_{size}"
    script(a_receive_buffer)


for each in (1, 2000, 5000, 20000, 100000, 300000):
    receive_buffer(each)


@script(ignore={"win": "the kernel forgets TCP_WINDOW_CLAMP when it has seen how large segments are"})
def a_window_clamp(t):
    fd = t.accepted(ws=7, setup=lambda fd: t.setint(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 5000))
    t.getint(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP)
    t.peer("PA", len=1000)
    t.setint(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 20000)
    t.getint(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP)
    t.call("recv", fd, 10000)
    t.peer("PA", len=1000)


@script(opts={"rmem": (4096, 131072, 16777216)})
def a_larger_rmem_scales_more(t):
    t.accepted(ws=7)


@script(opts={"sysctl": {"net.ipv4.tcp_fastopen_key": "01020304-05060708-090a0b0c-0d0e0f10"}})
def fast_open_cookie_request(t):
    fd = t.listener(setup=lambda fd: t.setint(fd, IPPROTO_TCP, TCP_FASTOPEN, 5))
    t.peer("S", mss=1460, sackok=True, ts=True, ws=7, tfo=b"")
    t.peer("A")
    t.call("accept", fd)
    f = t.flow()
    t.use(f)
    t.peer("S", mss=1460, sackok=True, ts=True, ws=7, tfo=t.flows[1].cookie or b"", len=100)
    a = t.call("accept", fd).ret
    t.call("recv", a, 1000)
    t.call("send", a, 1000)
    t.peer("A")
    t.call("close", a)
