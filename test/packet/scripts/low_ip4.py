# SPDX-License-Identifier: BSD-3-Clause
"""low_ip4.py - IPv4 below the transports: headers, options, ICMP (RFC 791, 792, 1122)."""
import struct

import frame as fr
from low import BROADCAST, echo, group_mac, ip4, table

S = "192.0.2.1"


def ping(t, n=32, src=None, dst=S, **how):
    src = src or t.host
    return ip4(src, dst, fr.ICMP, echo(src, dst, n), **how)


def message(t, kind, code, rest=0, body=b"", cut=None, bad=False):
    m = fr.icmp(kind, code, rest, body)
    if bad:
        m = m[:2] + bytes([m[2] ^ 0x11]) + m[3:]
    return ip4(t.host, S, fr.ICMP, m[:cut])


def quote(t, proto=fr.UDP, src=S, dst=None, n=8, **how):
    """The beginning of a packet that the subject might have sent."""
    return ip4(src, dst or t.host, proto, struct.pack(">HHHH", 5000, 6000, 8, 0)[:n], **how)


table("ip4_header", [
    ("as it should be", lambda t: ping(t)),
    ("version 5", lambda t: ping(t, version=5)),
    ("version 6", lambda t: ping(t, version=6)),
    ("header of 16 bytes", lambda t: ping(t, ihl=4)),
    ("header of 60 bytes, which it has not", lambda t: ping(t, ihl=15)),
    ("bad checksum", lambda t: ping(t, bad_csum=True)),
    ("length of less than the header", lambda t: ping(t, total=19)),
    ("length of the header", lambda t: ping(t, total=20)),
    ("length of more than there is", lambda t: ping(t, total=61)),
    ("padding behind it", lambda t: ping(t) + b"x" * 9),
    ("TTL 0", lambda t: ping(t, ttl=0)),
    ("TTL 1", lambda t: ping(t, ttl=1)),
    ("DF", lambda t: ping(t, where=0x4000)),
    ("the reserved bit", lambda t: ping(t, where=0x8000)),
    ("identification 0", lambda t: ping(t, ident=0)),
    ("TOS", lambda t: ping(t, tos=0xb9)),
    ("unknown protocol", lambda t: ip4(t.host, S, 200, b"x" * 40)),
    ("unknown protocol, nothing in it", lambda t: ip4(t.host, S, 201, b"")),
    ("unknown protocol, long, with TOS", lambda t: ip4(t.host, S, 202, b"y" * 1400, tos=0x5c)),
    ("unknown protocol to all", lambda t: (ip4(t.host, S, 203, b"x" * 20), BROADCAST)),
])

table("ip4_address", [
    ("from the broadcast address", lambda t: ping(t, src="192.0.2.255")),
    ("from all ones", lambda t: ping(t, src="255.255.255.255")),
    ("from a group", lambda t: ping(t, src="224.0.0.5")),
    ("from 127.0.0.1", lambda t: ping(t, src="127.0.0.1")),
    ("from 0.0.0.0", lambda t: ping(t, src="0.0.0.0")),
    ("from the subject itself", lambda t: ping(t, src=S)),
    ("to 127.0.0.1", lambda t: ping(t, dst="127.0.0.1")),
    ("to another host", lambda t: ping(t, dst="192.0.2.251")),
    ("to a host elsewhere", lambda t: ping(t, dst="198.18.0.7")),
    ("to the broadcast address", lambda t: (ping(t, dst="192.0.2.255"), BROADCAST)),
    ("to all ones", lambda t: (ping(t, dst="255.255.255.255"), BROADCAST)),
    ("to the network", lambda t: (ping(t, dst="192.0.2.0"), BROADCAST)),
    ("to all hosts", lambda t: (ping(t, dst="224.0.0.1"), group_mac("224.0.0.1"))),
    ("to a group that it is not in", lambda t: (ping(t, dst="239.1.2.3"), group_mac("239.1.2.3"))),
    ("by a broadcast frame", lambda t: (ping(t), BROADCAST)),
    ("a datagram by a broadcast frame", lambda t: (ip4(t.host, S, fr.UDP, fr.udp(t.host, S, 1, 9, b"x")), BROADCAST)),
])

QUIET_OPTIONS = [
    ("end of list in front of junk", b"\0\xff\xff\xff"),
    ("no-operations", b"\1\1\1\1"),
]
BROKEN_OPTIONS = [
    ("length 0", b"\x07\x00\x04\x00"), ("length 1", b"\x07\x01\x04\x00"), ("beyond the header", b"\x07\x0b\x04\x00"),
    ("record route of 2", b"\x07\x02\x01\x01"), ("record route, pointer 3", b"\x07\x07\x03" + bytes(5)),
    ("record route, half an entry", b"\x07\x06\x04" + bytes(5)),
    ("timestamp, pointer 4", b"\x44\x0c\x04\x00" + bytes(8)), 
    ("timestamp of 3", b"\x44\x03\x05\x01"), ("alert of 3", b"\x94\x03\x00\x01"),
    ("length missing", b"\1\1\1\x07"), ("loose source route, pointer 3", b"\x83\x07\x03" + bytes(5)),
    ("strict source route of 2", b"\x89\x02\x01\x01"),
]
table("ip4_options_ignored", [(text, lambda t, o=o: ping(t, opts=o)) for text, o in QUIET_OPTIONS] + [
    ("loose source route", lambda t: ping(t, opts=b"\x83\x07\x04" + fr.packed("192.0.2.99") + b"\0")),
    ("loose source route, used up", lambda t: ping(t, opts=b"\x83\x07\x08" + fr.packed("192.0.2.99") + b"\0")),
])
table("ip4_options_broken", [(text, lambda t, o=o: ping(t, opts=o)) for text, o in BROKEN_OPTIONS])
# The kernel fills in record route and timestamp, and sends back the options of what it answers.
ANSWERED_OPTIONS = [
    ("record route", b"\x07\x0b\x04" + bytes(9)), ("timestamp", b"\x44\x0c\x05\x00" + bytes(8)),
    ("timestamp, unknown flag", b"\x44\x0c\x05\x07" + bytes(8)), ("alert", b"\x94\x04\0\0"),
    ("stream", b"\x88\x04\0\1"), ("unknown", b"\x5e\x04\0\0")]
WHY = "options are walked for safety and ignored"
table("ip4_options_of_datagrams", [
    (text, lambda t, o=o: ip4(t.host, S, fr.UDP, fr.udp(t.host, S, 9, 5001, b"x" * 20), opts=o))
    for text, o in ANSWERED_OPTIONS], deviation=WHY)
table("ip4_options_of_pings", [(text, lambda t, o=o: ping(t, opts=o)) for text, o in ANSWERED_OPTIONS], deviation=WHY)

table("icmp4_echo", [
    ("empty", lambda t: ping(t, 0)), ("odd", lambda t: ping(t, 33)), ("large", lambda t: ping(t, 1472)),
    ("code 5", lambda t: ip4(t.host, S, fr.ICMP, echo(t.host, S, code=5))),
    ("bad checksum", lambda t: message(t, 8, 0, 1, b"abcd", bad=True)),
    ("7 bytes", lambda t: message(t, 8, 0, 1, cut=7)),
    ("4 bytes", lambda t: message(t, 8, 0, 1, cut=4)),
    ("a reply that nobody asked for", lambda t: message(t, 0, 0, 1, b"abcd")),
])
table("icmp4_questions", [
    ("information", lambda t: message(t, 15, 0, 1)), ("address mask", lambda t: message(t, 17, 0, 1, bytes(4))),
    ("router solicitation", lambda t: message(t, 10, 0)), ("traceroute", lambda t: message(t, 30, 0, 1, bytes(12))),
    ("timestamp cut short", lambda t: message(t, 13, 0, 1, bytes(3))),
    ("type 3 code 16", lambda t: message(t, 3, 16, 0, quote(t))), ("source quench", lambda t: message(t, 4, 0, 0, quote(t))),
    ("type 200", lambda t: message(t, 200, 0, 0, bytes(20))), ("type 44", lambda t: message(t, 44, 0, 0, bytes(20))),
    ("extended echo", lambda t: message(t, 42, 0, 1, b"\x20\x00\x00\x00")),
])
# Each about a datagram that the subject may have sent: none of these is answered.
table("icmp4_errors_are_not_answered", [
    ("quotes half a header", lambda t: message(t, 3, 3, 0, quote(t)[:12])),
    ("quotes no transport", lambda t: message(t, 3, 3, 0, quote(t, n=0))),
    ("quotes four bytes of it", lambda t: message(t, 3, 3, 0, quote(t, n=4))),
    ("quotes another's packet", lambda t: message(t, 3, 3, 0, quote(t, src="192.0.2.77"))),
    ("quotes a later fragment", lambda t: message(t, 3, 3, 0, quote(t, where=5))),
    ("quotes an unknown protocol", lambda t: message(t, 3, 2, 0, quote(t, proto=200))),
    ("quotes an ICMP error", lambda t: message(t, 3, 1, 0, quote(t, proto=fr.ICMP))),
    ("parameter problem", lambda t: message(t, 12, 0, 0x14000000, quote(t))),
    ("time exceeded", lambda t: message(t, 11, 0, 0, quote(t))),
])
table("udp4_closed_port", [
    ("a datagram", lambda t: ip4(t.host, S, fr.UDP, fr.udp(t.host, S, 1000, 5001, b"x" * 40))),
    ("a long one", lambda t: ip4(t.host, S, fr.UDP, fr.udp(t.host, S, 1000, 5001, b"x" * 1400))),
    ("without a checksum", lambda t: ip4(t.host, S, fr.UDP, fr.udp(t.host, S, 1000, 5001, b"x", no_csum=True))),
    ("with a bad one", lambda t: ip4(t.host, S, fr.UDP, fr.udp(t.host, S, 1000, 5001, b"x", bad_csum=True))),
    ("to port 0", lambda t: ip4(t.host, S, fr.UDP, fr.udp(t.host, S, 1000, 0, b"x"))),
    ("from port 0", lambda t: ip4(t.host, S, fr.UDP, fr.udp(t.host, S, 0, 5001, b"x"))),
    ("more than six at once", lambda t: [ip4(t.host, S, fr.UDP, fr.udp(t.host, S, 1000, 5001, b"x"))] * 9),
    ("to the broadcast address", lambda t: (ip4(t.host, "192.0.2.255", fr.UDP,
                                                fr.udp(t.host, "192.0.2.255", 1, 5001, b"x")), BROADCAST)),
    ("length 7", lambda t: ip4(t.host, S, fr.UDP, fr.udp(t.host, S, 1000, 5001, b"x" * 8, length=7))),
    ("length beyond the packet", lambda t: ip4(t.host, S, fr.UDP, fr.udp(t.host, S, 1000, 5001, b"x", length=30))),
    ("7 bytes", lambda t: ip4(t.host, S, fr.UDP, bytes(7))),
])


def pieces(t, cuts, ident=77, size=64, dst=S, tos=0):
    """Fragments (from, to, more) of a datagram of size bytes to a port."""
    d = fr.udp(t.host, dst, 1000, 5001, bytes(range(size - 8)))
    return [ip4(t.host, dst, fr.UDP, (d + bytes(64))[a:b], ident=ident, where=a // 8 | (0x2000 if m else 0), tos=tos)
            for a, b, m in cuts]


A, B, C = (0, 24, 1), (24, 48, 1), (48, 64, 0)
table("ip4_fragments", [
    ("in order", lambda t: pieces(t, [A, B, C], 1)), ("reversed", lambda t: pieces(t, [C, B, A], 2)),
    ("shuffled", lambda t: pieces(t, [B, C, A], 3)), ("one twice", lambda t: pieces(t, [A, B, B, C], 4)),
    ("first twice, last first", lambda t: pieces(t, [C, A, A, B], 5)),
    ("overlap of eight", lambda t: pieces(t, [A, (16, 48, 1), C], 6)),
    ("inside another", lambda t: pieces(t, [A, (8, 16, 1), B, C], 7)),
    ("around another", lambda t: pieces(t, [B, (16, 56, 1), A, C], 8)),
    ("two ends", lambda t: pieces(t, [A, (24, 40, 0), B, C], 9)),
    ("beyond the end", lambda t: pieces(t, [C, (64, 72, 1), A, B], 10)),
    ("not of eights", lambda t: pieces(t, [(0, 20, 1), B, C], 11)),
    ("nothing in it", lambda t: pieces(t, [A, (24, 24, 1), B, C], 12)),
    ("a hole", lambda t: pieces(t, [A, C], 13)),
    ("too long", lambda t: ip4(t.host, S, fr.UDP, bytes(64), where=8190)),
    ("last alone", lambda t: pieces(t, [C], 14)),
    ("of a bad checksum", lambda t: pieces(t, [A, B, (40, 56, 0)], 15)),
    ("by broadcast frames", lambda t: [(p, BROADCAST) for p in pieces(t, [A, B, C], 16)]),
    ("with ECN", lambda t: pieces(t, [A], 17, tos=2) + pieces(t, [B, C], 17, tos=3)),
])
