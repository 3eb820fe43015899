# SPDX-License-Identifier: BSD-3-Clause
"""low_redirect.py - which redirects are believed (RFC 1122 3.2.2.2, RFC 4861 8), and what they change."""
import struct

import frame as fr
from low import ip4, ip6, send
from routers import S, begin, far, mac_of, router
from script import script

UDP_HEADER = struct.pack(">HHHH", 5000, 6000, 18, 0)

def quoted(t, to, src=None):
    """The packet that the redirect is about."""
    src = src or S[t.family]
    data = UDP_HEADER + b"0123456789"
    return ip6(src, to, fr.UDP, data) if t.family == 6 else ip4(src, to, fr.UDP, data)


def redirect(t, fd, text, n, to=None, via=0xfd, target=None, code=None, sender=0xfe, quote=True, hops=255, dst=None,
             opts=True, about=None):
    """About far(n), which then is sent to; via: the better router's number, or target an address."""
    to = to or far(t, n)
    t.call("send", fd, 10, 0, to, 6000)
    better, src = target or router(t, via), router(t, sender)
    if t.family == 4:
        m = fr.icmp(5, 1 if code is None else code, struct.unpack(">I", fr.packed(better))[0],
                    about or (quoted(t, to) if quote else b""))
        packet = ip4(src, S[4], 1, m)
    else:
        o = bytes([2, 1]) + mac_of(via) if opts else b""
        m = fr.icmp(137, code or 0, 0, fr.packed(better) + fr.packed(dst or to) + o, v6=(src, S[6]))
        packet = ip6(src, S[6], fr.ICMP6, m, hops=hops)
    send(t, packet, text, sender=mac_of(sender))
    t.call("send", fd, 10, 0, to, 6000)


@script(families=(4, 6), seconds=2.0)
def redirects_that_are_believed(t):
    fd = begin(t)
    redirect(t, fd, "to another router", 1)
    redirect(t, fd, "to a third, by another", 1, via=0xfc, sender=0xfd)
    redirect(t, fd, "back", 1, via=0xfe, sender=0xfc)
    t.call("send", fd, 10, 0, far(t, 2), 6000)


@script(families=(4, 6), seconds=2.0)
def redirects_by_whom(t):
    fd = begin(t)
    redirect(t, fd, "by a router that it did not go to", 3, sender=0xfc)
    redirect(t, fd, "to ourselves", 4, target=S[t.family] if t.family == 4 else "2001:db8::1")
    redirect(t, fd, "to a group", 5, target="ff02::1" if t.family == 6 else "224.0.0.1")
    redirect(t, fd, "to nowhere", 6, target=t.any)


@script(families=(4,), seconds=2.0)
def redirects_of_ipv4(t):
    fd = begin(t)
    redirect(t, fd, "of the network", 10, code=0)
    redirect(t, fd, "of the host and type of service", 11, code=3)
    redirect(t, fd, "code 4", 12, code=4)
    redirect(t, fd, "to the broadcast address", 14, target="192.0.2.255")
    redirect(t, fd, "without a quote", 15, quote=False)
    redirect(t, fd, "about a packet of another's", 16, about=quoted(t, far(t, 16), src="192.0.2.77"))


@script(families=(4,), seconds=2.0, deviation="RFC 1122 3.2.2.2 has it discarded; Linux asks for the address on the link, since "
        "several networks may share it (RFC 1620)")
def redirects_to_another_network(t):
    fd = begin(t)
    redirect(t, fd, "off the link", 13, target="198.18.0.9")


@script(families=(6,), seconds=2.0)
def redirects_of_ipv6(t):
    fd = begin(t)
    redirect(t, fd, "hop limit 254", 20, hops=254)
    redirect(t, fd, "code 1", 21, code=1)
    redirect(t, fd, "without a link-layer address", 22, opts=False)
    redirect(t, fd, "about a group", 23, dst="ff02::5")
    redirect(t, fd, "to a router's global address", 24, target="2001:db8::fd")
    redirect(t, fd, "to the destination itself", 25, target=far(t, 25))
