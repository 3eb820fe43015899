#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Transfers between the shim and the kernel's TCP through test/relay, which loses, reorders, repeats,
corrupts, delays and narrows: every byte arrives, in order, once.  bench/impair says how fast.
"""
import os
import re
import sys

from shimtest import ImpairedWorld, both_families, check, main

SECONDS, MIB = 1, 3


def relayed(world, *counters):
    """What the relay did must show that the test tested what it says."""
    world.relay.terminate()
    world.relay.wait(timeout=10)
    text = world.output(world.relay)
    for counter in counters:
        done = sum(int(n) for n in re.findall(rf"{counter} (\d+)", text))
        check(done > 0, f"the relay has not {counter}:\n{text}")


def transfers(family, relay, *counters, seconds=SECONDS, mib=MIB, options=()):
    with ImpairedWorld(relay.split() + ["--delay", "2000"], family=family) as w:
        for how in ("send", "fetch"):
            w.bulk(how, seconds, mib, options)
        relayed(w, *counters)


def everything(family):
    transfers(family, "--loss 10000 --dup 10000 --corrupt 10000 --reorder 10000 --reorder-by 3000 "
              "--jitter 500", "lost", "duplicated", "corrupted", "reordered")


def loss(family):
    transfers(family, "--loss 100000", "lost", mib=1)


def eight_flows(family):
    """
    The path holds 20 kB with its queue: less than eight flows of two segments, however slow the
    machine is.
    """
    transfers(family, "--rate 10 --queue 15000", "queue_full", options=("-n", "8"))


def path_narrows_told(family):
    transfers(family, "--mtu 1300 --mtu-after 200000 --tell 1", "too_big", "told")


def path_narrows_untold(family):
    """What is too large vanishes; it takes three time-outs until that is understood."""
    with ImpairedWorld("--delay 2000 --mtu 1300 --mtu-after 200000".split(), family=family) as w:
        w.bulk("send", SECONDS, 2)
        relayed(w, "too_big")


def served(family):
    """The shim serves, one process for all: the kernel's clients come one by one, and eight at once."""
    relay = "--delay 2000 --loss 10000 --reorder 10000 --dup 10000 --corrupt 5000"
    with ImpairedWorld(relay.split(), family=family) as w:
        p = w.shim(w.bulk_program, "serve", w.any, "9000")
        w.listening(9000, p)
        fds = []
        for _ in range(2):
            for how in ("send", "fetch"):
                for flows in ("8", "1"):
                    out = w.run(w.bulk_program, "-n", flows, how, w.host, "9000", str(SECONDS), "1")
                    check(out.startswith("goodput"), out)
            fds.append(len(os.listdir(f"/proc/{p.pid}/fd")))
        # Descriptors of closed connections are kept for the next: as many as there were at once.
        check(fds[1] <= fds[0] + 8, f"the server's descriptors: {fds}")
        w.alive(p)


TESTS = both_families([
    ("impaired_everything", everything),
    ("impaired_path_narrows_told", path_narrows_told),
]) + [
    ("impaired_served", lambda: served(4)),
    ("impaired_loss_of_a_tenth", lambda: loss(4)),
    ("impaired_eight_flows", lambda: eight_flows(4)),
    ("impaired_path_narrows_untold", lambda: path_narrows_untold(4)),
]

if __name__ == "__main__":
    sys.exit(main(TESTS))
