#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
The programs of test/preload/ talk to themselves over one address and print what every call
returned.  They must print the same

  kernel       without the library, over the kernel's loopback,
  passthrough  with the library and no port,
  shim         with a port, over the port's own address inside one stack,
  dual         with a port, over the kernel's loopback: listeners and datagram sockets on
               the wildcard address serve it through their hidden kernel sockets.
"""
import os
import sys

from shimtest import BUILD, PYTHON, SHIM4, Failed, TapWorld, check, main

DIR = os.path.join(os.path.abspath(BUILD), "test", "preload")
LIB = os.path.join(os.path.abspath(BUILD), "libshim.so")
LOOPBACK = "127.0.0.1"


def run(w, program, mode):
    env = {"kernel": lambda: dict(os.environ),
           "passthrough": lambda: dict(os.environ, LD_PRELOAD=LIB),
           "shim": lambda: w.env(SHIM_LOG="error"),
           "dual": lambda: w.env(SHIM_LOG="error")}[mode]()
    p = w.start_in(w.ns, [os.path.join(DIR, program), SHIM4 if mode == "shim" else LOOPBACK],
                   env=env, log=f"{program}-{mode}")
    try:
        p.wait(timeout=90)
    except Exception:
        p.kill()
        raise Failed(f"{mode}: no end; so far:\n{w.output(p)[-2000:]}") from None
    check(p.returncode == 0, f"{mode}: exit {p.returncode}:\n{w.output(p)[-2000:]}")
    return w.output(p).splitlines()


def compare(program, mode):
    with TapWorld() as w:
        want, got = run(w, program, "kernel"), run(w, program, mode)
        wrong = [f"kernel: {a}\n{mode}: {b}" for a, b in zip(want, got) if a != b]
        if len(want) != len(got):
            wrong.append(f"kernel printed {len(want)} lines, {mode} {len(got)}")
        if wrong:
            raise Failed("\n".join(wrong[:12]))
        return f"{len(want)} results"


RULES = """
import socket, sys
def listener(addr, port):
    s = socket.socket(); s.bind((addr, port)); s.listen(5); return s
def reaches(addr, port):
    c = socket.socket(); c.settimeout(5)
    try:
        c.connect((addr, port)); return True
    except OSError:
        return False
    finally:
        c.close()
ours = sys.argv[1]
a, b, c = listener("", 6000), listener("", 6001), listener("", 6002)
for port in 6000, 6001, 6002:
    print(port, reaches(ours, port), reaches("127.0.0.1", port))
"""


def rules():
    """A listener that a rule leaves to the kernel, one that is ours alone, one of both."""
    with TapWorld() as w:
        p = w.start_in(w.ns, [PYTHON, w.write("rules.py", RULES), SHIM4], log="rules", env=w.env(
            SHIM_LOG="error", SHIM_RULES="kernel:tcp:listen:*:6000,shim:tcp:listen:*:6001"))
        check(p.wait(timeout=60) == 0, w.output(p))
        check(w.output(p).split("\n")[:3] == ["6000 False True", "6001 True False",
                                              "6002 True True"], w.output(p))


def addresses():
    """getifaddrs() knows the port's address as well as the loopback's, and can be freed."""
    with TapWorld() as w:
        p = w.start_in(w.ns, [os.path.join(DIR, "ifaddrs")], log="ifaddrs",
                       env=w.env(SHIM_LOG="error"))
        check(p.wait(timeout=60) == 0, w.output(p))
        lines = w.output(p).splitlines()
        check("lo 127.0.0.1 255.0.0.0" in lines, w.output(p))
        check(lines.count(f"shim0 {SHIM4} 255.255.255.0 192.0.2.255") == 1, w.output(p))


def interfaces():
    """netdevice(7) and if_nametoindex(3) tell of all ports, of the kernel's interfaces as ever."""
    with TapWorld() as w:
        log = w.path("m.sock")
        # memif is not known to the kernel; its peer only has to be there.
        peer = w.start_in(w.ns, [PYTHON, "-c", "import socket, time\n"
                                 "s = socket.socket(); s.bind(('198.18.0.2', 0)); time.sleep(60)"],
                          env=w.env(SHIM_VDEV=f"net_memif0,role=server,socket={log}",
                                    SHIM_ADDR="198.18.0.2/16"))
        p = w.start_in(w.ns, [os.path.join(DIR, "interfaces"), SHIM4, "lo", "shim0", "net_memif1"],
                       log="interfaces", env=w.env(
                           SHIM_LOG="error", SHIM_MTU="1400", SHIM_ADDR=f"{SHIM4}/24,192.0.2.7/25",
                           SHIM_VDEV_2=f"net_memif1,role=client,socket={log}",
                           SHIM_ADDR_2="198.18.0.1/16", SHIM_MTU_2="9000"))
        check(p.wait(timeout=60) == 0, w.output(p), w.output(peer))
        got = w.output(p).splitlines()
        want = ["lo 127.0.0.1/255.0.0.0 broadcast 0.0.0.0 mtu 65536 up ether no index same back lo lo",
                f"shim0 {SHIM4}/255.255.255.0 broadcast 192.0.2.255 mtu 1400 up ether yes index same "
                "back shim0 shim0",
                "net_memif1 198.18.0.1/255.255.0.0 broadcast 198.18.255.255 mtu 9000 up ether yes "
                "index same back net_memif1 net_memif1",
                "nameindex lo shim0 net_memif1",
                f"conf lo=127.0.0.1 shim0={SHIM4} shim0=192.0.2.7 net_memif1=198.18.0.1",
                "conf has room for what it asks: yes, fits into one: yes",
                "nonesuch 0 ENODEV ENXIO nonesuch: ENODEV pipe lo: ENOTTY"]
        wrong = [f"want {a}\ngot  {b}" for a, b in zip(want, got) if a != b]
        check(not wrong and len(got) == len(want), "\n".join(wrong) or w.output(p))


TESTS = [(f"calls_{program}_{mode}", lambda p=program, m=mode: compare(p, m))
         for program in ("calls", "epoll", "process", "at_once", "arguments", "messages",
                         "names", "numbers")
         for mode in ("passthrough", "shim", "dual")]
TESTS += [("calls_rules", rules), ("calls_getifaddrs", addresses), ("calls_interfaces", interfaces)]

if __name__ == "__main__":
    sys.exit(main(TESTS))
