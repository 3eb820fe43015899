#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# test.sh - everything that CI runs: build with warnings as errors, layering, unit and
# simulation suites under ASan and UBSan, system tests.  The last line adds all of it up.
set -eu
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
MAKE=${MAKE:-make}
export BUILD
jobs=$(nproc 2>/dev/null || echo 2)

echo "== build"
$MAKE --no-print-directory -j"$jobs" WERROR=1 SAN=0 BUILD="$BUILD" all programs man
echo "== build the suites with sanitizers"
$MAKE --no-print-directory -j"$jobs" WERROR=1 SAN=1 BUILD="$BUILD-san" tests
# The golden tables move gigabytes: without sanitizers, which the other simulations have.
golden=test/sim/test_goodput
$MAKE --no-print-directory -j"$jobs" WERROR=1 SAN=0 BUILD="$BUILD" "$BUILD/$golden"

echo "== run"
# By source, so that a binary whose source is gone is not run.
binaries() {
	for source in "$@"; do
		[ -f "$source" ] || continue
		case ${source%.c} in
		"$golden") binary=$BUILD/$golden ;;
		*) binary=$BUILD-san/${source%.c} ;;
		esac
		echo "$binary" | sed 's,/fuzz_\([^/]*\)$,/replay_\1,'
	done
}
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1"
export PYTHONDONTWRITEBYTECODE=1
# These look at what happens within milliseconds, or at what an idle program costs.
alone="test/packet/run test/system/test_faults.py test/system/test_nginx.py test/system/test_ping.py"
alone_unit=test/unit/test_wait.c
# The longest first, so that two lanes end together.
first="test/ci/tryout.sh test/system/test_programs.py test/ci/layers.sh test/system/test_cpython.py"
company=$(for t in test/ci/protocols.sh test/ci/api.py test/ci/verdicts.sh test/ci/cli.sh test/system/test_*.py; do
	case " $alone $first " in *" $t "*) ;; *) echo "$t" ;; esac
done)
# The simulations want no more than a core; some units want the other one for themselves.
# The longest simulations are the first.
sh test/ci/suites.sh --check $(binaries $(ls test/unit/test_*.c | grep -vx "$alone_unit")) --alone $(binaries $alone_unit) \
	--beside $(binaries test/sim/test_prop_tcp.c test/sim/test_goodput.c test/sim/test_*.c test/fuzz/fuzz_*.c) \
	--company $first $company --system $alone
