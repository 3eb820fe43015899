# SPDX-License-Identifier: BSD-3-Clause
"""low_ra.py - which router advertisements are believed, and what they change (RFC 4861 6.1.2, 6.3.4, RFC 4191)."""
import struct

import frame as fr
from low import group_mac, ip6, send
from routers import S, begin, mac_of, router
from script import script
from world import MAC

# The kernel is to take what the shim takes: routes, no addresses.
BELIEVE = {"net.ipv6.conf.va.accept_ra": "1", "net.ipv6.conf.va.autoconf": "0"}
FAR = "2001:db8:a::{:x}"
SOL_IPV6, IPV6_MTU = 41, 24
PREFERENCE = {"low": 0x18, "medium": 0, "high": 8, "reserved": 0x10}


def advertise(t, text, by=0xfe, life=1800, opts=b"", hops=255, code=0, src=None, hop_limit=0, flags=0, reachable=0, retrans=0,
              dst="ff02::1", cut=None, bad=False):
    src = src or router(t, by)
    m = fr.icmp(134, code, hop_limit << 24 | flags << 16 | life, struct.pack(">II", reachable, retrans) + opts, v6=(src, dst))
    if cut:
        m = m[:2] + b"\0\0" + m[4:cut]
        m = m[:2] + struct.pack(">H", fr.transport_checksum(fr.packed(src), fr.packed(dst), fr.ICMP6, m)) + m[4:]
    if bad:
        m = m[:2] + bytes([m[2] ^ 0x11]) + m[3:]
    send(t, ip6(src, dst, fr.ICMP6, m, hops=hops), text, group_mac(dst) if dst.startswith("ff") else MAC,
         sender=mac_of(by))


def prefix(text, flags=0x80, valid=3600, preferred=1800, plen=64):
    return struct.pack(">BBBBIII", 3, 4, plen, flags, valid, preferred, 0) + fr.packed(text)


def try_it(t, fd, n=1, to=None):
    """Is there a way, and which?"""
    t.call("send", fd, 10, 0, to or FAR.format(n), 6000)


def retract(t, *routers):
    for n in routers or (0xfe,):
        advertise(t, "goes", by=n, life=0, hop_limit=64)


@script(families=(6,), opts={"sysctl": BELIEVE}, seconds=2.0)
def router_advertisements_that_count(t):
    fd = begin(t)
    try_it(t, fd)
    advertise(t, "a router")
    try_it(t, fd)
    advertise(t, "with a hop limit", hop_limit=33)
    try_it(t, fd)
    advertise(t, "hop limit unspecified")
    try_it(t, fd)
    advertise(t, "it goes", life=0)
    try_it(t, fd)
    advertise(t, "flags and times", flags=0xc0, reachable=20000, retrans=2000)
    try_it(t, fd)
    advertise(t, "an option that nobody knows", opts=b"\x63\1" + bytes(6))
    try_it(t, fd)
    advertise(t, "to us alone", dst=S[6], life=0)
    try_it(t, fd)
    retract(t)


@script(families=(6,), opts={"sysctl": BELIEVE}, seconds=2.0)
def router_advertisements_that_do_not_count(t):
    fd = begin(t)
    for what in ({"hops": 254}, {"code": 1}, {"src": "2001:db8::fe"}, {"cut": 14}, {"opts": b"\1\0" + bytes(6)},
                 {"opts": b"\1\2" + mac_of(0xfe)}, {"src": "::"}, {"bad": True}):
        advertise(t, f"{list(what)[0]} {list(what.values())[0]!r}", **what)
        try_it(t, fd)
    retract(t)


@script(families=(6,), opts={"sysctl": BELIEVE}, seconds=2.0)
def router_advertisements_of_the_mtu(t):
    fd = begin(t)
    t.call("connect", fd, "2001:db8::fe", 6000)
    for mtu in (1400, 1280, 1279, 1500, 1501, 100000, 1300):
        advertise(t, f"MTU {mtu}", opts=struct.pack(">BBHI", 5, 1, 0, mtu))
        t.call("getsockopt", fd, SOL_IPV6, IPV6_MTU, 4)
    advertise(t, "MTU, two units long", opts=struct.pack(">BBHIQ", 5, 2, 0, 1350, 0))
    t.call("getsockopt", fd, SOL_IPV6, IPV6_MTU, 4)
    advertise(t, "MTU 1500 again", opts=struct.pack(">BBHI", 5, 1, 0, 1500))
    t.call("getsockopt", fd, SOL_IPV6, IPV6_MTU, 4)
    retract(t)


@script(families=(6,), opts={"sysctl": BELIEVE}, seconds=2.0)
def router_advertisements_of_prefixes(t):
    fd = begin(t)
    near = "2001:db8:b::7"
    advertise(t, "a router")
    try_it(t, fd, to=near)
    advertise(t, "not on the link", opts=prefix("2001:db8:b::", flags=0x40))
    try_it(t, fd, to=near)
    advertise(t, "on the link", opts=prefix("2001:db8:b::"))
    try_it(t, fd, to=near)
    advertise(t, "not any more", opts=prefix("2001:db8:b::", valid=0, preferred=0))
    try_it(t, fd, to=near)
    advertise(t, "57 bits", opts=prefix("2001:db8:c::", plen=57))
    try_it(t, fd, to="2001:db8:c:0:7f::1")
    try_it(t, fd, to="2001:db8:c:80::1")
    advertise(t, "link-local", opts=prefix("fe80::"))
    advertise(t, "goes", opts=prefix("2001:db8:c::", plen=57, valid=0, preferred=0))
    try_it(t, fd, to="2001:db8:c:0:7f::1")
    retract(t)


@script(families=(6,), opts={"sysctl": BELIEVE}, seconds=2.0)
def router_preferences(t):
    fd = begin(t)
    advertise(t, "a router", by=0xfe)
    try_it(t, fd)
    advertise(t, "a better one", by=0xfd, flags=PREFERENCE["high"])
    try_it(t, fd)
    advertise(t, "one that is worse", by=0xfc, flags=PREFERENCE["low"])
    try_it(t, fd)
    advertise(t, "the better one goes", by=0xfd, life=0)
    try_it(t, fd)
    advertise(t, "so does the first", by=0xfe, life=0)
    try_it(t, fd)
    advertise(t, "it comes back", by=0xfe)
    try_it(t, fd)
    advertise(t, "a preference that is none", by=0xfd, flags=PREFERENCE["reserved"])
    advertise(t, "the first goes", by=0xfe, life=0)
    try_it(t, fd)
    retract(t, 0xfc, 0xfd)
