#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Processes killed at the worst moments: inside the stack's lock, many in a row, with the keeper.

Whether a process is inside is read from the lock's word, which lies at the start of the
stack's reservation, while the process is stopped: so the kill always hits.
"""
import os
import random
import re
import signal
import statistics
import struct
import subprocess
import sys
import time

from shimtest import (PYTHON, SHIM4, TapWorld, VethWorld, check, children_of, keeper_of, main, need,
                      wait_until)
from test_nginx import (PAGE, curl, hold_connections, keeper_counts_nothing, nginx_conf,
                        quit_leaves_nothing, start)

TID_MASK = 0x3fffffff


def reservation(pid):
    """The address of the stack's memory: the largest anonymous shared mapping."""
    best = (0, 0)
    with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as f:
        for line in f:
            m = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw-s .*/dev/zero", line)
            if m:
                lo, hi = int(m.group(1), 16), int(m.group(2), 16)
                best = max(best, (hi - lo, lo))
    check(best[0] > 0, "no reservation in", pid)
    return best[1]


def has_memory(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return f.read().split()[0] != "0"


def lock_owner(pid, base):
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as f:
        f.seek(base)
        return struct.unpack("<I", f.read(4))[0] & TID_MASK


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        return f.read().rsplit(")", 1)[1].split()[0]


def kill_inside(pid, seconds=30.0):
    """SIGKILL a single-threaded process while it holds the lock; how many stops it took."""
    base = reservation(pid)
    end = time.monotonic() + seconds
    tries = 0
    while time.monotonic() < end:
        tries += 1
        os.kill(pid, signal.SIGSTOP)
        while state_of(pid) not in "Tt":
            pass
        if lock_owner(pid, base) == pid:
            os.kill(pid, signal.SIGKILL)
            return tries
        os.kill(pid, signal.SIGCONT)
        time.sleep(random.random() * 0.002)
    check(False, f"process {pid} was never found inside the lock in {tries} stops")
    return tries


def repairs(w):
    """Who repairs logs it: nginx's stderr is its own log, the keeper has none."""
    try:
        with open(w.path("shim.log"), encoding="ascii", errors="replace") as f:
            return f.read().count("killed inside the stack")
    except OSError:
        return 0


def start_logged(w, **more):
    need("nginx", "curl")
    p = w.shim("nginx", "-c", nginx_conf(w), SHIM_LOG_FILE=w.path("shim.log"), **more)
    w.listening(80, p)
    return p


def worker_dies_inside():
    """kill -9 inside the lock: repaired, its peers told at once, the other's unharmed."""
    with TapWorld() as w:
        need("wrk")
        p = start_logged(w)
        times = []
        rounds = 7
        for i in range(rounds):
            workers = children_of(p.pid)
            check(len(workers) == 2, "not two workers but", workers)
            held = hold_connections(w, 8)
            load = subprocess.Popen(["ip", "netns", "exec", w.peer_ns, "wrk", "-t1", "-c20", "-d20s",
                                     f"http://{SHIM4}/index.html"], stdout=subprocess.DEVNULL)
            w.processes.append(load)
            time.sleep(0.2)
            victim = workers[i % 2]
            kill_inside(victim)
            times += held.results()
            load.kill()
            load.wait()
            wait_until(lambda v=victim: len(set(children_of(p.pid)) - {v}) == 2, "a new worker")
            for _ in range(3):
                check(curl(w, "/index.html") == PAGE, "nginx does not answer after a death inside")
        check(repairs(w) >= rounds, repairs(w), "repairs for", rounds, "deaths inside")
        check(times, "no connection was closed: none on a victim?")
        med = statistics.median(times)
        check(med < 0.1, f"peers told after {med * 1000:.0f} ms in the median")
        return f"{rounds} deaths inside, {len(times)} connections told, median {med * 1000:.1f} ms"


def keeper_dies_inside():
    """The keeper too may be killed with the lock in its hand."""
    with TapWorld() as w:
        p = start(w)
        for _ in range(3):
            keeper = wait_until(lambda: next((q for q in w.pids() if keeper_named(q)), None),
                                "a keeper")
            # It comes in when there is something to do: a ping now and then.
            load = subprocess.Popen(["ip", "netns", "exec", w.peer_ns, "ping", "-q", "-i", "0.002",
                                     SHIM4], stdout=subprocess.DEVNULL)
            w.processes.append(load)
            os.kill(keeper, signal.SIGKILL)
            for _ in range(5):
                check(curl(w, "/index.html") == PAGE, "nginx does not answer")
            load.kill()
            load.wait()
            wait_until(lambda k=keeper: any(keeper_named(q) and q != k for q in w.pids()),
                       "another keeper")
        w.alive(p)


def keeper_named(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            text = f.read()
        return "(shim-keeper)" in text and text.rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def storm(world):
    """Workers and keepers killed at random under load; everything still works, nothing is lost."""
    seconds = float(os.environ.get("STORM", "8"))
    with world() as w:
        need("wrk")
        p = start_logged(w, SHIM_TIME_WAIT="1")
        load = w.kernel("wrk", "-t1", "-c40", f"-d{int(seconds) + 30}s",
                        f"http://{SHIM4}/index.html")
        end = time.monotonic() + seconds
        kills = inside = keepers = 0
        rng = random.Random(int(os.environ.get("SEED", "1")))
        while time.monotonic() < end:
            w.alive(p)
            for victim in children_of(p.pid):
                try:
                    # One that was killed has no memory any more long before it is a zombie.
                    if state_of(victim) == "Z" or not has_memory(victim):
                        continue
                    base = reservation(victim)
                    os.kill(victim, signal.SIGSTOP)
                    inside += lock_owner(victim, base) == victim
                    os.kill(victim, signal.SIGKILL)
                    kills += 1
                except (OSError, ValueError):
                    continue
                time.sleep(rng.random() * 0.05)
            if rng.random() < 0.1:
                for q in w.pids():
                    if keeper_named(q):
                        os.kill(q, signal.SIGKILL)
                        keepers += 1
            time.sleep(rng.random() * 0.1)
        load.kill()
        load.wait()
        wait_until(lambda: len([c for c in children_of(p.pid) if state_of(c) != "Z"]) == 2,
                   "two workers")
        for _ in range(20):
            check(curl(w, "/index.html") == PAGE, "the page arrived changed")
        quit_leaves_nothing(p, w.path("shim.log"))
        return f"{kills} workers ({inside} inside the lock) and {keepers} keepers killed"


# A process for each connection: it answers itself, or leaves that to a grandchild, or is killed
# when it has written its answer.
FORKING_SERVER = """
import os, signal, socket, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("0.0.0.0", 8000))
s.listen(64)
while True:
    c = s.accept()[0]
    if os.fork() == 0:
        s.close()
        how = c.recv(100)
        if how.startswith(b"grandchild") and os.fork() != 0:
            os._exit(0)
        c.sendall(how * 20)
        if how.startswith(b"killed"):
            os.kill(os.getpid(), signal.SIGKILL)
        os._exit(0)
    c.close()
"""
FORK_CLIENT = """
import socket, sys, threading
right = []
def client(n):
    for i in range(n):
        how = b"%s %d" % ((b"child", b"grandchild", b"killed")[i % 3], i)
        with socket.create_connection((sys.argv[1], 8000), 30) as s:
            s.sendall(how)
            answer = b""
            while piece := s.recv(4096):
                answer += piece
        right.append(answer == how * 20)
threads = [threading.Thread(target=client, args=(int(sys.argv[2]),)) for _ in range(8)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print("right", right.count(True), "of", len(right))
"""


def fork_storm(world):
    """Processes by the hundred that live for one connection: each is answered, and nothing is left."""
    each = 45
    with world() as w:
        log = w.path("shim.log")
        p = w.shim(PYTHON, "-c", FORKING_SERVER, SHIM_LOG_FILE=log, SHIM_TIME_WAIT="1")
        w.listening(8000, p)
        start_time = time.monotonic()
        out = w.run(PYTHON, "-c", FORK_CLIENT, SHIM4, str(each), seconds=120)
        took = time.monotonic() - start_time
        check(out == f"right {8 * each} of {8 * each}\n", out)
        p.send_signal(signal.SIGTERM)
        check(p.wait(timeout=20) == 0, "SIGTERM ended the server with", p.returncode)
        keeper_counts_nothing(log)
        return f"{8 * each} connections, {8 * each * 4 // 3} processes in {took:.1f} s"


def keeper_goes_with_the_program():
    """When the program has ended and its connections too, so has the keeper."""
    with TapWorld() as w:
        p = w.shim("/usr/bin/python3", "-c", "import socket, time\n"
                   "s = socket.socket(); s.bind(('0.0.0.0', 8000)); s.listen()\n"
                   "time.sleep(30)")
        keeper = wait_until(lambda: keeper_of(p.pid), "the keeper")
        p.kill()
        wait_until(lambda: not keeper_named(keeper), "the keeper to end", 3)
        check(not w.has_iface(), "the port is still there")


TESTS = [
    ("fault_worker_dies_inside_the_lock", worker_dies_inside),
    ("fault_keeper_killed_under_load", keeper_dies_inside),
    ("fault_storm_of_kills", lambda: storm(VethWorld)),
    ("fault_storm_of_kills_over_tap", lambda: storm(TapWorld)),
    ("fault_fork_storm", lambda: fork_storm(TapWorld)),
    ("fault_fork_storm_over_af_packet", lambda: fork_storm(VethWorld)),
    ("fault_keeper_goes_with_the_program", keeper_goes_with_the_program),
]

if __name__ == "__main__":
    sys.exit(main(TESTS))
