# SPDX-License-Identifier: BSD-3-Clause
"""
script.py - what a script is written in.

    @script
    def a_delayed_ack_comes_after_40_ms(t):
        fd = t.accepted(mss=1460, ts=True, sack=True, ws=7)
        t.peer("PA", len=6)
        t.sleep(0.1)
        t.call("recv", fd, 100)

t is a Tester: it plays the peer, has the actor make calls, and writes down what comes of it.
The script knows nothing of kernel or shim and expects nothing: the kernel's trace is
what the shim's must be.  Sequence numbers are relative: 0 is the SYN, 1 the first byte, each way.
"""
import errno
import re
import select
import struct
import time
from contextlib import contextmanager

import frame as fr
from consts import (AF_INET, AF_INET6, IPPROTO_TCP, SO_ERROR, SOCK_STREAM, SOL_SOCKET, TCP_INFO, tcp_info)
from trace import Trace, packet_text
from world import MAC, PEER_MAC, SUBJECT4, SUBJECT6

ALL = []
# Nothing for so long after a stimulus: what it causes at once has been seen.
SETTLE_S = 0.008
CALL_LIMIT_S = 8.0
# So often at least it is looked at who waits for a core.
LOOK_S = 0.1
FIRST_PORT, SUBJECT_PORT = 7000, 8080


class ScriptError(Exception):
    """The script cannot go on: a call that should have ended blocks, a socket was not got."""


class Script:
    def __init__(self, fn, families=(4,), opts=None, deviation=None, ignore=None, tolerance=0.0,
                 seconds=1.0):
        self.fn, self.opts, self.deviation = fn, opts or {}, deviation
        self.families, self.ignore, self.tolerance, self.seconds = families, ignore or {}, tolerance, seconds
        self.name = fn.__name__


def script(fn=None, **how):
    """
    Decorator: this function is a script.

    families   (4, 6): run it over both
    opts       what world.OPTIONS has: {"ecn": 1}
    ignore     {field: reason}: "win", "data", "df" are not compared
    deviation  the shim does otherwise, and why that is right; then there must be a difference
    tolerance  further seconds by which times may differ, where the kernel's own runs do
    seconds    about how long it runs; long ones begin first
    """
    def register(f):
        ALL.append(Script(f, **how))
        return f
    return register(fn) if fn else register


class Fd:
    """A descriptor by the name that both traces call it."""

    def __init__(self, number, name):
        self.number, self.name = number, name

    def __str__(self):
        return self.name


class Result:
    """What a call gave: ret, err (0 if it succeeded), more (words)."""

    def __init__(self, ret, err, more):
        self.ret, self.err, self.more = ret, err, more

    def text(self):
        if self.err:
            return f"-1 {errno.errorcode.get(self.err, self.err)}"
        return " ".join([str(self.ret)] + self.more)


class Flow:
    """A TCP connection as the peer sees it."""

    def __init__(self, tester, name, peer_port, port, iss):
        self.t, self.name, self.peer_port, self.port, self.iss = tester, name, peer_port, port, iss
        self.isn = None           # the subject's, once it is known
        self.snd_nxt = 0          # relative: what the peer sends next
        self.rcv_nxt = 0          # relative: end of what has come
        self.ts = False           # both SYNs had timestamps
        self.tsval, self.tsecr = 10000, 0
        self.win = 65535          # as on the wire
        self.peer_syn = {}
        self.last = None          # last packet seen
        self.cookie = None        # Fast Open's, last seen

    def learn(self, p):
        """A segment has come from the subject."""
        if "S" in p.flags:
            self.isn = p.seq
            self.port = p.sport
            self.rcv_nxt = 0
            self.ts = p.opt(fr.OPT_TS) is not None and (not self.peer_syn or "ts" in self.peer_syn)
            if p.opt(fr.OPT_TFO):
                self.cookie = p.opt(fr.OPT_TFO)
        if self.isn is not None and "R" not in p.flags:
            ahead = (p.end() - self.isn - self.rcv_nxt) & 0xffffffff
            if ahead < 0x80000000:
                self.rcv_nxt += ahead
        if p.opt(fr.OPT_TS):
            self.tsecr = int.from_bytes(p.opt(fr.OPT_TS)[:4], "big")
        self.last = p

    def peer(self, flags, **kw):
        self.t.peer(flags, flow=self, **kw)


def syn_options(mss, ws, sackok, tsval, tsecr, tfo):
    """In the order of Linux."""
    opts = b""
    if mss is not None:
        opts += struct.pack(">BBH", 2, 4, mss)
    if sackok:
        opts += b"\4\2" if tsval is not None else b"\1\1\4\2"
    if tsval is not None:
        opts += (b"" if sackok else b"\1\1") + struct.pack(">BBII", 8, 10, tsval & 0xffffffff, tsecr & 0xffffffff)
    if ws is not None:
        opts += struct.pack(">BBBB", 1, 3, 3, ws)
    if tfo is not None:
        opts += struct.pack(">BB", 34, 2 + len(tfo)) + tfo
    return opts + b"\1" * (-len(opts) % 4)


class Tester:
    def __init__(self, world, actor, family, peer_host, ignore=()):
        self.world, self.actor, self.family = world, actor, family
        self.subject = SUBJECT6 if family == 6 else SUBJECT4
        self.any = "::" if family == 6 else "0.0.0.0"
        self.host = f"2001:db8::{peer_host:x}" if family == 6 else f"192.0.2.{peer_host}"
        self.trace, self.ignore = Trace(), ignore
        self.flows, self.packets = [], []
        self.taken = 0
        self.results, self.calls, self.next_id, self.next_thread = {}, {}, 1, 1
        self.bursting = self.silent = False
        self.observer = None      # function of (time, frame), of each that comes; true: it was written down
        self.settle_s = SETTLE_S
        self.names = 0
        self.waited = 0.0
        self.f = self.flow()

    def begin(self):
        """What was done so far does not count."""
        self.trace, self.names, self.packets, self.taken = Trace(), 0, [], 0
        self.trace.begin = time.time()
        self.waited = self.actor.waited()

    def look(self):
        """How long did others wait for a core since the last look?"""
        waited = self.actor.waited()
        self.trace.waited = max(self.trace.waited, waited - self.waited)
        self.waited = waited

    # -- flows -----------------------------------------------------------------------------
    def flow(self, port=SUBJECT_PORT, peer_port=None, iss=None):
        """A further connection; of all, the one named by t.use() is meant where no other is."""
        n = len(self.flows)
        f = Flow(self, "main" if n == 0 else f"flow{n}", peer_port or FIRST_PORT + n, port,
                 1000 if iss is None else iss)
        self.flows.insert(0, f)
        return f

    def use(self, flow):
        self.f = flow

    # -- time and what comes -------------------------------------------------------------------
    def pump(self, until, stop=lambda: False, count_late=True):
        """Take what comes until that time, or until stop() is true."""
        while not stop():
            left = until - time.time()
            if left <= 0:
                return
            ready = select.select([self.world.raw, self.actor.sock], [], [], min(left, LOOK_S))[0]
            self.look()
            if count_late: # also if something came while we should have gone on already
                self.trace.was_late("tester", time.time() - until - 0.002)
            if self.world.raw in ready:
                for stamp, frame in self.world.received():
                    self.trace.was_late("tester, a frame", time.time() - stamp - 0.005)
                    self.frame_came(stamp, frame)
            if self.actor.sock in ready:
                for line in self.actor.answers():
                    self.answer_came(line)

    def frame_came(self, stamp, frame):
        kind = frame[12:14]
        seen = self.observer is not None and self.observer(stamp, frame)
        if kind == b"\x08\x06":
            if frame[20:22] == b"\0\1" and fr.text_of(frame[38:42]) == self.host and not self.silent:
                self.world.raw.send(fr.arp_reply(frame, PEER_MAC))
            return
        p = fr.parse(frame)
        if p is None:
            return
        if p.proto == fr.ICMP6 and p.type == 135:
            if fr.text_of(p.payload[:16]) == self.host and p.src != "::" and not self.silent:
                self.world.raw.send(fr.neighbour_advertisement(PEER_MAC, frame[6:12], self.host, p.src))
            return
        if p.dst == self.host and not seen:
            p.time = stamp
            self.packet_came(p)

    def packet_came(self, p):
        flow, ts = None, None
        if p.proto == fr.TCP and p.flags is not None:
            flow = next((f for f in self.flows if f.peer_port == p.dport and
                         (f.port == p.sport or "S" in p.flags)), None)
            if flow:
                flow.learn(p)
            ts = int.from_bytes(p.opt(fr.OPT_TS)[:4], "big") if p.opt(fr.OPT_TS) else None
        p.flow = flow
        stream = flow.name if flow else "other"
        text = packet_text(p, flow or Flow(self, "other", 0, 0, 0), self.ignore)
        self.trace.add("packet", p.time, text, stream, ts)
        self.packets.append(p)

    def answer_came(self, line):
        number, ret, err, begin, end, *more = line.split()
        self.results[int(number)] = (Result(int(ret), int(err), self.neutral(more)), int(begin) / 1e9,
                                     int(end) / 1e9)

    def neutral(self, words):
        """The peer's address differs from run to run, ephemeral ports too."""
        words = [w.replace(self.host, "PEER") for w in words]
        return ["EPHEMERAL" if w.isdigit() and 32768 <= int(w) < 61000 and i == 1 and
                re.search(r"[.:]|PEER", words[0]) else w for i, w in enumerate(words)]

    def did(self, text):
        self.trace.add("do", time.time(), text)

    def settle(self):
        if self.bursting:
            return
        seen, end = len(self.packets), time.time() + self.settle_s
        while time.time() < end:
            self.pump(end, lambda n=seen: len(self.packets) != n)
            if len(self.packets) != seen:
                seen, end = len(self.packets), time.time() + self.settle_s

    @contextmanager
    def burst(self):
        """What is done inside follows at once, without waiting for what it causes."""
        self.bursting = True
        yield
        self.bursting = False
        self.settle()

    def sleep(self, seconds):
        self.pump(time.time() + seconds)

    def until_quiet(self, gap=0.1, most=5.0):
        """Until nothing has come for gap seconds."""
        end = time.time() + most
        while time.time() < end:
            seen = len(self.packets)
            self.pump(time.time() + gap, lambda n=seen: len(self.packets) != n)
            if len(self.packets) == seen:
                return

    def until_packet(self, most=3.0):
        """Until the next packet; it, or None."""
        seen = len(self.packets)
        self.pump(time.time() + most, lambda: len(self.packets) > seen, count_late=False)
        self.settle()
        return self.packets[seen] if len(self.packets) > seen else None

    def new_packets(self):
        """Those that came since the last call of this."""
        got, self.taken = self.packets[self.taken:], len(self.packets)
        return got

    # -- the peer ---------------------------------------------------------------------------
    def raw_frame(self, ip_packet, text):
        """Send an IP packet as it is."""
        proto = fr.ETH_IP6 if ip_packet[0] >> 4 == 6 else fr.ETH_IP4
        self.did(text)
        self.world.raw.send(fr.ether(PEER_MAC, MAC, proto, ip_packet))
        self.settle()

    def peer(self, flags, flow=None, seq=None, ack=None, len=0, win=None, mss=None, ws=None, sackok=False,
             ts=None, tsval=None, tsecr=None, sack=(), tfo=None, opts=None, data=None, urg=0, ttl=64, tos=0,
             df=True, bad_csum=False):
        """
        A segment from the peer.  flags: letters of FSRPAUECN.  What is not said: seq the next one,
        ack all that has come, win as before, timestamps if both agreed on them (ts=False: none).
        opts: bytes, instead of all options.
        """
        f = flow or self.f
        seq = f.snd_nxt if seq is None else seq
        payload = data if data is not None else bytes((seq + i) * 7 & 255 for i in range(len))
        if win is not None:
            f.win = win
        if "S" in flags:
            f.peer_syn = {"ts": True} if ts else {}
            f.ts = bool(ts) and ("A" not in flags or f.ts)
        if ts or tsval is not None or (ts is None and f.ts and "S" not in flags and "R" not in flags):
            f.tsval = f.tsval + 10 if tsval is None else tsval
            stamp = (f.tsval, (f.tsecr if "A" in flags else 0) if tsecr is None else tsecr)
        else:
            stamp = None
        if opts is None:
            opts = self.options(f, flags, mss, ws, sackok, stamp, sack, tfo)
        if ack is None:
            ack = f.rcv_nxt if "A" in flags else None
        wire_ack = 0 if ack is None else ack + (f.isn or 0)
        seg = fr.tcp(self.host, self.subject, f.peer_port, f.port or SUBJECT_PORT, f.iss + seq, wire_ack, flags,
                     f.win, payload, opts, urg, bad_csum)
        end = seq + payload.__len__() + ("S" in flags) + ("F" in flags)
        f.snd_nxt = max(f.snd_nxt, end)
        self.raw_frame(fr.ip(self.host, self.subject, fr.TCP, seg, ttl=ttl, tos=tos, df=df),
                       f"peer{'' if f.name == 'main' else ' ' + f.name} {flags} {seq}:{seq + payload.__len__()}"
                       f"({payload.__len__()})" + ("" if ack is None else f" ack {ack}") + f" win {f.win}"
                       + (f" sack {list(sack)}" if sack else "") + (f" tsval {stamp[0]}" if stamp else ""))

    @staticmethod
    def options(f, flags, mss, ws, sackok, stamp, sack, tfo):
        if "S" in flags:
            return syn_options(mss, ws, sackok, *(stamp or (None, None)), tfo)
        opts = b"\1\1" + struct.pack(">BBII", 8, 10, *(v & 0xffffffff for v in stamp)) if stamp else b""
        if sack:
            opts += b"\1\1" + struct.pack(">BB", 5, 2 + 8 * len(sack))
            for a, b in sack:
                opts += struct.pack(">II", (a + (f.isn or 0)) & 0xffffffff, (b + (f.isn or 0)) & 0xffffffff)
        return opts

    def icmp(self, kind, code, rest=0, flow=None, quote=None, seq=None, size=None):
        """
        An ICMP error about a packet of the flow's (default: the last that came), or about quote.
        seq: relative, instead of the quoted segment's; size: bytes that are quoted.
        """
        f = flow or self.f
        q = bytearray(quote or f.last.raw)
        head = 40 if q[0] >> 4 == 6 else (q[0] & 15) * 4
        if seq is not None:
            q[head + 4:head + 8] = struct.pack(">I", (seq + f.isn) & 0xffffffff)
        q = bytes(q[:size or head + 8])
        router = "2001:db8::fe" if self.family == 6 else "192.0.2.254"
        m = fr.icmp(kind, code, rest, q, v6=(router, self.subject) if self.family == 6 else None)
        self.raw_frame(fr.ip(router, self.subject, fr.ICMP6 if self.family == 6 else fr.ICMP, m, df=False),
                       f"icmp {kind}/{code} {rest} seq {seq}")

    # -- calls --------------------------------------------------------------------------------------
    def send_call(self, thread, name, args):
        number, self.next_id = self.next_id, self.next_id + 1
        words = [str(a.number if isinstance(a, Fd) else a) for a in args]
        text = " ".join([name] + ["PEER" if a == self.host else str(a) for a in args])
        self.did(text)
        self.calls[number] = (text, time.time())
        self.actor.tell(" ".join([str(number), str(thread), name] + words))
        return number

    def ended(self, number, kind):
        """Write down how a call ended; its Result."""
        result, begin, end = self.results[number]
        text, told = self.calls[number]
        name = text.split()[0]
        if name in ("socket", "accept", "epoll_create", "dup") and result.ret >= 0:
            self.names += 1
            result.ret = Fd(result.ret, f"fd{self.names}")
        if kind == "call":
            self.trace.was_late("actor", begin - told - 0.005)
            self.trace.was_late("tester, an answer", time.time() - end - 0.005)
        self.trace.add(kind, end, f"{text} → {result.text()}", "calls" if kind == "call" else f"call {number}")
        return result

    def call(self, name, *args):
        """Make a call that ends soon; its Result."""
        number = self.send_call(0, name, args)
        self.pump(time.time() + CALL_LIMIT_S, lambda: number in self.results, count_late=False)
        if number not in self.results:
            self.trace.add("call", time.time(), f"{self.calls[number][0]} → blocks", "calls")
            raise ScriptError(f"blocked: {self.calls[number][0]}")
        result = self.ended(number, "call")
        self.settle()
        return result

    def start(self, name, *args):
        """Begin a call that may block; a handle for end()."""
        thread, self.next_thread = self.next_thread, self.next_thread + 1
        number = self.send_call(thread, name, args)
        self.settle()
        return number

    def is_over(self, handle):
        return handle in self.results

    def end(self, handle, most=3.0):
        """Wait for the end of what start() began; its Result, or None: it still blocks."""
        self.pump(time.time() + most, lambda: handle in self.results, count_late=False)
        if handle in self.results:
            return self.ended(handle, "end")
        self.trace.add("call", time.time(), f"{self.calls[handle][0]} → still blocks", f"call {handle}")
        return None

    # -- what scripts do all the time ------------------------------------------------------------------
    def socket(self, kind=SOCK_STREAM, proto=0):
        fd = self.call("socket", AF_INET6 if self.family == 6 else AF_INET, kind, proto).ret
        if not isinstance(fd, Fd):
            raise ScriptError("no socket")
        return fd

    def setint(self, fd, level, name, value):
        return self.call("setsockopt", fd, level, name, value)

    def getint(self, fd, level, name):
        r = self.call("getsockopt", fd, level, name, 4)
        return int.from_bytes(bytes.fromhex(r.more[1]), "little", signed=True) if not r.err else None

    def error(self, fd):
        return self.getint(fd, SOL_SOCKET, SO_ERROR)

    def info(self, fd, *fields):
        """Put these fields of TCP_INFO into the trace; name → value of all."""
        number = self.send_call(0, "getsockopt", (fd, IPPROTO_TCP, TCP_INFO, 280))
        self.pump(time.time() + CALL_LIMIT_S, lambda: number in self.results, count_late=False)
        result, _, end = self.results[number]
        if result.err:
            self.ended(number, "call")
            return {}
        values = tcp_info(bytes.fromhex(result.more[1]))
        self.trace.add("call", end, f"tcp_info {fd}: " + " ".join(f"{f}={values[f]}" for f in fields), "calls")
        return values

    def listener(self, backlog=8, setup=None, port=SUBJECT_PORT):
        """A listening socket; setup(fd) is called before listen()."""
        fd = self.socket()
        self.setint(fd, SOL_SOCKET, 2, 1)
        self.call("bind", fd, self.any, port)
        if setup:
            setup(fd)
        self.call("listen", fd, backlog)
        return fd

    def accepted(self, mss=1460, ws=None, sack=False, ts=False, win=65535, setup=None, flow=None, ack_win=None,
                 tos=0, rtt=0):
        """A connection that the peer made; the accepted descriptor (t.listening: the listener)."""
        self.listening = self.listener(setup=setup)
        f = flow or self.f
        f.peer("S", mss=mss, ws=ws, sackok=sack, ts=ts, win=win, tos=tos)
        self.pump(time.time() + 1, lambda: f.isn is not None, count_late=False)
        self.sleep(rtt)
        f.peer("A", win=ack_win)
        r = self.call("accept", self.listening)
        if r.err:
            raise ScriptError("nothing accepted")
        return r.ret

    def connecting(self, setup=None, flow=None, blocking=False):
        """A socket whose SYN is out; with blocking (fd, handle of connect)."""
        f = flow or self.f
        f.port = None
        fd = self.socket(SOCK_STREAM | (0 if blocking else 0o4000))
        if setup:
            setup(fd)
        if blocking:
            return fd, self.start("connect", fd, self.host, f.peer_port)
        self.call("connect", fd, self.host, f.peer_port)
        return fd

    def connected(self, mss=1460, ws=None, sack=False, ts=False, win=65535, setup=None, flow=None):
        """A connection that the subject made."""
        fd = self.connecting(setup, flow)
        f = flow or self.f
        self.pump(time.time() + 1, lambda: f.isn is not None, count_late=False)
        f.peer("SA", mss=mss, ws=ws, sackok=sack, ts=ts, win=win)
        return fd

    def poll(self, fd, events=None, timeout=0):
        from consts import POLL_ALL
        return self.call("poll", timeout, fd, POLL_ALL if events is None else events)
