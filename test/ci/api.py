#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
api.py - is test/API.md true?  Every test that it names exists, everything it names occurs in
the sources of tests, and everything that libshim.so exports is in it.

Prints the protocol of test/README.md.
"""
import glob
import os
import re
import runpy
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.chdir(ROOT)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def table():
    """[(names of the first column, names of the second)]"""
    rows = []
    for line in read("test/API.md").splitlines():
        cells = line.strip().strip("|").split("|")
        if line.startswith("|") and len(cells) == 2 and "`" in cells[1]:
            rows.append([re.findall(r"`([^`]+)`", cell) for cell in cells])
    return rows


def tests():
    known = set()
    for path in glob.glob("test/unit/*.c") + glob.glob("test/sim/*.c"):
        known.update(re.findall(r"^(?:START_)?TEST[46]*\(([a-z0-9_]+)", read(path), re.M))
    sys.path.insert(0, "test/system")
    for path in glob.glob("test/system/test_*.py"):
        known.update(name for name, _ in runpy.run_path(path)["TESTS"])
    for path in glob.glob("test/packet/scripts/*.py"):
        known.update(re.findall(r"^@script.*\ndef (\w+)\(", read(path), re.M))
    return known


def exported():
    names = read("preload/libshim.map").split("global:")[1].split("local:")[0]
    return set(re.findall(r"(\w+);", names))


def verdict(name, missing):
    print(("not ok " if missing else "ok ") + name)
    for each in sorted(missing):
        print(f"  {each}")
    return bool(missing)


def main():
    rows, known = table(), tests()
    named = {n for first, _ in rows for n in first}
    sources = "".join(read(p) for d in ("diff", "preload", "unit", "sim", "system", "packet")
                      for p in glob.glob(f"test/{d}/**/*.[cp]*", recursive=True)
                      if p.endswith((".c", ".py")))
    words = set(re.findall(r"\w+", sources))
    if len(rows) < 60:
        print(f"not ok the_table_of_calls_is_read {len(rows)} rows")
        return 1
    bad = verdict("every_test_of_a_call_exists", {t for _, second in rows for t in second} - known)
    bad |= verdict("every_call_is_called_by_a_test", named - words)
    bad |= verdict("every_export_has_a_line", exported() - named)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
