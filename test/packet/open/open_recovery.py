# SPDX-License-Identifier: BSD-3-Clause
"""open_recovery.py - recovery, where the shim still differs from the kernel."""
from consts import *
from script import script
from recovery import SACK, STATE, ten


@script(families=(4, 6))
def fast_retransmit_with_sack(t):
    fd = ten(t, **SACK)
    t.call("send", fd, 10000)
    for n in (2, 3, 4):
        t.peer("A", ack=1, sack=[(1001, n * 1000 + 1)])
    t.info(fd, *STATE)
    for n in (5, 6, 7, 8, 9, 10):
        t.peer("A", ack=1, sack=[(1001, n * 1000 + 1)])
    t.info(fd, *STATE)
    t.peer("A", ack=10001)
    t.info(fd, *STATE)
    t.peer("A")
    t.info(fd, *STATE)


@script
def several_holes(t):
    fd = ten(t, **SACK)
    t.call("send", fd, 10000)
    t.peer("A", ack=1, sack=[(1001, 2001)])
    t.peer("A", ack=1, sack=[(3001, 4001), (1001, 2001)])
    t.peer("A", ack=1, sack=[(5001, 6001), (3001, 4001), (1001, 2001)])
    t.info(fd, *STATE)
    t.peer("A", ack=1, sack=[(7001, 10001), (5001, 6001), (3001, 4001)])
    t.info(fd, *STATE)
    t.peer("A", ack=2001, sack=[(7001, 10001), (5001, 6001), (3001, 4001)])
    t.peer("A", ack=6001, sack=[(7001, 10001)])
    t.peer("A", ack=10001)
    t.info(fd, *STATE)


@script
def one_sack_of_three_segments(t):
    fd = ten(t, **SACK)
    t.peer("A", ack=1, sack=[(1001, 4001)])
    t.info(fd, *STATE)
    t.sleep(0.05)
    t.info(fd, *STATE)
    t.peer("A")


@script
def the_reordering_timer(t):
    fd = ten(t, **SACK)
    t.peer("A", ack=1, sack=[(1001, 2001)])
    t.info(fd, *STATE)
    t.sleep(0.05)
    t.info(fd, *STATE)


@script
def reordering_is_learned(t):
    fd = ten(t, **SACK)
    t.peer("A", ack=1, sack=[(5001, 6001)])
    t.peer("A", ack=1, sack=[(1001, 2001), (5001, 6001)])
    t.peer("A", ack=6001)
    t.info(fd, *STATE, "reord_seen")


@script(seconds=2)
def tail_loss_probe(t):
    fd = ten(t, **SACK)
    t.peer("A", ack=8001)
    t.sleep(0.25)
    t.info(fd, *STATE)
    t.sleep(0.5)
    t.info(fd, *STATE)
    t.peer("A")
    t.info(fd, *STATE)


@script(seconds=2)
def tail_loss_probe_of_new_data(t):
    fd = t.accepted(mss=1012, win=40, ws=7, sack=True, ts=True, rtt=0.05)
    t.call("send", fd, 20000)
    t.sleep(0.04)
    t.peer("A", ack=3001, win=30)
    t.sleep(0.25)
    t.info(fd, *STATE)


@script(seconds=3)
def timeouts_double(t):
    fd = t.accepted(**SACK)
    t.sleep(0.02)
    t.call("send", fd, 1000)
    t.sleep(2.4)
    t.info(fd, *STATE, "backoff", "retransmits", "total_rto")
    t.peer("A")
    t.info(fd, *STATE, "backoff", "retransmits")


@script(seconds=2)
def timeout_of_a_window_with_sack(t):
    fd = ten(t, **SACK)
    t.sleep(0.7)
    t.info(fd, *STATE)
    t.peer("A", ack=2001)
    t.peer("A", ack=4001, sack=[(6001, 7001)])
    t.info(fd, *STATE)
    t.peer("A", ack=10001)
    t.info(fd, *STATE)


@script(seconds=2)
def spurious_timeout_by_timestamps(t):
    fd = ten(t, ts=True)
    old = t.f.tsecr
    t.sleep(0.3)
    t.info(fd, *STATE)
    t.peer("A", ack=2001, tsecr=old)
    t.info(fd, *STATE)
    t.call("send", fd, 10000)
    t.peer("A", ack=10001)
    t.info(fd, *STATE)


@script(seconds=2)
def spurious_timeout_by_f_rto(t):
    fd = ten(t, sack=True)
    t.call("send", fd, 10000)
    t.sleep(0.7)
    t.info(fd, *STATE)
    t.peer("A", ack=2001)
    t.peer("A", ack=4001)
    t.info(fd, *STATE)
    t.peer("A", ack=10001)
    t.info(fd, *STATE)


@script
def undo_by_d_sack(t):
    fd = ten(t, sack=True)
    for n in (2, 3, 4):
        t.peer("A", ack=1, sack=[(1001, n * 1000 + 1)])
    t.info(fd, *STATE)
    t.peer("A", ack=10001)
    t.info(fd, *STATE)
    t.peer("A", ack=10001, sack=[(1, 1001)])
    t.info(fd, *STATE, "dsack_dups")


@script
def undo_by_timestamps(t):
    fd = ten(t, **SACK)
    old = t.f.tsecr
    for n in (2, 3, 4):
        t.peer("A", ack=1, sack=[(1001, n * 1000 + 1)])
    t.info(fd, *STATE)
    t.peer("A", ack=4001, tsecr=old)
    t.info(fd, *STATE)


@script
def a_retransmission_is_lost_too(t):
    fd = ten(t, **SACK)
    t.call("send", fd, 20000)
    for n in (2, 3, 4):
        t.peer("A", ack=1, sack=[(1001, n * 1000 + 1)])
    t.sleep(0.02)
    t.peer("A", ack=1, sack=[(1001, 10001)])
    t.sleep(0.02)
    t.peer("A", ack=1, sack=[(1001, 12001)])
    t.sleep(0.05)
    t.info(fd, *STATE)


@script
def sacks_that_make_no_sense(t):
    fd = ten(t, **SACK)
    t.peer("A", ack=1, sack=[(20001, 30001)])
    t.peer("A", ack=1, sack=[(5001, 4001)])
    t.peer("A", ack=3001, sack=[(1001, 2001)])
    t.peer("A", ack=3001, sack=[(4001, 4001)])
    t.info(fd, *STATE)


@script(seconds=2)
def reneging(t):
    fd = ten(t, **SACK)
    t.peer("A", ack=1, sack=[(1001, 5001)])
    t.sleep(0.02)
    t.peer("A", ack=1001)
    t.sleep(0.3)
    t.info(fd, *STATE)


@script(families=(4, 6))
def the_path_has_a_smaller_mtu(t):
    fd = t.accepted(**SACK)
    t.call("send", fd, 5000)
    if t.family == 4:
        t.icmp(3, 4, 1200, seq=1)
    else:
        t.icmp(2, 0, 1300, seq=1, size=200)
    t.info(fd, "pmtu", "snd_mss", "snd_cwnd", "ca_state")
    t.peer("A")
    t.call("send", fd, 3000)
    t.getint(fd, IPPROTO_IP if t.family == 4 else IPPROTO_IPV6, IP_MTU if t.family == 4 else IPV6_MTU)


@script
def an_mtu_told_about_other_data(t):
    fd = t.accepted(**SACK)
    t.call("send", fd, 5000)
    t.icmp(3, 4, 1200, seq=100000)
    t.icmp(3, 4, 1200, seq=-100)
    t.icmp(3, 4, 1600, seq=1)
    t.icmp(3, 4, 100, seq=1)
    t.info(fd, "pmtu", "snd_mss")


@script(seconds=2)
def unreachable_while_established(t):
    fd = t.accepted()
    t.call("send", fd, 100)
    t.icmp(3, 1, seq=1)
    t.icmp(3, 3, seq=1)
    t.poll(fd)
    t.error(fd)
    t.setint(fd, IPPROTO_IP, IP_RECVERR, 1)
    t.icmp(3, 1, seq=1)
    t.poll(fd)
    t.call("recvmsg", fd, 100, MSG_ERRQUEUE | MSG_DONTWAIT, 200)
    t.error(fd)


@script(seconds=1)
def cubic_after_a_loss(t):
    fd = ten(t, **SACK)
    t.call("send", fd, 40000)
    for n in (2, 3, 4, 5, 6, 7, 8, 9, 10):
        t.peer("A", ack=1, sack=[(1001, n * 1000 + 1)])
    t.peer("A")
    for _ in range(8):
        t.sleep(0.02)
        t.peer("A")
        t.info(fd, "snd_cwnd", "snd_ssthresh", "ca_state")


@script(opts={"cc": "reno"}, seconds=1)
def reno_after_a_loss(t):
    fd = ten(t, **SACK)
    t.call("send", fd, 40000)
    for n in (2, 3, 4, 5, 6, 7, 8, 9, 10):
        t.peer("A", ack=1, sack=[(1001, n * 1000 + 1)])
    t.peer("A")
    for _ in range(8):
        t.sleep(0.02)
        t.peer("A")
        t.info(fd, "snd_cwnd", "snd_ssthresh", "ca_state")
