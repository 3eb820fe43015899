# SPDX-License-Identifier: BSD-3-Clause
"""recovery_undo.py - retransmissions that were for nothing: what is taken back."""
from script import script
from recovery import SACK, STATE, ten


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
def a_d_sack_in_recovery(t):
    fd = ten(t, **SACK)
    t.call("send", fd, 10000)
    for n in (2, 3, 4):
        t.peer("A", ack=1, sack=[(1001, n * 1000 + 1)])
    t.peer("A", ack=4001, sack=[(6001, 8001)])
    t.info(fd, *STATE)
    t.peer("A", ack=4001, sack=[(1, 1001), (6001, 8001)])
    t.info(fd, *STATE, "dsack_dups")
    t.sleep(0.02)
    t.peer("A")
    t.info(fd, *STATE)


@script
def d_sacks_of_what_was_sent_once(t):
    fd = ten(t, **SACK)
    t.peer("A", ack=3001)
    t.peer("A", ack=3001, sack=[(1, 1001)])
    t.peer("A", ack=3001, sack=[(1001, 3001)])
    t.info(fd, *STATE, "dsack_dups", "reord_seen")
    t.peer("A")
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
