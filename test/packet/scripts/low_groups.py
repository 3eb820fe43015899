# SPDX-License-Identifier: BSD-3-Clause
"""low_groups.py - group membership on the wire: IGMPv3 and MLDv2 (RFC 3376, 3810)."""
import struct

import frame as fr
from low import group_mac, ip4, ip6, see_all, send
from script import script

VA = 2 # the link's index, the first after lo
GROUP4, GROUP6 = "239.1.2.3", "ff15::1234"
SOURCE4, SOURCE6 = "198.18.0.5", "2001:db8:5::5"
# struct group_req and group_source_req: an interface, then one or two addresses in 128 bytes each.
MCAST_JOIN_GROUP, MCAST_BLOCK_SOURCE, MCAST_UNBLOCK_SOURCE, MCAST_LEAVE_GROUP = 42, 43, 44, 45
MCAST_JOIN_SOURCE_GROUP, MCAST_LEAVE_SOURCE_GROUP = 46, 47


def storage(addr):
    a = fr.packed(addr)
    s = (struct.pack("=HHI", 10, 0, 0) + a + bytes(4)) if len(a) == 16 else struct.pack("=HH", 2, 0) + a
    return s.ljust(128, b"\0")


def change(t, fd, option, source=None):
    """The level is the family's."""
    request = struct.pack("=II", VA, 0) + storage(t.group) + (storage(source) if source else b"")
    t.call("setsockopt", fd, 41 if t.family == 6 else 0, option, "x" + request.hex())


def begin(t):
    see_all(t)
    t.group, t.source = (GROUP6, SOURCE6) if t.family == 6 else (GROUP4, SOURCE4)
    fd = t.socket(2)
    t.call("bind", fd, t.any, 5000)
    return fd


def query(t, text, group=None, sources=(), code=10, src=None, hops=1, alert=True):
    """A general query, or a group's."""
    where = group or ("ff02::1" if t.family == 6 else "224.0.0.1")
    asked = group or t.any
    if t.family == 6:
        src = src or "fe80::2"
        m = fr.icmp(130, 0, struct.pack(">HH", code * 100, 0), fr.packed(asked) + struct.pack(">BBH", 2, 125, len(sources)) +
                    b"".join(fr.packed(s) for s in sources), v6=None)
        m = m[:2] + b"\0\0" + m[4:]
        m = m[:2] + struct.pack(">H", fr.transport_checksum(fr.packed(src), fr.packed(where), fr.ICMP6, m)) + m[4:]
        m = b"\x3a\0\5\2\0\0\1\0" + m if alert else m
        packet = ip6(src, where, 0 if alert else 58, m, hops=hops)
    else:
        m = struct.pack(">BBH", 0x11, code, 0) + fr.packed(asked) + struct.pack(">BBH", 2, 125, len(sources)) + b"".join(
            fr.packed(s) for s in sources)
        m = m[:2] + struct.pack(">H", fr.checksum(m)) + m[4:]
        packet = ip4(src or t.host, where, 2, m, ttl=hops, tos=0xc0, opts=b"\x94\4\0\0" if alert else b"")
    send(t, packet, text, group_mac(where))


@script(families=(4, 6), seconds=3.0, tolerance=1.1)
def groups_joined_and_left(t):
    fd = begin(t)
    change(t, fd, MCAST_JOIN_GROUP)
    t.sleep(1.2)
    change(t, fd, MCAST_LEAVE_GROUP)
    t.sleep(1.2)


@script(families=(4, 6), seconds=4.0, tolerance=1.1)
def groups_of_sources(t):
    fd = begin(t)
    change(t, fd, MCAST_JOIN_SOURCE_GROUP, t.source)
    t.sleep(1.2)
    change(t, fd, MCAST_LEAVE_SOURCE_GROUP, t.source)
    t.sleep(1.2)


@script(families=(4, 6), seconds=5.0, tolerance=1.1)
def groups_asked_for(t):
    fd = begin(t)
    change(t, fd, MCAST_JOIN_GROUP)
    t.sleep(1.5)
    t.did("queries")
    query(t, "all groups", code=5)
    t.sleep(0.8)
    query(t, "this one", t.group, code=5)
    t.sleep(0.8)
    query(t, "hop limit 2", code=5, hops=2)
    t.sleep(0.8)
    query(t, "another", "ff15::99" if t.family == 6 else "239.9.9.9", code=5)
    t.sleep(0.8)
