#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Segmentation and checksums left to the link: over a TAP, to the kernel and through it."""
import json
import os
import sys

from shimtest import (BUILD, PEER4, PEER6, SHIM4, SHIM6, TapWorld, both_families, check, main, need,
                      sh)

BULK = os.path.join(BUILD, "test", "relay", "bulk")
FAR4, FAR6 = "198.18.0.2", "2001:db8:1::2"
MIB = 16


def frames(world):
    """Mean length of the frames that the kernel got from the shim, and gave it, since the start."""
    out = sh(["ip", "-n", world.ns, "-s", "-j", "link", "show", world.iface])
    s = json.loads(out)[0]["stats64"]
    return [s[way]["bytes"] / max(s[way]["packets"], 1) for way in ("rx", "tx")]


def transfers(world, run, host):
    """Both ways, each byte checked by bulk.  Mbit/s."""
    notes = []
    for how in ("fetch", "send"):
        out = run(BULK, how, host, "9000", "20", str(MIB))
        words = out.split()
        check(words[0] == "goodput" and int(words[3]) == MIB << 20, out)
        notes.append(f"{how} {words[1]}")
    return ", ".join(notes)


def bulk_over_tap(family):
    with TapWorld(family=family) as w:
        p = w.shim(BULK, "serve", w.any, "9000")
        w.listening(9000, p)
        note = transfers(w, w.run, w.host)
        rx, tx = frames(w)
        # Half of the frames are ACKs.
        check(rx > 3000 and tx > 3000, f"frames of {rx:.0f} and {tx:.0f} bytes")
        return f"Mbit/s: {note}; frames of {rx:.0f} and {tx:.0f} bytes"


def without_offloads(family):
    with TapWorld(family=family) as w:
        p = w.shim(BULK, "serve", w.any, "9000", SHIM_OFFLOAD="off")
        w.listening(9000, p)
        note = transfers(w, w.run, w.host)
        rx, tx = frames(w)
        check(rx < 1515 and tx < 1515, f"frames of {rx:.0f} and {tx:.0f} bytes")
        return f"Mbit/s: {note}"


def through_a_router(family):
    """The kernel cuts what it forwards, and completes the sums: the far host takes none on trust."""
    with TapWorld(family=family) as w:
        need("ethtool")
        far = w.add_namespace("f")
        p = w.shim(BULK, "serve", w.any, "9000", SHIM_GATEWAY=PEER4 if family == 4 else PEER6)
        sh(["ip", "link", "add", "ta", "netns", w.ns, "type", "veth", "peer", "name", "tb", "netns",
            far])
        for ns, dev, last in ((w.ns, "ta", "1"), (far, "tb", "2")):
            w.kernel_addresses(ns, dev, FAR4[:-1] + last, FAR6[:-1] + last)
            sh(["ip", "netns", "exec", ns, "ethtool", "-K", dev, "tx", "off", "gro", "off", "gso",
                "off", "tso", "off"])
            sh(["ip", "-n", ns, "link", "set", dev, "up"])
        knob = "ipv4/ip_forward" if family == 4 else "ipv6/conf/all/forwarding"
        sh(["ip", "netns", "exec", w.ns, "sh", "-c", f"echo 1 > /proc/sys/net/{knob}"])
        net, via = (SHIM4 + "/32", FAR4[:-1] + "1") if family == 4 else (SHIM6 + "/128", FAR6[:-1] + "1")
        sh(["ip", "-n", far, "route", "add", net, "via", via])
        w.listening(9000, p, ns=far)
        note = transfers(w, lambda *a: sh(["ip", "netns", "exec", far] + list(a), 60, cwd=w.dir), w.host)
        rx, _ = frames(w)
        check(rx > 3000, f"frames of {rx:.0f} bytes")
        return f"Mbit/s: {note}"


TESTS = both_families([
    ("bulk_over_tap_travels_in_super_packets", bulk_over_tap),
    ("a_tap_without_offloads_carries_frames_of_its_mtu", without_offloads),
    ("super_packets_are_cut_and_summed_by_a_router", through_a_router),
])

if __name__ == "__main__":
    sys.exit(main(TESTS))
