#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# fuzz.sh - run every fuzzer for a while; findings stay in $BUILD/findings.
#
# usage: fuzz.sh SECONDS
set -u
cd "$(dirname "$0")/../.." || exit 2
build=${BUILD:-build-fuzz}
seconds=${1:-60}
failed=0 n=0
mkdir -p "$build/findings"
for fuzzer in "$build"/test/fuzz/fuzz_*; do
	[ -x "$fuzzer" ] && [ -f "$fuzzer" ] || continue
	name=$(basename "$fuzzer")
	n=$((n + 1))
	mkdir -p "$build/corpus/$name"
	set -- "$build/corpus/$name"
	[ ! -d "test/fuzz/corpus/$name" ] || set -- "$@" "test/fuzz/corpus/$name"
	if "$fuzzer" -max_total_time="$seconds" -artifact_prefix="$build/findings/$name-" \
		-print_final_stats=1 "$@" > "$build/$name.log" 2>&1; then
		echo "ok $name $(grep -o 'number_of_executed_units: *[0-9]*' "$build/$name.log" | grep -o '[0-9]*$') runs in $seconds s"
	else
		echo "not ok $name"
		tail -n 40 "$build/$name.log" | sed 's/^/  /'
		failed=1
	fi
done
[ $n -gt 0 ] || { echo "fuzz.sh: there is no fuzzer in $build/test/fuzz" >&2; exit 1; }
exit $failed
