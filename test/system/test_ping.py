#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Debian's ping and traceroute under the shim: what they print, to the neighbour and through a router."""
import re
import sys

from shimtest import (PEER4, PEER6, TapWorld, VethWorld, both_families, check, main, need, sh)

# Behind the peer, which forwards: another namespace.
FAR4, FAR6 = "198.18.0.2", "2001:db8:1::2"


def replies(out, host):
    return re.findall(rf"bytes from {re.escape(host)}: icmp_seq=\d+ ttl=64 time=[\d.]+ ms", out)


def clean(out, program):
    check(not re.search(rf"^{program}: ", out, re.M), out)


def over_tap(family):
    """ping has taken its rights out of use before its first socket, and yet a TAP is made."""
    with TapWorld(family=family) as w:
        need("ping")
        # What the kernel's own ping asks before this one has set its ICMP_FILTER would be for
        # this one to report.  So none is sent: it goes on until it has five answers.
        p = w.shim("ping", "-n", "-i", "0.2", "-c", "5", "-w", "20", w.peer, wait=False)
        w.bring_up(p)
        check(p.wait(timeout=30) == 0, w.output(p))
        out = w.output(p)
        clean(out, "ping")
        # Some more may come with the fifth, if the peer's address was not known for a second.
        n = len(replies(out, w.peer))
        check(n >= 5 and f" {n} received, 0% packet loss" in out, out)


def sizes_and_errors(family):
    with VethWorld(family=family) as w:
        need("ping")
        for size in (0, 56, 1400, 20000):
            out = w.run_shim("ping", "-n", "-c1", "-W5", "-s", str(size), w.peer)
            check(f"{size + 8} bytes from {w.peer}: icmp_seq=1 ttl=64" in out, out)
        nobody = "2001:db8::77" if family == 6 else "192.0.2.77"
        out = w.run_shim("sh", "-c", f"ping -n -c1 -W5 {nobody} || [ $? -eq 1 ]", SHIM_LOG="error")
        what = "Address unreachable" if family == 6 else "Destination Host Unreachable"
        check(f"From {w.host} icmp_seq=1 " in out and what in out, out)
        check("+1 errors, 100% packet loss" in out, out)
        # To itself, and to the kernel's loopback.
        for host in (w.host, "::1" if family == 6 else "127.0.0.1"):
            out = w.run_shim("ping", "-n", "-c1", "-W5", host)
            check(len(replies(out, host)) == 1, out)


def routed_world(family):
    """The peer becomes a router; behind it is a host.  Returns the world and the host's address."""
    w = VethWorld(family=family)
    far = w.add_namespace("c")
    sh(["ip", "link", "add", "vc", "netns", w.peer_ns, "type", "veth", "peer", "name", "vd",
        "netns", far])
    host, router = (FAR6, "2001:db8:1::1") if family == 6 else (FAR4, "198.18.0.1")
    plen = "64" if family == 6 else "24"
    for ns, dev, addr in ((w.peer_ns, "vc", router), (far, "vd", host)):
        sh(["ip", "-n", ns, "link", "set", dev, "up"])
        sh(["ip", "-n", ns, "addr", "add", f"{addr}/{plen}", "dev", dev] +
           (["nodad"] if family == 6 else []))
    sh(["ip", "-n", far, f"-{family}", "route", "add", "default", "via", router])
    forward, limit = (("ipv6/conf/all/forwarding", "ipv6/icmp/ratelimit") if family == 6 else
                      ("ipv4/ip_forward", "ipv4/icmp_ratelimit"))
    for ns in (w.peer_ns, far):
        sh(["ip", "netns", "exec", ns, "sh", "-c",
            f"cd /proc/sys/net; echo 1 > {forward}; echo 0 > {limit}"])
    return w, host


def path(family):
    w, host = routed_world(family)
    with w:
        need("traceroute", "ping")
        gateway = PEER6 if family == 6 else PEER4
        for how in ([], ["-I"], ["-T", "-p", "81"], ["-U", "-p", "9"]):
            # As long for each answer, however soon another came: a core may be busy.
            out = w.run_shim("traceroute", "-n", "-w", "5,0,0", f"-{family}", *how, host,
                             SHIM_GATEWAY=gateway)
            clean(out, "traceroute")
            hops = re.findall(r"^ *(\d+)  (\S+)((?:  [\d.]+ ms)+)$", out, re.M)
            check([h[:2] for h in hops] == [("1", gateway), ("2", host)], how, out)
            check(all(h[2].count("ms") == 3 for h in hops), how, out)
        out = w.run_shim("ping", "-n", "-c2", "-i0.2", host, SHIM_GATEWAY=gateway)
        check(f"bytes from {host}: icmp_seq=2 ttl=63" in out, out)
        out = w.run_shim("sh", "-c", f"ping -n -c1 -t1 -W5 {host} || [ $? -eq 1 ]",
                         SHIM_GATEWAY=gateway)
        what = "Hop limit" if family == 6 else "Time to live exceeded"
        check(f"From {gateway} icmp_seq=1 " in out and what in out, out)


TESTS = both_families([
    ("ping_over_tap_with_rights_switched_off", over_tap),
    ("ping_sizes_errors_and_own_addresses", sizes_and_errors),
    ("traceroute_and_ping_through_a_router", path),
])

if __name__ == "__main__":
    sys.exit(main(TESTS))
