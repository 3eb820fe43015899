# SPDX-License-Identifier: BSD-3-Clause
"""buffers.py - how much a send buffer takes, and when it is writable again."""
from consts import *
from script import script


def fill(t, size=None, win=65535, mss=1460, chunk=1000000, ts=False):
    setup = (lambda fd: t.setint(fd, SOL_SOCKET, SO_SNDBUF, size)) if size else None
    fd = t.accepted(mss=mss, win=win, setup=setup, ts=ts)
    t.call("send", fd, chunk, MSG_DONTWAIT)
    t.call("send", fd, chunk, MSG_DONTWAIT)
    t.call("ioctl", fd, SIOCOUTQ)
    t.call("ioctl", fd, SIOCOUTQNSD)
    t.poll(fd)


@script
def fill_default(t):
    fill(t)


@script
def fill_small_window(t):
    fill(t, win=2000)


@script
def fill_small_buffer(t):
    fill(t, size=4096)


@script
def fill_buffer_20000(t):
    fill(t, size=20000)


@script
def fill_buffer_20000_in_pieces(t):
    fill(t, size=20000, chunk=1000)
