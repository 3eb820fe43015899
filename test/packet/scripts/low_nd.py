# SPDX-License-Identifier: BSD-3-Clause
"""low_nd.py - neighbour discovery: what is believed, and what is answered (RFC 4861 7.1, 6.1, 8.1)."""
import struct

import frame as fr
from low import group_mac, ip6, see_all, send
from script import script
from world import MAC, PEER_MAC

S, SOLICITED, NODES = "2001:db8::1", "ff02::1:ff00:1", "ff02::1"
LINK_LOCAL = "fe80::2"
OTHER_MAC = bytes.fromhex("020000000077")


def lla(kind=1, mac=PEER_MAC, words=1):
    return bytes([kind, words]) + mac + bytes(8 * (words - 1) if words > 1 else 0)


def nd(t, kind, text, src=None, dst=S, target=S, flags=0, opts=b"", hops=255, code=0, body=None, to=None, bad=False, chain=b"",
       cut=None):
    """A message; body: instead of a target."""
    src = src or t.host
    m = fr.icmp(kind, code, flags, (fr.packed(target) if body is None else body) + opts, v6=(src, dst))[:cut]
    if cut:
        m = m[:2] + b"\0\0" + m[4:]
        m = m[:2] + struct.pack(">H", fr.transport_checksum(fr.packed(src), fr.packed(dst), fr.ICMP6, m)) + m[4:]
    if bad:
        m = m[:2] + bytes([m[2] ^ 0x11]) + m[3:]
    packet = ip6(src, dst, chain[0] if chain else fr.ICMP6, chain[1:] + m, hops=hops)
    send(t, packet, text, to or (group_mac(dst) if dst.startswith("ff") else MAC))


def begin(t):
    """When the detection of duplicates is over: until then the shim's answers do not override."""
    t.sleep(1.2)
    see_all(t, start_is_over=True)


@script(families=(6,))
def nd_solicitations(t):
    begin(t)
    nd(t, 135, "as it should be", dst=SOLICITED, opts=lla())
    nd(t, 135, "by unicast", opts=lla())
    nd(t, 135, "by unicast, without an address", opts=b"")
    nd(t, 135, "hop limit 254", dst=SOLICITED, opts=lla(), hops=254)
    nd(t, 135, "bad checksum", dst=SOLICITED, opts=lla(), bad=True)
    nd(t, 135, "code 1", dst=SOLICITED, opts=lla(), code=1)
    nd(t, 135, "reserved word", dst=SOLICITED, opts=lla(), flags=0xffffffff)
    nd(t, 135, "for a group", dst=SOLICITED, target="ff02::1", opts=lla())
    nd(t, 135, "option of length 0", dst=SOLICITED, opts=b"\1\0" + bytes(6))
    nd(t, 135, "option beyond the message", dst=SOLICITED, opts=lla(words=2)[:8])
    nd(t, 135, "unknown option", dst=SOLICITED, opts=b"\x63\1" + bytes(6) + lla())
    nd(t, 135, "nonce", dst=SOLICITED, opts=lla() + b"\x0e\1" + bytes(range(6)))
    nd(t, 135, "address of 14 bytes", dst=SOLICITED, opts=lla(words=2))
    nd(t, 135, "cut", dst=SOLICITED, cut=20)
    nd(t, 135, "for another", dst=SOLICITED, target="2001:db8::77", opts=lla())
    nd(t, 135, "to all nodes", dst=NODES, opts=lla())


@script(families=(6,))
def nd_detections_of_others(t):
    begin(t)
    nd(t, 135, "detection", src="::", dst=SOLICITED)
    nd(t, 135, "with an address", src="::", dst=SOLICITED, opts=lla())
    nd(t, 135, "by unicast", src="::")
    nd(t, 135, "to all nodes", src="::", dst=NODES)
    nd(t, 135, "with a nonce", src="::", dst=SOLICITED, opts=b"\x0e\1" + bytes(range(6)))
    nd(t, 135, "from another prefix", src="2001:db8:5::9", dst=SOLICITED, opts=lla())
    nd(t, 135, "behind a fragment header", dst=SOLICITED, opts=lla(), chain=bytes([44, 58, 0, 0, 0, 0, 0, 0, 1]))
    nd(t, 135, "behind options", dst=SOLICITED, opts=lla(), chain=bytes([60, 58, 0, 1, 4, 0, 0, 0, 0]))


def advertise(t, text, target=None, flags=0x60000000, mac=PEER_MAC, **how):
    nd(t, 136, text, src=t.host, target=target or t.host, flags=flags, **{"opts": lla(2, mac), **how})


@script(families=(6,))
def nd_advertisements_that_do_not_count(t):
    begin(t)
    t.silent = True
    fd = t.socket(2)
    t.call("send", fd, 10, 0, t.host, 6000)
    advertise(t, "hop limit 254", hops=254)
    advertise(t, "bad checksum", bad=True)
    advertise(t, "code 1", code=1)
    advertise(t, "for a group", target="ff02::5")
    advertise(t, "solicited, to all", dst=NODES)
    advertise(t, "option of length 0", opts=b"\2\0" + bytes(6))
    advertise(t, "cut", cut=20)
    advertise(t, "for another", target="2001:db8::77")
    advertise(t, "without an address", opts=b"")
    advertise(t, "as it should be")


@script(families=(6,))
def nd_advertisements_that_move_a_neighbour(t):
    begin(t)
    fd = t.socket(2)
    t.call("send", fd, 10, 0, t.host, 6000)
    advertise(t, "not to override", flags=0, mac=OTHER_MAC)
    t.call("send", fd, 10, 0, t.host, 6000)
    advertise(t, "to override", flags=0x20000000, mac=OTHER_MAC)
    t.call("send", fd, 10, 0, t.host, 6000)
    advertise(t, "solicited, the same", flags=0x40000000, mac=OTHER_MAC)
    advertise(t, "solicited, back", flags=0x60000000)
    t.call("send", fd, 10, 0, t.host, 6000)


@script(families=(6,), seconds=4.0)
def nd_without_an_answer(t):
    begin(t)
    t.silent = True
    fd = t.socket(2)
    t.setint(fd, 41, 25, 1)                         # IPV6_RECVERR
    t.call("connect", fd, t.host, 6000)
    t.call("send", fd, 10)
    t.sleep(3.3)
    t.error(fd)
    t.call("recvmsg", fd, 100, 0x2040, 512)
