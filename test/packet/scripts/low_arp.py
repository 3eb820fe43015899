# SPDX-License-Identifier: BSD-3-Clause
"""low_arp.py - address resolution (RFC 826, RFC 5227), as it is seen on the wire."""
import struct

import frame as fr
from low import BROADCAST, see_all
from script import script
from world import MAC, PEER_MAC

S = "192.0.2.1"
OTHER_MAC = bytes.fromhex("020000000077")


def arp(t, op, sip, tip, sha=PEER_MAC, tha=bytes(6), to=BROADCAST, hardware=1, proto=fr.ETH_IP4, sizes=(6, 4), cut=None):
    """A frame; the text says what is not usual."""
    body = struct.pack(">HHBBH", hardware, proto, *sizes, op) + sha + fr.packed(sip) + tha + fr.packed(tip)
    t.did(f"arp {op} {sip} → {tip} {'to all' if to == BROADCAST else ''}")
    t.world.raw.send(fr.ether(sha, to, fr.ETH_ARP, body[:cut]))
    t.settle()


def datagram(t, fd, to=None):
    t.call("send", fd, 10, 0, to or t.host, 6000)


@script
def arp_questions(t):
    see_all(t)
    arp(t, 1, t.host, S)
    arp(t, 1, t.host, S, to=MAC)                    # by unicast
    arp(t, 1, "0.0.0.0", S)                         # a probe: somebody would like our address
    arp(t, 1, t.host, "192.0.2.250")                # of another
    arp(t, 1, "198.18.0.9", S)                      # from elsewhere
    arp(t, 1, "127.0.0.1", S)
    arp(t, 1, "224.0.0.9", S)
    arp(t, 1, "255.255.255.255", S)
    arp(t, 1, t.host, "192.0.2.255")
    arp(t, 1, t.host, "127.0.0.1")
    arp(t, 1, t.host, "224.0.0.1")
    arp(t, 1, t.host, S, tha=b"\xff" * 6)


@script
def arp_of_wrong_form(t):
    see_all(t)
    arp(t, 1, t.host, S, hardware=6)                # IEEE 802: is taken for Ethernet
    arp(t, 1, t.host, S, hardware=7)
    arp(t, 1, t.host, S, proto=0x86dd)
    arp(t, 1, t.host, S, sizes=(8, 4))
    arp(t, 1, t.host, S, sizes=(6, 16))
    arp(t, 1, t.host, S, cut=27)
    arp(t, 3, t.host, S)                            # RARP's
    arp(t, 8, t.host, S)                            # InARP's
    arp(t, 2, t.host, S)                            # an answer that nobody asked for


@script
def arp_resolution(t):
    see_all(t)
    t.silent = True
    fd = t.socket(2)
    datagram(t, fd)
    datagram(t, fd)
    arp(t, 2, "192.0.2.250", S, to=MAC, tha=MAC)    # somebody else
    arp(t, 2, t.host, S, to=MAC, tha=MAC)
    datagram(t, fd)
    # The owner moves; says so to all, and is believed.
    arp(t, 1, t.host, t.host, sha=OTHER_MAC)
    datagram(t, fd)


@script(seconds=4.0)
def arp_without_an_answer(t):
    see_all(t)
    t.silent = True
    fd = t.socket(2)
    t.setint(fd, 0, 11, 1)                          # IP_RECVERR
    t.call("connect", fd, t.host, 6000)
    t.call("send", fd, 10)
    t.sleep(3.3)
    t.error(fd)
    t.call("recvmsg", fd, 100, 0x2040, 512)


@script(seconds=12.0)
def arp_a_stale_neighbour_is_probed(t):
    see_all(t)
    fd = t.socket(2)
    arp(t, 1, t.host, "192.0.2.1")
    t.silent = True
    t.call("send", fd, 10, 0, t.host, 6000)
    t.sleep(9.0)
    t.call("send", fd, 10, 0, t.host, 6000)
    t.sleep(0.1)
