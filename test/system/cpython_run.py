# SPDX-License-Identifier: BSD-3-Clause
"""
cpython_run.py - run one module of CPython's own test suite and note each test's outcome.

usage: cpython_run.py LIBRARY RESULTS MODULE [PATTERN...]

LIBRARY is where the package `test` lies, or - for the system's own.  Tests whose name matches
a PATTERN are left out.  One line per test goes to RESULTS: its name, the outcome, what it
said, and its seconds, with tabs between.  SIGABRT ends it with every thread's stack on stderr.
"""
import faulthandler
import fnmatch
import os
import sys
import time
import unittest

library, results, module = sys.argv[1:4]
if library != "-":
    sys.path.insert(0, library)
faulthandler.enable()

from test import support  # noqa: E402  pylint: disable=wrong-import-position

# test_socketserver calls its own host a network; what asks for sites outside finds none.
support.use_resources = ["network"]
support.verbose = 0


class Notes(unittest.TestResult):
    """A test's worst outcome; its subtests count for it."""

    def __init__(self, out):
        super().__init__()
        self.out = out
        self.outcome = None
        self.began = 0.0

    def line(self, name, outcome, said="", seconds=0.0):
        said = (said.strip().splitlines() or [""])[0].replace("\t", " ")
        self.out.write(f"{name}\t{outcome}\t{said}\t{seconds:.2f}\n")
        self.out.flush()

    def startTest(self, test):
        super().startTest(test)
        self.outcome = ("ok", "")
        self.began = time.monotonic()

    def stopTest(self, test):
        super().stopTest(test)
        self.line(test.id(), *self.outcome, time.monotonic() - self.began)
        self.outcome = None

    def note(self, test, outcome, err):
        said = f"{err[0].__name__}: {err[1]}"
        print(f"=== {test.id()}: {outcome}\n{self._exc_info_to_string(err, test)}",
              file=sys.stderr, flush=True)
        if self.outcome is None:
            # A fixture of a class or a module, outside of any test.
            self.line(test.id(), outcome, said)
        elif self.outcome[0] in ("ok", "skipped"):
            self.outcome = (outcome, said)

    def addError(self, test, err):
        self.note(test, "error", err)

    def addFailure(self, test, err):
        self.note(test, "failed", err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.note(test, "failed", err)

    def addSkip(self, test, reason):
        if self.outcome is None:
            self.line(test.id(), "skipped", reason)
        elif self.outcome[0] == "ok":
            self.outcome = ("skipped", reason)

    def addExpectedFailure(self, test, err):
        self.outcome = ("expected-failure", "")

    def addUnexpectedSuccess(self, test):
        self.outcome = ("unexpected-success", "")


def chosen(suite, notes, patterns):
    """The suite without the tests that match; those are noted as left out."""
    kept = unittest.TestSuite()
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            kept.addTest(chosen(each, notes, patterns))
        elif any(fnmatch.fnmatchcase(each.id(), p) for p in patterns):
            notes.line(each.id(), "left-out")
        else:
            kept.addTest(each)
    return kept


def main():
    with open(results, "w", encoding="utf-8") as out:
        notes = Notes(out)
        try:
            suite = unittest.defaultTestLoader.loadTestsFromName(module)
        except unittest.SkipTest as e:
            notes.line(module, "skipped", str(e))
            suite = unittest.TestSuite()
        chosen(suite, notes, sys.argv[4:]).run(notes)
        notes.line("the end", "ok")


main()
sys.stdout.flush()
sys.stderr.flush()
# Threads that a failed test left behind must not keep it from ending.
os._exit(0)
