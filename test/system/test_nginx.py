#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""nginx, master and two workers, under the shim; curl and wrk on the kernel's side."""
import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time

from shimtest import (Detached, TapWorld, VethWorld, both_families, check, children_of, cpu_ticks,
                      keeper_of, main, need, sh, sha256, wait_until)

PAGE = "It works: " + "x" * 54 + "\n"


def nginx_conf(w, daemon="off", workers=2):
    os.makedirs(w.path("www"), exist_ok=True)
    w.write("www/index.html", PAGE)
    if not os.path.exists(w.path("www/big")):
        sh(["dd", "if=/dev/urandom", f"of={w.path('www/big')}", "bs=1M", "count=20"])
    return w.write("nginx.conf", f"""
daemon {daemon};
user root;
worker_processes {workers};
pid {w.path('nginx.pid')};
error_log {w.path('error.log')} notice;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {w.path('body')};
  proxy_temp_path {w.path('proxy')};
  fastcgi_temp_path {w.path('fcgi')};
  uwsgi_temp_path {w.path('uwsgi')};
  scgi_temp_path {w.path('scgi')};
  keepalive_requests 1000000;
  server {{
    listen {"[::]:80" if w.family == 6 else "80"};
    root {w.path('www')};
    add_header X-Worker $pid;
    location /slow {{ limit_rate 200k; alias {w.path('www')}/; }}
  }}
}}
""")


def start(w, **kw):
    need("nginx", "curl")
    p = w.shim("nginx", "-c", nginx_conf(w, **kw))
    w.listening(80, p)
    return p


def curl(w, path, *more):
    return w.run("curl", "-sS", "--max-time", "30", *more, f"http://{w.url_host}{path}")


def page_and_file(family):
    with TapWorld(family=family) as w:
        p = start(w)
        for _ in range(20):
            check(curl(w, "/index.html") == PAGE, "the page arrived changed")
        curl(w, "/big", "-o", w.path("got"))
        check(sha256(w.path("got")) == sha256(w.path("www/big")), "20 MB arrived changed")
        local = sh(["ip", "netns", "exec", w.ns, "curl", "-sS", "--max-time", "10",
                    f"http://{'[::1]' if family == 6 else '127.0.0.1'}/index.html"])
        check(local == PAGE, "the kernel's loopback reaches another page")
        p.send_signal(signal.SIGQUIT)
        check(p.wait(timeout=15) == 0, "SIGQUIT ended nginx with", p.returncode, w.output(p)[-800:])


def page_over_af_packet(family):
    with VethWorld(family=family) as w:
        start(w)
        curl(w, "/big", "-o", w.path("got"))
        check(sha256(w.path("got")) == sha256(w.path("www/big")), "20 MB arrived changed")


def daemon_on():
    with TapWorld() as w:
        need("nginx", "curl")
        p = w.shim("nginx", "-c", nginx_conf(w, daemon="on"), wait=False)
        check(p.wait(timeout=20) == 0, "nginx did not become a daemon:", w.output(p)[-800:])
        w.ready(Detached())
        w.listening(80)
        check(curl(w, "/index.html") == PAGE, "the page arrived changed")
        with open(w.path("nginx.pid"), encoding="ascii") as f:
            master = int(f.read())
        check(len(children_of(master)) == 2, "not two workers but", children_of(master))
        os.kill(master, signal.SIGQUIT)
        wait_until(lambda: not os.path.exists(f"/proc/{master}"), "the daemon to end")


def wrk_keepalive(family):
    with TapWorld(family=family) as w:
        need("wrk")
        start(w)
        out = w.run("wrk", "-t1", "-c50", "-d3s", f"http://{w.url_host}/index.html")
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
        check("Socket errors" not in out and "Non-2xx" not in out, out)
        check(rate > 1000, out)
        return f"{rate:.0f} requests/s"


def wrk_close(family):
    with TapWorld(family=family) as w:
        need("wrk")
        start(w)
        out = w.run("wrk", "-t1", "-c50", "-d3s", "-H", "Connection: close",
                    f"http://{w.url_host}/index.html")
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
        check("Non-2xx" not in out and "Socket errors" not in out, out)
        check(rate > 200, out)
        return f"{rate:.0f} connections/s"


def reload_under_load(family):
    with TapWorld(family=family) as w:
        p = start(w)
        stop = threading.Event()
        bad, good = [], [0]

        def load():
            while not stop.is_set():
                r = subprocess.run(["ip", "netns", "exec", w.peer_ns, "curl", "-sS", "--max-time",
                                    "10", f"http://{w.url_host}/index.html"], check=False,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                if r.returncode != 0 or r.stdout.decode() != PAGE:
                    bad.append(r.stderr.decode())
                else:
                    good[0] += 1

        threads = [threading.Thread(target=load) for _ in range(3)]
        for t in threads:
            t.start()
        try:
            for _ in range(5):
                before = set(children_of(p.pid))
                p.send_signal(signal.SIGHUP)
                wait_until(lambda b=before: len(set(children_of(p.pid)) - b) >= 2,
                           "new workers after SIGHUP")
                time.sleep(0.3)
        finally:
            stop.set()
            for t in threads:
                t.join()
        check(not bad, f"{len(bad)} requests dropped of {good[0] + len(bad)}:", bad[:3])
        return f"{good[0]} requests, none dropped"


def killed_worker():
    """kill -9 of a worker: its connections are told at once, the others live on."""
    with TapWorld() as w:
        p = start(w)
        times = []
        for _ in range(7):
            workers = children_of(p.pid)
            check(len(workers) == 2, "not two workers but", workers)
            held = hold_connections(w, 8)
            victim = statistics.mode(held.workers)
            check(victim in workers, "served by", victim, "not by", workers)
            os.kill(victim, signal.SIGKILL)
            told = held.results()
            check(len(told) == held.workers.count(victim), len(told), "of",
                  held.workers.count(victim), "connections of the victim were closed")
            times += told
            wait_until(lambda v=victim: len(set(children_of(p.pid)) - {v}) == 2, "a new worker")
            check(curl(w, "/index.html") == PAGE, "the other worker does not answer")
        med = statistics.median(times)
        check(med < 0.1, f"peers told after {med * 1000:.0f} ms in the median")
        return f"{len(times)} connections told, median {med * 1000:.1f} ms"


HOLDER = r"""
import socket, sys, time, select
host, n = sys.argv[1], int(sys.argv[2])
socks, workers = [], []
for _ in range(n):
    s = socket.create_connection((host, 80), timeout=10)
    s.sendall(b"GET /index.html HTTP/1.1\r\nHost: x\r\n\r\n")
    got = b""
    while not got.endswith(b"x\n"):
        got += s.recv(4096)
    socks.append(s)
    workers.append(got.split(b"X-Worker: ")[1].split(b"\r")[0].decode())
print("ready", *workers, flush=True)
sys.stdin.readline()
start = time.monotonic()
left = set(socks)
while left and time.monotonic() - start < 1.0:
    r, _, _ = select.select(list(left), [], [], 0.05)
    for s in r:
        try:
            got = s.recv(1)
        except OSError:
            got = b""
        if got == b"":
            print("told", time.monotonic() - start, flush=True)
            left.discard(s)
for s in left:
    s.settimeout(5)
    s.sendall(b"GET /index.html HTTP/1.1\r\nHost: x\r\n\r\n")
    print("alive" if s.recv(10) else "dead", flush=True)
"""


class hold_connections:
    """
    n keep-alive connections, each proved by a request that said whose it is (workers);
    results() after the kill.
    """

    def __init__(self, w, n):
        self.p = subprocess.Popen(["ip", "netns", "exec", w.peer_ns, "/usr/bin/python3", "-c",
                                   HOLDER, w.host, str(n)], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        w.processes.append(self.p)
        words = self.p.stdout.readline().split()
        check(words[:1] == [b"ready"], "the holder could not connect:", words)
        self.workers = [int(n) for n in words[1:]]

    def results(self):
        out, err = self.p.communicate(b"go\n", timeout=20)
        lines = out.decode().split("\n")
        check(self.p.returncode == 0, err.decode()[-500:])
        check("dead" not in lines, "a connection of the other worker was closed")
        return [float(ln.split()[1]) for ln in lines if ln.startswith("told")]


def killed_keeper():
    """The keeper killed: the program goes on, and a new keeper appears."""
    with TapWorld() as w:
        p = start(w)
        keeper = wait_until(lambda: keeper_of(p.pid), "the keeper")
        os.kill(keeper, signal.SIGKILL)
        for _ in range(10):
            check(curl(w, "/index.html") == PAGE, "nginx no longer answers")

        def another():
            curl(w, "/index.html")
            for pid in w.pids():
                try:
                    with open(f"/proc/{pid}/comm", encoding="ascii") as f:
                        if f.read().strip() == "shim-keeper" and pid != keeper:
                            return pid
                except OSError:
                    pass
            return None
        wait_until(another, "a new keeper")
        check(curl(w, "/index.html") == PAGE, "nginx no longer answers")


def quit_leaves_nothing(p, log):
    """End nginx, and look at what is left of it."""
    p.send_signal(signal.SIGQUIT)
    check(p.wait(timeout=20) == 0, "SIGQUIT ended nginx with", p.returncode)
    keeper_counts_nothing(log)


def keeper_counts_nothing(log):
    """A program's last keeper counts what is left, once TIME_WAIT is over (SHIM_TIME_WAIT=1)."""
    def ended():
        with open(log, encoding="utf-8") as f:
            return [ln for ln in f if "the keeper ends" in ln]
    line = wait_until(ended, "the keeper to end", 30)[0]
    check("0 files, 0 waits, 0 packet buffers left behind" in line, line)


def nothing_left_behind():
    """After load, broken downloads and a kill nothing is leaked: no file, no wait, no packet."""
    with TapWorld() as w:
        need("nginx", "curl", "wrk")
        log = w.path("shim.log")
        p = w.shim("nginx", "-c", nginx_conf(w), SHIM_LOG_FILE=log, SHIM_TIME_WAIT="1")
        w.listening(80, p)
        w.run("wrk", "-t1", "-c20", "-d1s", f"http://{w.url_host}/index.html")
        w.run("wrk", "-t1", "-c20", "-d1s", "-H", "Connection: close",
              f"http://{w.url_host}/index.html")
        for _ in range(5):
            subprocess.run(["ip", "netns", "exec", w.peer_ns, "curl", "-s", "-o", "/dev/null",
                            "--max-time", "0.3", f"http://{w.url_host}/slow/big"], check=False)
        os.kill(children_of(p.pid)[0], signal.SIGKILL)
        curl(w, "/big", "-o", "/dev/null")
        quit_leaves_nothing(p, log)


def idle_cpu():
    """Idle, everything together stays below 2 % of a core; the first request comes fast."""
    seconds = 30.0
    with TapWorld() as w:
        start(w)
        time.sleep(1.5)
        hz = os.sysconf("SC_CLK_TCK")
        pids = [q for q in w.pids()]
        before = sum(cpu_ticks(q) for q in pids)
        time.sleep(seconds)
        used = (sum(cpu_ticks(q) for q in pids) - before) / hz / seconds
        check(used <= 0.02, f"idle nginx uses {used * 100:.1f} % of a core")
        first = []
        for _ in range(7):
            time.sleep(0.4)
            out = curl(w, "/index.html", "-o", "/dev/null", "-w", "%{time_total}")
            first.append(float(out))
        med = statistics.median(first)
        check(med < 0.005, f"first request after idling took {med * 1000:.1f} ms")
        return f"{used * 100:.2f} % of a core, first request {med * 1000:.2f} ms"


TESTS = both_families([
    ("nginx_serves_page_and_file_over_tap", page_and_file),
    ("nginx_serves_file_over_af_packet", page_over_af_packet),
    ("nginx_wrk_keepalive", wrk_keepalive),
    ("nginx_wrk_connection_close", wrk_close),
    ("nginx_reload_under_load_drops_nothing", reload_under_load),
]) + [
    ("nginx_daemon_on", daemon_on),
    ("nginx_killed_worker_closes_its_connections_only", killed_worker),
    ("nginx_killed_keeper_is_replaced", killed_keeper),
    ("nginx_leaves_nothing_behind", nothing_left_behind),
    ("nginx_idle_cpu_and_first_request", idle_cpu),
]

if __name__ == "__main__":
    sys.exit(main(TESTS))
