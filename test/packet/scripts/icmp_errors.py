# SPDX-License-Identifier: BSD-3-Clause
"""icmp_errors.py - what routers say of an open connection's packets."""
from consts import *
from script import script


@script(families=(4, 6))
def the_path_has_a_smaller_mtu(t):
    fd = t.accepted(ws=7, sack=True)                # what ICMP has it send again bears an old timestamp of the kernel's
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
    fd = t.accepted(rtt=0.05, ws=7, sack=True)
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


@script(seconds=2)
def unreachable_takes_a_back_off_back(t):
    fd = t.accepted(ws=7, sack=True)
    t.call("send", fd, 1000)
    t.sleep(0.75)
    t.info(fd, "backoff", "retransmits", "ca_state", "unacked", "lost", "retrans")
    t.icmp(3, 1, seq=1)
    t.info(fd, "backoff", "retransmits", "ca_state")
    t.sleep(0.3)
    t.icmp(3, 3, seq=1)
    t.icmp(3, 0, seq=501)
    t.info(fd, "backoff", "retransmits", "ca_state")
    t.peer("A")
    t.info(fd, "backoff", "retransmits", "ca_state")
