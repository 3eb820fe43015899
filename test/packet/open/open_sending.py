# SPDX-License-Identifier: BSD-3-Clause
"""open_sending.py - sending, where the shim still differs from the kernel."""
from consts import *
from script import script


@script
def vectors_files_and_pipes(t):
    fd = t.accepted()
    t.call("writev", fd, 10, 2000, 0, 500)
    t.peer("A")
    t.call("sendfile", fd, 0, 5000)
    t.peer("A")
    t.call("sendfile", fd, 100, 5000, 2000)
    t.peer("A")
    t.call("splice", fd, 5000, 0, "out")
    t.peer("A")
    t.peer("PA", len=1000)
    t.call("splice", fd, 400, 0, "in")
    t.call("recv", fd, 1000)
