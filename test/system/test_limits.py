#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Where programs are confined: as PID 1, stopped, few descriptors, little address space, another user, a
changed root, no root at all.
"""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from shimtest import (LIBSHIM, PEER4, PYTHON, SHIM4, TapWorld, Skip, check, children_of, keeper_of, main,
                      need, wait_until)
from test_faults import keeper_named, lock_owner, reservation, state_of
from test_nginx import PAGE, curl, nginx_conf

ECHO = r"""
import os, socket, sys
if len(sys.argv) > 1:
    os.chroot(sys.argv[1])
    os.chdir("/")
    os.setgid(65534)
    os.setuid(65534)
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("0.0.0.0", 7000))
s.listen(100)
while True:
    c, _ = s.accept()
    if os.fork() == 0:
        while True:
            d = c.recv(65536)
            if not d:
                os._exit(0)
            c.sendall(d)
    c.close()
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
"""


def echoes(w, n=5):
    for i in range(n):
        out = w.run("sh", "-c", f"(echo line {i}; sleep 0.2) | nc -w 10 -N {SHIM4} 7000")
        check(out == f"line {i}\n", out)


def pid_1():
    """In a pid namespace of its own the program is its init: it works, and takes all with it."""
    with TapWorld() as w:
        need("unshare", "nginx")
        p = w.shim("unshare", "-p", "-f", "--mount-proc", "nginx", "-c", nginx_conf(w))
        w.listening(80, p)
        for _ in range(5):
            check(curl(w, "/index.html") == PAGE)
        init = children_of(p.pid)[0]
        with open(f"/proc/{init}/status", encoding="ascii", errors="replace") as f:
            check(re.search(r"NSpid:\t\d+\t1\n", f.read()), "nginx is not PID 1")
        # A worker's death, and the keeper's, are an init's to reap.
        os.kill(children_of(init)[0], signal.SIGKILL)
        os.kill(keeper_of(init), signal.SIGKILL)
        for _ in range(5):
            check(curl(w, "/index.html") == PAGE)
        os.kill(init, signal.SIGKILL)
        wait_until(lambda: not w.has_iface(), "the port to go with PID 1", 5)


def stopped_holder():
    """Who is stopped within the lock stalls the others; when he goes on, so do they."""
    with TapWorld() as w:
        need("nginx", "wrk")
        p = w.shim("nginx", "-c", nginx_conf(w))
        w.listening(80, p)
        load = w.kernel("wrk", "-t1", "-c20", "-d60s", f"http://{SHIM4}/index.html")
        victim = children_of(p.pid)[0]
        base = reservation(victim)
        for _ in range(3):
            end = time.monotonic() + 30
            while True:
                check(time.monotonic() < end, "a worker was never found inside the lock")
                os.kill(victim, signal.SIGSTOP)
                while state_of(victim) not in "Tt":
                    pass
                if lock_owner(victim, base) == victim:
                    break
                os.kill(victim, signal.SIGCONT)
                time.sleep(0.001)
            r = subprocess.run(["ip", "netns", "exec", w.peer_ns, "curl", "-sS", "--max-time", "0.5",
                                f"http://{SHIM4}/index.html"], check=False, capture_output=True)
            check(r.returncode != 0, "answered while the holder is stopped: it was not stopped inside")
            os.kill(victim, signal.SIGCONT)
            check(curl(w, "/index.html") == PAGE)
        load.terminate()
        load.wait()


def other_user():
    """Workers of another user, who could not open the port themselves."""
    with TapWorld() as w:
        need("nginx")
        with open(nginx_conf(w), encoding="ascii") as f:
            conf = f.read().replace("user root;", "user www-data;")
        p = w.shim("nginx", "-c", w.write("nginx.conf", conf))
        w.listening(80, p)
        wait_until(lambda: all(os.stat(f"/proc/{c}").st_uid != 0 for c in children_of(p.pid)),
                   "workers that are not root's")
        for _ in range(3):
            check(curl(w, "/index.html") == PAGE)
            os.kill(children_of(p.pid)[0], signal.SIGKILL)
        os.kill(keeper_of(p.pid), signal.SIGKILL)
        for _ in range(3):
            check(curl(w, "/index.html") == PAGE)


def changed_root():
    """After the first socket's EAL, in a root without a file, as nobody."""
    with TapWorld() as w:
        os.mkdir(w.path("empty"))
        server = ECHO.replace("os.chroot", "socket.socket().close()\n    os.chroot")
        p = w.shim(PYTHON, "-c", server, w.path("empty"))
        w.listening(7000, p)
        echoes(w)
        w.alive(p)


def limited(*limits):
    def test():
        with TapWorld() as w:
            need("prlimit")
            p = w.shim("prlimit", *limits, PYTHON, "-c", ECHO)
            w.listening(7000, p)
            echoes(w)
            w.alive(p)
    return test


def few_descriptors():
    """64 descriptors, most of them taken by connections: EMFILE, not a crash; then it goes on."""
    with TapWorld() as w:
        need("prlimit")
        server = w.write("server.py", r"""
import errno, socket, select
s = socket.socket()
s.bind(("0.0.0.0", 7000))
s.listen(200)
conns, full = [], 0
while True:
    r, _, _ = select.select([s] + conns, [], [], 5)
    for c in r:
        if c is s:
            try:
                conns.append(s.accept()[0])
            except OSError as e:
                assert e.errno == errno.EMFILE, e
                conns.pop(0).close()
                full += 1
                if full == 5:
                    print("full", flush=True)
                break # it may be among those that can be read
        else:
            d = c.recv(100)
            if d:
                c.sendall(d)
            else:
                conns.remove(c)
                c.close()
""")
        p = w.shim("prlimit", "--nofile=64:64", PYTHON, server)
        w.listening(7000, p)
        w.run(PYTHON, "-c", "import socket\n"
              f"c = [socket.create_connection(('{SHIM4}', 7000), 10) for _ in range(100)]\n")
        wait_until(lambda: "full" in w.output(p), "the server to run out of descriptors")
        echoes(w)
        w.alive(p)


def no_root():
    """An unprivileged user, in a namespace of his own making, without hugepages."""
    if not os.path.exists("/dev/net/tun") or not os.access("/dev/net/tun", os.R_OK):
        raise Skip("no /dev/net/tun")
    need("setpriv", "unshare", "nc")
    tmp = tempfile.mkdtemp(prefix="shimt.")
    lib = os.path.join(tmp, "libshim.so")
    shutil.copy(LIBSHIM, lib)
    os.chmod(tmp, 0o755)
    script = f"""
ip link set lo up
LD_PRELOAD={lib} SHIM_VDEV=net_tap0,iface=u0 SHIM_ADDR={SHIM4}/24 SHIM_LOG=info \\
    {PYTHON} -c '{ECHO}' & server=$!
for i in $(seq 200); do ip link show u0 > /dev/null 2>&1 && break; sleep 0.1; done
ip addr add {PEER4}/24 dev u0 && ip link set u0 up
for i in $(seq 100); do nc -z -w 1 {SHIM4} 7000 && break; sleep 0.1; done
echo hello | nc -w 10 -N {SHIM4} 7000
kill $server
"""
    try:
        r = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "unshare", "-rn",
                            "sh", "-c", script], check=False, capture_output=True, timeout=90, cwd="/",
                           text=True)
    finally:
        shutil.rmtree(tmp)
    if "unshare failed" in r.stderr:
        raise Skip("an unprivileged user may make no namespaces here")
    check("hello" in r.stdout, r.stdout[-500:], r.stderr[-1500:])


def keepers_in_a_row():
    """Fifty keepers killed, one after the other: each has a successor, and no zombie is left."""
    with TapWorld() as w:
        p = w.shim(PYTHON, "-c", ECHO)
        w.listening(7000, p)
        times = []

        def keeper_alive():
            # A child that serves a connection may have made it, and be gone.
            return next((q for q in w.pids() if keeper_named(q)), None)
        for _ in range(50):
            keeper = wait_until(keeper_alive, "a keeper")
            os.kill(keeper, signal.SIGKILL)
            start = time.monotonic()
            w.run("nc", "-z", "-w5", SHIM4, "7000")
            wait_until(lambda k=keeper: keeper_alive() not in (None, k), "a successor")
            times.append(time.monotonic() - start)
        echoes(w)

        def zombies():
            kids = []
            with open(f"/proc/{p.pid}/task/{p.pid}/children", encoding="ascii") as f:
                for kid in f.read().split():
                    with contextlib.suppress(OSError):
                        kids.append(state_of(int(kid)))
            return kids.count("Z")
        # The last of them may not have been looked at yet; the echoes' children are waited for.
        check(zombies() <= 2, zombies(), "zombies")
        times.sort()
        return f"replaced after {times[25] * 1000:.0f} ms in the median, at most {times[-1] * 1000:.0f} ms"


TESTS = [
    ("limits_program_is_pid_1", pid_1),
    ("limits_holder_of_the_lock_is_stopped", stopped_holder),
    ("limits_workers_of_another_user", other_user),
    ("limits_changed_root", changed_root),
    ("limits_few_descriptors", few_descriptors),
    ("limits_eighty_descriptors_no_locked_memory", limited("--memlock=65536:65536", "--nofile=80:80")),
    ("limits_address_space_of_4_gb", limited("--as=4294967296:4294967296")),
    ("limits_no_root", no_root),
    ("limits_fifty_keepers_killed_in_a_row", keepers_in_a_row),
]

if __name__ == "__main__":
    sys.exit(main(TESTS))
