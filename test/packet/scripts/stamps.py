# SPDX-License-Identifier: BSD-3-Clause
"""stamps.py - SO_TIMESTAMPING: when what was sent left, and when the peer had it."""
from consts import *
from script import script

TX_SOFTWARE, RX_SOFTWARE, SOFTWARE, OPT_ID, TX_SCHED, TX_ACK = 0x2, 0x8, 0x10, 0x80, 0x100, 0x200
OPT_TSONLY, OPT_STATS, OPT_ID_TCP = 0x800, 0x1000, 0x10000
ALL = TX_SCHED | TX_SOFTWARE | TX_ACK | SOFTWARE
SCM_TS_OPT_ID = 81


def stamps(t, fd, most=8):
    for _ in range(most):
        if t.call("recverr", fd).err:
            return


def wants(t, fd, flags):
    t.setint(fd, SOL_SOCKET, SO_TIMESTAMPING, flags)


@script(families=(4, 6))
def stamps_of_a_send(t):
    fd = t.accepted()
    wants(t, fd, ALL | OPT_ID | OPT_TSONLY)
    t.call("send", fd, 100)
    t.poll(fd)
    stamps(t, fd)
    t.poll(fd)
    t.peer("A")
    t.poll(fd)
    stamps(t, fd)


@script(families=(4, 6))
def stamps_with_the_packet(t):
    fd = t.accepted(ts=True, sack=True)
    wants(t, fd, ALL | OPT_ID)
    t.call("send", fd, 100)
    t.peer("A")
    t.call("recvmsg", fd, 0, MSG_ERRQUEUE | MSG_DONTWAIT, 200)
    stamps(t, fd)


@script
def stamps_without_numbers(t):
    fd = t.accepted()
    wants(t, fd, ALL | OPT_TSONLY)
    t.call("send", fd, 100)
    t.call("send", fd, 100)
    t.peer("A")
    stamps(t, fd)


@script
def stamps_that_nobody_reports(t):
    """Made, but without SOFTWARE no time is told."""
    fd = t.accepted()
    wants(t, fd, TX_SOFTWARE | TX_ACK | OPT_ID | OPT_TSONLY)
    t.call("send", fd, 100)
    t.peer("A")
    stamps(t, fd)


@script
def stamps_count_from_where_they_were_set(t):
    fd = t.accepted()
    t.call("send", fd, 50)
    wants(t, fd, ALL | OPT_ID | OPT_TSONLY)
    t.call("send", fd, 100)
    t.peer("A")
    stamps(t, fd)
    wants(t, fd, 0)
    t.call("send", fd, 50)
    wants(t, fd, ALL | OPT_ID | OPT_ID_TCP | OPT_TSONLY)
    t.call("send", fd, 100)
    wants(t, fd, TX_SOFTWARE | SOFTWARE | OPT_ID | OPT_TSONLY)
    t.call("send", fd, 100)
    t.peer("A")
    stamps(t, fd)


@script
def stamps_of_a_long_send(t):
    fd = t.accepted()
    wants(t, fd, ALL | OPT_ID | OPT_TSONLY)
    t.call("send", fd, 5000)
    stamps(t, fd)
    t.peer("A", ack=1461)
    t.peer("A", ack=2921)
    stamps(t, fd)
    t.peer("A", ack=4999)
    stamps(t, fd)
    t.peer("A")
    stamps(t, fd)


@script
def stamps_behind_a_closed_window(t):
    """Sends that wait in one segment: the last one is stamped."""
    fd = t.accepted(win=1000)
    wants(t, fd, ALL | OPT_ID | OPT_TSONLY)
    t.call("send", fd, 1000)
    stamps(t, fd)
    t.call("send", fd, 100)
    t.call("send", fd, 100)
    t.poll(fd)
    t.peer("A", win=5000)
    stamps(t, fd)
    t.peer("A", win=5000)
    stamps(t, fd)


@script(seconds=1)
def stamps_of_what_is_sent_again(t):
    fd = t.accepted(sack=True)
    wants(t, fd, ALL | OPT_ID | OPT_TSONLY)
    t.call("send", fd, 100)
    stamps(t, fd)
    t.sleep(0.35)
    stamps(t, fd)
    t.peer("A")
    stamps(t, fd)


@script
def stamps_by_control_message(t):
    fd = t.accepted()
    t.call("sendmsg", fd, 100, 0, "*", 0, f"1:37:{TX_SOFTWARE.to_bytes(4, 'little').hex()}")
    stamps(t, fd)
    wants(t, fd, SOFTWARE | OPT_ID | OPT_TSONLY | TX_SOFTWARE)
    t.call("sendmsg", fd, 100, 0, "*", 0, f"1:37:{TX_ACK.to_bytes(4, 'little').hex()}")
    t.call("sendmsg", fd, 100, 0, "*", 0, "1:37:00000000")
    t.call("sendmsg", fd, 100, 0, "*", 0, f"1:37:{SOFTWARE.to_bytes(4, 'little').hex()}")
    t.call("sendmsg", fd, 100, 0, "*", 0, "1:37:0200")
    t.call("sendmsg", fd, 100, 0, "*", 0, f"1:{SCM_TS_OPT_ID}:01000000")
    t.call("sendmsg", fd, 100, 0, "*", 0, "1:999:01000000")
    t.call("sendmsg", fd, 100, 0, "*", 0, "0:999:01000000")
    t.peer("A")
    stamps(t, fd)


@script
def stamps_wait_for_whom_asks(t):
    """What may be set before there is a connection."""
    fd = t.socket()
    wants(t, fd, ALL | OPT_ID)
    wants(t, fd, ALL)
    wants(t, fd, OPT_ID_TCP)
    wants(t, fd, 1 << 20)
    t.call("bind", fd, t.any, 8080)
    t.call("listen", fd, 1)
    wants(t, fd, ALL | OPT_ID)
    wants(t, fd, ALL | OPT_TSONLY)


@script
def stamps_are_inherited(t):
    """What the listener wants, its connections have."""
    fd = t.accepted(setup=lambda fd: wants(t, fd, ALL | OPT_TSONLY))
    t.call("send", fd, 100)
    t.peer("A")
    stamps(t, fd)


@script
def stamps_of_the_connection_before(t):
    """connect(2) to AF_UNSPEC: what was outstanding is gone."""
    fd = t.connected()
    wants(t, fd, ALL | OPT_ID | OPT_TSONLY)
    t.call("send", fd, 100)
    t.call("send", fd, 100)
    stamps(t, fd)
    t.call("connect", fd, "-", 0)
    t.poll(fd)
    stamps(t, fd)


@script
def stamps_of_sends_in_one_run(t):
    """Unsent bytes that Linux has in one buffer, here in several segments."""
    fd = t.accepted(win=1500)
    wants(t, fd, ALL | OPT_ID | OPT_TSONLY)
    for _ in range(4):
        t.call("send", fd, 500)
    stamps(t, fd)
    t.peer("A", win=6000)
    stamps(t, fd)
    t.peer("A", win=6000)
    stamps(t, fd)


@script
def stamps_of_errors(t):
    """Errors and completions in the same queue have no time of their own."""
    fd = t.socket(SOCK_DGRAM)
    t.call("bind", fd, t.any, 5000)
    t.setint(fd, IPPROTO_IP, IP_RECVERR, 1)
    t.setint(fd, IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_DO)
    wants(t, fd, SOFTWARE | OPT_ID | OPT_TSONLY)
    t.call("send", fd, 4000, 0, t.host, 6000)
    stamps(t, fd)
    s = t.accepted()
    wants(t, s, SOFTWARE)
    t.setint(s, SOL_SOCKET, SO_ZEROCOPY, 1)
    t.call("send", s, 100, MSG_ZEROCOPY)
    t.peer("A")
    stamps(t, s)
    wants(t, s, OPT_STATS)


@script
def stamps_of_raw_packets(t):
    fd = t.socket(SOCK_RAW, 253)
    t.call("send", fd, 10, 0, t.host, 0) # the neighbour's address is known then
    wants(t, fd, TX_SCHED | TX_SOFTWARE | SOFTWARE | OPT_ID)
    t.call("send", fd, 100, 0, t.host, 0)
    t.call("send", fd, 50, 0, t.host, 0)
    stamps(t, fd)


@script(families=(4, 6))
def stamps_of_datagrams(t):
    fd = t.socket(SOCK_DGRAM)
    t.call("bind", fd, t.any, 5000)
    wants(t, fd, TX_SCHED | TX_SOFTWARE | SOFTWARE | OPT_ID | OPT_TSONLY)
    for n in (0, 10, 100):
        t.call("send", fd, n, 0, t.host, 6000)
    t.poll(fd)
    stamps(t, fd)
    wants(t, fd, TX_SOFTWARE | TX_ACK | SOFTWARE | OPT_ID)
    t.call("send", fd, 100, 0, t.host, 6000)
    stamps(t, fd)
    wants(t, fd, 0)
    t.call("send", fd, 100, 0, t.host, 6000)
    wants(t, fd, TX_SOFTWARE | SOFTWARE | OPT_ID)
    t.call("send", fd, 100, 0, t.host, 6000)
    stamps(t, fd)


@script
def stamps_of_datagrams_by_control_message(t):
    fd = t.socket(SOCK_DGRAM)
    t.call("bind", fd, t.any, 5000)
    wants(t, fd, SOFTWARE | OPT_ID | OPT_TSONLY)
    soft = f"1:37:{TX_SOFTWARE.to_bytes(4, 'little').hex()}"
    t.call("sendmsg", fd, 10, 0, t.host, 6000)
    t.call("sendmsg", fd, 10, 0, t.host, 6000, soft)
    t.call("sendmsg", fd, 10, 0, t.host, 6000, soft, f"1:{SCM_TS_OPT_ID}:2a000000")
    t.call("sendmsg", fd, 10, 0, t.host, 6000, soft)
    t.call("sendmsg", fd, 10, 0, t.host, 6000, "1:37:ffffffff")
    stamps(t, fd)
    wants(t, fd, SOFTWARE)
    t.call("sendmsg", fd, 10, 0, t.host, 6000, soft, f"1:{SCM_TS_OPT_ID}:2a000000")


@script
def stamps_of_fragments_and_segments(t):
    fd = t.socket(SOCK_DGRAM)
    t.call("bind", fd, t.any, 5000)
    wants(t, fd, TX_SCHED | TX_SOFTWARE | SOFTWARE | OPT_ID | OPT_TSONLY)
    t.call("send", fd, 4000, 0, t.host, 6000)
    stamps(t, fd)
    t.call("sendmsg", fd, 1000, 0, t.host, 6000, "17:103:6400")
    stamps(t, fd)
    t.call("send", fd, 100, MSG_MORE, t.host, 6000)
    t.call("send", fd, 100, 0, t.host, 6000)
    stamps(t, fd)
