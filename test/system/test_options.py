#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Every socket option there could be, on the kernel and on the shim (test/preload/option_sweep.c):
the same lengths, values and errnos, but for the numbers in two tables here.

REFUSED are options of what the stack does not have: they are refused, however they are asked for.
DIFFERENT are answered otherwise.  A number that no longer differs must leave its table.
"""
import collections
import os
import re
import sys

from shimtest import BUILD, SHIM4, SHIM6, Failed, Skip, TapWorld, check, main, sh

SWEEP = os.path.join(os.path.abspath(BUILD), "test", "preload", "option_sweep")


def numbers(level, reasons):
    """{(level, number): reason}, of a table {reason: "number number..."}."""
    return {(level, int(n)): why for why, ns in reasons.items() for n in ns.split()}


REFUSED = {
    **numbers("SOCKET", {
        "programs for eBPF, and those that choose in a SO_REUSEPORT group": "50 51 52",
        "SO_NETNS_COOKIE: the stack is no namespace of the kernel's": "71",
        "SO_DEVMEM_DONTNEED: memory of devices": "80",
    }),
    **numbers("IP", {
        "IP_OPTIONS, IP_ROUTER_ALERT, IP_RECVOPTS, IP_RETOPTS: headers have no options": "4 5 6 7",
        "IP_PKTOPTIONS": "9",
        "IP_IPSEC_POLICY, IP_XFRM_POLICY, IP_PASSSEC: IPsec, SELinux": "16 17 18",
        "IP_NODEFRAG, IP_RECVFRAGSIZE: of what reassembly has done": "22 25",
        "IP_CHECKSUM": "23",
        "IP_RECVERR_RFC4884": "26",
        "IP_MSFILTER, MCAST_MSFILTER: whole filters at once": "41 48",
        "IP_UNICAST_IF": "50",
        "netfilter's tables": "64 65 66 67 80 83 96 97 98 99",
    }),
    **numbers("IPV6", {
        "IPV6_ADDRFORM": "1",
        "RFC 2292": "2 3 4 5 6 8",
        "IPV6_ROUTER_ALERT and its isolation": "22 30",
        "anycast": "27 28",
        "IPV6_RECVERR_RFC4884": "31",
        "IPV6_FLOWLABEL_MGR: labels are hashes": "32",
        "IPsec": "34 35",
        "MCAST_MSFILTER": "48",
        "extension headers of the program's (RFC 3542)": "50 53 54 55 56 57 58 59",
        "IPV6_RECVPATHMTU, IPV6_PATHMTU": "60 61",
        "netfilter's tables": "64 65 68 69 80",
        "IPV6_ADDR_PREFERENCES: no temporary addresses": "72",
        "IPV6_UNICAST_IF": "76",
        "IPV6_RECVFRAGSIZE": "77",
    }),
    **numbers("TCP", {
        "signed segments (RFC 2385, RFC 5925)": "14 32 42",
        "TCP_THIN_LINEAR_TIMEOUTS": "16",
        "TCP_REPAIR and its family": "19 20 21 22 24 29",
        "TCP_SAVE_SYN, TCP_SAVED_SYN": "27 28",
        "TCP_ZEROCOPY_RECEIVE: the kernel's pages": "35",
        "TCP_TX_DELAY": "37",
        "TCP_RTO_MAX_MS, TCP_RTO_MIN_US, TCP_DELACK_MAX_US": "44 45 46",
    }),
    **numbers("UDP", {"UDP_ENCAP: IPsec": "100"}),
}

DIFFERENT = {
    **numbers("SOCKET", {
        "SO_SNDBUF, SO_RCVBUF, SO_RCVLOWAT: the limits are the stack's own": "7 8 18",
        "SO_BINDTOIFINDEX: what is connected or listens cannot leave for a device of the kernel's": "62",
    }),
    **numbers("IPV6", {"IPV6_MULTICAST_IF: the links are the stack's": "17"}),
}


def run(w, env, addresses):
    p = w.start_in(w.ns, [SWEEP] + addresses, env=env, log="option_sweep")
    check(p.wait(timeout=100) == 0, f"exit {p.returncode}:\n{w.output(p)[-500:]}")
    return w.output(p).splitlines()


def refuses(answers):
    """Nothing was set, and nothing read that says more than that it is off."""
    return not re.search(r"=0,(?!len 4/0|len 0|E)", answers)


def judge(kernel, shim):
    """The lines that should not differ, the listed numbers that should not agree."""
    wrong, left = [], collections.Counter({**REFUSED, **DIFFERENT}.keys())
    for a, b in zip(kernel, shim):
        name, answers = b.split(":", 1)
        _, _, level, number = name.split()
        number = level, int(number)
        if number in REFUSED and not refuses(answers):
            wrong.append(f"not refused: {b}")
        if a == b:
            continue
        if number in REFUSED or number in DIFFERENT:
            left[number] = 0
        else:
            wrong.append(f"kernel: {a}\nshim:   {b}")
    return wrong, [f"{number} agrees now" for number, n in left.items() if n > 0]


def sweep():
    if tuple(int(n) for n in os.uname().release.split(".")[:2]) < (6, 18):
        raise Skip("the answers are those of Linux 6.18, and this kernel is older")
    with TapWorld(family=6) as w:
        # What the peer is, here oneself, shall not matter: the loopback is like the port.
        sh(["ip", "-n", w.ns, "link", "set", "lo", "mtu", "1500"])
        sh(["ip", "netns", "exec", w.ns, "sh", "-c",
            "echo 0 65535 > /proc/sys/net/ipv4/ping_group_range"])
        kernel = run(w, dict(os.environ), ["127.0.0.1", "::1"])
        shim = run(w, w.env(SHIM_LOG="error"), [SHIM4, SHIM6])
        check(len(kernel) == len(shim), f"{len(kernel)} lines and {len(shim)}")
        check(len(kernel) > 30000, f"{len(kernel)} lines")
        made = sum("cannot be made" in line for line in kernel)
        check(made == 0, f"the kernel did not make {made} sockets: {kernel[0]}")
        wrong, agree = judge(kernel, shim)
        if wrong or agree:
            raise Failed(f"{len(wrong)} lines differ\n" + "\n".join(wrong[:10] + agree))


TESTS = [("every_option_answers_as_the_kernels", sweep)]

if __name__ == "__main__":
    sys.exit(main(TESTS))
