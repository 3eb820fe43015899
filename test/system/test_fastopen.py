#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""
test_fastopen.py - TCP Fast Open between the shim and the kernel, each in both roles.

The client connects twice with MSG_FASTOPEN or TCP_FASTOPEN_CONNECT.  The first time it has no
cookie, the second time its data must go with the SYN, and both ends must say so in TCP_INFO.
"""
import sys

import shimtest
from shimtest import check

PROGRAM = r'''
import socket, sys
FASTOPEN, FASTOPEN_CONNECT, MSG_FASTOPEN, SYN_DATA = 23, 30, 0x20000000, 32
def syn_data(s):
    return s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[5] & SYN_DATA != 0
def server(address):
    l = socket.socket()
    l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    l.setsockopt(socket.IPPROTO_TCP, FASTOPEN, 5)
    l.bind((address, 7000)); l.listen(5)
    print("ready", flush=True)
    while True:
        c, _ = l.accept()
        got = c.recv(100)
        if got:
            c.sendall(b"%s %d" % (got, syn_data(c)))
        c.close()
def client(address, how):
    for i in range(2):
        s = socket.socket()
        s.settimeout(None)
        if how == "connect":
            s.setsockopt(socket.IPPROTO_TCP, FASTOPEN_CONNECT, 1)
            s.connect((address, 7000))
            n = s.send(b"hello")
        else:
            n = s.sendto(b"hello", MSG_FASTOPEN, (address, 7000))
        assert n == 5, n
        print(s.recv(100).decode(), int(syn_data(s)))
        s.close()
(server if sys.argv[1] == "server" else client)(*sys.argv[2:])
'''


def enable(world):
    for ns in world.namespaces:
        shimtest.sh(["ip", "netns", "exec", ns, "sysctl", "-qw", "net.ipv4.tcp_fastopen=3"])


def serve(w, start, address):
    p = start(shimtest.PYTHON, w.path("fo.py"), "server", address)
    shimtest.wait_until(lambda: "ready" in w.output(p), "the server")
    return p


def exchange(run, w, address, how):
    lines = run(shimtest.PYTHON, w.path("fo.py"), "client", address, how, seconds=30).split("\n")
    lines = [x for x in lines if x.startswith("hello")]
    check(lines == ["hello 0 0", "hello 1 1"], "client by", how, "saw", lines)


def shim_serves_the_kernel():
    for how in "sendto", "connect":
        with shimtest.VethWorld() as w:
            enable(w)
            w.write("fo.py", PROGRAM)
            serve(w, w.shim, shimtest.SHIM4)
            exchange(w.run, w, shimtest.SHIM4, how)


def kernel_serves_the_shim():
    for how in "sendto", "connect":
        with shimtest.VethWorld() as w:
            enable(w)
            w.write("fo.py", PROGRAM)
            serve(w, w.kernel, shimtest.PEER4)
            exchange(w.run_shim, w, shimtest.PEER4, how)


TESTS = [
    ("fastopen_shim_serves_the_kernel", shim_serves_the_kernel),
    ("fastopen_kernel_serves_the_shim", kernel_serves_the_shim),
]

if __name__ == "__main__":
    sys.exit(shimtest.main(TESTS))
