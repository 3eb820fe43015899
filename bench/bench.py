#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
bench.py - the kernel against the shim, in interleaved pairs.

Each pair runs a workload twice, one right after the other: over the kernel's stack on a
veth pair between two namespaces, and over the shim on a memif link between two processes,
both ends under the shim.  Server on core 0, client on core 1, one core each.  A ratio is
shim over kernel (for latencies kernel over shim): more is better everywhere.  Before each
pair the distance of the two cores is measured, since it changes with where the host puts
them.

usage: bench.py [--pairs N] [--seconds S] [--only WORD[,WORD]] [--quick] [--out FILE]
"""
import argparse
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "test", "system"))
from shimtest import BUILD, LIBSHIM, Failed, Skip, World, check, need, sh  # noqa: E402

SERVER, CLIENT = "198.18.0.1", "198.18.0.2"


class KernelLink(World):
    """Two namespaces, a veth pair; offloads as the kernel has them, or all off."""

    name, link = "kernel", "veth"

    def __init__(self, offload=True):
        super().__init__()
        if not offload:
            self.link = "veth, no offload"
        self.a, self.b = self.add_namespace("a"), self.add_namespace("b")
        sh(["ip", "link", "add", "va", "netns", self.a, "type", "veth", "peer", "name", "vb",
            "netns", self.b])
        for ns, dev, addr in ((self.a, "va", SERVER), (self.b, "vb", CLIENT)):
            if not offload:
                sh(["ip", "netns", "exec", ns, "ethtool", "-K", dev, "tx", "off", "gso", "off",
                    "tso", "off", "gro", "off"])
            sh(["ip", "-n", ns, "addr", "add", addr + "/24", "dev", dev])
            sh(["ip", "-n", ns, "link", "set", dev, "up"])

    def server(self, *args):
        return self.start_in(self.a, ["taskset", "-c", "0"] + list(args))

    def client(self, *args, seconds=60):
        return sh(["ip", "netns", "exec", self.b, "taskset", "-c", "1"] + list(args), seconds,
                  cwd=self.dir)


class ShimLink(World):
    """One namespace (nothing leaves it), a memif link, both programs under the shim."""

    name, link = "shim", "memif"

    def __init__(self, spin="forever", mtu=None):
        super().__init__()
        self.ns = self.add_namespace("m")
        self.spin, self.mtu = spin, mtu
        self.socket = self.path("memif.sock")

    def env(self, role, addr):
        e = {k: v for k, v in os.environ.items() if not k.startswith("SHIM_")}
        e.update(LD_PRELOAD=LIBSHIM, SHIM_ADDR=addr + "/24", SHIM_SPIN_US=self.spin,
                 SHIM_VDEV=f"net_memif0,role={role},id=0,socket={self.socket},"
                           f"socket-abstract=no,bsize={2048 if not self.mtu else 10240},rsize=10")
        if self.mtu:
            e["SHIM_MTU"] = str(self.mtu)
        return e

    def server(self, *args):
        p = self.start_in(self.ns, ["taskset", "-c", "0"] + list(args),
                          env=self.env("server", SERVER))
        end = time.monotonic() + 20
        while not os.path.exists(self.socket):
            check(p.poll() is None, "the server ended:", self.output(p)[-800:])
            check(time.monotonic() < end, "no memif socket:", self.output(p)[-800:])
            time.sleep(0.02)
        return p

    def client(self, *args, seconds=60):
        return sh(["ip", "netns", "exec", self.ns, "taskset", "-c", "1"] + list(args), seconds,
                  cwd=self.dir, env=self.env("client", CLIENT))


# -- workloads: each takes a link and the seconds, gives {metric: value} ---------------


def redis_server(link):
    need("redis-server", "redis-benchmark")
    link.server("redis-server", "--port", "6379", "--bind", "0.0.0.0", "--protected-mode", "no",
                "--save", "", "--dir", link.dir)
    time.sleep(0.7)


def redis(link, test, seconds, rate, *more):
    redis_server(link)
    n = str(int(seconds * rate))
    out = link.client("redis-benchmark", "-h", SERVER, "-q", "--csv", "-t", test, "-n", n, *more,
                      seconds=90)
    return float(re.search(rf'"{test.upper()}[^"]*","([\d.]+)"', out).group(1))


def redis_get(link, seconds):
    return {"redis_get": redis(link, "get", seconds, 90000, "-c", "50")}


def redis_set(link, seconds):
    return {"redis_set": redis(link, "set", seconds, 90000, "-c", "50")}


def redis_get_p16(link, seconds):
    return {"redis_get_p16": redis(link, "get", seconds, 700000, "-c", "50", "-P", "16")}


def nginx_server(link):
    need("nginx", "wrk")
    os.makedirs(link.path("www"), exist_ok=True)
    link.write("www/index.html", "x" * 64)
    link.write("nginx.conf", f"""
daemon off; user root; worker_processes 1; pid {link.path('pid')};
error_log {link.path('error.log')};
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 100000000; open_file_cache max=10;
  server {{ listen 80; root {link.path('www')}; }} }}
""")
    link.server("nginx", "-c", link.path("nginx.conf"))
    time.sleep(0.7)


def wrk(link, seconds, *more):
    nginx_server(link)
    out = link.client("wrk", "-t1", "-c50", f"-d{int(seconds)}s", *more,
                      f"http://{SERVER}/index.html")
    check("Non-2xx" not in out, out)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


def nginx_keepalive(link, seconds):
    return {"nginx_keepalive": wrk(link, seconds)}


def nginx_close(link, seconds):
    return {"nginx_close": wrk(link, seconds, "-H", "Connection: close")}


def iperf3(link, seconds):
    need("iperf3")
    link.server("iperf3", "-s")
    time.sleep(0.7)
    j = json.loads(link.client("iperf3", "-c", SERVER, "-t", str(int(seconds)), "-J"))
    return j["end"]["sum_received"]["bits_per_second"] / 1e9


def iperf3_tcp(link, seconds):
    return {"iperf3_tcp": iperf3(link, seconds)}


def sockperf_tcp(link, seconds):
    need("sockperf")
    link.server("sockperf", "server", "-i", SERVER, "-p", "11111", "--tcp")
    time.sleep(0.7)
    out = link.client("sockperf", "ping-pong", "-i", SERVER, "-p", "11111", "-t",
                      str(int(seconds)), "--tcp", "--full-rtt")
    return {"sockperf_tcp_p50": float(re.search(r"percentile 50.000 =\s+([\d.]+)", out).group(1)),
            "sockperf_tcp_p99": float(re.search(r"percentile 99.000 =\s+([\d.]+)", out).group(1))}


def sockperf_udp(link, seconds):
    need("sockperf")
    link.server("sockperf", "server", "-i", SERVER, "-p", "11111")
    time.sleep(0.7)
    out = link.client("sockperf", "ping-pong", "-i", SERVER, "-p", "11111", "-t",
                      str(int(seconds)), "--full-rtt")
    return {"sockperf_udp_p50": float(re.search(r"percentile 50.000 =\s+([\d.]+)", out).group(1))}


# (function, {metric: unit}, kernel link's arguments)
WORKLOADS = [
    (redis_get, {"redis_get": "requests/s"}, {}),
    (nginx_keepalive, {"nginx_keepalive": "requests/s"}, {}),
    (sockperf_tcp, {"sockperf_tcp_p50": "us", "sockperf_tcp_p99": "us"}, {}),
    (redis_get_p16, {"redis_get_p16": "requests/s"}, {}),
    (redis_set, {"redis_set": "requests/s"}, {}),
    (nginx_close, {"nginx_close": "connections/s"}, {}),
    (iperf3_tcp, {"iperf3_tcp": "Gbit/s"}, {"offload": False}),
    (sockperf_udp, {"sockperf_udp_p50": "us"}, {}),
]
QUICK = 3


def core_distance():
    probe = os.path.join(BUILD, "bench", "corepp")
    return sh([probe, "0", "1"]).strip() if os.path.exists(probe) else "?"


def summary(values):
    return statistics.median(values), min(values), max(values)


def ceiling(seconds):
    """What the bare link carries between two dpdk-testpmd processes, Mpps one way."""
    need("dpdk-testpmd")
    rates = {}
    for size in (64, 1500):
        with World() as w:
            ns = w.add_namespace("c")
            sock = w.path("m.sock")

            def pmd(core, role, mode, more, ns=ns, sock=sock, w=w):
                fifo = w.path(role)
                os.mkfifo(fifo)
                keep = os.open(fifo, os.O_RDWR)
                out = open(w.path(role + ".out"), "wb")
                p = subprocess.Popen(
                    ["ip", "netns", "exec", ns, "dpdk-testpmd", "-l", f"{core},{1 - core}",
                     "--no-huge", "--no-pci", "-m", "256", "--no-shconf",
                     f"--vdev=net_memif0,role={role},id=0,socket={sock},socket-abstract=no,"
                     f"bsize=2048,rsize=10", f"--main-lcore={1 - core}", "--", "-i", "--no-lsc",
                     "--total-num-mbufs=20000", f"--forward-mode={mode}"] + more,
                    stdin=open(fifo, "rb"), stdout=out, stderr=out)
                w.processes.append(p)
                return p, keep, out.name

            rx, rxin, rxout = pmd(0, "server", "rxonly", [])
            time.sleep(1.5)
            _, txin, _ = pmd(1, "client", "txonly", [f"--txpkts={size - 4}"])
            time.sleep(2)
            os.write(rxin, b"start\n")
            os.write(txin, b"start\n")
            time.sleep(0.5)
            os.write(rxin, b"show port stats 0\n")
            time.sleep(seconds)
            os.write(rxin, b"show port stats 0\n")
            time.sleep(0.5)
            for fd in (rxin, txin):
                os.write(fd, b"stop\nquit\n")
            with contextlib.suppress(subprocess.TimeoutExpired):
                rx.wait(timeout=10)
            with open(rxout, encoding="utf-8", errors="replace") as f:
                pps = re.findall(r"Rx-pps:\s+(\d+)", f.read())
            for fd in (rxin, txin):
                os.close(fd)
            check(len(pps) >= 2, "dpdk-testpmd said nothing")
            rates[size] = int(pps[-1]) / 1e6
    return rates


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--pairs", type=int, default=5)
    ap.add_argument("--seconds", type=float, default=3.0)
    ap.add_argument("--only", default="")
    ap.add_argument("--quick", action="store_true")
    ap.add_argument("--out", default=os.path.join(BUILD, "bench", "results.json"))
    args = ap.parse_args()
    if args.quick:
        args.pairs, args.seconds = min(args.pairs, 5), min(args.seconds, 2.0)
    only = [w for w in args.only.split(",") if w]
    results = []
    todo = WORKLOADS[:QUICK] if args.quick else WORKLOADS
    if only:
        todo = [t for t in WORKLOADS if any(w in m for w in only for m in t[1])]
    if not args.quick and not only:
        try:
            rates = ceiling(2.0)
            for size, mpps in rates.items():
                print(f"link ceiling: dpdk-testpmd over memif, {size} B: {mpps:.1f} Mpps", flush=True)
                results.append({"workload": f"link_{size}", "system": "dpdk-testpmd",
                                "link": "memif", "pinning": "0,1", "unit": "Mpps",
                                "value": mpps, "min": mpps, "max": mpps, "runs": 1})
        except (Skip, Failed) as e:
            print(f"link ceiling: {e}", flush=True)
    for fn, metrics, kernel_args in todo:
        values = {m: {"kernel": [], "shim": []} for m in metrics}
        link_name = "veth"
        for pair in range(args.pairs):
            row = {}
            try:
                for make in (lambda: KernelLink(**kernel_args), ShimLink):
                    with make() as link:
                        if link.name == "kernel":
                            link_name = link.link
                        row[link.name] = fn(link, args.seconds)
            except Skip as e:
                print(f"{fn.__name__}: skipped: {e}", flush=True)
                break
            except Failed as e:
                print(f"{fn.__name__}: pair {pair + 1} failed: {str(e)[:1500]}", flush=True)
                continue
            for m in metrics:
                for system in ("kernel", "shim"):
                    values[m][system].append(row[system][m])
            print(f"{fn.__name__} pair {pair + 1}: " + ", ".join(
                f"{m} kernel {row['kernel'][m]:.5g} shim {row['shim'][m]:.5g}" for m in metrics) +
                f" (cores {core_distance()} ns apart)", flush=True)
        for m, unit in metrics.items():
            k, s = values[m]["kernel"], values[m]["shim"]
            if not k:
                continue
            ratios = [a / b for a, b in zip(k, s)] if unit == "us" else [b / a for a, b in zip(k, s)]
            for system, vals, link in (("kernel", k, link_name), ("shim", s, "memif")):
                med, lo, hi = summary(vals)
                results.append({"workload": m, "system": system, "link": link, "pinning": "0,1",
                                "unit": unit, "value": med, "min": lo, "max": hi,
                                "runs": len(vals)})
            med, lo, hi = summary(ratios)
            results.append({"workload": m, "ratio_of": ["shim", "kernel"], "median": med,
                            "min": lo, "max": hi, "pairs": len(ratios)})
            print(f"{m:18} shim/kernel median {med:.2f}  min {lo:.2f}  max {hi:.2f}  "
                  f"({len(ratios)} pairs)", flush=True)
    os.makedirs(os.path.dirname(args.out), exist_ok=True)
    with open(args.out, "w", encoding="utf-8") as f:
        json.dump(results, f, indent=1)
    print(f"results in {os.path.relpath(args.out)}")
    return 0 if results else 1


if __name__ == "__main__":
    sys.exit(main())
