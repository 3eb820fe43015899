# SPDX-License-Identifier: BSD-3-Clause
"""ecn.py - congestion that is marked: by whom it is negotiated, echoed, answered, and when not (RFC 3168)."""
from consts import *
from script import script

SYN = {"mss": 1460, "sackok": True, "ts": True, "ws": 7}
STATE = "snd_cwnd", "snd_ssthresh", "ca_state", "delivered_ce"


def passive(t, syn="SEC", tos=0, setup=None):
    t.listening = t.listener(setup=setup)
    t.peer(syn, tos=tos, **SYN)
    t.peer("A")
    return t.call("accept", t.listening).ret


def active(t, answer="SAE", tos=0):
    fd = t.connecting()
    t.peer(answer, tos=tos, **SYN)
    return fd


@script
def one_flag_of_two_in_a_syn(t):
    t.info(passive(t, "SE"), "options")


@script
def the_other_flag_of_two_in_a_syn(t):
    t.info(passive(t, "SC"), "options")


@script
def a_syn_that_is_itself_marked(t):
    t.info(passive(t, "SEC", tos=3), "options")


@script
def a_syn_that_may_be_marked(t):
    t.info(passive(t, "SEC", tos=2), "options")


@script(opts={"ecn": 1}, deviation="RFC 3168 6.1.1.1: with CWR set it is no ECN-setup SYN-ACK; "
        "Linux takes it for AccECN, which was not asked for")
def answers_with_both_flags(t):
    t.info(active(t, "SAEC"), "options")


@script(opts={"ecn": 1})
def an_answer_that_is_marked(t):
    fd = active(t, "SAE", tos=3)
    t.info(fd, "options")
    t.call("send", fd, 100)
    t.peer("A")


@script(opts={"ecn": 1}, seconds=8)
def a_syn_is_repeated_without(t):
    t.connecting()
    t.sleep(7.5)


@script
def marks_are_echoed_until_cwr(t):
    fd = passive(t)
    t.peer("PA", len=100, tos=3)
    t.call("send", fd, 10)
    t.peer("A")
    t.peer("PA", len=100, tos=2)
    t.peer("PAC", len=100, tos=2)
    t.sleep(0.06)
    t.call("send", fd, 10)
    t.peer("PAC", len=100, tos=3)
    t.sleep(0.06)
    t.peer("AC")
    t.peer("PA", len=100, tos=2)
    t.call("send", fd, 10)


@script
def marks_on_what_counts_and_what_does_not(t):
    fd = passive(t)
    t.peer("PA", len=100, tos=2)
    t.peer("A", tos=3)                          # no data
    t.call("send", fd, 10)
    t.peer("PA", seq=1, len=100, tos=3)         # again
    t.call("send", fd, 10)
    t.peer("PAC", len=100, tos=2)
    t.sleep(0.06)
    t.peer("PA", seq=501, len=100, tos=3)       # beyond a hole
    t.call("send", fd, 10)
    t.peer("PA", seq=201, len=300, tos=2)
    t.call("send", fd, 10)


@script
def an_echo_halves_once_per_window(t):
    fd = passive(t)
    t.call("send", fd, 14480)
    t.peer("AE", ack=1449)
    t.info(fd, *STATE)
    t.peer("AE", ack=2897)
    t.peer("AE", ack=5793)
    t.call("send", fd, 14480)
    t.info(fd, *STATE)
    t.peer("A", ack=14481)
    t.info(fd, *STATE)
    t.peer("AE", ack=14481 + 1448)
    t.info(fd, *STATE)


@script
def an_echo_without_data_in_flight(t):
    fd = passive(t)
    t.call("send", fd, 1000)
    t.peer("A")
    t.peer("AE")
    t.info(fd, *STATE)
    t.call("send", fd, 1000)
    t.peer("A")
    t.info(fd, *STATE)


@script
def cwr_goes_with_new_data_once(t):
    fd = passive(t)
    t.call("send", fd, 5000)
    t.peer("AE", ack=1449)
    t.peer("A", ack=2897)
    t.call("send", fd, 3000)
    t.peer("A")
    t.call("send", fd, 1000)
    t.peer("A")
    t.call("send", fd, 1000)


@script(seconds=2)
def what_is_sent_again_is_not_capable(t):
    fd = passive(t)
    t.call("send", fd, 5792)
    t.peer("A", ack=1, sack=[(1449, 5793)])
    t.peer("A", ack=5793)
    t.call("send", fd, 100)
    t.sleep(0.3)
    t.peer("A")
    t.call("shutdown", fd, SHUT_WR)


@script
def which_segments_are_capable(t):
    fd = passive(t)
    t.peer("PA", len=100, tos=2)
    t.sleep(0.06)
    t.call("send", fd, 100, MSG_MORE)
    t.call("send", fd, 100)
    t.peer("A")
    t.peer("FA")
    t.sleep(0.06)
    t.call("close", fd)


@script
def a_tos_of_the_program_and_ecn(t):
    fd = passive(t)
    level, name = (IPPROTO_IP, IP_TOS) if t.family == 4 else (IPPROTO_IPV6, IPV6_TCLASS)
    t.setint(fd, level, name, 0x13)
    t.getint(fd, level, name)
    t.call("send", fd, 100)
    t.peer("A")
    t.peer("PA", len=10)
    t.sleep(0.06)


@script
def a_tos_of_the_program_without_ecn(t):
    fd = t.accepted()
    level, name = (IPPROTO_IP, IP_TOS) if t.family == 4 else (IPPROTO_IPV6, IPV6_TCLASS)
    t.setint(fd, level, name, 0x13)
    t.getint(fd, level, name)
    t.call("send", fd, 100)
    t.peer("A")
