# SPDX-License-Identifier: BSD-3-Clause
"""handshake.py - opening: options of SYN and SYN-ACK, calls that wait for it."""
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
