#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# suites.sh - run suites, keep their output, add up the results (protocol: test/README.md).
#
# usage: suites.sh [--check SUITE...] [--system SUITE...]
#	--check   Check binaries (the default kind)
#	--system  programs that print ok/not ok/skip lines
# LOGS=dir      where output is kept     (default $BUILD/test-logs)
# CHECK_LIMIT, SYSTEM_LIMIT  seconds per suite
set -u

logs=${LOGS:-${BUILD:-build}/test-logs}
check_limit=${CHECK_LIMIT:-300}
system_limit=${SYSTEM_LIMIT:-780}
mkdir -p "$logs" || exit 2
passed=0
failed=0
skipped=0
broken=

# run_limited SECONDS LOG SUITE: leaves its exit status in $status; system suites show their lines.
run_limited() {
	if [ "$kind" = system ]; then
		{ timeout -k 20 "$1" "$3" </dev/null 2>&1; echo $? > "$2.status"; } | tee "$2" |
			grep --line-buffered -E '^(ok|not ok|skip) '
	else
		timeout -k 20 "$1" "$3" </dev/null > "$2" 2>&1
		echo $? > "$2.status"
	fi
	status=$(cat "$2.status")
	rm -f "$2.status"
}

# How a suite ended, where that is not the way that it should.
ending() {
	case $1 in
	124 | 137) echo "took longer than its limit, or was killed" ;;
	*)
		if [ "$1" -gt 128 ]; then
			echo "died of signal $(($1 - 128))"
		else
			echo "ended with status $1"
		fi
		;;
	esac
}

# Sets p, f, s and why from a Check binary's last line and status.
judge_check() {
	line=$(grep -E '^[^ ]+: [0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$1" | tail -n 1)
	if [ -z "$line" ]; then
		p=0 f=1 s=0 why="$(ending "$status") and printed no summary"
		return
	fi
	set -- $line
	p=$2 f=$4 s=$6
	if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then
		f=1 why=$(ending "$status")
	fi
}

judge_system() {
	p=$(grep -cE '^ok ' "$1")
	f=$(grep -cE '^not ok ' "$1")
	s=$(grep -cE '^skip ' "$1")
	if [ $((p + f + s)) -eq 0 ]; then
		f=1 why="$(ending "$status") and printed no result"
	elif [ "$status" -gt 1 ] || { [ "$status" -eq 1 ] && [ "$f" -eq 0 ]; }; then
		f=$((f + 1)) why=$(ending "$status")
	fi
}

run_suite() {
	# unit-test_udp and sim-test_udp are two.
	name=$(basename "$(dirname "$1")")-$(basename "$1")
	log=$logs/$name.log
	why=
	begin=$(date +%s)
	if [ "$kind" = system ]; then
		run_limited "$system_limit" "$log" "$1"
		judge_system "$log"
	else
		run_limited "$check_limit" "$log" "$1"
		judge_check "$log"
	fi
	word=PASS
	if [ "$f" -ne 0 ]; then
		word=FAIL
		broken="$broken $name"
	fi
	echo "$word $name: $p passed, $f failed, $s skipped ($(($(date +%s) - begin)) s)${why:+ - $why}"
	if [ "$f" -ne 0 ]; then
		tail -n 60 "$log" | sed 's/^/  | /'
		echo "  | all of it: $log"
	fi
	passed=$((passed + p))
	failed=$((failed + f))
	skipped=$((skipped + s))
}

kind=check
[ $# -gt 0 ] || { echo "suites.sh: which suites?" >&2; exit 2; }
for arg in "$@"; do
	case $arg in
	--check) kind=check ;;
	--system) kind=system ;;
	*) run_suite "$arg" ;;
	esac
done

[ -z "$broken" ] || echo "Failed:$broken"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ $((passed + failed)) -gt 0 ]
