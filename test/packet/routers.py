# SPDX-License-Identifier: BSD-3-Clause
"""routers.py - scripts in which the link has routers, which the tester plays; world.ROUTES leads to them."""
import struct

import frame as fr
from low import ip6, see_all
from world import MAC

# The routers of the link, by the last bytes of their addresses.
ROUTERS = {0xfe: "the router", 0xfd: "another", 0xfc: "a third"}
ON_LINK = {4: "192.0.2.{}", 6: "fe80::{:x}"}
S = {4: "192.0.2.1", 6: "2001:db8::1"}


def mac_of(n):
    return bytes.fromhex("0200000001") + bytes([n])


def router(t, n):
    return ON_LINK[t.family].format(n)


def far(t, n):
    """An address behind the router."""
    return f"2001:db8:f::{n:x}" if t.family == 6 else f"198.19.0.{n}"


def begin(t):
    """The routers make themselves known; what goes to one of them is written down."""
    if t.family == 6:
        t.sleep(1.2)
    see_all(t, start_is_over=True)
    other = t.observer

    def observe(stamp, frame):
        p = fr.parse(frame)
        if p is not None and p.proto == fr.UDP:
            who = next((name for n, name in ROUTERS.items() if mac_of(n) == frame[:6]), frame[:6].hex(":"))
            t.trace.add("packet", stamp, f"datagram for {p.dst} hops {p.ttl} to {who}", "routers")
            return True
        return other(stamp, frame)
    t.observer = observe
    t.silent = True
    for n in ROUTERS:
        if t.family == 4:
            body = struct.pack(">HHBBH", 1, fr.ETH_IP4, 6, 4, 1) + mac_of(n) + fr.packed(router(t, n)) + bytes(6) + fr.packed(S[4])
            t.world.raw.send(fr.ether(mac_of(n), MAC, fr.ETH_ARP, body))
        else:
            m = fr.icmp(135, 0, 0, fr.packed(S[6]) + bytes([1, 1]) + mac_of(n), v6=(router(t, n), S[6]))
            t.world.raw.send(fr.ether(mac_of(n), MAC, fr.ETH_IP6, ip6(router(t, n), S[6], fr.ICMP6, m, hops=255)))
    t.settle()
    fd = t.socket(2)
    t.call("bind", fd, S[t.family], 5000)
    return fd
