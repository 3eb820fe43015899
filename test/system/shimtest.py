# SPDX-License-Identifier: BSD-3-Clause
"""
shimtest.py - what the system tests share: worlds, programs, results.

A world is a set of network namespaces that this run made itself; all test traffic stays
inside it.  Three kinds:

  TapWorld    one namespace; the program under the shim opens a TAP port whose kernel end
              (192.0.2.2) appears beside it.  The peer is the kernel of that namespace.
  VethWorld   two namespaces joined by a veth pair.  The shim drives one end by AF_PACKET
              (or nothing does, for the kernel as the reference); the kernel of the other
              namespace is the peer.
  ImpairedWorld  as VethWorld, with test/relay between the two.

Everything that a world starts is ended by pid when it closes, whatever happened.
"""
import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(ROOT, "build")))
LIBSHIM = os.path.join(BUILD, "libshim.so")

SHIM4, PEER4 = "192.0.2.1", "192.0.2.2"
SHIM6, PEER6 = "2001:db8::1", "2001:db8::2"
PYTHON = "/usr/bin/python3"


class Skip(Exception):
    """This machine cannot run the test; the reason is printed and counted."""


class Failed(Exception):
    """The test found what it must not find."""


def check(condition, *what):
    if not condition:
        raise Failed(" ".join(str(w) for w in what))


def need(*programs):
    for p in programs:
        if shutil.which(p) is None:
            raise Skip(f"{p} is not installed")


def wait_until(predicate, what, seconds=20.0):
    """Until predicate() is true; polls, since what it looks at is another process's state."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = predicate()
        if got:
            return got
        time.sleep(0.01)
    raise Failed(f"gave up after {seconds:.0f} s waiting for {what}")


def sh(args, seconds=60, **kw):
    """Run to the end; Failed with its output if it fails or takes too long."""
    try:
        r = subprocess.run(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, timeout=seconds, **kw)
    except subprocess.TimeoutExpired as e:
        raise Failed(f"{' '.join(args)}: no end after {seconds} s; "
                     f"stderr: {(e.stderr or b'')[-800:]!r}") from None
    if r.returncode != 0:
        raise Failed(f"{' '.join(args)}: exit {r.returncode}: "
                     f"{r.stdout[-800:].decode(errors='replace')} "
                     f"{r.stderr[-1500:].decode(errors='replace')}")
    return r.stdout.decode(errors="replace")


def children_of(pid, keepers=False):
    """The direct children of a process, without the shim's keeper unless asked for."""
    kids = []
    with contextlib.suppress(OSError):
        for tid in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{tid}/children", encoding="ascii") as f:
                kids += [int(k) for k in f.read().split()]
    return [k for k in kids if keepers or comm_of(k) != "shim-keeper"]


def keeper_of(pid):
    """The keeper of a program under the shim: its child of that name, or None."""
    with contextlib.suppress(OSError):
        for tid in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{tid}/children", encoding="ascii") as f:
                for k in f.read().split():
                    if comm_of(int(k)) == "shim-keeper":
                        return int(k)
    return None


def comm_of(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii", errors="replace") as f:
            return f.read().strip()
    except OSError:
        return ""


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


class Detached:
    """Stands for a program that is no child of ours any more (a daemon, an orphan)."""

    @staticmethod
    def poll():
        return None


class World:
    """Namespaces, processes and a scratch directory, all gone when it closes."""

    count = 0

    def __init__(self):
        if os.geteuid() != 0:
            raise Skip("needs root for ip netns")
        World.count += 1
        self.tag = f"shimt{os.getpid()}x{World.count}"
        self.namespaces = []
        self.processes = []
        self.dir = tempfile.mkdtemp(prefix="shimt.")
        os.chmod(self.dir, 0o755)
        atexit.register(self.close)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def add_namespace(self, name):
        ns = f"{self.tag}{name}"
        sh(["ip", "netns", "add", ns])
        self.namespaces.append(ns)
        sh(["ip", "-n", ns, "link", "set", "lo", "up"])
        # Its kernel shall not sit out the detection of duplicates, a second for each address.
        if os.path.exists("/proc/net/if_inet6"):
            sh(["ip", "netns", "exec", ns, "sh", "-c", "for c in all default; do "
                "echo 0 > /proc/sys/net/ipv6/conf/$c/accept_dad; done"])
        return ns

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    def pids(self):
        """Every process that lives in one of our namespaces."""
        found = set()
        for ns in self.namespaces:
            with contextlib.suppress(Failed):
                found.update(int(p) for p in sh(["ip", "netns", "pids", ns]).split())
        return found

    def close(self):
        atexit.unregister(self.close)
        for p in self.processes:
            if p.poll() is None:
                with contextlib.suppress(OSError):
                    p.terminate()
        for p in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                p.wait(timeout=3)
        for sig in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.pids():
                with contextlib.suppress(OSError):
                    os.kill(pid, sig)
            # A keeper heeds no SIGTERM: it would stay for as long as TIME_WAIT lasts.
            end = time.monotonic() + 2
            while (any(comm_of(q) != "shim-keeper" for q in self.pids()) and
                   time.monotonic() < end):
                time.sleep(0.02)
        for p in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                p.wait(timeout=3)
        for ns in self.namespaces:
            subprocess.run(["ip", "netns", "del", ns], check=False, stderr=subprocess.DEVNULL)
        self.namespaces = []
        shutil.rmtree(self.dir, ignore_errors=True)

    def start_in(self, ns, args, env=None, log=None):
        """Start a program in a namespace; its output goes to a file in the scratch directory."""
        name = log or os.path.basename(args[0])
        out = open(self.path(f"{name}.{len(self.processes)}.out"), "wb")
        p = subprocess.Popen(["ip", "netns", "exec", ns] + args, stdin=subprocess.DEVNULL,
                             stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
                             env=env or dict(os.environ), cwd=self.dir)
        out.close()
        p.log = out.name
        self.processes.append(p)
        return p

    @staticmethod
    def output(p):
        with open(p.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def alive(self, p):
        if p.poll() is not None:
            raise Failed(f"{p.args[4:6]} ended with {p.returncode}: {self.output(p)[-1500:]}")


class ShimWorld(World):
    """
    A world in which self.ns is where shimmed programs run and self.peer_ns their peers.

    Its family is what its tests talk: 4, or 6, in which case both ends have addresses of
    both.  host and peer are the addresses of that family, url_host as a URL wants it.
    """

    ns = peer_ns = None
    vdev = None

    def __init__(self, family=4):
        super().__init__()
        self.family = family
        self.host, self.peer = (SHIM6, PEER6) if family == 6 else (SHIM4, PEER4)
        self.url_host, self.url_peer = ((f"[{SHIM6}]", f"[{PEER6}]") if family == 6
                                        else (SHIM4, PEER4))
        # What a server binds to, to be reached over this family.
        self.any = "::" if family == 6 else "0.0.0.0"
        if family == 6 and not os.path.exists("/proc/net/if_inet6"):
            self.close()
            raise Skip("this kernel has no IPv6")

    def kernel_addresses(self, ns, dev, addr4, addr6):
        """Give a link of the kernel its addresses; without IPv6 it is to keep silent about it."""
        if self.family == 6:
            sh(["ip", "-n", ns, "addr", "replace", addr6 + "/64", "dev", dev, "nodad"])
        else:
            self.no_ipv6(ns, dev)
        sh(["ip", "-n", ns, "addr", "replace", addr4 + "/24", "dev", dev])

    @staticmethod
    def no_ipv6(ns, dev):
        sh(["ip", "netns", "exec", ns, "sh", "-c",
            f"echo 1 > /proc/sys/net/ipv6/conf/{dev}/disable_ipv6"])

    def env(self, **more):
        e = {k: v for k, v in os.environ.items() if not k.startswith("SHIM_")}
        e["LD_PRELOAD"] = LIBSHIM
        e["SHIM_VDEV"] = self.vdev
        e["SHIM_ADDR"] = SHIM4 + "/24" + ("" if self.family == 4 else f",{SHIM6}/64")
        e["SHIM_LOG"] = "info"
        e.update(more)
        return e

    def shim(self, *args, wait=True, **more):
        p = self.start_in(self.ns, list(args), env=self.env(**more))
        if wait:
            self.ready(p)
        return p

    def kernel(self, *args):
        """Start a program that uses the kernel's stack, on the peer's side."""
        return self.start_in(self.peer_ns, list(args))

    def run(self, *args, seconds=60):
        """Run a kernel client on the peer's side to its end."""
        return sh(["ip", "netns", "exec", self.peer_ns] + list(args), seconds, cwd=self.dir)

    def run_shim(self, *args, seconds=60, **more):
        """Run a client under the shim to its end."""
        return sh(["ip", "netns", "exec", self.ns] + list(args), seconds, cwd=self.dir,
                  env=self.env(**more))

    def ready(self, p):
        raise NotImplementedError

    def ping(self, p=None):
        """The shim answers ping from the kernel."""
        def once():
            if p is not None:
                self.alive(p)
            r = subprocess.run(["ip", "netns", "exec", self.peer_ns, "ping", "-nq", "-c1", "-W1",
                                self.host], check=False, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
            return r.returncode == 0
        wait_until(once, "an answer to ping")

    def listening(self, port, p=None, ns=None, host=None):
        """A TCP connection to port succeeds, of the shim unless host is another."""
        def once():
            if p is not None:
                self.alive(p)
            r = subprocess.run(["ip", "netns", "exec", ns or self.peer_ns, "nc", "-z", "-w2",
                                host or self.host, str(port)], check=False, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
            return r.returncode == 0
        wait_until(once, f"port {port} to accept")


class TapWorld(ShimWorld):
    def __init__(self, iface="shim0", family=4):
        super().__init__(family)
        if not os.path.exists("/dev/net/tun"):
            raise Skip("no /dev/net/tun")
        self.ns = self.peer_ns = self.add_namespace("t")
        self.iface = iface
        self.vdev = f"net_tap0,iface={iface}"

    def has_iface(self):
        return subprocess.run(["ip", "-n", self.ns, "link", "show", self.iface], check=False,
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0

    def bring_up(self, p):
        """Set up the kernel's end of the port that p opens."""
        def once():
            self.alive(p)
            return self.has_iface()
        wait_until(once, "the TAP port")
        self.kernel_addresses(self.ns, self.iface, PEER4, PEER6)
        sh(["ip", "-n", self.ns, "link", "set", self.iface, "up"])

    def ready(self, p):
        self.bring_up(p)
        self.ping(p)


class VethWorld(ShimWorld):
    """shim=False leaves both ends to the kernel: the reference."""

    def __init__(self, shim=True, family=4):
        super().__init__(family)
        self.ns, self.peer_ns = self.add_namespace("a"), self.add_namespace("b")
        self.vdev = "net_af_packet0,iface=va"
        sh(["ip", "link", "add", "va", "netns", self.ns, "type", "veth", "peer", "name", "vb",
            "netns", self.peer_ns])
        self.kernel_addresses(self.peer_ns, "vb", PEER4, PEER6)
        if shim:
            need("ethtool")
            self.no_ipv6(self.ns, "va")
            for ns, dev in ((self.ns, "va"), (self.peer_ns, "vb")):
                sh(["ip", "netns", "exec", ns, "ethtool", "-K", dev, "tx", "off", "gro", "off",
                    "gso", "off", "tso", "off"])
        else:
            self.kernel_addresses(self.ns, "va", SHIM4, SHIM6)
        sh(["ip", "-n", self.ns, "link", "set", "va", "up"])
        sh(["ip", "-n", self.peer_ns, "link", "set", "vb", "up"])
        self.is_shim = shim

    def env(self, **more):
        if not self.is_shim:
            return {k: v for k, v in os.environ.items() if not k.startswith("SHIM_")}
        return super().env(**more)

    def ready(self, p):
        self.ping(p)


class ImpairedWorld(ShimWorld):
    """
    Three namespaces, a relay in the middle one: self.ns, where the shim (or, as the reference,
    the kernel) is, and the kernel of self.peer_ns see each other through its impairments.

    The kernels have the shim's limits of socket buffers, and search for the path's MTU when
    nobody tells it, as the shim does.  Congestion control is bulk's to set: a namespace cannot
    have one as its default that the kernel does not allow to everybody.
    """

    SYSCTL = {"tcp_rmem": "4096 131072 6291456", "tcp_wmem": "4096 65536 4194304",
              "tcp_mtu_probing": "1"}

    def __init__(self, impairment, shim=True, family=4):
        super().__init__(family)
        relay = os.path.join(BUILD, "test", "relay", "relay")
        self.bulk_program = os.path.join(BUILD, "test", "relay", "bulk")
        need("ethtool")
        self.is_shim = shim
        self.ns, self.peer_ns = self.add_namespace("a"), self.add_namespace("b")
        self.relay_ns = self.add_namespace("r")
        self.vdev = "net_af_packet0,iface=va"
        for ns, dev, other in ((self.ns, "va", "ra"), (self.peer_ns, "vb", "rb")):
            sh(["ip", "link", "add", dev, "netns", ns, "type", "veth", "peer", "name", other,
                "netns", self.relay_ns])
            for n, d in ((ns, dev), (self.relay_ns, other)):
                self.no_ipv6(n, d)
                sh(["ip", "netns", "exec", n, "ethtool", "-K", d, "tx", "off", "gro", "off",
                    "gso", "off", "tso", "off"])
            for name, value in self.SYSCTL.items():
                sh(["ip", "netns", "exec", ns, "sh", "-c",
                    f"echo {value} > /proc/sys/net/ipv4/{name}"])
        for ns, dev, addr4, addr6 in ((self.ns, "va", SHIM4, SHIM6),
                                      (self.peer_ns, "vb", PEER4, PEER6)):
            if ns == self.peer_ns or not shim:
                if family == 6:
                    sh(["ip", "netns", "exec", ns, "sh", "-c",
                        f"echo 0 > /proc/sys/net/ipv6/conf/{dev}/disable_ipv6"])
                self.kernel_addresses(ns, dev, addr4, addr6)
        for ns, dev in ((self.ns, "va"), (self.peer_ns, "vb"), (self.relay_ns, "ra"),
                        (self.relay_ns, "rb")):
            sh(["ip", "-n", ns, "link", "set", dev, "up"])
        self.relay = self.start_in(self.relay_ns, [relay] + list(impairment) + ["ra", "rb"])

        def forwards():
            self.alive(self.relay)
            return "ready" in self.output(self.relay)
        wait_until(forwards, "the relay")

    def env(self, **more):
        if not self.is_shim:
            return {k: v for k, v in os.environ.items() if not k.startswith("SHIM_")}
        return super().env(**more)

    def ready(self, p):
        self.alive(p)

    def bulk(self, how, seconds, max_mib=2000, options=()):
        """Send to or fetch from the peer's kernel, each byte checked; Mbit/s and fairness."""
        prog = [self.bulk_program] + list(options)
        self.kernel(*prog, "serve", self.peer, "9000")
        self.listening(9000, ns=self.peer_ns, host=self.peer)
        out = self.run_shim(*prog, how, self.peer, "9000", str(seconds), str(max_mib),
                            seconds=seconds * 4 + 60)
        check(out.startswith("goodput"), out)
        words = out.split()
        return float(words[1]), float(words[5])


def sha256(path):
    return sh(["sha256sum", path]).split()[0]


def both_families(tests):
    """Each (name, function of the family), over IPv4 by its name and over IPv6 as name_ipv6."""
    return ([(name, lambda f=fn: f(4)) for name, fn in tests] +
            [(name + "_ipv6", lambda f=fn: f(6)) for name, fn in tests])


def run_tests(tests, only=()):
    """Run (name, function) pairs; prints the lines of the protocol in test/README.md."""
    failed = 0
    for name, fn in tests:
        if only and not any(o in name for o in only):
            continue
        start = time.monotonic()
        try:
            note = fn()
            print(f"ok {name}" + (f" # {note}" if note else "") +
                  f" ({time.monotonic() - start:.1f} s)", flush=True)
        except Skip as e:
            print(f"skip {name} {e}", flush=True)
        except Exception as e:  # the tests after it are run all the same
            failed += 1
            print(f"not ok {name}", flush=True)
            text = str(e) if isinstance(e, Failed) else traceback.format_exc()
            for line in text.splitlines()[-40:]:
                print(f"  {line}", flush=True)
    return failed


def main(tests):
    if not os.path.exists(LIBSHIM):
        print(f"not ok {os.path.basename(sys.argv[0])} {LIBSHIM} is missing: make it first")
        return 1
    signal.signal(signal.SIGTERM, lambda *a: sys.exit(143))
    return 1 if run_tests(tests, sys.argv[1:]) else 0
