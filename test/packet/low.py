# SPDX-License-Identifier: BSD-3-Clause
"""
low.py - scripts about what is below TCP and UDP: frames of any kind, and all that comes back.

see_all(t) has ARP, neighbour discovery, group reports and the bytes that ICMP quotes written down
as well.  table() makes scripts out of rows: a packet each, and whatever it causes.
"""
import struct
import zlib

import frame as fr
from script import script
from world import MAC, PEER_MAC

BROADCAST = b"\xff" * 6
IGMP = 2
# So many rows to a script, which has a peer of its own: errors to one host are limited to six at once.
ROWS = 6


def group_mac(group):
    """The Ethernet address of a group (RFC 1112 6.4, RFC 2464 7)."""
    g = fr.packed(group)
    if len(g) == 16:
        return b"\x33\x33" + g[12:]
    return b"\x01\x00\x5e" + bytes([g[1] & 0x7f]) + g[2:]


# -- what comes, in words ---------------------------------------------------------------------
def mac_text(mac):
    names = {MAC: "subject", PEER_MAC: "peer", BROADCAST: "all"}
    return names.get(mac, mac.hex(":"))


def arp_text(frame):
    op, sha, spa, tha, tpa = (int.from_bytes(frame[20:22], "big"), frame[22:28], frame[28:32], frame[32:38],
                              frame[38:42])
    return (f"arp {op} {mac_text(sha)} {fr.text_of(spa)} → {mac_text(tha)} {fr.text_of(tpa)} "
            f"to {mac_text(frame[:6])}")


def nd_text(p, frame):
    head = {133: 8, 134: 16, 135: 24, 136: 24, 137: 40}[p.type]
    opts, words = p.payload[head - 8:], []
    target = fr.text_of(p.payload[:16]) if p.type in (135, 136) else ""
    while len(opts) >= 8 and opts[1]:
        words.append(f"opt{opts[0]} {mac_text(opts[2:opts[1] * 8])}")
        opts = opts[opts[1] * 8:]
    return (f"nd {p.type} {p.src} → {p.dst} flags {p.rest.hex()} {target} {' '.join(words)} hops {p.ttl} "
            f"to {mac_text(frame[:6])}")


def records_text(data, size):
    """The records of an IGMPv3 or MLDv2 report; size: of an address."""
    out = []
    while len(data) >= 4 + size:
        kind, aux, n = struct.unpack(">BBH", data[:4])
        sources = [fr.text_of(data[4 + size * (i + 1):4 + size * (i + 2)]) for i in range(n)]
        out.append((fr.text_of(data[4:4 + size]), f"{kind} {fr.text_of(data[4:4 + size])} {sorted(sources)}"))
        data = data[4 + size * (n + 1) + aux * 4:]
    return out


def group_texts(p, message):
    """Each record of a group message as a line; those of groups that only we are in by nature left out."""
    kind = message[0]
    if kind in (0x22, 143):
        size = 4 if kind == 0x22 else 16
        records = records_text(message[8:], size)
    elif kind in (0x12, 0x16, 0x17):
        records = [(fr.text_of(message[4:8]), fr.text_of(message[4:8]))]
    else:
        records = [(fr.text_of(message[8:24]), fr.text_of(message[8:24]))]
    wrong = " WRONG checksum" if kind < 0x80 and fr.checksum(message) else ""
    return [f"groups {kind:#x} to {p.dst} ttl {p.ttl} tos {p.tos:#x} record {text}{wrong}"
            for group, text in records if not group.startswith("ff02::1") and group != "224.0.0.1"]


# -- seeing ---------------------------------------------------------------------------------------
def starts_up(frame, p):
    """What the shim says of itself when it starts, which the kernel did before."""
    if p is None:
        spa, tpa = frame[28:32], frame[38:42]
        return spa == tpa or spa == bytes(4)
    return p.type == 133 or p.src == "::" or (p.type == 136 and p.dst == "ff02::1")


def asks_an_earlier_peer(t, frame, p):
    """The subject's neighbour table remembers the peers of earlier scripts, and asks whether they are there still."""
    if p is None:
        return frame[20:22] == b"\0\1" and frame[:6] != BROADCAST and fr.text_of(frame[38:42]) != t.host
    return p.type == 135 and not p.dst.startswith("ff") and fr.text_of(p.payload[:16]) != t.host


def see_all(t, start_is_over=False):
    """From here on every frame is written down, and a checksum of what ICMP has behind its header."""
    def add(stream, stamp, text):
        t.trace.add("packet", stamp, text, stream)

    def observe(stamp, frame):
        kind = int.from_bytes(frame[12:14], "big")
        if kind == fr.ETH_ARP:
            if not starts_up(frame, None) and not asks_an_earlier_peer(t, frame, None):
                add("arp", stamp, arp_text(frame))
            return True
        p = fr.parse(frame)
        if p is None:
            return False
        if p.proto == fr.ICMP6 and p.type is not None and 133 <= p.type <= 137:
            if (not starts_up(frame, p) or (start_is_over and p.type != 133)) and not asks_an_earlier_peer(t, frame, p):
                add("nd", stamp, nd_text(p, frame))
            return True
        if p.proto == IGMP or (p.proto == fr.ICMP6 and p.type in (131, 132, 143)):
            message = p.payload if p.proto == IGMP else struct.pack(">BBH", p.type, p.code, 0) + p.rest + p.payload
            for text in group_texts(p, message):
                add("groups", stamp, text)
            return True
        if p.proto in (fr.ICMP, fr.ICMP6) and p.type is not None and p.dst == t.host:
            add("icmp", stamp, f"icmp {p.type}/{p.code} {p.rest.hex()} from {p.src} ({len(p.payload)}) data "
                f"{zlib.crc32(p.payload) & 0xffff:04x} ttl {p.ttl} tos {p.tos:#x}"
                + (" options" if len(fr.packed(p.src)) == 4 and p.raw[0] != 0x45 else "")
                + "".join(f" WRONG {w}" for w in p.wrong))
            return True
        return False
    t.observer = observe


# -- sending --------------------------------------------------------------------------------------
def ip4(src, dst, proto, payload, version=4, ihl=None, total=None, ident=1, where=0, ttl=64, tos=0, opts=b"",
        bad_csum=False):
    """An IPv4 packet of which any field may be wrong."""
    opts += b"\0" * (-len(opts) % 4)
    ihl = 5 + len(opts) // 4 if ihl is None else ihl
    total = 20 + len(opts) + len(payload) if total is None else total
    h = struct.pack(">BBHHHBBH", version << 4 | ihl, tos, total, ident, where, ttl, proto, 0)
    h += fr.packed(src) + fr.packed(dst) + opts
    c = fr.checksum(h) ^ (0x1111 if bad_csum else 0)
    return h[:10] + struct.pack(">H", c) + h[12:] + payload


def ip6(src, dst, proto, payload, version=6, length=None, hops=64, tos=0):
    return struct.pack(">IHBB", version << 28 | tos << 20, len(payload) if length is None else length, proto,
                       hops) + fr.packed(src) + fr.packed(dst) + payload


def send(t, packet, text, to=MAC, sender=PEER_MAC):
    """A packet to an Ethernet address that need not be the subject's."""
    t.did(text)
    proto = fr.ETH_IP6 if ":" in t.subject else fr.ETH_IP4
    t.world.raw.send(fr.ether(sender, to, proto, packet))
    t.settle()


def echo(src, dst, n=32, code=0, ident=0x1234):
    v6 = (src, dst) if ":" in src else None
    return fr.icmp(128 if v6 else 8, code, ident << 16 | 1, bytes(range(n % 256)) + bytes(n // 256 * 256), v6=v6)


def table(name, rows, families=(4,), setup=None, **how):
    """
    Scripts out of rows (text, function of (t) that gives packets, each an IP packet or a pair
    of one and its Ethernet destination).  setup(t) is called first.
    """
    for i in range(0, len(rows), ROWS):
        def run(t, part=rows[i:i + ROWS]):
            see_all(t)
            if setup:
                setup(t)
            for text, make in part:
                made = make(t)
                for n, packet in enumerate(made if isinstance(made, list) else [made]):
                    packet, to = packet if isinstance(packet, tuple) else (packet, MAC)
                    send(t, packet, f"{text} {n}", to)
        run.__name__ = f"{name}_{i // ROWS + 1}"
        script(families=families, seconds=0.5, tolerance=0.2, **how)(run)


def servers(t):
    """A UDP socket bound to port 5000, of the script's family."""
    t.udp = t.socket(2)
    t.call("bind", t.udp, t.any, 5000)
