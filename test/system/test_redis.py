#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""redis-server under the shim, with its BGSAVE child; redis-benchmark on either side."""
import os
import re
import signal
import sys

from shimtest import TapWorld, VethWorld, both_families, check, main, need, wait_until


def start(w, *more):
    need("redis-server", "redis-cli", "redis-benchmark")
    p = w.shim("redis-server", "--port", "6379", "--bind", w.any, "--protected-mode", "no",
               "--save", "", "--dir", w.dir, "--dbfilename", "dump.rdb", *more)
    w.listening(6379, p)
    # While it loads a dump it accepts, and refuses all commands but a few.
    wait_until(lambda: cli(w, "ping") == "PONG", "redis to be ready")
    return p


def cli(w, *args):
    return w.run("redis-cli", "-h", w.host, *args).strip()


def benchmark(run, host, *args):
    out = run("redis-benchmark", "-h", host, "-q", "--csv", *args, seconds=90)
    rates = {m.group(1): float(m.group(2)) for m in re.finditer(r'^"(\w+)[^"]*","([\d.]+)"', out, re.M)}
    check(rates, out)
    return ", ".join(f"{k} {v:.0f}/s" for k, v in rates.items())


def get_set(family):
    with TapWorld(family=family) as w:
        start(w)
        check(cli(w, "set", "k", "v" * 100000) == "OK")
        check(cli(w, "get", "k") == "v" * 100000, "a value of 100 kB arrived changed")
        note = benchmark(w.run, w.host, "-t", "set,get", "-c", "50", "-n", "30000")
        benchmark(w.run, w.host, "-t", "set,get", "-c", "50", "-n", "100000", "-P", "16")
        return note


def bgsave_under_load(family):
    """BGSAVE forks while clients write; the dump is whole and loads again."""
    with TapWorld(family=family) as w:
        p = start(w)
        cli(w, "eval", "for i = 1, 100000 do redis.call('set', 'key:' .. i, 'value:' .. i) end", "0")
        load = w.kernel("redis-benchmark", "-h", w.host, "-q", "-t", "set", "-c", "20", "-n",
                        "150000", "-r", "1000")
        for _ in range(3):
            cli(w, "bgsave")
            wait_until(lambda: "rdb_bgsave_in_progress:0" in cli(w, "info", "persistence"),
                       "BGSAVE", 40)
            check("rdb_last_bgsave_status:ok" in cli(w, "info", "persistence"), "BGSAVE failed")
        check(load.wait(timeout=60) == 0, w.output(load)[-500:])
        cli(w, "bgsave")
        wait_until(lambda: "rdb_bgsave_in_progress:0" in cli(w, "info", "persistence"), "BGSAVE")
        size = cli(w, "dbsize")
        p.send_signal(signal.SIGTERM)
        check(p.wait(timeout=15) == 0, "redis ended with", p.returncode)
        check(os.path.getsize(w.path("dump.rdb")) > 1000000, "the dump is too small")
        again = start(w)
        check(cli(w, "dbsize") == size, "after loading:", cli(w, "dbsize"), "keys, before:", size)
        w.alive(again)
        return f"{size} keys saved and loaded"


def restart_at_once(family):
    """A restarted server gets its port back although connections are in TIME_WAIT."""
    with TapWorld(family=family) as w:
        for _ in range(3):
            p = start(w)
            benchmark(w.run, w.host, "-t", "get", "-c", "20", "-n", "1000")
            p.send_signal(signal.SIGTERM)
            check(p.wait(timeout=15) == 0, "redis ended with", p.returncode, w.output(p)[-500:])


def benchmark_as_client(family):
    with VethWorld(family=family) as w:
        need("redis-server", "redis-benchmark")
        w.kernel("redis-server", "--port", "6379", "--bind", w.peer, "--protected-mode", "no",
                 "--save", "", "--dir", w.dir)
        w.listening(6379, host=w.peer)
        return benchmark(w.run_shim, w.peer, "-t", "set,get", "-c", "20", "-n", "20000")


TESTS = both_families([
    ("redis_get_set", get_set),
    ("redis_bgsave_under_load_loads_again", bgsave_under_load),
    ("redis_restarts_at_once", restart_at_once),
    ("redis_benchmark_as_client", benchmark_as_client),
])

if __name__ == "__main__":
    sys.exit(main(TESTS))
