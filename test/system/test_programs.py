#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""memcached, iperf3, iperf, sockperf, nc, curl, wrk, python, node, haproxy: a few seconds each."""
import json
import os
import shutil
import sys

from shimtest import (PYTHON, Detached, TapWorld, VethWorld, both_families, check, main, need, sh,
                      sha256, wait_until)

MEMCACHED_CLIENT = r"""
import socket, sys, hashlib
host = sys.argv[1]
s = socket.create_connection((host, 11211), timeout=10)
f = s.makefile("rb")
for i in range(300):
    v = hashlib.sha256(b"%d" % i).digest() * (1 + i * 7 % 900)
    s.sendall(b"set k%d 0 0 %d\r\n" % (i, len(v)) + v + b"\r\n")
    assert f.readline() == b"STORED\r\n"
for i in range(300):
    v = hashlib.sha256(b"%d" % i).digest() * (1 + i * 7 % 900)
    s.sendall(b"get k%d\r\n" % i)
    assert f.readline() == b"VALUE k%d 0 %d\r\n" % (i, len(v))
    assert f.read(len(v) + 2) == v + b"\r\n"
    assert f.readline() == b"END\r\n"
u = socket.socket(s.family, socket.SOCK_DGRAM)
u.settimeout(5)
for i in range(100):
    u.sendto(b"\0%c\0\0\0\1\0\0" % i + b"get k0\r\n", (host, 11211))
    got, _ = u.recvfrom(2000)
    assert got[:2] == b"\0%c" % i and got[8:].startswith(b"VALUE k0"), got
print("good")
"""


def memcached(family):
    with TapWorld(family=family) as w:
        need("memcached")
        p = w.shim("memcached", "-u", "root", "-t", "4", "-p", "11211", "-U", "11211", "-l",
                   w.any)
        w.listening(11211, p)
        check("good" in w.run(PYTHON, "-c", MEMCACHED_CLIENT, w.host))


def iperf3_result(out):
    j = json.loads(out)
    check("error" not in j, j.get("error"))
    end = j["end"]
    if "sum_received" in end:
        return end["sum_received"]["bits_per_second"] / 1e9
    return end["sum"]["bits_per_second"] / 1e9


def iperf3_server(family):
    with TapWorld(family=family) as w:
        need("iperf3")
        p = w.shim("iperf3", "-s", "--forceflush")
        w.listening(5201, p)
        notes = []
        for how in ([], ["-R"], ["-P", "4"], ["--bidir"]):
            g = iperf3_result(w.run("iperf3", "-c", w.host, "-t", "2", "-J", *how))
            check(g > 0.05, f"only {g:.3f} Gbit/s with", how)
            notes.append(f"{' '.join(how) or 'plain'} {g:.1f}")
        w.run("iperf3", "-c", w.host, "-u", "-b", "50M", "-t", "2")
        return "Gbit/s: " + ", ".join(notes)


def iperf3_client(family):
    with VethWorld(family=family) as w:
        need("iperf3")
        w.kernel("iperf3", "-s")
        w.listening(5201, host=w.peer)
        notes = []
        for how in ([], ["-R"]):
            g = iperf3_result(w.run_shim("iperf3", "-c", w.peer, "-t", "2", "-J", *how))
            check(g > 0.05, f"only {g:.3f} Gbit/s with", how)
            notes.append(f"{' '.join(how) or 'plain'} {g:.1f}")
        return "Gbit/s: " + ", ".join(notes)


def iperf_server(family):
    with TapWorld(family=family) as w:
        need("iperf")
        v6 = ["-V"] if family == 6 else []
        p = w.shim("iperf", "-s", *v6)
        w.listening(5001, p)
        out = w.run("iperf", "-c", w.host, "-t", "2", *v6)
        check("bits/sec" in out, out)
        out = w.run("iperf", "-c", w.host, "-t", "2", "-P", "3", "-d", *v6)
        check("bits/sec" in out, out)


def sockperf_server():
    with TapWorld() as w:
        need("sockperf")
        for proto in ([], ["--tcp"]):
            p = w.shim("sockperf", "server", "-i", w.host, "-p", "11111", *proto)
            if proto:
                w.listening(11111, p)
            out = w.run("sockperf", "ping-pong", "-i", w.host, "-p", "11111", "-t", "2", *proto)
            check("avg-latency" in out or "avg-lat" in out, out)
            p.terminate()
            p.wait(timeout=10)


def sockperf_client():
    with VethWorld() as w:
        need("sockperf")
        w.kernel("sockperf", "server", "-i", w.peer, "-p", "11111", "--tcp")
        w.listening(11111, host=w.peer)
        out = w.run_shim("sockperf", "ping-pong", "-i", w.peer, "-p", "11111", "-t", "2", "--tcp")
        check("avg-lat" in out, out)


def nc_both_ways(family):
    with TapWorld(family=family) as w:
        need("nc")
        sh(["dd", "if=/dev/urandom", f"of={w.path('data')}", "bs=64k", "count=40"])
        p = w.start_in(w.ns, ["sh", "-c", f"nc -{family} -l 9999 > {w.path('got')}"], env=w.env())
        w.ready(p)
        w.run("sh", "-c", f"nc -N {w.host} 9999 < {w.path('data')}")
        p.wait(timeout=10)
        check(sha256(w.path("got")) == sha256(w.path("data")), "2.6 MB arrived changed")


def curl_as_client(family):
    with VethWorld(family=family) as w:
        need("curl")
        os.makedirs(w.path("www"))
        sh(["dd", "if=/dev/urandom", f"of={w.path('www/file')}", "bs=1M", "count=20"])
        w.kernel(PYTHON, "-m", "http.server", "8000", "--bind", w.peer, "--directory",
                 w.path("www"))
        w.listening(8000, host=w.peer)
        w.run_shim("curl", "-sS", "--max-time", "30", "-o", w.path("got"),
                   f"http://{w.url_peer}:8000/file")
        check(sha256(w.path("got")) == sha256(w.path("www/file")), "20 MB arrived changed")


def wrk_as_client(family):
    with VethWorld(family=family) as w:
        need("wrk", "nginx")
        conf = w.write("n.conf", f"daemon off; user root; pid {w.path('pid')};"
                       f"error_log {w.path('e.log')}; events {{}} http {{ access_log off; "
                       f"server {{ listen [::]:80 ipv6only=off; return 200 hello; }} }}")
        w.kernel("nginx", "-c", conf)
        w.listening(80, host=w.peer)
        out = w.run_shim("wrk", "-t2", "-c20", "-d2s", f"http://{w.url_peer}/")
        check("Socket errors" not in out and "Requests/sec" in out, out)


PREFORK = r"""
import os, socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], 7000))
s.listen(128)
for _ in range(4):
    if os.fork() == 0:
        while True:
            c, _ = s.accept()
            while True:
                d = c.recv(65536)
                if not d:
                    break
                c.sendall(d)
            c.close()
os.wait()
"""

ECHO_CLIENT = r"""
import os, socket, sys, threading
host, port, conns, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
for i in range(conns):
    data = os.urandom(size)
    s = socket.create_connection((host, port), timeout=20)
    t = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
    t.start()
    got = b""
    while True:
        d = s.recv(65536)
        if not d:
            break
        got += d
    t.join()
    s.close()
    assert got == data, (i, len(got), len(data))
print("good")
"""


def python_prefork(family):
    with TapWorld(family=family) as w:
        script = w.write("prefork.py", PREFORK)
        p = w.shim(PYTHON, script, w.any)
        w.listening(7000, p)
        check("good" in w.run(PYTHON, "-c", ECHO_CLIENT, w.host, "7000", "40", "300000"))


def python_http_server(family):
    with TapWorld(family=family) as w:
        need("curl")
        os.makedirs(w.path("www"))
        sh(["dd", "if=/dev/urandom", f"of={w.path('www/file')}", "bs=1M", "count=10"])
        p = w.shim(PYTHON, "-m", "http.server", "8000", "--bind", w.any, "--directory",
                   w.path("www"))
        w.listening(8000, p)
        w.run("curl", "-sS", "--max-time", "30", "-o", w.path("got"), f"http://{w.url_host}:8000/file")
        check(sha256(w.path("got")) == sha256(w.path("www/file")), "10 MB arrived changed")


NODE = r"""
const http = require('http'), net = require('net');
http.createServer((q, r) => { let n = 0; q.on('data', d => n += d.length);
  q.on('end', () => r.end('got ' + n)); }).listen(8080);
net.createServer(s => s.pipe(s)).listen(7000);
"""


def node(family):
    with TapWorld(family=family) as w:
        need("node", "curl")
        p = w.shim(shutil.which("node"), w.write("s.js", NODE))
        w.listening(7000, p)
        check("good" in w.run(PYTHON, "-c", ECHO_CLIENT, w.host, "7000", "10", "300000"))
        sh(["dd", "if=/dev/urandom", f"of={w.path('data')}", "bs=1M", "count=5"])
        out = w.run("curl", "-sS", "--max-time", "20", "--data-binary", f"@{w.path('data')}",
                    f"http://{w.url_host}:8080/")
        check(out == f"got {5 << 20}", out)


def haproxy(family):
    """haproxy under the shim in front of a server on the kernel's loopback."""
    with TapWorld(family=family) as w:
        need("haproxy", "curl")
        os.makedirs(w.path("www"))
        sh(["dd", "if=/dev/urandom", f"of={w.path('www/file')}", "bs=1M", "count=10"])
        w.start_in(w.ns, [PYTHON, "-m", "http.server", "8000", "--bind", "127.0.0.1",
                          "--directory", w.path("www")])
        conf = w.write("h.cfg", "global\n maxconn 200\ndefaults\n mode http\n"
                       " timeout connect 5s\n timeout client 20s\n timeout server 20s\n"
                       f"frontend f\n bind {w.any}:80\n default_backend b\n"
                       "backend b\n server s 127.0.0.1:8000\n")
        p = w.shim("haproxy", "-f", conf, "-db")
        w.listening(80, p)
        for _ in range(10):
            w.run("curl", "-sS", "--max-time", "30", "-o", w.path("got"), f"http://{w.url_host}/file")
            check(sha256(w.path("got")) == sha256(w.path("www/file")), "10 MB arrived changed")


UDP_ECHO = r"""
import os, socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 7777))
if os.fork():
    os._exit(0)
while True:
    d, a = s.recvfrom(65536)
    s.sendto(d, a)
"""


def udp_echo_by_orphan(family):
    """A forked child goes on answering UDP echo and ping after its parent has exited."""
    with TapWorld(family=family) as w:
        p = w.start_in(w.ns, [PYTHON, "-c", UDP_ECHO, w.any], env=w.env())
        wait_until(w.has_iface, "the TAP port")
        p.wait(timeout=10)
        w.ready(Detached())
        out = w.run(PYTHON, "-c", r"""
import socket, os, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
for n in list(range(0, 1400, 13)) + [1472, 3000, 20000, 60000]:
    d = os.urandom(n); s.sendto(d, (sys.argv[1], 7777)); assert s.recvfrom(65536)[0] == d, n
print("good")""", w.host)
        check("good" in out, out)
        w.ping()


TESTS = both_families([
    ("udp_echo_and_ping_by_an_orphaned_child", udp_echo_by_orphan),
    ("memcached_tcp_and_udp_four_threads", memcached),
    ("iperf3_server", iperf3_server),
    ("iperf3_client", iperf3_client),
    ("iperf_server", iperf_server),
    ("nc_server", nc_both_ways),
    ("curl_client", curl_as_client),
    ("wrk_client", wrk_as_client),
    ("python_prefork_server", python_prefork),
    ("python_http_server", python_http_server),
    ("node_server", node),
    ("haproxy_proxies_to_loopback", haproxy),
])
# Debian's sockperf talks IPv4 alone.
TESTS += [
    ("sockperf_server_udp_and_tcp", sockperf_server),
    ("sockperf_client", sockperf_client),
]

if __name__ == "__main__":
    sys.exit(main(TESTS))
