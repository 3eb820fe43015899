# SPDX-License-Identifier: BSD-3-Clause
"""
world.py - where a script runs: two network namespaces, a veth pair, an actor in one of them.

The subject's namespace has va, which the kernel has an address on or the shim drives by
net_af_packet; the other has vb, whose kernel has no address and keeps silent: there the tester
reads and writes raw frames.  The namespaces have no name, so they are gone with the process that
made them, whatever happens; its actors die with it as well.

Whoever makes a World must be a process of one thread: it changes between namespaces.
"""
import contextlib
import ctypes
import fcntl
import functools
import os
import signal
import socket
import struct
import subprocess
import time

from shimtest import LIBSHIM, BUILD, Skip, children_of, comm_of

ACTOR = os.path.join(os.path.abspath(BUILD), "test", "packet", "actor")
SUBJECT4, SUBJECT6 = "192.0.2.1", "2001:db8::1"
MAC, PEER_MAC = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
# Behind routers, which only some scripts play.
ROUTES = (("198.19.0.0/16", "192.0.2.254"), ("2001:db8:f::/48", "fe80::fe"))
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
WALL = 0x40000000
ETH_P_ALL = 3
PACKET_IGNORE_OUTGOING = 23
SO_TIMESTAMPNS, SO_RCVBUFFORCE = 35, 33
SIOCETHTOOL = 0x8946
ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO = 0x17, 0x1f, 0x24, 0x2c

libc = ctypes.CDLL(None, use_errno=True)

# The kernel is set as the shim is: what the shim has by configuration or cannot have.
BASE_SYSCTLS = {
    "net.ipv4.tcp_rmem": "4096 131072 6291456",
    "net.ipv4.tcp_wmem": "4096 65536 4194304",
    "net.ipv4.tcp_no_metrics_save": "1",
    "net.ipv4.tcp_ecn": "2",
    "net.ipv4.tcp_fastopen": "3",
    "net.ipv4.tcp_syncookies": "1",
    # It asks how much the device holds, which depends on the moment.
    "net.ipv4.tcp_autocorking": "0",
    "net.ipv4.tcp_timestamps": "1",
    # The shim doubles from the first on: RFC 6298 5.5.
    "net.ipv4.tcp_syn_linear_timeouts": "0",
}
# Where cubic is not the default, only root may choose it, and for sockets, not for a namespace.
BASE_KERNEL = {"ACTOR_CC": "cubic"}
BASE_SHIM = {"SHIM_MEMORY": "32M", "SHIM_HUGEPAGES": "off", "SHIM_LOG": "warn"}

# What a script may choose: name → value → (sysctls, environment of the actor on the shim)
OPTIONS = {
    "ecn": lambda v: ({"net.ipv4.tcp_ecn": "1" if v else "2"}, {"SHIM_ECN": "on" if v else "off"}),
    "syncookies": lambda v: ({"net.ipv4.tcp_syncookies": str(v)}, {"SHIM_SYNCOOKIES": str(v)}),
    "cc": lambda v: ({}, {"SHIM_CC": "newreno" if v == "reno" else v, "ACTOR_CC": v}),
    "rmem": lambda v: ({"net.ipv4.tcp_rmem": " ".join(map(str, v))},
                       {"SHIM_RMEM": ",".join(map(str, v))}),
    "wmem": lambda v: ({"net.ipv4.tcp_wmem": " ".join(map(str, v))},
                       {"SHIM_WMEM": ",".join(map(str, v))}),
    # Of the kernel alone: the shim has this by nature.
    "sysctl": lambda v: (v, {}),
}


def checked(result, what):
    if result != 0:
        raise Skip(f"{what}: {os.strerror(ctypes.get_errno())}")


def as_subreaper():
    """Orphans of the actors (the shim's keeper) become our children."""
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def be_prompt(pid=0, on=True):
    """Before what else runs on this machine, where that is allowed: a script sleeps nearly always."""
    with contextlib.suppress(OSError):
        for tid in os.listdir(f"/proc/{pid or os.getpid()}/task"):
            os.sched_setscheduler(int(tid), os.SCHED_RR if on else os.SCHED_OTHER, os.sched_param(int(on)))


def own_children():
    with contextlib.suppress(OSError):
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as f:
            return [int(p) for p in f.read().split()]
    return []


@functools.cache
def carriers():
    """ksoftirqd's threads, where this namespace has them."""
    return [int(p) for p in os.listdir("/proc") if p.isdigit() and (comm_of(int(p)) or "").startswith("ksoftirqd/")]


class Actor:
    """The program in the subject's namespace; its answers come as lines."""

    def __init__(self, world, env):
        def enter():
            checked(libc.setns(world.ns_fd, CLONE_NEWNET), "setns")
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        self.sock, theirs = socket.socketpair()
        self.log = open(world.log_path, "w+b")
        self.process = subprocess.Popen([ACTOR], stdin=theirs, stdout=theirs, stderr=self.log,
                                        env=env, preexec_fn=enter)
        theirs.close()
        self.sock.setblocking(True)
        self.buffer = b""

    def tell(self, line):
        self.sock.sendall(line.encode() + b"\n")

    def answers(self):
        """The answers that are there; to be called when the socket is readable."""
        data = self.sock.recv(65536)
        if not data:
            raise RuntimeError(f"the actor is gone: {self.process.poll()}\n{self.output()}")
        lines = (self.buffer + data).split(b"\n")
        self.buffer = lines.pop()
        return [x.decode() for x in lines]

    def be_prompt(self):
        """It and its keeper; not before they have started, which takes the whole core."""
        pid = self.process.pid
        for p in [pid] + children_of(pid, keepers=True):
            be_prompt(p)

    def waited(self):
        """
        How long those that bring an answer about have waited for a core so far, in seconds: the actor, its keeper,
        and the kernel's threads that carry packets when it is busy.
        """
        total = 0
        for p in [self.process.pid] + children_of(self.process.pid, keepers=True) + carriers():
            with contextlib.suppress(OSError, IndexError):
                with open(f"/proc/{p}/schedstat", encoding="ascii") as f:
                    total += int(f.read().split()[1])
        return total / 1e9

    def output(self):
        self.log.seek(0)
        return self.log.read()[-2000:].decode(errors="replace")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.sock.close()
        self.log.close()
        # The keeper, now ours; it would stay for what the kernel calls TIME_WAIT.
        for pid in own_children():
            if comm_of(pid) == "shim-keeper":
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, WALL)


class World:
    """kind is "kernel" or "shim": whose stack the actor has."""

    def __init__(self, kind, directory):
        self.kind = kind
        self.log_path = os.path.join(directory, f"actor.{os.getpid()}.{kind}")
        self.home_fd = os.open("/proc/self/ns/net", os.O_RDONLY)
        checked(libc.unshare(CLONE_NEWNET), "unshare")
        self.peer_fd = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.write_sysctls({f"net.ipv6.conf.{c}.disable_ipv6": "1" for c in ("all", "default")})
        checked(libc.unshare(CLONE_NEWNET), "unshare")
        self.ns_fd = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.links()
        libc.setns(self.peer_fd, CLONE_NEWNET)
        self.ip("link set vb arp off up")
        self.no_offloads("vb")
        self.raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.raw.bind(("vb", ETH_P_ALL))
        self.raw.setsockopt(263, PACKET_IGNORE_OUTGOING, 1)
        self.raw.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.raw.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        self.raw.setblocking(False)
        libc.setns(self.home_fd, CLONE_NEWNET)

    @staticmethod
    def ip(*commands):
        r = subprocess.run(["ip", "-batch", "-"], input="\n".join(commands), capture_output=True, text=True, timeout=60)
        if r.returncode != 0:
            raise RuntimeError(f"ip: {r.stderr}")

    @staticmethod
    def no_offloads(dev):
        """Frames on the link are segments, with their checksums."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for feature in ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO:
                value = ctypes.create_string_buffer(struct.pack("II", feature, 0))
                fcntl.ioctl(s, SIOCETHTOOL, struct.pack("16sQ16x", dev.encode(), ctypes.addressof(value)))

    def links(self):
        """Both ends; we are in the subject's namespace."""
        peer = f"/proc/{os.getpid()}/fd/{self.peer_fd}"
        v6 = {f"net.ipv6.conf.{c}.{k}": v for c in ("all", "default") for k, v in
              (("accept_dad", "0"), ("accept_ra", "0"), ("router_solicitations", "0"),
               ("addr_gen_mode", "1"), ("disable_ipv6", "1" if self.kind == "shim" else "0"))}
        self.write_sysctls(v6)
        commands = [f"link add va address {MAC.hex(':')} type veth peer name vb "
                    f"address {PEER_MAC.hex(':')} netns {peer}", "link set lo up"]
        if self.kind == "kernel":
            commands += [f"addr add {SUBJECT4}/24 dev va", f"addr add {SUBJECT6}/64 dev va nodad"]
            self.write_sysctls(BASE_SYSCTLS)
        commands.append("link set va up")
        if self.kind == "kernel":
            commands += [f"route add {prefix} via {router} dev va" for prefix, router in ROUTES]
        self.ip(*commands)
        self.no_offloads("va")

    @staticmethod
    def write_sysctls(values):
        for name, value in values.items():
            path = "/proc/sys/" + name.replace(".", "/")
            if "ipv6" in name and not os.path.exists("/proc/sys/net/ipv6"):
                continue
            with open(path, "w", encoding="ascii") as f:
                f.write(value)

    def configure(self, options):
        """Set what the script chose (a kernel's world has one run); the actor's environment."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("SHIM_")}
        sysctls, shim = {}, dict(BASE_SHIM)
        for name, value in options.items():
            s, e = OPTIONS[name](value)
            sysctls.update(s)
            shim.update(e)
        if self.kind == "kernel":
            env.update(BASE_KERNEL)
            env.update({k: v for k, v in shim.items() if k in BASE_KERNEL})
            libc.setns(self.ns_fd, CLONE_NEWNET)
            try:
                self.write_sysctls(sysctls)
            finally:
                libc.setns(self.home_fd, CLONE_NEWNET)
            return env
        env.update(shim)
        env["LD_PRELOAD"] = LIBSHIM
        env["SHIM_VDEV"] = "net_af_packet0,iface=va"
        env["SHIM_ADDR"] = f"{SUBJECT4}/24,{SUBJECT6}/64"
        env["SHIM_GATEWAY"] = ",".join(f"{prefix}@{router}" for prefix, router in ROUTES)
        return env

    def received(self):
        """(time, frame) of what has come so far."""
        got = []
        while True:
            try:
                frame, control, _, _ = self.raw.recvmsg(65536, 256)
            except BlockingIOError:
                return got
            stamp = time.time()
            for level, kind, data in control:
                if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                    sec, nsec = struct.unpack("qq", data[:16])
                    stamp = sec + nsec / 1e9
            got.append((stamp, frame))

    def close(self):
        self.raw.close()
        for fd in (self.ns_fd, self.peer_fd, self.home_fd):
            os.close(fd)
