#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
diff_peer.py - the far side of diff.c, always on the kernel's stack.

usage: diff_peer.py ADDRESS, 0.0.0.0 or ::.  Services: 7000 echo, 7001 UDP echo, 7002 closes at once,
7003 resets at once, 7004 never reads, 7005 sends a pattern, 7006 closes with unread data
(a reset), 7007 control: "HOST PORT MODE" makes the peer connect there.
"""
import socket
import struct
import sys
import threading
import time

ADDR = sys.argv[1]
FAMILY = socket.AF_INET6 if ":" in ADDR else socket.AF_INET
held = []


def serve(port, handler):
    s = socket.socket(FAMILY)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if handler is mute:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.bind((ADDR, port))
    s.listen(64)

    def run():
        while True:
            c, _ = s.accept()
            threading.Thread(target=guarded, args=(handler, c), daemon=True).start()
    threading.Thread(target=run, daemon=True).start()


def guarded(handler, c):
    try:
        handler(c)
    except OSError:
        pass


def echo(c):
    while True:
        d = c.recv(65536)
        if not d:
            break
        c.sendall(d)
    c.close()


def fin(c):
    c.close()


def rst(c):
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.close()


def mute(c):
    held.append(c)


def pattern(c):
    c.sendall(bytes((i * 7 + (i >> 8)) & 255 for i in range(100000)))
    c.close()


def unread(c):
    c.recv(1)
    c.close()


def control(c):
    host, port, mode = c.recv(100).decode().split()
    try:
        s = socket.create_connection((host, int(port)), timeout=10)
    except ConnectionRefusedError:
        print("refused" if mode == "expect-refused" else "unexpected refusal", flush=True)
        c.sendall(b"refused")
        c.close()
        return
    c.sendall(b"done")
    c.close()
    if mode == "send-hello":
        s.sendall(b"hello\n")
        held.append(s)
    elif mode == "half-close":
        s.sendall(b"half")
        s.shutdown(socket.SHUT_WR)
        held.append(s)
    elif mode == "last-words":
        time.sleep(0.1)  # the other side waits by now
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        s.sendall(b"last")
        s.shutdown(socket.SHUT_WR)
        held.append(s)
    elif mode == "urgent":
        s.sendall(b"before")
        s.send(b"!", socket.MSG_OOB)
        s.sendall(b"behind")
        held.append(s)
    else:
        held.append(s)


def udp_echo():
    u = socket.socket(FAMILY, socket.SOCK_DGRAM)
    u.bind((ADDR, 7001))
    while True:
        d, a = u.recvfrom(70000)
        u.sendto(d, a)


for p, h in ((7000, echo), (7002, fin), (7003, rst), (7004, mute), (7005, pattern),
             (7006, unread), (7007, control)):
    serve(p, h)
print("ready", flush=True)
udp_echo()
