#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
The same socket program on the kernel over veth and on the shim over AF_PACKET and TAP, a
kernel peer on the far side of each: what every call returned, and its errno, must agree.

Each case is one test.
"""
import os
import sys

from shimtest import (BUILD, PYTHON, ROOT, Detached, Failed, TapWorld, VethWorld, check, main, wait_until)

DIFF = os.path.join(os.path.abspath(BUILD), "test", "diff", "diff")
CASES = """socket_arguments unconnected_stream bind_errors reuseport connect_errors
connect_nonblocking echo_and_names vectors_and_flags receive_timeout peer_closes peer_resets sigpipe
interrupted_calls restarted_calls accepting accept_errors mapped_addresses loopback_and_port
whole_pattern bulk_echo full_send_buffer options option_lengths udp_basics udp_connected
udp_control_messages epoll_level_and_edge epoll_hangups epoll_mixed_and_nested select_mixed
descriptors fork_shares send_file raw_syscalls linger_zero_and_closed tcp_disconnect half_close last_words
urgent bad_pointers own_faults sigio filter_udp filter_any_address filter_tcp filter_second_try filter_errors""".split()

worlds = {}


def world(kind, family):
    """One world of each kind serves all cases; None if this machine cannot have it."""
    key = kind, family
    if key not in worlds:
        w = {"kernel": lambda: VethWorld(shim=False, family=family),
             "af_packet": lambda: VethWorld(family=family),
             "tap": lambda: TapWorld(family=family)}[kind]()
        peer = w.start_in(w.peer_ns, [PYTHON, os.path.join(ROOT, "test", "diff", "diff_peer.py"),
                                      w.any], log="peer")
        wait_until(lambda: "ready" in w.output(peer), "the peer")
        worlds[key] = w
    return worlds[key]


def run_case(kind, case, family):
    w = world(kind, family)
    p = w.start_in(w.ns, [DIFF, w.host, w.peer, case], env=w.env(SHIM_LOG="error"), log=case)
    if kind == "tap":
        wait_until(lambda: w.has_iface() or p.poll() is not None, "the TAP port")
        # It may be done before that.
        if p.poll() is None:
            w.ready(Detached())
    try:
        p.wait(timeout=60)
    except Exception:
        p.kill()
        raise Failed(f"on {kind}: no end; so far:\n{w.output(p)}") from None
    check(p.returncode == 0, f"on {kind}: exit {p.returncode}:\n{w.output(p)[-3000:]}")
    return w.output(p).splitlines()


def compare(case, kind, family=4):
    want, got = run_case("kernel", case, family), run_case(kind, case, family)
    wrong = [f"kernel: {a}\n{kind}: {b}" for a, b in zip(want, got) if a != b]
    if len(want) != len(got):
        wrong.append(f"kernel printed {len(want)} lines, {kind} {len(got)}")
    if wrong:
        raise Failed("\n".join(wrong[:12]))


TESTS = [(f"diff_{case}", lambda c=case: compare(c, "af_packet")) for case in CASES]
TESTS += [(f"diff_{case}_ipv6", lambda c=case: compare(c, "af_packet", 6)) for case in CASES
          if case != "mapped_addresses"]
TESTS += [("diff_over_tap_echo_and_names", lambda: compare("echo_and_names", "tap"))]
TESTS += [("diff_over_tap_echo_and_names_ipv6", lambda: compare("echo_and_names", "tap", 6))]

if __name__ == "__main__":
    if not os.path.exists(DIFF):
        print(f"not ok diff {DIFF} is missing: make it first")
        sys.exit(1)
    try:
        code = main(TESTS)
    finally:
        for each in worlds.values():
            each.close()
    sys.exit(code)
