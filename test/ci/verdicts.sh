#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# verdicts.sh - suites.sh counts what it should: a crash, a hang or silence never passes.
set -u
cd "$(dirname "$0")/../.." || exit 2
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
failed=0

# suite NAME BODY: a fake suite.
suite() {
	printf '#!/bin/sh\n%s\n' "$2" > "$dir/$1"
	chmod +x "$dir/$1"
}

# expect NAME STATUS LAST-LINE ARGUMENTS...
expect() {
	name=$1 want=$2 line=$3
	shift 3
	LOGS=$dir/logs CHECK_LIMIT=2 SYSTEM_LIMIT=2 sh test/ci/suites.sh "$@" > "$dir/out" 2>&1
	got=$?
	last=$(tail -n 1 "$dir/out")
	if [ "$got" -eq "$want" ] && [ "$last" = "$line" ]; then
		echo "ok $name"
	else
		failed=1
		echo "not ok $name"
		echo "  status $got, not $want; '$last', not '$line'"
	fi
}

suite good 'echo "good: 3 passed, 0 failed, 0 skipped"'
suite bad 'echo "bad: 2 passed, 1 failed, 0 skipped"; exit 1'
suite crash 'echo "50%: Checks: 2"; kill -SEGV $$'
suite leak 'echo "leak: 3 passed, 0 failed, 0 skipped"; exit 23'
suite silent 'exit 0'
suite hang 'echo "hang: 1 passed, 0 failed, 0 skipped"; exec sleep 30'
suite lies 'echo "lies: 1 passed, 1 failed, 0 skipped"; exit 0'
suite sysgood 'echo "ok one"; echo "  noise"; echo "skip two no such thing here"; echo "ok three # 3 MB/s"'
suite sysbad 'echo "ok one"; echo "not ok two"; exit 1'
suite syscrash 'echo "ok one"; kill -KILL $$'
suite syssilent 'exit 0'
suite syshang 'echo "ok one"; exec sleep 30'
suite sysone 'echo "ok one"; exit 1'

expect verdict_good 0 "3 passed, 0 failed, 0 skipped" "$dir/good"
expect verdict_bad 1 "2 passed, 1 failed, 0 skipped" "$dir/bad"
expect verdict_crash 1 "3 passed, 1 failed, 0 skipped" "$dir/crash" "$dir/good"
expect verdict_leak_found_at_exit 1 "3 passed, 1 failed, 0 skipped" "$dir/leak"
expect verdict_silence 1 "0 passed, 1 failed, 0 skipped" "$dir/silent"
expect verdict_hang 1 "1 passed, 1 failed, 0 skipped" "$dir/hang"
expect verdict_status_against_summary 1 "1 passed, 1 failed, 0 skipped" "$dir/lies"
expect verdict_missing_suite 1 "0 passed, 1 failed, 0 skipped" "$dir/nowhere"
expect verdict_system_good 0 "2 passed, 0 failed, 1 skipped" --system "$dir/sysgood"
expect verdict_alone 1 "5 passed, 1 failed, 0 skipped" --check "$dir/good" --alone "$dir/bad"
expect verdict_system_in_company 0 "2 passed, 0 failed, 1 skipped" --company "$dir/sysgood"
expect verdict_system_two_in_company 1 "3 passed, 1 failed, 1 skipped" \
	--company "$dir/sysgood" "$dir/sysbad"
expect verdict_system_bad 1 "1 passed, 1 failed, 0 skipped" --system "$dir/sysbad"
expect verdict_system_crash 1 "1 passed, 1 failed, 0 skipped" --system "$dir/syscrash"
expect verdict_system_silence 1 "0 passed, 1 failed, 0 skipped" --system "$dir/syssilent"
expect verdict_system_hang 1 "1 passed, 1 failed, 0 skipped" --system "$dir/syshang"
expect verdict_system_status_without_reason 1 "1 passed, 1 failed, 0 skipped" --system "$dir/sysone"
expect verdict_beside 1 "5 passed, 1 failed, 0 skipped" --check "$dir/good" --beside "$dir/bad"
expect verdict_all_together 1 "7 passed, 2 failed, 1 skipped" \
	"$dir/good" "$dir/bad" --system "$dir/sysgood" "$dir/silent"

exit $failed
