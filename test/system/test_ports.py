#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Several ports of one program, routes between them, and a program that talks to itself."""
import os
import sys

from shimtest import (BUILD, PYTHON, SHIM4, Failed, TapWorld, both_families, check, main, need, sh,
                      sha256, wait_until)
from test_nginx import PAGE, nginx_conf

SHIM = os.path.join(os.path.abspath(BUILD), "shim")
# The second port's network and the kernel's end of it.
SECOND4, SECOND_PEER4 = "198.18.0.1", "198.18.0.2"
SECOND6, SECOND_PEER6 = "2001:db8:2::1", "2001:db8:2::2"


class TwoTaps(TapWorld):
    """The first TAP as ever; the second's kernel end is in a namespace of its own, self.second_ns."""

    def __init__(self, family=4):
        super().__init__(family=family)
        self.second_ns = self.add_namespace("s")
        self.second, self.second_peer = ((SECOND6, SECOND_PEER6) if family == 6 else
                                         (SECOND4, SECOND_PEER4))
        self.second_url = f"[{SECOND6}]" if family == 6 else SECOND4

    def env(self, **more):
        e = super().env()
        e["SHIM_VDEV_2"] = "net_tap1,iface=shim1"
        e["SHIM_ADDR_2"] = f"{SECOND4}/16" + (f",{SECOND6}/64" if self.family == 6 else "")
        e.update(more)
        return e

    def ready(self, p):
        super().ready(p)
        self.move_second()

    def move_second(self):
        wait_until(lambda: "shim1" in sh(["ip", "-n", self.ns, "link"]), "the second TAP")
        # The one that an ended program had may be going still.
        wait_until(lambda: "shim1" not in sh(["ip", "-n", self.second_ns, "link"]), "the first one's end")
        sh(["ip", "-n", self.ns, "link", "set", "shim1", "netns", self.second_ns])
        self.kernel_addresses(self.second_ns, "shim1", SECOND_PEER4, SECOND_PEER6)
        sh(["ip", "-n", self.second_ns, "link", "set", "shim1", "up"])

    def run_second(self, *args, seconds=60):
        return sh(["ip", "netns", "exec", self.second_ns] + list(args), seconds, cwd=self.dir)


def nginx_on_two_taps(family):
    """One nginx, workers and all, behind two ports; the one's peer cannot see the other's."""
    with TwoTaps(family) as w:
        need("nginx", "curl", "wrk")
        p = w.shim("nginx", "-c", nginx_conf(w))
        w.listening(80, p)
        w.listening(80, p, ns=w.second_ns, host=w.second)
        for run, url in ((w.run, w.url_host), (w.run_second, w.second_url)):
            check(run("curl", "-sS", "--max-time", "10", f"http://{url}/index.html") == PAGE,
                  "the page arrived changed from", url)
            run("curl", "-sS", "--max-time", "30", "-o", w.path("got"), f"http://{url}/big")
            check(sha256(w.path("got")) == sha256(w.path("www/big")), "changed from", url)
            out = run("wrk", "-t1", "-c20", "-d1s", f"http://{url}/index.html")
            check("Socket errors" not in out and "Non-2xx" not in out, out)


# Where the far hosts are: behind the first port's gateway by default, behind the second's by prefix.
FAR = {4: ("192.0.2.200", "198.19.0.5"), 6: ("2001:db8:77::7", "2001:db8:2:7::5")}

WHO_AM_I = r"""
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], 7000))
s.listen(5)
while True:
    c, a = s.accept()
    c.sendall(a[0].encode())
    c.close()
"""

ASK = r"""
import socket, sys
for host in sys.argv[1:]:
    s = socket.create_connection((host, 7000), timeout=10)
    answer = s.recv(100).decode()
    print(host, s.getsockname()[0], answer)
"""


def routes(family):
    """A default gateway on one port, one for a prefix on the other: each far host sees its port's address."""
    with TwoTaps(family) as w:
        plen = "128" if family == 6 else "32"
        for ns, host in zip((w.ns, w.second_ns), FAR[family]):
            sh(["ip", "-n", ns, "addr", "add", f"{host}/{plen}", "dev", "lo"])
            w.start_in(ns, [PYTHON, "-c", WHO_AM_I, host])
            w.listening(7000, ns=ns, host=host)
        prefix = "2001:db8:2:7::/64" if family == 6 else "198.19.0.0/16"
        p = w.start_in(w.ns, [PYTHON, "-c", ASK, *FAR[family]], env=w.env(
            SHIM_LOG="error", SHIM_ADDR=f"{SHIM4}/25" if family == 4 else f"{w.host}/64",
            SHIM_GATEWAY=w.peer, SHIM_GATEWAY_2=f"{prefix}@{w.second_peer}"))
        w.ready(p)
        check(p.wait(timeout=30) == 0, w.output(p))
        lines = w.output(p).splitlines()
        check(lines == [f"{FAR[family][0]} {w.host} {w.host}",
                        f"{FAR[family][1]} {w.second} {w.second}"], w.output(p))


OWN = r"""
import os, socket, sys, threading
addresses = sys.argv[1:]
family = socket.AF_INET6 if ":" in addresses[0] else socket.AF_INET
def serve(listener):
    c, _ = listener.accept()
    while True:
        d = c.recv(65536)
        if not d:
            break
        c.sendall(d)
    c.close()
def talk(to, source):
    c = socket.create_connection(to, timeout=10, source_address=(source, 0))
    assert c.getpeername()[0] == to[0] and c.getsockname()[0] == source
    data, got = os.urandom(1 << 20), b""
    t = threading.Thread(target=lambda: (c.sendall(data), c.shutdown(socket.SHUT_WR)))
    t.start()
    while True:
        d = c.recv(65536)
        if not d:
            break
        got += d
    t.join()
    assert got == data, len(got)
def tcp(server, client, forked):
    l = socket.socket(family)
    l.bind((server, 0))
    l.listen(5)
    to = l.getsockname()[:2]
    if forked:
        child = os.fork()
        if child == 0:
            serve(l)
            os._exit(0)
    else:
        t = threading.Thread(target=serve, args=(l,))
        t.start()
    talk(to, client)
    if forked:
        assert os.waitpid(child, 0)[1] == 0
    else:
        t.join()
def udp(server, client):
    a, b = socket.socket(family, socket.SOCK_DGRAM), socket.socket(family, socket.SOCK_DGRAM)
    a.settimeout(10), b.settimeout(10)
    a.bind((server, 0)), b.bind((client, 0))
    for n in 0, 1, 1400, 9000, 60000:
        d = os.urandom(n)
        b.sendto(d, a.getsockname()[:2])
        got, source = a.recvfrom(65536)
        assert got == d and source[:2] == b.getsockname()[:2], (n, source)
        a.sendto(d[::-1], source)
        assert b.recv(65536) == d[::-1], n
    dead = a.getsockname()[:2]
    a.close()
    b.connect(dead)
    b.send(b"x")
    try:
        b.recv(1)
        print("no error from a closed port")
    except ConnectionRefusedError:
        pass
for server in addresses:
    for client in addresses:
        for forked in False, True:
            tcp(server, client, forked)
        udp(server, client)
        print(server, client, "good")
"""


def own_addresses(family):
    """Threads and forked processes of one program over the stack's own addresses, also of two ports."""
    with TwoTaps(family) as w:
        p = w.start_in(w.ns, [PYTHON, "-c", OWN, w.host, w.second], env=w.env(SHIM_LOG="error"))
        check(p.wait(timeout=60) == 0, w.output(p))
        check(w.output(p).splitlines() == [f"{a} {b} good" for a in (w.host, w.second)
                                           for b in (w.host, w.second)], w.output(p))


INI = """
[shim]
log = error
# the first port
vdev = net_tap0,iface=shim0
addr = {first}
[port second]
vdev = net_tap1,iface=shim1
addr = {second}
mtu = 1400
"""


def by_file_and_flags():
    """The same two ports by an INI file, by flags, and refused where something is wrong."""
    with TwoTaps() as w:
        ini = w.write("shim.ini", INI.format(first=f"{SHIM4}/24", second=f"{SECOND4}/16"))
        flags = ["--vdev", "net_tap0,iface=shim0", "--addr", f"{SHIM4}/24", "--log", "error", "--vdev",
                 "net_tap1,iface=shim1", "--addr", f"{SECOND4}/16", "--mtu", "1400"]
        env = {k: v for k, v in os.environ.items() if not k.startswith("SHIM_")}
        env["SHIM_TIME_WAIT"] = "10ms"
        for how in (["--config", ini], flags):
            p = w.start_in(w.ns, [SHIM, "run", *how, "--", PYTHON, "-c", WHO_AM_I, "0.0.0.0"], env=env)
            w.ready(p)
            w.listening(7000, p)
            w.listening(7000, p, ns=w.second_ns, host=SECOND4)
            check("mtu 1400" in sh(["ip", "-n", w.second_ns, "link", "show", "shim1"]), "MTU")
            check(w.run_second(PYTHON, "-c", ASK, SECOND4).split()[2] == SECOND_PEER4, "name")
            p.terminate()
            p.wait(timeout=10)
            wait_until(lambda: not w.has_iface(), "the ports to go")
        try:
            w.run(SHIM, "run", *flags, "--vdev", "net_tap2,iface=shim0", "true")
        except Failed as e:
            check("addr of port 3 is missing" in str(e), e)
        else:
            raise Failed("a port without address was taken")


def second_port_in_use():
    """Another program cannot have the second port while the first one runs; afterwards it can."""
    with TwoTaps() as w:
        p = w.shim(PYTHON, "-c", WHO_AM_I, "0.0.0.0")
        env = TapWorld.env(w)
        env.update(SHIM_VDEV="net_tap1,iface=shim1", SHIM_ADDR=f"{SECOND4}/16")
        q = w.start_in(w.ns, [PYTHON, "-c", WHO_AM_I, SECOND4], env=env)
        q.wait(timeout=30)
        check("port net_tap1,iface=shim1 is in use by process" in w.output(q), w.output(q))
        w.alive(p)
        p.terminate()
        p.wait(timeout=10)
        q = w.start_in(w.ns, [PYTHON, "-c", WHO_AM_I, SECOND4], env=env)
        w.move_second()
        w.listening(7000, q, ns=w.second_ns, host=SECOND4)


TESTS = both_families([
    ("nginx_on_two_taps", nginx_on_two_taps),
    ("routes_by_gateway_on_two_ports", routes),
    ("own_addresses_of_two_ports", own_addresses),
]) + [
    ("two_ports_by_file_and_by_flags", by_file_and_flags),
    ("second_port_is_claimed_too", second_port_in_use),
]

if __name__ == "__main__":
    sys.exit(main(TESTS))
