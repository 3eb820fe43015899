# SPDX-License-Identifier: BSD-3-Clause
"""
frame.py - Ethernet frames to and from Python: ARP, ND, IPv4, IPv6, TCP, UDP, ICMP.

Small on purpose: what the scripts send is built here, what the subject sends is taken apart
here, and nothing else of the network is known.
"""
import socket
import struct

ETH_IP4, ETH_ARP, ETH_IP6 = 0x0800, 0x0806, 0x86dd
TCP, UDP, ICMP, ICMP6, FRAGMENT = 6, 17, 1, 58, 44
# In the order of the bits, from FIN up; N is the bit that RFC 3540 called NS (AccECN: AE).
TCP_FLAGS = "FSRPAUECN"
OPT_EOL, OPT_NOP, OPT_MSS, OPT_WS, OPT_SACK_OK, OPT_SACK, OPT_TS, OPT_TFO = 0, 1, 2, 3, 4, 5, 8, 34
OPT_ACCECN0, OPT_ACCECN1, OPT_EXPERIMENT = 172, 174, 254


def checksum(data):
    """The Internet checksum of data, 0 if it contains its own and that is right."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def packed(addr):
    return socket.inet_pton(socket.AF_INET6 if ":" in addr else socket.AF_INET, addr)


def text_of(addr):
    return socket.inet_ntop(socket.AF_INET6 if len(addr) == 16 else socket.AF_INET, addr)


def transport_checksum(src, dst, proto, data):
    """src and dst packed; data with a zero checksum field, or with its own."""
    if len(src) == 16:
        pseudo = src + dst + struct.pack(">II", len(data), proto)
    else:
        pseudo = src + dst + struct.pack(">HH", proto, len(data))
    return checksum(pseudo + data)


# -- building ---------------------------------------------------------------------------------
def ether(src, dst, proto, payload):
    return dst + src + struct.pack(">H", proto) + payload


def ip(src, dst, proto, payload, ttl=64, tos=0, ident=1, df=True, frag=0, more=False, opts=b""):
    """An IP packet; frag is the fragment's offset in bytes.  Addresses as text."""
    s, d = packed(src), packed(dst)
    if len(s) == 16:
        if frag or more:
            payload = struct.pack(">BBHI", proto, 0, frag | more, ident) + payload
            proto = FRAGMENT
        return struct.pack(">IHBB", 6 << 28 | tos << 20, len(payload), proto, ttl) + s + d + payload
    where = frag // 8 | (0x4000 if df and not (frag or more) else 0) | (0x2000 if more else 0)
    head = struct.pack(">BBHHHBBH", 0x45 + len(opts) // 4, tos, 20 + len(opts) + len(payload), ident,
                       where, ttl, proto, 0) + s + d + opts
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def tcp_options(opts):
    """Bytes of a list of (kind, value): as they are, padded with NOPs at the front as Linux does not."""
    out = b""
    for kind, value in opts:
        out += bytes([kind]) if kind in (OPT_EOL, OPT_NOP) else bytes([kind, 2 + len(value)]) + value
    return out + b"\0" * (-len(out) % 4)


def tcp(src, dst, sport, dport, seq, ack, flags, win, payload=b"", opts=b"", urg=0, bad_csum=False):
    """A segment; flags in letters of TCP_FLAGS, opts bytes of whole words."""
    bits = sum(1 << TCP_FLAGS.index(f) for f in flags)
    seg = struct.pack(">HHIIHHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff,
                      (5 + len(opts) // 4) << 12 | bits, win, 0, urg) + opts + payload
    c = transport_checksum(packed(src), packed(dst), TCP, seg) ^ (0x1111 if bad_csum else 0)
    return seg[:16] + struct.pack(">H", c) + seg[18:]


def udp(src, dst, sport, dport, payload=b"", length=None, bad_csum=False, no_csum=False):
    d = struct.pack(">HHHH", sport, dport, length or 8 + len(payload), 0) + payload
    c = 0 if no_csum else transport_checksum(packed(src), packed(dst), UDP, d) or 0xffff
    return d[:6] + struct.pack(">H", c ^ (0x1111 if bad_csum else 0)) + d[8:]


def icmp(kind, code, rest, body=b"", v6=None):
    """A message with its second word (int or 4 bytes); v6: (src, dst) for ICMPv6's checksum."""
    if isinstance(rest, int):
        rest = struct.pack(">I", rest)
    m = struct.pack(">BBH", kind, code, 0) + rest + body
    c = transport_checksum(packed(v6[0]), packed(v6[1]), ICMP6, m) if v6 else checksum(m)
    return m[:2] + struct.pack(">H", c) + m[4:]


def arp_reply(frame, mac):
    """The answer that the owner (mac) of the address asked for by an ARP frame gives."""
    sha, spa, tpa = frame[22:28], frame[28:32], frame[38:42]
    return ether(mac, sha, ETH_ARP, struct.pack(">HHBBH", 1, ETH_IP4, 6, 4, 2) + mac + tpa + sha + spa)


def neighbour_advertisement(mac, to_mac, target, to):
    body = packed(target) + struct.pack(">BB", 2, 1) + mac
    return ether(mac, to_mac, ETH_IP6, ip(target, to, ICMP6, icmp(136, 0, 0x60000000, body, v6=(target, to)),
                                          ttl=255))


# -- taking apart -----------------------------------------------------------------------------
class Packet:
    """
    What a frame says.  A field that its protocol does not have is None.

    src dst (text) proto ttl tos df frag more ident; sport dport; TCP: seq ack flags win urg
    opts (list of (kind, value)); ICMP: type code rest body; payload; wrong: list of what is malformed.
    """
    src = dst = proto = ttl = tos = df = frag = more = ident = flow_label = None
    sport = dport = seq = ack = flags = win = urg = opts = type = code = rest = None
    payload = b""
    time = 0.0

    def __init__(self):
        self.wrong = []

    def opt(self, kind):
        for k, v in self.opts or ():
            if k == kind:
                return v
        return None

    def end(self):
        """Sequence number after this segment."""
        return (self.seq + len(self.payload) + ("S" in self.flags) + ("F" in self.flags)) & 0xffffffff


def parse_options(data, wrong):
    opts = []
    while data:
        kind = data[0]
        if kind in (OPT_EOL, OPT_NOP):
            opts.append((kind, b""))
            data = data[1:]
            if kind == OPT_EOL:
                break
            continue
        if len(data) < 2 or data[1] < 2 or data[1] > len(data):
            wrong.append("options")
            break
        opts.append((kind, data[2:data[1]]))
        data = data[data[1]:]
    return opts


def parse_tcp(p, seg):
    if len(seg) < 20 or (seg[12] >> 4) * 4 not in range(20, len(seg) + 1):
        p.wrong.append("tcp header")
        return
    p.sport, p.dport, p.seq, p.ack, bits, p.win, _, p.urg = struct.unpack(">HHIIHHHH", seg[:20])
    p.flags = "".join(f for i, f in enumerate(TCP_FLAGS) if bits >> i & 1)
    head = (bits >> 12) * 4
    p.opts = parse_options(seg[20:head], p.wrong)
    p.payload = seg[head:]


def parse_transport(p, seg):
    """seg is whole: no fragment."""
    src, dst = packed(p.src), packed(p.dst)
    if p.proto in (TCP, UDP, ICMP6) or (p.proto == ICMP and len(src) == 4):
        bad = checksum(seg) if p.proto == ICMP else transport_checksum(src, dst, p.proto, seg)
        if bad and not (p.proto == UDP and seg[6:8] == b"\0\0"):
            p.wrong.append("checksum")
    if p.proto == TCP:
        parse_tcp(p, seg)
    elif p.proto == UDP and len(seg) >= 8:
        p.sport, p.dport, length, _ = struct.unpack(">HHHH", seg[:8])
        p.payload = seg[8:]
        if length != len(seg):
            p.wrong.append("udp length")
    elif p.proto in (ICMP, ICMP6) and len(seg) >= 8:
        p.type, p.code, p.rest, p.payload = seg[0], seg[1], seg[4:8], seg[8:]
    else:
        p.payload = seg


def parse_ip4(p, d):
    ihl, total = (d[0] & 15) * 4, struct.unpack(">H", d[2:4])[0]
    if d[0] >> 4 != 4 or ihl < 20 or total < ihl or total > len(d):
        p.wrong.append("ip header")
        return None
    if checksum(d[:ihl]):
        p.wrong.append("ip checksum")
    p.tos, p.ttl, p.proto = d[1], d[8], d[9]
    p.ident, where = struct.unpack(">HH", d[4:8])
    p.df, p.more, p.frag = bool(where & 0x4000), bool(where & 0x2000), (where & 0x1fff) * 8
    p.src, p.dst = text_of(d[12:16]), text_of(d[16:20])
    return d[ihl:total]


def parse_ip6(p, d):
    word, length, p.proto, p.ttl = struct.unpack(">IHBB", d[:8])
    if word >> 28 != 6 or length + 40 > len(d):
        p.wrong.append("ip header")
        return None
    p.tos, p.flow_label = word >> 20 & 255, word & 0xfffff
    p.src, p.dst = text_of(d[8:24]), text_of(d[24:40])
    p.frag, p.more = 0, False
    d = d[40:40 + length]
    while p.proto in (0, 43, 60) and len(d) >= 8:
        p.proto, d = d[0], d[(d[1] + 1) * 8:]
    if p.proto == FRAGMENT and len(d) >= 8:
        p.proto, _, where, p.ident = struct.unpack(">BBHI", d[:8])
        p.frag, p.more, d = where & 0xfff8, bool(where & 1), d[8:]
    return d


def parse(frame):
    """A Packet of an IP frame; None of any other."""
    proto = struct.unpack(">H", frame[12:14])[0]
    p = Packet()
    if proto == ETH_IP4 and len(frame) >= 34:
        rest = parse_ip4(p, frame[14:])
    elif proto == ETH_IP6 and len(frame) >= 54:
        rest = parse_ip6(p, frame[14:])
    else:
        return None
    p.raw = frame[14:]
    if rest is not None:
        if p.frag or p.more:
            p.payload = rest
        else:
            parse_transport(p, rest)
    return p
