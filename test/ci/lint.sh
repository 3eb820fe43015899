#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# lint.sh - clang-tidy and cppcheck over the project's own code.
#
# What they find and is no mistake is listed with its reason in lint.known, by file and
# check; a line there that nothing matches any more is told, so that it can go, but is no
# failure: other versions of the tools find other things.
#
# usage: lint.sh [FILE...]     (default: all of stack, dpdk_port, preload, cli)
set -u
cd "$(dirname "$0")/../.." || exit 2
all=
[ $# -gt 0 ] || { all=yes; set -- $(find stack dpdk_port preload cli -name '*.c' | sort); }
out=$(mktemp) || exit 2
trap 'rm -f "$out" "$out.left"' EXIT
dpdk=$(pkg-config --cflags libdpdk | sed 's/-I/-isystem /g')

echo "clang-tidy: $# files"
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 4 sh -c '
	dpdk=$0
	clang-tidy --quiet "$@" -- -std=gnu11 -D_GNU_SOURCE "-DSHIM_VERSION=\"0\"" -Iinclude -I. $dpdk 2>/dev/null
	:' "$dpdk" >> "$out"

echo "cppcheck: $# files"
cppcheck --quiet --std=c11 --language=c -j "$(nproc)" --max-configs=1 \
	--enable=warning,performance,portability --suppress=missingInclude \
	--suppress=missingIncludeSystem --suppress=unmatchedSuppression \
	--template='{file}:{line}:{column}: {severity}: {message} [{id}]' --template-location='' \
	-D_GNU_SOURCE '-DSHIM_VERSION="0"' -D__x86_64__ -D__linux__ \
	'-DRTE_MEMPOOL_REGISTER_OPS(x)=' -Iinclude -I. "$@" >> "$out" 2>&1

# One line per finding: FILE CHECK and the message; those in lint.known are taken off.
awk -v root="$PWD/" -v all="$all" '
	FNR == NR {
		if ($0 !~ /^#/ && NF >= 2)
			known[$1 " " $2] = 0
		next
	}
	/^[^ ]+:[0-9]+:[0-9]+: (error|warning|performance|portability): .*\[.*\]$/ {
		line = $0
		if (index(line, root) == 1)
			line = substr(line, length(root) + 1)
		check = line
		sub(/.*\[/, "", check)
		sub(/(,-warnings-as-errors)?\]$/, "", check)
		file = line
		sub(/:.*/, "", file)
		key = file " " check
		if (key in known)
			known[key]++
		else if (!(line in seen)) {
			seen[line] = 1
			print line
		}
	}
	END {
		for (key in known)
			if (all && known[key] == 0)
				print "note: lint.known: " key " is not found any more" > "/dev/stderr"
	}' test/ci/lint.known "$out" > "$out.left"

if [ -s "$out.left" ]; then
	sort "$out.left"
	exit 1
fi
echo "lint: nothing found"
