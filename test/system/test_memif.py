#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Two programs under the shim, joined by memif: jumbo frames, VLANs, every byte checked; idle."""
import os
import sys
import time

from shimtest import (LIBSHIM, PYTHON, World, both_families, check, cpu_ticks, keeper_of, main,
                      wait_until)

SERVER, CLIENT = {4: "192.0.2.1", 6: "2001:db8::1"}, {4: "192.0.2.2", 6: "2001:db8::2"}

# What it gets it sends back, changed, so that both directions carry all of it at once.
SERVE = r"""
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
s.bind((sys.argv[1], 7000))
s.listen(5)
u = socket.socket(s.family, socket.SOCK_DGRAM)
u.bind((sys.argv[1], 7000))
flip = bytes(i ^ 255 for i in range(256))
c, _ = s.accept()
while True:
    d = c.recv(1 << 20)
    if not d:
        break
    c.sendall(d.translate(flip))
c.close()
while True:
    d, a = u.recvfrom(65536)
    u.sendto(d.translate(flip), a)
    if not d:
        break
"""

TALK = r"""
import hashlib, os, socket, sys, threading, time
total = int(sys.argv[2]) << 20
while True:
    try:
        s = socket.create_connection((sys.argv[1], 7000), timeout=40)
        break
    except ConnectionRefusedError:
        time.sleep(0.01) # the link is up before the server listens
block = os.urandom(1 << 20)
sent, got = hashlib.sha256(), hashlib.sha256()
flip = bytes(i ^ 255 for i in range(256))
def send():
    for i in range(total >> 20):
        piece = block[i * 997 % 1000:] + block[:i * 997 % 1000]
        sent.update(piece.translate(flip))
        s.sendall(piece)
    s.shutdown(socket.SHUT_WR)
mss = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
t = threading.Thread(target=send)
t.start()
n = 0
while True:
    d = s.recv(1 << 20)
    if not d:
        break
    got.update(d)
    n += len(d)
t.join()
assert n == total and got.digest() == sent.digest(), (n, total)
u = socket.socket(s.family, socket.SOCK_DGRAM)
u.settimeout(10)
u.connect((sys.argv[1], 7000))
for size in 1, 1472, 8952, 8953, 30000, 60000, 0:
    d = os.urandom(size)
    u.send(d)
    assert u.recv(65536) == d.translate(flip), size
print("mss", mss)
"""


class MemifWorld(World):
    def __init__(self, family):
        super().__init__()
        self.family = family
        self.ns = self.add_namespace("m")

    def program(self, role, *args, **more):
        mine = SERVER if role == "server" else CLIENT
        e = {k: v for k, v in os.environ.items() if not k.startswith("SHIM_")}
        e.update(LD_PRELOAD=LIBSHIM, SHIM_LOG="error", SHIM_ADDR=f"{mine[4]}/24,{mine[6]}/64",
                 SHIM_VDEV=f"net_memif0,role={role},socket={self.path('m.sock')}", **more)
        return self.start_in(self.ns, [PYTHON, "-c", *args], env=e, log=role)

    def pair(self, mib, server_options, client_options):
        s = self.program("server", SERVE, SERVER[self.family], **server_options)
        c = self.program("client", TALK, SERVER[self.family], str(mib), **client_options)
        check(c.wait(timeout=120) == 0, self.output(c), self.output(s))
        check(s.wait(timeout=20) == 0, self.output(s))
        return self.output(c).strip()


def transfer(options, mib, headers):
    """Bulk both ways at once; the MSS is what the link has room for."""
    def test(family):
        with MemifWorld(family) as w:
            out = w.pair(mib, options, options)
            mtu = int(options.get("SHIM_MTU", "1500"))
            want = mtu - headers - (20 if family == 6 else 0)
            check(out == f"mss {want}", f"want mss {want}:", out)
    return test


REFUSED = r"""
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
s.settimeout(3)
try:
    s.connect((sys.argv[1], 7000))
    print("connected")
except OSError as e:
    print("not connected")
"""


def another_vlan(family):
    """Who is on another VLAN, or on none, is not heard."""
    for vlan in "43", "0":
        with MemifWorld(family) as w:
            s = w.program("server", SERVE, SERVER[family], SHIM_VLAN="42")
            c = w.program("client", REFUSED, SERVER[family], SHIM_VLAN=vlan)
            check(c.wait(timeout=30) == 0, w.output(c))
            check(w.output(c).strip() == "not connected", "VLAN", vlan, w.output(c))
            w.alive(s)


IDLE_SERVE = r"""
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
s.bind((sys.argv[1], 7000))
s.listen(5)
c, _ = s.accept()
while True:
    d = c.recv(4096)
    if not d:
        break
    c.sendall(d)
"""

# Asks now and then; then sleeps until it is told to end.
IDLE_TALK = r"""
import socket, sys, time
while True:
    try:
        s = socket.create_connection((sys.argv[1], 7000), timeout=40)
        break
    except ConnectionRefusedError:
        time.sleep(0.01)
took = []
for i in range(60):
    time.sleep(0.005 * (i % 20))
    begin = time.monotonic()
    s.sendall(b"now")
    assert s.recv(10) == b"now"
    took.append(time.monotonic() - begin)
took.sort()
print(took[len(took) // 2] * 1e3, took[-1] * 1e3, flush=True)
s.settimeout(None)
s.recv(1)
"""


def idle(family):
    """Two that have nothing to do use next to no CPU, keepers included, and answer at once."""
    seconds = 5
    with MemifWorld(family) as w:
        s = w.program("server", IDLE_SERVE, SERVER[family])
        c = w.program("client", IDLE_TALK, SERVER[family])
        wait_until(lambda: "\n" in w.output(c) or c.poll() is not None, "answers", 60)
        w.alive(c)
        median, worst = map(float, w.output(c).split())
        # A frame that woke nobody would wait for the sleepers' next look, a second later.
        check(median < 20 and worst < 900, "an answer took", median, worst, "ms")
        pids = [s.pid, c.pid, keeper_of(s.pid), keeper_of(c.pid)]
        check(None not in pids, "no keeper", pids)
        time.sleep(0.5)
        before = sum(map(cpu_ticks, pids))
        time.sleep(seconds)
        used = (sum(map(cpu_ticks, pids)) - before) / os.sysconf("SC_CLK_TCK") / seconds
        check(used <= 0.02, f"idle: {used * 100:.1f} % of a core")
        return f"{used * 100:.1f} % of a core, answer after {median:.2f} ms, worst {worst:.1f} ms"


# IP and TCP headers, and timestamps in each segment.
TESTS = both_families([
    ("memif_bulk_both_ways", transfer({}, 64, 52)),
    ("memif_jumbo_bulk_both_ways", transfer({"SHIM_MTU": "9000"}, 128, 52)),
    ("memif_vlan_bulk_both_ways", transfer({"SHIM_VLAN": "42"}, 64, 52)),
    ("memif_vlan_and_jumbo_bulk_both_ways", transfer({"SHIM_VLAN": "4094", "SHIM_MTU": "9000"}, 64, 52)),
    ("memif_another_vlan_is_not_heard", another_vlan),
    ("memif_idle_cpu_and_answers", idle),
])

if __name__ == "__main__":
    sys.exit(main(TESTS))
