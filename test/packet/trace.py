# SPDX-License-Identifier: BSD-3-Clause
"""
trace.py - what a script has seen, in a form that does not depend on whom it ran against; and
the comparison of two such traces.

A trace has stimuli (what the script did), results of calls, and packets by flow.  Packets of one
flow must be the same in the same order; their times are compared from the stimulus before them.
"""
import re
import zlib

import frame as fr

TOLERANCE_S, TOLERANCE_SHARE = 0.015, 0.2
NEAR_S = 0.005


def distance(a, b):
    """a - b of numbers that wrap at 32 bits."""
    return (a - b + 0x80000000 & 0xffffffff) - 0x80000000


class Event:
    """kind: "do" (stimulus), "call" (its result), "packet", "end" (of a call that blocked)."""

    def __init__(self, kind, time, text, stream="", ts=None):
        self.kind, self.time, self.text, self.stream, self.ts = kind, time, text, stream, ts


def option_text(kind, value, flow):
    number = int.from_bytes(value, "big")
    if kind == fr.OPT_MSS:
        return f"mss {number}"
    if kind == fr.OPT_WS:
        return f"ws {number}"
    if kind == fr.OPT_TS and len(value) == 8:
        return f"TS ecr {number & 0xffffffff}"
    if kind == fr.OPT_SACK and len(value) % 8 == 0:
        edges = [distance(int.from_bytes(value[i:i + 4], "big"), flow.iss)
                 for i in range(0, len(value), 4)]
        return "sack " + " ".join(f"{a}:{b}" for a, b in zip(edges[::2], edges[1::2]))
    if kind == fr.OPT_TFO:
        return f"FO {len(value)}"
    name = {fr.OPT_NOP: "nop", fr.OPT_EOL: "eol", fr.OPT_SACK_OK: "sackOK"}.get(kind)
    return name or f"opt{kind} {value.hex()}"


def tcp_text(p, flow, ignore=()):
    seq = distance(p.seq, flow.isn) if flow.isn is not None else p.seq
    end = seq + len(p.payload)
    text = f"{p.flags.replace('A', '') or '.'} {seq}:{end}({len(p.payload)})"
    if "A" in p.flags:
        text = text.replace(" ", ". ", 1) if p.flags != "A" else text
        text += f" ack {distance(p.ack, flow.iss)}"
    if "win" not in ignore:
        text += f" win {p.win}"
    if "U" in p.flags:
        text += f" urg {p.urg}"
    if p.opts:
        text += " <" + ",".join(option_text(k, v, flow) for k, v in p.opts) + ">"
    if p.payload and "data" not in ignore:
        text += f" data {zlib.crc32(p.payload) & 0xffff:04x}"
    return text


def packet_text(p, flow, ignore=()):
    """All that is compared of a packet but its time and timestamp value."""
    if p.proto == fr.TCP and p.seq is not None:
        text = tcp_text(p, flow, ignore)
    elif p.proto == fr.UDP and p.sport is not None:
        text = f"udp ({len(p.payload)}) data {zlib.crc32(p.payload) & 0xffff:04x}"
    elif p.type is not None:
        text = f"icmp {p.type}/{p.code} {p.rest.hex()} ({len(p.payload)})"
    else:
        text = f"ip proto {p.proto} ({len(p.payload)})"
    if p.frag or p.more:
        text += f" frag {p.frag}{'+' if p.more else ''}"
    if p.ttl != 64:
        text += f" ttl {p.ttl}"
    if p.tos:
        text += f" tos {p.tos:#x}"
    if p.df is False and "df" not in ignore:
        text += " nodf"
    return text + "".join(f" WRONG {w}" for w in p.wrong)


class Trace:
    def __init__(self):
        self.events = []
        self.late, self.late_one = 0.0, "" # the tester or the actor: by how much at the worst, and who
        self.waited = 0.0 # the longest that others waited for a core, which makes no time more tolerable
        self.begin = 0.0

    def was_late(self, who, seconds):
        if seconds > self.late:
            self.late, self.late_one = seconds, who

    def add(self, *args, **kw):
        self.events.append(Event(*args, **kw))

    def stimuli(self):
        return [e for e in self.events if e.kind == "do"]

    def streams(self):
        """Name → events whose order among each other is to be the same."""
        out = {}
        for e in sorted((e for e in self.events if e.kind != "do"), key=lambda e: e.time):
            out.setdefault(e.stream, []).append(e)
        return {name: without_inner_pushes(events) for name, events in out.items()}

    def lines(self):
        marks = {"do": "  ", "call": " =", "packet": " >", "end": " ="}
        for e in sorted(self.events, key=lambda e: e.time):
            stream = f"[{e.stream}] " if e.kind == "packet" and e.stream != "main" else ""
            yield f"{e.time - self.begin:8.3f}{marks[e.kind]} {stream}{e.text}"


def span(event):
    m = re.match(r"\S+ (-?\d+):(-?\d+)\(", event.text) if event.kind == "packet" else None
    return (int(m[1]), int(m[2])) if m else (0, 0)


def without_inner_pushes(events):
    """
    PSH within a burst is how the kernel cuts its super-frames, by its idea of the path's rate: not
    compared.  On a segment that goes alone, or is the short end of a burst, it counts.
    """
    for i, e in enumerate(events):
        flags, (start, end) = e.text.split(" ")[0], span(e)
        before, after = events[i - 1] if i else None, events[i + 1] if i + 1 < len(events) else None
        more = after and after.time - e.time < 0.004 and span(after)[0] == end < span(after)[1]
        goes_on = before and e.time - before.time < 0.004 and span(before)[1] == start
        full = goes_on and end - start == start - span(before)[0]
        if "P" in flags and start < end and (more or full):
            e.text = flags.replace("P", "") + e.text[len(flags):]
    return events


def within(kernel, shim, late):
    return abs(kernel - shim) <= max(TOLERANCE_S, TOLERANCE_SHARE * abs(kernel)) + late


def compare_times(kernel, shim, times, tolerance):
    """Events of a stream, already the same otherwise: pairs whose times differ."""
    ours, theirs = kernel.stimuli(), shim.stimuli()
    late = kernel.late + shim.late + tolerance
    wrong, first = [], None
    for k, s in times:
        i, j = (sum(1 for d in do if d.time <= e.time) - 1 for do, e in ((ours, k), (theirs, s)))
        dk = k.time - (ours[i].time if i >= 0 else kernel.begin)
        ds = s.time - (theirs[i].time if 0 <= i < len(theirs) else shim.begin)
        # Another stimulus caused it, unless a timer ran out just beside one.
        if not within(dk, ds, late) or (i != j and abs(dk - ds) > NEAR_S + late):
            wrong.append(f"time differs: kernel +{dk:.3f} s, shim +{ds:.3f} s: {k.text}")
        if k.ts is not None and s.ts is not None:
            # The clock has the time that passed since the first one, in each trace by itself.
            if first is None or k.text.startswith("S"):
                first = (k, s)
            ek, es = (distance(e.ts, f.ts) / 1000 - (e.time - f.time) for e, f in ((k, first[0]), (s, first[1])))
            if not within(ek, es, late):
                wrong.append(f"timestamp off by: kernel {ek:.3f} s, shim {es:.3f} s: {k.text}")
    return wrong


def compare(kernel, shim, tolerance=0.0):
    """What differs, as lines; nothing if nothing does.  tolerance: further seconds, of times."""
    wrong = []
    ks, ss = kernel.streams(), shim.streams()
    for name in sorted(set(ks) | set(ss)):
        a, b = ks.get(name, []), ss.get(name, [])
        for i in range(max(len(a), len(b))):
            k, s = a[i].text if i < len(a) else "(nothing)", b[i].text if i < len(b) else "(nothing)"
            if k != s:
                wrong.append(f"[{name}] {i + 1}: kernel: {k}")
                wrong.append(f"[{name}] {i + 1}: shim:   {s}")
        if not wrong:
            wrong += compare_times(kernel, shim, list(zip(a, b)), tolerance)
    return wrong
