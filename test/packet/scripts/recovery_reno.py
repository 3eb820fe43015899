# SPDX-License-Identifier: BSD-3-Clause
"""recovery_reno.py - the same with NewReno (RFC 5681, 6582), where its window differs from CUBIC's."""
from script import script
import recovery_prr as prr
import recovery_timeout as timeout
import sending
from recovery import SACK, STATE, ten

RENO = {"cc": "reno"}


@script(opts=RENO)
def reno_starts_slowly(t):
    fd = ten(t)
    for ack in (1001, 3001, 10001):
        t.peer("A", ack=ack)
        t.info(fd, *STATE)
    t.call("send", fd, 20000)
    t.peer("A", ack=30001)
    t.info(fd, *STATE)


@script(opts=RENO, seconds=2)
def reno_after_idle(t):
    sending.window_after_idle(t)


@script(opts=RENO)
def reno_avoids_congestion(t):
    fd = ten(t, **SACK)
    for n in (4, 5, 6):
        t.peer("A", ack=2001, sack=[(3001, n * 1000 + 1)])
    t.peer("A", ack=10001)
    t.info(fd, *STATE)
    for _ in range(6):
        t.call("send", fd, 5000)
        t.peer("A")
        t.info(fd, *STATE)


@script(opts=RENO, seconds=2)
def reno_after_a_timeout(t):
    timeout.timeout_of_a_window_with_sack(t)


@script(opts=RENO, seconds=2)
def reno_after_a_needless_timeout(t):
    timeout.spurious_timeout_by_timestamps(t)


@script(opts=RENO, seconds=2)
def reno_loses_one_of_twenty(t):
    prr.one_of_twenty_is_lost(t)
