# SPDX-License-Identifier: BSD-3-Clause
"""info.py - TCP_INFO through a connection's life: what is counted, what it waited for, how long ago things were."""
from consts import *
from script import script
from receiving_edges import WEIGHT

# What depends on the round trip measured, on the memory segments take, or on the time of day.
MEASURED = ("rto", "ato", "rtt", "rttvar", "rcv_rtt", "min_rtt", "pacing_rate", "delivery_rate", "rcv_space",
            "rcv_ssthresh", "rcv_wnd", "last_data_sent", "last_ack_sent", "last_data_recv", "last_ack_recv",
            "busy_time", "rwnd_limited", "sndbuf_limited", "total_rto_time", "max_pacing_rate", "rehash",
            "delivery_flags")
COUNTED = [n for n, _ in TCP_INFO_FIELDS if n not in MEASURED]
OPTIONS = dict(mss=1460, ws=7, sack=True, ts=True)


def all_of(t, fd):
    t.info(fd, *COUNTED)


def times(t, fd, unit, step, *fields):
    """Fields in time, in steps; a script must not end within a few ms of one."""
    values = t.info(fd)
    t.did(" ".join(f"{f}~{(values[f] // unit + step // 2) // step * step}" for f in fields))


@script(families=(4, 6), ignore=WEIGHT)
def counts_of_a_served_conversation(t):
    fd = t.accepted(**OPTIONS)
    all_of(t, fd)
    t.peer("PA", len=1000)
    all_of(t, fd)
    t.call("send", fd, 3000)
    all_of(t, fd)
    t.peer("A")
    all_of(t, fd)
    t.call("recv", fd, 400)
    all_of(t, fd)
    t.call("recv", fd, 600)
    t.peer("PA", len=1448)
    t.call("recv", fd, 2000)
    all_of(t, fd)
    t.call("shutdown", fd, SHUT_WR)
    all_of(t, fd)
    t.peer("A")
    all_of(t, fd)
    t.peer("FA")
    all_of(t, fd)


@script(families=(4, 6), ignore=WEIGHT)
def counts_of_one_that_connects(t):
    fd = t.socket(SOCK_STREAM | SOCK_NONBLOCK)
    all_of(t, fd)
    t.call("close", fd)
    fd = t.connecting()
    all_of(t, fd)
    t.peer("SA", mss=1000, ws=3, sackok=True)
    all_of(t, fd)
    t.call("send", fd, 2500)
    all_of(t, fd)
    t.peer("A", win=100)
    all_of(t, fd)
    t.peer("FA")
    all_of(t, fd)
    t.call("shutdown", fd, SHUT_WR)
    all_of(t, fd)
    t.peer("A")
    all_of(t, fd)


@script
def counts_without_options(t):
    fd = t.connected()
    all_of(t, fd)
    t.call("send", fd, 100)
    t.peer("A")
    t.peer("PA", len=100)
    t.sleep(0.06)
    all_of(t, fd)
    t.peer("R")
    all_of(t, fd)


@script
def counts_of_a_repeated_syn(t):
    fd = t.connecting()
    t.sleep(1.2)
    t.info(fd, *(f for f in COUNTED if f != "snd_ssthresh"))
    t.peer("SA", mss=1460)
    t.call("send", fd, 20000)
    t.peer("A", ack=2921)
    all_of(t, fd)


@script(families=(4, 6))
def of_a_listener(t):
    fd = t.listener(backlog=3)
    all_of(t, fd)
    for n in range(3):
        f = t.flow(peer_port=41000 + n)
        f.peer("S", mss=1460)
        t.settle()
        t.info(fd, "unacked", "sacked", "state")
        f.peer("A")
        t.settle()
        t.info(fd, "unacked", "sacked", "state", "retransmits", "lost")
    t.call("accept", fd)
    t.info(fd, "unacked", "sacked")
    t.call("listen", fd, 17)
    all_of(t, fd)


@script
def of_half_of_the_structure(t):
    fd = t.accepted(**OPTIONS)
    for n in (0, 1, 2, 8, 104, 231, 248, 249, 500):
        number = t.send_call(0, "getsockopt", (fd, IPPROTO_TCP, TCP_INFO, n))
        t.settle()
        r = t.results[number][0]
        t.did(f"{n}: {r.err} {r.more[0]} {len(r.more[1]) // 2 if len(r.more) > 1 else None}")
    t.setint(fd, IPPROTO_TCP, TCP_INFO, 1)


@script
def counts_of_a_fast_recovery(t):
    fd = t.accepted(**OPTIONS, rtt=0.1)
    t.call("send", fd, 14480)
    t.sleep(0.1)
    t.peer("A", ack=1, sack=((1449, 2897),))
    all_of(t, fd)
    t.peer("A", ack=1, sack=((1449, 4345),))
    all_of(t, fd)
    t.peer("A", ack=1, sack=((1449, 5793),))
    all_of(t, fd)
    t.peer("A", ack=5793)
    all_of(t, fd)
    t.peer("A", ack=14481)
    all_of(t, fd)


@script
def counts_of_a_timeout(t):
    fd = t.accepted(**OPTIONS)
    t.call("send", fd, 4344)
    t.sleep(1.0)
    all_of(t, fd)
    t.peer("A", ack=1449)
    all_of(t, fd)
    t.peer("A", ack=4345)
    all_of(t, fd)
    t.call("send", fd, 1448)
    t.peer("A", ack=5793)
    all_of(t, fd)


@script
def counts_of_repeats_for_nothing(t):
    fd = t.accepted(**OPTIONS, rtt=0.1)
    t.call("send", fd, 7240)
    t.sleep(0.1)
    t.peer("A", ack=1, sack=((1449, 5793),))
    all_of(t, fd)
    t.peer("A", ack=7241)
    all_of(t, fd)
    t.peer("A", ack=7241, sack=((1, 1449),))
    all_of(t, fd)


@script
def counts_of_what_comes_out_of_order(t):
    fd = t.accepted(**OPTIONS)
    t.peer("PA", len=100, seq=201)
    all_of(t, fd)
    t.peer("PA", len=100, seq=401)
    t.peer("PA", len=100, seq=401)
    all_of(t, fd)
    t.peer("PA", len=300, seq=1)
    all_of(t, fd)
    t.peer("PA", len=300, seq=1)
    t.peer("PA", len=150, seq=301)
    all_of(t, fd)


@script
def counts_of_marks_that_nobody_agreed_on(t):
    fd = t.connecting()
    t.peer("SA", mss=1460, sackok=True)
    t.info(fd, "options", "delivered", "delivered_ce")
    t.peer("PA", len=100, tos=2)
    t.info(fd, "options", "delivered", "delivered_ce")
    t.call("send", fd, 100)
    t.peer("PA", len=100, tos=3)
    t.peer("PA", len=100, tos=0)
    t.sleep(0.06)
    t.info(fd, "options", "delivered", "delivered_ce")


@script
def counts_of_keepalives_and_probes(t):
    fd = t.accepted()
    t.setint(fd, SOL_SOCKET, SO_KEEPALIVE, 1)
    t.setint(fd, IPPROTO_TCP, TCP_KEEPINTVL, 1)
    t.setint(fd, IPPROTO_TCP, TCP_KEEPIDLE, 1)
    t.sleep(2.5)
    all_of(t, fd)
    t.peer("A")
    all_of(t, fd)


@script
def counts_of_window_probes(t):
    fd = t.accepted(win=1000)
    t.call("send", fd, 1000)
    t.peer("A", win=0)
    t.call("send", fd, 500)
    all_of(t, fd)
    t.sleep(0.9)
    all_of(t, fd)
    t.peer("A", win=0)
    all_of(t, fd)
    t.peer("A", win=1000)
    all_of(t, fd)


@script
def counts_of_a_reset_one(t):
    fd = t.accepted(**OPTIONS)
    t.call("send", fd, 3000)
    t.peer("PA", len=10)
    t.peer("R", seq=11)
    all_of(t, fd)
    t.error(fd)
    all_of(t, fd)


@script
def counts_of_one_that_connects_again(t):
    fd = t.connecting()
    t.peer("RA")
    t.info(fd, "segs_in", "segs_out", "unacked", "state")
    t.error(fd)
    t.call("connect", fd, t.host, t.f.peer_port)
    t.info(fd, "segs_in", "segs_out", "unacked", "state")
    t.f.port = t.f.isn = None
    t.call("connect", fd, t.host, t.f.peer_port)
    t.peer("SA", mss=1460)
    all_of(t, fd)


@script
def how_long_it_was_busy(t):
    fd = t.accepted(rtt=0.1)
    times(t, fd, 1000, 100, "busy_time", "rwnd_limited", "sndbuf_limited")
    t.call("send", fd, 1000)
    t.sleep(0.2)
    times(t, fd, 1000, 100, "busy_time", "rwnd_limited", "sndbuf_limited")
    t.peer("A")
    t.sleep(0.2)
    times(t, fd, 1000, 100, "busy_time", "rwnd_limited", "sndbuf_limited")


@script
def how_long_the_peers_window_was_full(t):
    fd = t.accepted(win=2000, rtt=0.1)
    t.call("send", fd, 5000)
    t.sleep(0.2)
    times(t, fd, 1000, 100, "busy_time", "rwnd_limited", "sndbuf_limited")
    t.peer("A", win=0)
    t.sleep(0.2)
    times(t, fd, 1000, 100, "busy_time", "rwnd_limited", "sndbuf_limited")
    t.peer("A", win=20000)
    t.sleep(0.1)
    times(t, fd, 1000, 100, "busy_time", "rwnd_limited", "sndbuf_limited")
    t.peer("A", win=20000)
    t.sleep(0.2)
    times(t, fd, 1000, 100, "busy_time", "rwnd_limited", "sndbuf_limited")


@script(ignore=WEIGHT)
def how_long_the_buffer_was_full(t):
    fd = t.accepted(rtt=0.1, win=65535, setup=lambda fd: t.setint(fd, SOL_SOCKET, SO_SNDBUF, 4000))
    h = t.start("send", fd, 60000)
    for _ in range(6):
        t.sleep(0.1)
        t.peer("A")
    values = t.info(fd)
    t.did(f"limited by the buffer: {values['sndbuf_limited'] > 200000}")
    t.peer("R", seq=1)
    t.end(h)


@script
def how_long_ago(t):
    fd = t.accepted(rtt=0.1)
    t.sleep(0.1)
    times(t, fd, 1, 100, "last_data_sent", "last_data_recv", "last_ack_recv", "last_ack_sent")
    t.call("send", fd, 100)
    t.sleep(0.1)
    t.peer("A")
    t.sleep(0.1)
    times(t, fd, 1, 100, "last_data_sent", "last_data_recv", "last_ack_recv", "last_ack_sent")
    t.peer("PA", len=100)
    t.sleep(0.1)
    times(t, fd, 1, 100, "last_data_sent", "last_data_recv", "last_ack_recv", "last_ack_sent")
    t.call("send", fd, 100)
    t.sleep(0.1)
    times(t, fd, 1, 100, "last_data_sent", "last_data_recv", "last_ack_recv", "last_ack_sent")


@script
def how_long_ago_of_one_that_connects(t):
    fd = t.connecting()
    t.sleep(0.1)
    times(t, fd, 1, 100, "last_data_sent", "last_data_recv", "last_ack_recv", "last_ack_sent")
    t.peer("SA", mss=1460)
    t.sleep(0.1)
    times(t, fd, 1, 100, "last_data_sent", "last_data_recv", "last_ack_recv", "last_ack_sent")


@script
def how_the_round_trip_is_told(t):
    fd = t.accepted(rtt=0.1)
    times(t, fd, 1000, 20, "rtt", "rttvar", "min_rtt", "rto", "ato", "rcv_rtt")
    t.call("send", fd, 100)
    t.sleep(0.2)
    t.peer("A")
    times(t, fd, 1000, 20, "rtt", "rttvar", "min_rtt", "rto", "ato", "rcv_rtt")
    for _ in range(4):
        t.call("send", fd, 100)
        t.sleep(0.1)
        t.peer("A")
    times(t, fd, 1000, 20, "rtt", "min_rtt", "rto", "rcv_rtt")


@script
def how_long_timeouts_took(t):
    fd = t.accepted(**OPTIONS)
    t.call("send", fd, 1000)
    t.sleep(1.05)
    times(t, fd, 1, 200, "total_rto_time")
    t.info(fd, "total_rto", "total_rto_recoveries")
    t.peer("A")
    times(t, fd, 1, 200, "total_rto_time")
    t.info(fd, "total_rto", "total_rto_recoveries")


@script
def whether_the_program_was_the_limit(t):
    fd = t.accepted(**OPTIONS, rtt=0.1)
    t.info(fd, "delivery_flags", "max_pacing_rate")
    t.call("send", fd, 1000)
    t.info(fd, "delivery_flags")
    t.peer("A")
    t.info(fd, "delivery_flags", "delivered")
    t.call("send", fd, 40000)
    t.peer("A", ack=1001 + 14480)
    t.info(fd, "delivery_flags", "delivered")
    t.call("setsockopt", fd, SOL_SOCKET, 47, 5000000)
    t.info(fd, "max_pacing_rate")


@script
def counts_of_the_next_connection_of_a_socket(t):
    fd = t.accepted(**OPTIONS, rtt=0.1)
    t.call("send", fd, 4344)
    t.peer("PA", len=100, ack=1, sack=((1449, 2897),))
    t.sleep(0.06)
    t.peer("PA", len=100, seq=301)
    t.peer("A", ack=4345)
    t.sleep(0.06)
    all_of(t, fd)
    t.call("connect", fd, "-", 0)
    t.info(fd, *(f for f in COUNTED if f not in ("rcv_mss", "notsent_bytes")))
