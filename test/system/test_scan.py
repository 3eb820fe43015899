#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
test_scan.py - what a scanner sees of the shim: what it sees of the kernel.

Each tool runs against both at the same time, in worlds of their own.
"""
import concurrent.futures
import re
import sys

from shimtest import PYTHON, SHIM4, SHIM6, VethWorld, check, main, need, sh, wait_until

SERVER = """
import select, socket
socks = []
for family, addr in ((socket.AF_INET, '0.0.0.0'), (socket.AF_INET6, '::')):
    for kind, port in ((socket.SOCK_STREAM, 80), (socket.SOCK_DGRAM, 7)):
        s = socket.socket(family, kind)
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((addr, port))
        if kind == socket.SOCK_STREAM:
            s.listen(64)
        socks.append(s)
print('ready', flush=True)
while True:
    for s in select.select(socks, [], [])[0]:
        if s.type == socket.SOCK_STREAM:
            s.accept()[0].close()
        else:
            s.sendto(*s.recvfrom(2048))
"""
# The kernel's buffers, so its window scale too, as the shim's.
RMEM = "4096 131072 6291456"


class Pair:
    """The kernel's world and the shim's, with the same server in each."""

    def __init__(self):
        self.worlds = []

    def __enter__(self):
        try:
            for shim in (False, True):
                w = VethWorld(shim=shim, family=6)
                self.worlds.append(w)
                if not shim:
                    sh(["ip", "netns", "exec", w.ns, "sh", "-c", f"echo {RMEM} > /proc/sys/net/ipv4/tcp_rmem"])
                p = w.start_in(w.ns, [PYTHON, w.write("server.py", SERVER)], env=w.env())
                wait_until(lambda w=w, p=p: "ready" in w.output(p), "the server")
                w.ping(p)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc):
        for w in self.worlds:
            w.close()

    def both(self, *args, seconds=60):
        """A tool's output about the kernel, and about the shim."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda w: w.run(*args, seconds=seconds), self.worlds))


def fingerprint(text):
    """Name → value of nmap's lines, without what is drawn by lot or depends on the hour."""
    joined = "".join(line[3:] if line.startswith("OS:") else line + "\n" for line in text.splitlines()
                     if line.startswith("OS:") or re.match(r"[A-Z][A-Z0-9]+\(.*\)$", line))
    lines = dict(re.findall(r"(\w+)\(([^)]*)\)", joined))
    lines.pop("SCAN", None)
    if "SEQ" in lines:
        lines["SEQ"] = re.sub(r"(SP|ISR|TS|GCD)=\w+%?", "", lines["SEQ"])
    return lines


def same(kernel, shim):
    check(kernel, "nothing was seen of the kernel")
    for name in sorted(set(kernel) | set(shim)):
        check(kernel.get(name) == shim.get(name), f"{name}: kernel {kernel.get(name)}, shim {shim.get(name)}")


def nmap(pair, *args):
    return pair.both("nmap", "-n", "-Pn", "--max-retries", "1", *args)


def test_fingerprint():
    """SEQ, OPS, WIN, ECN, T1 to T7, U1 and IE (nmap's book, chapter 8)."""
    need("nmap")
    with Pair() as pair:
        kernel, shim = nmap(pair, "-O", "-d", "-sSU", "-p", "T:80,81,U:7,99", SHIM4)
        same(fingerprint(kernel), fingerprint(shim))


def answer_of(value):
    """An answer of nmap's IPv6 fingerprint without addresses, flow label, numbers and checksums."""
    packet = re.search(r"P=([0-9a-fA-FX{}0-9]+)", value).group(1)
    packet = re.sub(r"([0-9a-fA-FX]{2})\{(\d+)\}", lambda m: m.group(1) * int(m.group(2)), packet)
    head, rest = packet[8:16], packet[80:]
    if head[4:6] == "06":
        return head, rest[24:32], re.sub(r"080a\w{8}", "080a", rest[40:])
    return head, rest[:4]


def test_fingerprint_ipv6():
    need("nmap")
    with Pair() as pair:
        kernel, shim = nmap(pair, "-6", "-O", "-d", "-sSU", "-p", "T:80,81,U:7,99", SHIM6)
        same(*({n: answer_of(v) for n, v in fingerprint(t).items() if "P=" in v} for t in (kernel, shim)))


def ports(text):
    return [line for line in text.splitlines() if re.match(r"\d+(/\w+)? ", line)]


def test_port_scans():
    need("nmap")
    with Pair() as pair:
        for kind in ("-sA", "-sX"):
            kernel, shim = nmap(pair, kind, "--reason", "-p", "79-82", SHIM4)
            check(ports(kernel) == ports(shim) != [], kind, ports(kernel), ports(shim))
        kernel, shim = nmap(pair, "-sO", "-p", "1,2,6,17,50,200", SHIM4)
        check(ports(kernel) == ports(shim) != [], ports(kernel), ports(shim))


TESTS = [
    ("nmap_sees_the_kernels_fingerprint", test_fingerprint),
    ("nmap_sees_the_kernels_fingerprint_ipv6", test_fingerprint_ipv6),
    ("nmap_sees_the_kernels_ports", test_port_scans),
]

if __name__ == "__main__":
    sys.exit(main(TESTS))
