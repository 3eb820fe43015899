# SPDX-License-Identifier: BSD-3-Clause
"""low_tcp.py - segments whose headers, addresses or packets are odd: who is answered, and how (RFC 9293 3.1, 1122)."""
import struct

import frame as fr
from consts import *
from low import BROADCAST, group_mac, ip4, ip6, table

S, S6 = "192.0.2.1", "2001:db8::1"
PORT, SYN = 5000, 2


def segment(t, src, dst, flags=SYN, sport=None, dport=PORT, doff=None, cut=None, bits=0, opts=b"", payload=b"", seq=1000,
            ack=0, urg=0, bad=False):
    """A segment of which any field may be wrong; from a new port each time."""
    t.port_before = getattr(t, "port_before", 20000) + 1
    sport = t.port_before if sport is None else sport
    opts += b"\0" * (-len(opts) % 4)
    doff = 5 + len(opts) // 4 if doff is None else doff
    h = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, doff << 4 | bits, flags, 8192, 0, urg) + opts + payload
    h = h[:cut]
    c = fr.transport_checksum(src, dst, fr.TCP, h) ^ (0x1111 if bad else 0)
    return h[:16] + struct.pack(">H", c) + h[18:] if len(h) >= 18 else h


def syn(t, src=None, dst=None, where=None, **how):
    src, dst = src or t.host, dst or t.subject
    if ":" in src:
        return ip6(src, dst, fr.TCP, segment(t, src, dst, **how), **(where or {}))
    return ip4(src, dst, fr.TCP, segment(t, src, dst, **how), **(where or {}))


def listens(t):
    t.listener(backlog=200, port=PORT)


table("segment_header", [
    ("as it should be", lambda t: syn(t)),
    ("to a closed port", lambda t: syn(t, dport=5001)),
    ("bad checksum", lambda t: syn(t, bad=True)),
    ("bad checksum to a closed port", lambda t: syn(t, dport=5001, bad=True)),
    ("data offset 4", lambda t: syn(t, doff=4)),
    ("data offset 0", lambda t: syn(t, doff=0)),
    ("data offset 4 to a closed port", lambda t: syn(t, doff=4, dport=5001)),
    ("data offset beyond the segment", lambda t: syn(t, doff=6)),
    ("data offset 15 with 40 of options", lambda t: syn(t, opts=b"\1" * 40)),
    ("data offset 15 without", lambda t: syn(t, doff=15)),
    ("19 bytes", lambda t: syn(t, cut=19)),
    ("8 bytes", lambda t: syn(t, cut=8)),
    ("1 byte", lambda t: syn(t, cut=1)),
    ("nothing", lambda t: syn(t, cut=0)),
    ("all reserved bits", lambda t: syn(t, bits=0xe)),
    ("the bit of accurate ECN", lambda t: syn(t, bits=1)),
    ("from port 0", lambda t: syn(t, sport=0)),
    ("to port 0", lambda t: syn(t, dport=0)),
    ("an urgent pointer without URG", lambda t: syn(t, urg=77)),
    ("an ACK number without ACK", lambda t: syn(t, ack=77)),
    ("SYN PSH URG", lambda t: syn(t, flags=SYN | 8 | 32, urg=7)),
    ("SYN FIN", lambda t: syn(t, flags=SYN | 1)),
    ("SYN RST", lambda t: syn(t, flags=SYN | 4)),
    ("all", lambda t: syn(t, flags=0xff)),
    ("none", lambda t: syn(t, flags=0)),
    ("none to a closed port", lambda t: syn(t, flags=0, dport=5001)),
    ("ACK", lambda t: syn(t, flags=16, ack=99)),
    ("ACK with data", lambda t: syn(t, flags=16, ack=99, payload=b"x" * 20)),
    ("FIN", lambda t: syn(t, flags=1)),
    ("RST", lambda t: syn(t, flags=4)),
    ("RST ACK to a closed port", lambda t: syn(t, flags=20, dport=5001)),
    ("SYN with data to a closed port", lambda t: syn(t, payload=b"x" * 10, dport=5001)),
    ("SYN FIN with data to a closed port", lambda t: syn(t, flags=3, payload=b"x" * 10, dport=5001)),
    ("FIN with data to a closed port", lambda t: syn(t, flags=1, payload=b"x" * 10, dport=5001)),
    ("ACK to a closed port", lambda t: syn(t, flags=16, ack=0xfffffff0, dport=5001)),
    ("ACK FIN to a closed port", lambda t: syn(t, flags=17, ack=5, dport=5001)),
    ("SYN ACK to a closed port", lambda t: syn(t, flags=18, ack=5, dport=5001)),
    ("number 0xffffffff to a closed port", lambda t: syn(t, seq=0xffffffff, dport=5001)),
    ("number 0xffffffff", lambda t: syn(t, seq=0xffffffff)),
    ("SYN ACK", lambda t: syn(t, flags=18, ack=5)),
], families=(4, 6), setup=listens)

table("segment_address", [
    ("from the broadcast address", lambda t: syn(t, src="192.0.2.255")),
    ("from all ones", lambda t: syn(t, src="255.255.255.255")),
    ("from a group", lambda t: syn(t, src="224.0.0.5")),
    ("from 0.0.0.0", lambda t: syn(t, src="0.0.0.0")),
    ("from 127.0.0.1", lambda t: syn(t, src="127.0.0.1")),
    ("from the subject itself", lambda t: syn(t, src=S)),
    ("to the broadcast address", lambda t: (syn(t, dst="192.0.2.255"), BROADCAST)),
    ("to all ones", lambda t: (syn(t, dst="255.255.255.255"), BROADCAST)),
    ("to all hosts", lambda t: (syn(t, dst="224.0.0.1"), group_mac("224.0.0.1"))),
    ("to all hosts, a closed port", lambda t: (syn(t, dst="224.0.0.1", dport=5001), group_mac("224.0.0.1"))),
    ("to the broadcast address, a closed port", lambda t: (syn(t, dst="192.0.2.255", dport=5001), BROADCAST)),
    ("to another host", lambda t: syn(t, dst="192.0.2.251")),
    ("by a broadcast frame", lambda t: (syn(t), BROADCAST)),
    ("by a broadcast frame, a closed port", lambda t: (syn(t, dport=5001), BROADCAST)),
    ("TTL 1", lambda t: syn(t, where=dict(ttl=1))),
    ("TTL 0", lambda t: syn(t, where=dict(ttl=0))),
    ("TOS", lambda t: syn(t, where=dict(tos=0xb8))),
    ("TOS to a closed port", lambda t: syn(t, dport=5001, where=dict(tos=0xb8))),
    ("ECT to a closed port", lambda t: syn(t, dport=5001, where=dict(tos=0xb9))),
    ("CE", lambda t: syn(t, where=dict(tos=3))),
    ("more bytes than it says", lambda t: syn(t) + b"x" * 6),
    ("fewer bytes than it says", lambda t: syn(t, where=dict(total=60))),
    ("length of half a header", lambda t: syn(t, where=dict(total=30))),
], setup=listens)

table("segment_address6", [
    ("from a group", lambda t: syn(t, src="ff02::5")),
    ("from ::", lambda t: syn(t, src="::")),
    ("from ::1", lambda t: syn(t, src="::1")),
    ("from a mapped one", lambda t: syn(t, src="::ffff:192.0.2.2")),
    ("to a mapped one", lambda t: syn(t, dst="::ffff:192.0.2.1")),
    ("from the subject itself", lambda t: syn(t, src=S6)),
    ("to all nodes", lambda t: (syn(t, dst="ff02::1"), "33:33:00:00:00:01")),
    ("to all nodes, a closed port", lambda t: (syn(t, dst="ff02::1", dport=5001), "33:33:00:00:00:01")),
    ("to ::1", lambda t: syn(t, dst="::1")),
    ("to another host", lambda t: syn(t, dst="2001:db8::77")),
    ("hop limit 0", lambda t: syn(t, where=dict(hops=0))),
    ("hop limit 1", lambda t: syn(t, where=dict(hops=1))),
    ("traffic class", lambda t: syn(t, where=dict(tos=0xb8))),
    ("traffic class to a closed port", lambda t: syn(t, dport=5001, where=dict(tos=0xb9))),
    ("more bytes than it says", lambda t: syn(t) + b"x" * 6),
    ("fewer bytes than it says", lambda t: syn(t, where=dict(length=40))),
    ("length of half a header", lambda t: syn(t, where=dict(length=10))),
    ("length 0", lambda t: syn(t, where=dict(length=0))),
], families=(6,), setup=listens)

ROUTES = [
    ("record route", b"\x07\x07\x04" + bytes(4)),
    ("timestamp", b"\x44\x0c\x05\x00" + bytes(8)),
    ("router alert", b"\x94\x04\x00\x00"),
    ("no-operations", b"\1\1\1\1"),
    ("unknown", b"\x9e\x04\0\0"),
    ("stream identifier", b"\x88\x04\0\1"),
    ("end of list in front of junk", b"\0\xff\xff\xff"),
    ("length 0", b"\x07\x00\x04\x00"),
    ("security", b"\x82\x0b" + bytes(9)),
    ("loose source route, over", b"\x83\x07\x08" + fr.packed("192.0.2.9")),
    ("commercial security", b"\x86\x08" + bytes(6)),
]
table("segment_with_ip_options",
      [(text, lambda t, o=o: syn(t, where=dict(opts=o))) for text, o in ROUTES] +
      [(text + " to a closed port", lambda t, o=o: syn(t, dport=5001, where=dict(opts=o))) for text, o in ROUTES[:4]],
      setup=listens)


def ext(t, chain, dport=PORT, **how):
    """Extension headers (type, body behind the length) in front of a SYN."""
    data, nxt = segment(t, t.host, S6, dport=dport, **how), fr.TCP
    for kind, body in reversed(chain):
        data = bytes([nxt, (len(body) + 2) // 8 - 1]) + body + data if kind != 44 else bytes([nxt, 0]) + body + data
        nxt = kind
    return ip6(t.host, S6, nxt, data)


PAD = b"\1\4\0\0\0\0"
CHAINS = [
    ("hop-by-hop", [(0, PAD)]),
    ("destination options", [(60, PAD)]),
    ("both", [(0, PAD), (60, PAD)]),
    ("destination options twice", [(60, PAD), (60, PAD)]),
    ("hop-by-hop second", [(60, PAD), (0, PAD)]),
    ("a routing header with nothing left", [(43, b"\0\0" + bytes(4))]),
    ("a routing header with one left", [(43, b"\0\1" + bytes(4))]),
    ("an atomic fragment", [(44, b"\0\0\0\0\0\7")]),
    ("an option to skip", [(60, b"\x1e\4\0\0\0\0")]),
    ("an option to drop for", [(60, b"\x5e\4\0\0\0\0")]),
    ("an option to tell of", [(60, b"\x9e\4\0\0\0\0")]),
    ("an option to tell of, not to groups", [(60, b"\xde\4\0\0\0\0")]),
    ("an option longer than the header", [(60, b"\x1e\5\0\0\0\0")]),
    ("padding that is not 0", [(60, b"\1\4\0\1\0\0")]),
    ("much padding", [(60, b"\1\x08" + bytes(8) + b"\1\2\0\0")]),
    ("an unknown header", [(200, PAD)]),
    ("no next header", [(59, PAD)]),
]
table("segment_with_extension_headers", [(text, lambda t, c=c: ext(t, c)) for text, c in CHAINS] +
      [(text + " to a closed port", lambda t, c=c: ext(t, c, dport=5001)) for text, c in CHAINS[:3]],
      families=(6,), setup=listens)


def pieces(t, sizes, order=None, ident=77, **how):
    """A SYN with data in fragments of these sizes."""
    data, out, at = segment(t, t.host, t.subject, **how), [], 0
    for n, size in enumerate(sizes):
        more, part = n + 1 < len(sizes), data[at:at + size]
        if t.family == 4:
            out.append(ip4(t.host, S, fr.TCP, part, ident=ident, where=(0x2000 if more else 0) | at // 8))
        else:
            out.append(ip6(t.host, S6, 44, struct.pack(">BBHI", fr.TCP, 0, at | more, ident) + part))
        at += size
    return [out[i] for i in order] if order else out


DATA = b"x" * 100
table("segment_in_fragments", [
    ("two", lambda t: pieces(t, (64, 56), payload=DATA)),
    ("two, the wrong way round", lambda t: pieces(t, (64, 56), (1, 0), payload=DATA, ident=78)),
    ("in the middle of the header", lambda t: pieces(t, (8, 112), payload=DATA, ident=79)),
    ("of eight bytes", lambda t: pieces(t, (8,) * 15, payload=DATA, ident=80)),
    ("to a closed port", lambda t: pieces(t, (64, 56), payload=DATA, dport=5001, ident=81)),
    ("with a bad checksum", lambda t: pieces(t, (64, 56), payload=DATA, bad=True, ident=82)),
    ("the first twice", lambda t: pieces(t, (64, 56), (0, 0, 1), payload=DATA, ident=83)),
], families=(4, 6), setup=listens)
