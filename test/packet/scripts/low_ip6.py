# SPDX-License-Identifier: BSD-3-Clause
"""low_ip6.py - IPv6 below the transports: headers, extension headers, ICMPv6 (RFC 8200, 4443)."""
import functools
import struct

import frame as fr
import low
from low import echo, group_mac, ip6

S = "2001:db8::1"
table = functools.partial(low.table, families=(6,))
HBH, ROUTE, FRAG, NONE, DST, ECHO, DATAGRAM = 0, 43, 44, 59, 60, 58, 17


def ping(t, chain=(), n=32, src=None, dst=S, **how):
    """chain: (kind, body behind next header and length) ..., in front of an echo."""
    src = src or t.host
    return headers(src, dst, list(chain), ECHO, echo(src, dst, n), **how)


def headers(src, dst, chain, last, data, **how):
    for i in reversed(range(len(chain))):
        kind, body = chain[i]
        after = chain[i + 1][0] if i + 1 < len(chain) else last
        if kind == FRAG:
            data = bytes([after]) + body + data
        else:
            body += bytes(-(len(body) + 2) % 8)
            data = bytes([after, (len(body) + 2) // 8 - 1]) + body + data
    return ip6(src, dst, chain[0][0] if chain else last, data, **how)


def frag(off, more, ident=1):
    return struct.pack(">BHI", 0, off | more, ident)


def message(t, kind, code, rest=0, body=b"", cut=None, bad=False, **how):
    m = fr.icmp(kind, code, rest, body, v6=(t.host, S))
    if bad:
        m = m[:2] + bytes([m[2] ^ 0x11]) + m[3:]
    return ip6(t.host, S, fr.ICMP6, m[:cut], **how)


def quote(t, src=S, proto=DATAGRAM, n=8):
    return ip6(src, t.host, proto, struct.pack(">HHHH", 5000, 6000, 8, 0)[:n])


PAD = b"\1\4\0\0\0\0"
table("ip6_header", [
    ("as it should be", lambda t: ping(t)), ("version 5", lambda t: ping(t, version=5)),
    ("version 4", lambda t: ping(t, version=4)), ("length 0", lambda t: ping(t, length=0)),
    ("length of less", lambda t: ping(t, length=20)), ("length of more than there is", lambda t: ping(t, length=41)),
    ("padding behind it", lambda t: ping(t) + b"x" * 9), ("hop limit 0", lambda t: ping(t, hops=0)),
    ("hop limit 1", lambda t: ping(t, hops=1)), ("traffic class", lambda t: ping(t, tos=0xb9)),
    ("unknown next header", lambda t: headers(t.host, S, [], 200, b"x" * 30)),
    ("unknown next header behind options", lambda t: headers(t.host, S, [(DST, PAD)], 200, b"x" * 30)),
    ("unknown next header, nothing in it", lambda t: headers(t.host, S, [], 201, b"")),
    ("no next header", lambda t: headers(t.host, S, [], NONE, b"x" * 30)),
    ("no next header behind options", lambda t: headers(t.host, S, [(DST, PAD)], NONE, b"")),
    ("IPv4's ICMP", lambda t: headers(t.host, S, [], 1, bytes(8))),
    ("unknown, long", lambda t: headers(t.host, S, [], 202, b"y" * 1400)),
    ("unknown, to a group", lambda t: (headers(t.host, "ff02::1", [], 203, b"y" * 14), group_mac("ff02::1"))),
])
table("ip6_address", [
    ("from ::", lambda t: ping(t, src="::")), ("from ::1", lambda t: ping(t, src="::1")),
    ("from a group", lambda t: ping(t, src="ff02::5")), ("from the subject itself", lambda t: ping(t, src=S)),
    ("from a mapped address", lambda t: ping(t, src="::ffff:192.0.2.9")), ("to ::1", lambda t: ping(t, dst="::1")),
    ("to another host", lambda t: ping(t, dst="2001:db8::77")),
    ("to all nodes", lambda t: (ping(t, dst="ff02::1"), group_mac("ff02::1"))),
    ("to all routers", lambda t: (ping(t, dst="ff02::2"), group_mac("ff02::2"))),
    ("to the solicited-node group", lambda t: (ping(t, dst="ff02::1:ff00:1"), group_mac("ff02::1:ff00:1"))),
    ("to a group that it is not in", lambda t: (ping(t, dst="ff02::abcd"), group_mac("ff02::abcd"))),
    ("to the reserved scope", lambda t: (ping(t, dst="ff00::1"), group_mac("ff00::1"))),
    ("to the interface's scope", lambda t: (ping(t, dst="ff01::1"), group_mac("ff01::1"))),
])
OPTIONS = [
    ("padding", PAD), ("single bytes of padding", bytes(6)), ("too much of it", b"\1\6" + bytes(6) + b"\1\4" + bytes(4)),
    ("padding that is not zero", b"\1\4\0\7\0\0"), ("unknown, skip", b"\x1e\4\0\0\0\0"), ("unknown, drop", b"\x5e\4\0\0\0\0"),
    ("unknown, tell", b"\x9e\4\0\0\0\0"), ("unknown, tell unless a group", b"\xde\4\0\0\0\0"),
    ("second unknown, tell", b"\x1e\2\0\0\x9e\0"), ("beyond the header", b"\x1e\7\0\0\0\0"),
    ("alert", b"\5\2\0\0\1\0"), ("alert of another length", b"\5\3\0\0\0\0"), ("jumbo", b"\xc2\4\0\1\0\0"),
    ("jumbo of less", b"\xc2\4\0\0\0\x28"), ("jumbo of another length", b"\xc2\3\0\0\0\0"),
    ("nine unknown ones", b"\x1e\0" * 9), ("eight unknown ones", b"\x1e\0" * 8 + b"\1\4" + bytes(4)),
    ("home address", b"\xc9\x10" + bytes(16)), ("last byte alone", b"\1\3\0\0\0\x1e"),
]
table("ip6_hop_by_hop", [(text, lambda t, o=o: ping(t, [(HBH, o)])) for text, o in OPTIONS])
table("ip6_destination_options", [(text, lambda t, o=o: ping(t, [(DST, o)])) for text, o in OPTIONS])
table("ip6_options_to_a_group", [
    (text, lambda t, o=o: (ping(t, [(DST, o)], dst="ff02::1"), group_mac("ff02::1")))
    for text, o in OPTIONS if "tell" in text])
table("ip6_jumbo_without_length", [
    ("of less", lambda t: ping(t, [(HBH, b"\xc2\4\0\0\0\x30")], length=0)),
    ("of more than there is", lambda t: ping(t, [(HBH, b"\xc2\4\0\1\0\0")], length=0)),
    ("no jumbo option", lambda t: ping(t, [(HBH, PAD)], length=0)),
])
table("ip6_order", [
    ("hop-by-hop twice", lambda t: ping(t, [(HBH, PAD), (HBH, PAD)])),
    ("hop-by-hop behind others", lambda t: ping(t, [(DST, PAD), (HBH, PAD)])),
    ("all of them", lambda t: ping(t, [(HBH, PAD), (DST, PAD), (ROUTE, b"\0\0\0\0\0\0"), (FRAG, frag(0, 0)), (DST, PAD)])),
    ("destination options five times", lambda t: ping(t, [(DST, PAD)] * 5)),
    ("a hundred of them", lambda t: ping(t, [(DST, PAD)] * 100)),
    ("fragment header twice", lambda t: ping(t, [(FRAG, frag(0, 0)), (FRAG, frag(0, 0, 2))])),
    ("authentication", lambda t: headers(t.host, S, [], 51, bytes([ECHO, 4]) + bytes(22) + echo(t.host, S))),
    ("longer than the packet", lambda t: headers(t.host, S, [], DST, bytes([ECHO, 200]) + PAD + echo(t.host, S))),
    ("cut", lambda t: headers(t.host, S, [], DST, bytes([ECHO, 0, 1, 4]))),
])
table("ip6_routing", [
    ("type 0, used up", lambda t: ping(t, [(ROUTE, b"\0\0" + bytes(4))])),
    ("type 0, a segment left", lambda t: ping(t, [(ROUTE, b"\0\1" + bytes(4) + fr.packed("2001:db8::77"))])),
    ("type 0, too many left", lambda t: ping(t, [(ROUTE, b"\0\5" + bytes(4) + bytes(16))])),
    ("type 2, a segment left", lambda t: ping(t, [(ROUTE, b"\2\1" + bytes(4) + fr.packed(S))])),
    ("type 3", lambda t: ping(t, [(ROUTE, b"\3\1" + bytes(4) + fr.packed(S))])),
    ("type 4", lambda t: ping(t, [(ROUTE, b"\4\1" + bytes(4) + fr.packed(S))])),
    ("type 99, used up", lambda t: ping(t, [(ROUTE, b"\x63\0" + bytes(4))])),
    ("type 99, a segment left", lambda t: ping(t, [(ROUTE, b"\x63\1" + bytes(4))])),
])
table("icmp6_messages", [
    ("echo, empty", lambda t: ping(t, n=0)), ("echo, odd", lambda t: ping(t, n=33)), ("echo, large", lambda t: ping(t, n=1452)),
    ("echo, code 5", lambda t: ip6(t.host, S, fr.ICMP6, echo(t.host, S, code=5))),
    ("bad checksum", lambda t: message(t, 128, 0, 1, b"abcd", bad=True)),
    ("7 bytes", lambda t: message(t, 128, 0, 1, cut=7)), ("4 bytes", lambda t: message(t, 128, 0, 1, cut=4)),
    ("unknown error", lambda t: message(t, 99, 0, 0, quote(t))), ("unknown information", lambda t: message(t, 200, 0, 0, bytes(8))),
    ("node information", lambda t: message(t, 139, 0, 0, bytes(24))), ("extended echo", lambda t: message(t, 160, 0, 1, bytes(4))),
    ("unreachable about another's", lambda t: message(t, 1, 4, 0, quote(t, src="2001:db8::77"))),
    ("unreachable, cut", lambda t: message(t, 1, 4, 0, quote(t)[:30])), ("unreachable, code 9", lambda t: message(t, 1, 9, 0, quote(t))),
    ("too big of 0", lambda t: message(t, 2, 0, 0, quote(t))), ("parameter problem", lambda t: message(t, 4, 0, 6, quote(t))),
    ("mobile prefix", lambda t: message(t, 146, 0, 0, bytes(8))), ("certification path", lambda t: message(t, 148, 0, 0, bytes(8))),
])
table("udp6_closed_port", [
    ("a datagram", lambda t: ip6(t.host, S, DATAGRAM, fr.udp(t.host, S, 1000, 5001, b"x" * 40))),
    ("a long one", lambda t: ip6(t.host, S, DATAGRAM, fr.udp(t.host, S, 1000, 5001, b"x" * 1400))),
    ("without a checksum", lambda t: ip6(t.host, S, DATAGRAM, fr.udp(t.host, S, 1000, 5001, b"x", no_csum=True))),
    ("with a bad one", lambda t: ip6(t.host, S, DATAGRAM, fr.udp(t.host, S, 1000, 5001, b"x", bad_csum=True))),
    ("behind options", lambda t: headers(t.host, S, [(DST, PAD)], DATAGRAM, fr.udp(t.host, S, 1000, 5001, b"x"))),
    ("to all nodes", lambda t: (ip6(t.host, "ff02::1", DATAGRAM, fr.udp(t.host, "ff02::1", 1, 5001, b"x")),
                                group_mac("ff02::1"))),
    ("length beyond the packet", lambda t: ip6(t.host, S, DATAGRAM, fr.udp(t.host, S, 1000, 5001, b"x", length=30))),
    ("7 bytes", lambda t: ip6(t.host, S, DATAGRAM, bytes(7))),
    ("to port 0", lambda t: ip6(t.host, S, DATAGRAM, fr.udp(t.host, S, 1000, 0, b"x"))),
])


def pieces(t, cuts, ident, size=64, proto=DATAGRAM, src=None):
    """Fragments (from, to, more) of a datagram of size bytes to a closed port."""
    d = fr.udp(t.host, S, 1000, 5001, bytes(range(size - 8)))
    return [headers(src or t.host, S, [(FRAG, frag(a, m, ident))], proto, (d + bytes(64))[a:b]) for a, b, m in cuts]


A, B, C = (0, 24, 1), (24, 48, 1), (48, 64, 0)
table("ip6_fragments", [
    ("in order", lambda t: pieces(t, [A, B, C], 1)), ("reversed", lambda t: pieces(t, [C, B, A], 2)),
    ("shuffled", lambda t: pieces(t, [B, C, A], 3)), ("one twice", lambda t: pieces(t, [A, B, B, C], 4)),
    ("overlap of eight", lambda t: pieces(t, [A, (16, 48, 1), C], 6)), ("inside another", lambda t: pieces(t, [A, (8, 16, 1), B, C], 7)),
    ("around another", lambda t: pieces(t, [B, (16, 56, 1), A, C], 8)), ("two ends", lambda t: pieces(t, [A, (24, 40, 0), B, C], 9)),
    ("beyond the end", lambda t: pieces(t, [C, (64, 72, 1), A, B], 10)), ("not of eights", lambda t: pieces(t, [(0, 20, 1), B, C], 11)),
    ("nothing in it", lambda t: pieces(t, [A, (24, 24, 1), B, C], 12)), ("too long", lambda t: pieces(t, [(0xfff8, 0xfff8 + 64, 0)], 13)),
    ("atomic", lambda t: pieces(t, [(0, 64, 0)], 14)), ("atomic, its number in use", lambda t: pieces(t, [A, (0, 64, 0), B, C], 15)),
    ("without the whole transport header", lambda t: pieces(t, [(0, 8, 1)], 16, proto=fr.TCP)),
    ("atomic without it", lambda t: pieces(t, [(0, 8, 0)], 17, proto=fr.TCP)),
    ("reserved bits", lambda t: [headers(t.host, S, [(FRAG, struct.pack(">BHI", 0xff, 6, 18))], DATAGRAM,
                                         fr.udp(t.host, S, 1000, 5001, b"abc"))]),
    ("cut fragment header", lambda t: [ip6(t.host, S, FRAG, bytes([DATAGRAM, 0, 0]))]),
])
