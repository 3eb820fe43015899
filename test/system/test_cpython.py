#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
CPython's own tests of its socket modules (Debian's libpython3.11-testsuite), test by test as on
the kernel: over the shim's address inside one stack, and over the loopback, which stays the
kernel's.

They talk to themselves over 127.0.0.1, ::1 and "localhost".  For the shim's address they run
from a mirror of their package in which the first two are replaced, with an /etc/hosts that
says where localhost is.  The reference is the same mirror where a link of the kernel has
that address.
"""
import fnmatch
import os
import queue
import signal
import subprocess
import sys
import threading
import time

from shimtest import (PYTHON, SHIM4, SHIM6, Failed, Skip, TapWorld, VethWorld, check, main, sh)

HERE = os.path.dirname(os.path.abspath(__file__))
SILENCE = 60  # seconds without a result, after which nothing more is expected

# What runs over the shim's address, and over the loopback.  They mostly sleep: a lane is a pair
# of worlds in which modules run one after the other, and the lanes go at the same time.
LANES = [[(m, False) for m in lane.split()] for lane in (
    "test_socket test_select test_epoll test_asyncio.test_server",
    "test_selectors test_asyncore test_asynchat test_timeout test_telnetlib",
    "test_asyncio.test_sock_lowlevel test_socketserver test_httpservers test_urllib2_localnet")]
LANES += [[(m, True) for m in ("test_socket", "test_epoll", "test_socketserver")]]

# Left out: which tests, where, and why.  An entry that matches nothing is an error.
ANYWHERE, SHIMS_ADDRESS = True, False
LEFT_OUT = [
    ("test_socket", "*VSOCK*", ANYWHERE, "sockets between virtual machines and their host are not "
     "IP, and without a host that answers they wait for ever"),
    ("test_socket", "*UDPLITE*", SHIMS_ADDRESS, "UDP-Lite is the kernel's alone, and the "
     "kernel has not the shim's address"),
    ("test_socket", "*.testStringToIPv6", SHIMS_ADDRESS, "about the text ::1, which is replaced"),
    ("test_selectors", "*.test_above_fd_setsize", SHIMS_ADDRESS, "opens as many descriptors as the "
     "limit allows but 32: those that the engine keeps are more"),
]


def mirror(source, target, replace):
    """The package with addresses replaced; what has none is a link."""
    os.mkdir(target)
    for name in os.listdir(source):
        old, new = os.path.join(source, name), os.path.join(target, name)
        if name in ("support", "test_asyncio"):
            mirror(old, new, replace)
            continue
        if name.endswith(".py"):
            with open(old, "rb") as f:
                text = whole = f.read()
            for a, b in replace:
                text = text.replace(a, b)
            if text != whole:
                with open(new, "wb") as f:
                    f.write(text)
                continue
        if name != "__pycache__":
            os.symlink(old, new)


def left_out(module, loopback):
    return [pattern for of, pattern, anywhere, _ in LEFT_OUT
            if of == module and (anywhere or not loopback)]


def suite_path():
    path = subprocess.run([PYTHON, "-c", "import test; print(test.__path__[0])"], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/").stdout
    path = path.decode().strip()
    if not path or not os.path.exists(os.path.join(path, "test_socket.py")):
        raise Skip("libpython3.11-testsuite is not installed")
    return path


class Side:
    """One world with a mirror in it, in which modules run one after the other."""

    def __init__(self, world):
        self.w = world
        library = world.path("library")
        os.mkdir(library)
        mirror(suite_path(), os.path.join(library, "test"),
               [(b"127.0.0.1", SHIM4.encode()), (b"'::1'", f"'{SHIM6}'".encode()),
                (b'"::1"', f'"{SHIM6}"'.encode())])
        world.write("hosts", f"{SHIM4} localhost {os.uname().nodename}\n{SHIM6} ip6-localhost\n")
        world.write("loopback", f"127.0.0.1 localhost {os.uname().nodename}\n::1 ip6-localhost\n")

    def start(self, module, loopback):
        name = ("loopback." if loopback else "") + module
        os.mkdir(self.w.path(name))
        p = self.w.start_in(self.w.ns, [
            "sh", "-c", 'mount --bind "$1" /etc/hosts && cd "$2" && shift 2 && exec "$@"', "sh",
            self.w.path("loopback" if loopback else "hosts"), self.w.path(name),
            PYTHON, "-W", "ignore", os.path.join(HERE, "cpython_run.py"),
            "-" if loopback else self.w.path("library"), self.w.path(name + ".results"),
            "test." + module, *left_out(module, loopback)],
            env=dict(self.w.env(SHIM_LOG="error"), PYTHONDONTWRITEBYTECODE="1"), log=name)
        p.results = self.w.path(name + ".results")
        return p

    def finish(self, p):
        """Its results, when it has ended; it is ended when it is silent for too long."""
        size, since = -1, time.monotonic()
        while p.poll() is None:
            now = os.path.getsize(p.results) if os.path.exists(p.results) else 0
            if now != size:
                size, since = now, time.monotonic()
            elif time.monotonic() - since > SILENCE:
                p.send_signal(signal.SIGABRT)
                p.wait(timeout=10)
            time.sleep(0.05)
        got = {}
        if os.path.exists(p.results):
            with open(p.results, encoding="utf-8", errors="replace") as f:
                for line in f:
                    name, outcome, said = line.split("\t")[:3]
                    got[name] = (outcome, said)
        if p.returncode != 0 or got.pop("the end", None) is None:
            raise Failed(f"ended with {p.returncode} after {list(got)[-1:]}\n"
                         f"{self.w.output(p)[-3000:]}")
        return got


class Lane(threading.Thread):
    """Runs its modules on the kernel and on the shim; answers, by module, are asked for later."""

    def __init__(self, modules):
        super().__init__(daemon=True)
        self.sides = []
        self.answers = {m: queue.Queue() for m in modules}

    def prepare(self):
        self.sides = [Side(VethWorld(shim=False, family=6)), Side(TapWorld(family=6))]

    def run(self):
        for (module, loopback), answer in self.answers.items():
            try:
                running = [(s, s.start(module, loopback)) for s in self.sides]
                answer.put([(s.finish(p), s.w.output(p)[-2000:]) for s, p in running])
            except Exception as e:  # pylint: disable=broad-except
                answer.put(e)

    def close(self):
        for s in self.sides:
            s.w.close()


lanes = []


def begin(tests):
    """Start the lanes of these (module, loopback), on the first test: what is missing is a skip."""
    made = [Lane(chosen) for modules in LANES if (chosen := [m for m in modules if m in tests])]
    for lane in made:
        lane.prepare()
    for lane in made:
        lane.start()
    lanes.extend(made)


def compare(module, loopback):
    if not lanes:
        begin([t for t, name in NAMES.items()
               if not sys.argv[1:] or any(w in name for w in sys.argv[1:])])
    answer = next(lane.answers[module, loopback].get() for lane in lanes
                  if (module, loopback) in lane.answers)
    if isinstance(answer, Exception):
        raise Failed(str(answer))
    (want, _), (got, output) = answer
    # What fails on this machine's kernel, too, is no verdict on the shim.
    wrong = [f"{name}: kernel {want[name]}, shim {got.get(name)}" for name in sorted(want)
             if want[name][0] == "ok" and got.get(name, ("",))[0] != "ok"]
    check(not wrong, "\n".join(wrong), "\n", output)
    for pattern in left_out(module, loopback):
        check(any(fnmatch.fnmatchcase(name, pattern) for name in want), pattern, "matches no test")
    outcomes = [outcome for outcome, _ in got.values()]
    check("ok" in outcomes, "none was run")
    return ", ".join(f"{outcomes.count(o)} {o}" for o in sorted(set(outcomes)))


NAMES = {(m, loopback): f"cpython_{m}" + ("_over_loopback" if loopback else "")
         for modules in LANES for m, loopback in modules}
TESTS = [(name, lambda t=t: compare(*t)) for t, name in NAMES.items()]

if __name__ == "__main__":
    try:
        code = main(TESTS)
    finally:
        for each in lanes:
            each.close()
    sys.exit(code)
