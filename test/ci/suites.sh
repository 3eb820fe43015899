#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# suites.sh - run suites, keep their output, add up the results (protocol: test/README.md).
#
# usage: suites.sh [--check SUITE...] [--beside SUITE...] [--alone SUITE...] [--company SUITE...] [--system SUITE...]
#	--check    Check binaries (the default kind), one after the other
#	--beside   Check binaries too, at the same time as those
#	--alone    Check binaries that want the machine to themselves
#	--company  programs that print ok/not ok/skip lines, two at a time
#	--system   such programs that want the machine to themselves
# LOGS=dir      where output is kept     (default $BUILD/test-logs)
# CHECK_LIMIT, SYSTEM_LIMIT  seconds per suite
set -u

logs=${LOGS:-${BUILD:-build}/test-logs}
check_limit=${CHECK_LIMIT:-300}
system_limit=${SYSTEM_LIMIT:-400}
mkdir -p "$logs" || exit 2
# One line for each suite that has ended: passed, failed, skipped, name.
results=$logs/results
: > "$results" || exit 2
begun=$logs/begun
rm -rf "$begun" && mkdir "$begun" || exit 2

# run_limited SECONDS LOG SUITE: leaves its exit status in $status; system suites show their lines.
run_limited() {
	# Debian's python, whatever other is first in PATH.
	case $3 in *.py) by=/usr/bin/python3 ;; *) by= ;; esac
	if [ "$kind" = system ]; then
		{ timeout -k 20 "$1" $by "$3" </dev/null 2>&1; echo $? > "$2.status"; } | tee "$2" |
			grep --line-buffered -E '^(ok|not ok|skip) '
	else
		timeout -k 20 "$1" $by "$3" </dev/null > "$2" 2>&1
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
	why= more=
	begin=$(date +%s)
	if [ "$kind" = system ]; then
		run_limited "$system_limit" "$log" "$1"
		judge_system "$log"
	else
		run_limited "$check_limit" "$log" "$1"
		judge_check "$log"
	fi
	# Another may be writing: each suite's verdict is written at once.
	if [ "$f" -eq 0 ]; then
		word=PASS
	else
		word=FAIL
		more=$(tail -n 60 "$log" | sed 's/^/  | /' && echo "  | all of it: $log")
	fi
	printf '%s\n' "$word $name: $p passed, $f failed, $s skipped ($(($(date +%s) - begin)) s)${why:+ - $why}${more:+
$more}"
	echo "$p $f $s $name" >> "$results"
}

# run_suites KIND SUITE...: those of them that no other lane has begun.
run_suites() {
	kind=$1
	shift
	for suite in "$@"; do
		mkdir "$begun/$(echo "$suite" | tr / =)" 2>/dev/null && run_suite "$suite"
	done
}

# Names of suites have no spaces: they are files of ours.
check= beside= alone= company= system= suites=0
kind=check
[ $# -gt 0 ] || { echo "suites.sh: which suites?" >&2; exit 2; }
for arg in "$@"; do
	case $arg in
	--check | --beside | --alone | --company | --system) kind=${arg#--} ;;
	*)
		eval "list=\$$kind"
		case " $list " in *" $arg "*) continue ;; esac
		eval "$kind=\"\$list \$arg\""
		suites=$((suites + 1))
		;;
	esac
done

run_suites check $beside &
run_suites check $check $beside
wait
run_suites check $alone
run_suites system $company &
run_suites system $company
wait
run_suites system $system

# What failed is said once more: where only the end of a long output is kept, it is there.
while read -r p f s name; do
	[ "$f" -gt 0 ] || continue
	echo "== $name"
	grep -E -A 12 '^not ok |^[^ ]*:[FE]:|ERROR: |runtime error|^Traceback' "$logs/$name.log" | head -n 60
done < "$results"

# A suite that left no line here was lost.
awk -v suites="$suites" '
	{ p += $1; f += $2; s += $3; if ($2 > 0) broken = broken " " $4 }
	END {
		if (NR != suites) {
			f++
			broken = broken " " suites - NR " without a verdict"
		}
		if (broken != "")
			print "Failed:" broken
		print p + 0 " passed, " f + 0 " failed, " s + 0 " skipped"
		exit !(f == 0 && p + f > 0)
	}' "$results"
