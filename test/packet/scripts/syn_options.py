# SPDX-License-Identifier: BSD-3-Clause
"""syn_options.py - what is agreed on when a SYN does not say all, says it twice, or says it wrong."""
from consts import *
from script import script
from receiving_edges import WEIGHT

OPTIONS = "options", "wscale", "snd_mss", "rcv_mss", "advmss", "snd_wnd"
MSS, SACK_OK, WS7 = bytes([2, 4, 5, 180]), bytes([4, 2]), bytes([3, 3, 7])
STAMP = bytes([8, 10, 0, 0, 39, 16, 0, 0, 0, 0])
NOP, END = b"\1", b"\0"


def padded(opts, pad=NOP):
    return opts + pad * (-len(opts) % 4)


def accept_syn(t, opts, win=65535, **kw):
    """The peer's SYN has these bytes for options: what comes of it."""
    t.listening = t.listener()
    t.peer("S", opts=opts, win=win, **kw)
    t.peer("A", win=win)
    fd = t.call("accept", t.listening).ret
    t.info(fd, *OPTIONS)
    t.call("send", fd, 4000)
    return fd


def connect_with(t, opts, win=65535, setup=None, size=4000, **kw):
    fd = t.connecting(setup)
    t.peer("SA", opts=opts, win=win, **kw)
    t.info(fd, *OPTIONS)
    t.call("send", fd, size)
    return fd


@script(ignore=WEIGHT, families=(4, 6))
def a_syn_without_options(t):
    accept_syn(t, b"")


@script(ignore=WEIGHT, families=(4, 6))
def an_answer_without_options(t):
    connect_with(t, b"")


@script(ignore=WEIGHT)
def each_option_alone_in_an_answer(t):
    connect_with(t, padded(WS7))


@script(ignore=WEIGHT)
def sack_alone_in_an_answer(t):
    connect_with(t, padded(SACK_OK))


@script(ignore=WEIGHT)
def stamps_alone_in_an_answer(t):
    fd = t.connecting()
    t.peer("SA", mss=1460, ts=True, tsval=5000)
    t.info(fd, *OPTIONS)
    t.call("send", fd, 4000)


@script(ignore=WEIGHT)
def options_given_twice(t):
    accept_syn(t, padded(MSS + bytes([2, 4, 1, 0]) + WS7 + bytes([3, 3, 2]) + SACK_OK))


@script(ignore=WEIGHT)
def options_behind_the_end_of_the_list(t):
    accept_syn(t, MSS + END + WS7 + SACK_OK + b"\0\0")


@script(ignore=WEIGHT)
def unknown_options_between(t):
    accept_syn(t, padded(bytes([99, 6, 1, 2, 3, 4]) + MSS + bytes([254, 4, 0, 1]) + WS7))


@script(ignore=WEIGHT)
def lengths_of_options_that_are_wrong(t):
    accept_syn(t, padded(bytes([2, 3, 5]) + bytes([3, 4, 7, 7]) + bytes([4, 3, 0]) + bytes([8, 9]) + b"\1" * 7))


@script(ignore=WEIGHT)
def an_mss_of_zero(t):
    accept_syn(t, bytes([2, 4, 0, 0]))


@script(ignore=WEIGHT)
def an_mss_of_one(t):
    accept_syn(t, bytes([2, 4, 0, 1]))


@script(ignore=WEIGHT)
def an_mss_that_is_too_large(t):
    accept_syn(t, bytes([2, 4, 255, 255]))


@script(ignore=WEIGHT)
def an_mss_of_zero_in_an_answer(t):
    connect_with(t, bytes([2, 4, 0, 0]))


@script(ignore=WEIGHT)
def an_mss_of_500_in_an_answer(t):
    connect_with(t, bytes([2, 4, 1, 244]))


@script(ignore=WEIGHT)
def a_scale_of_14(t):
    accept_syn(t, padded(MSS + bytes([3, 3, 14])), win=1)


@script(ignore=WEIGHT)
def a_scale_that_is_too_large(t):
    accept_syn(t, padded(MSS + bytes([3, 3, 15])), win=1)


@script(ignore=WEIGHT)
def a_scale_that_is_much_too_large_in_an_answer(t):
    connect_with(t, padded(MSS + bytes([3, 3, 255])), win=1, size=1000)
    t.sleep(0.5)


@script(ignore=WEIGHT)
def options_of_a_syn_in_what_is_no_syn(t):
    fd = t.accepted()
    t.peer("PA", len=10, opts=padded(bytes([2, 4, 1, 0]) + WS7 + SACK_OK))
    t.info(fd, *OPTIONS)
    t.call("send", fd, 4000)


@script(ignore=WEIGHT)
def stamps_of_zero(t):
    t.listening = t.listener()
    t.peer("S", mss=1460, ts=True, tsval=0)
    t.peer("A", tsval=0)
    fd = t.call("accept", t.listening).ret
    t.info(fd, *OPTIONS)
    t.peer("PA", len=10, tsval=0)
    t.peer("PA", len=10, tsval=1)
    t.call("send", fd, 100)
    t.peer("A", tsecr=0)
    t.info(fd, "unacked", "options")


@script(ignore=WEIGHT)
def a_syn_with_an_echo(t):
    t.listening = t.listener()
    t.peer("S", mss=1460, ts=True, tsval=100, tsecr=12345)
    t.peer("A")
    t.info(t.call("accept", t.listening).ret, *OPTIONS)


@script(ignore=WEIGHT)
def answers_echo_what_was_never_sent(t):
    fd = t.connecting()
    t.peer("SA", mss=1460, ts=True, tsval=100, tsecr=12345)
    t.poll(fd)
    t.peer("SA", mss=1460, ts=True, tsval=100)
    t.poll(fd)
    t.error(fd)


@script(ignore=WEIGHT)
def the_maximum_of_a_program_is_larger_than_the_links(t):
    connect_with(t, MSS, setup=lambda fd: t.setint(fd, IPPROTO_TCP, TCP_MAXSEG, 9000))


@script(ignore=WEIGHT, families=(4, 6))
def a_maximum_set_while_connected(t):
    fd = t.accepted()
    t.setint(fd, IPPROTO_TCP, TCP_MAXSEG, 500)
    t.getint(fd, IPPROTO_TCP, TCP_MAXSEG)
    t.call("send", fd, 1400)
    t.peer("A")
    for value in (0, 47, 48, 87, 88, 32767, 32768, -1):
        t.setint(fd, IPPROTO_TCP, TCP_MAXSEG, value)
    t.getint(fd, IPPROTO_TCP, TCP_MAXSEG)


@script(ignore=WEIGHT)
def maxima_before_and_after(t):
    fd = t.connecting(lambda fd: t.setint(fd, IPPROTO_TCP, TCP_MAXSEG, 1000))
    t.getint(fd, IPPROTO_TCP, TCP_MAXSEG)
    t.peer("SA", mss=700)
    t.getint(fd, IPPROTO_TCP, TCP_MAXSEG)
    t.getint(t.socket(), IPPROTO_TCP, TCP_MAXSEG)
