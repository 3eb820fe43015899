#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# layers.sh - which room may include which, and what the archives may ask of the world.
#
# The rules of ARCHITECTURE.md, checked; prints the protocol of test/README.md.
set -u
cd "$(dirname "$0")/../.." || exit 2
build=${BUILD:-build}
failed=0

# verdict NAME OFFENDERS: ok if there are none.
verdict() {
	if [ -z "$2" ]; then
		echo "ok $1"
	else
		failed=1
		echo "not ok $1"
		echo "$2" | sed 's/^/  /'
	fi
}

# may_include DIRECTORY REGEX: every quoted include in it must match the expression.
may_include() {
	bad=$(find "$1" -name '*.[ch]' -exec grep -HnE '^#[[:space:]]*include[[:space:]]+"' {} + |
		grep -vE "\"($2)\"" || :)
	verdict "$(echo "$1" | tr / _)_includes_its_own_floor_and_the_one_below" "$bad"
}

may_include include 'shim/[a-z0-9_]+\.h'
may_include stack 'shim/(ipaddr|netif)\.h|stack/[a-z0-9_/]+\.h'
may_include dpdk_port 'shim/[a-z0-9_]+\.h|dpdk_port/[a-z0-9_]+\.h'
# The pools and lists of stack/core are plain data structures, which the engine shares.
may_include preload 'shim/[a-z0-9_]+\.h|preload/[a-z0-9_]+\.h|stack/(stack|socket)\.h|stack/core/(pool|list)\.h|dpdk_port/port\.h'
may_include cli 'shim/[a-z0-9_]+\.h|cli/[a-z0-9_]+\.h|preload/options\.h'

# Only the engine opens a port; the files of libc's names do not know that there is one.
bad=$(grep -lE '^#include "dpdk_port/' preload/*.[ch] |
	grep -vE '^preload/(engine|engine_priv|start|keeper|registry|recover)\.[ch]$')
verdict only_the_engine_knows_the_port "$bad"
bad=$(grep -lE '^#include <rte_' preload/*.[ch] include/shim/*.h)
verdict dpdk_is_not_seen_above_the_port "$bad"
# The stack sees no processes, threads or clocks, not even their declarations.
bad=$(find stack -name '*.[ch]' -exec grep -HnE \
	'^#include <(unistd|pthread|signal|fcntl|sched|poll|sys/(mman|wait|select|timerfd|eventfd|syscall|stat|random)|rte_(eal|lcore|cycles|ethdev|malloc|timer))\.h>' {} +)
verdict stack_includes_nothing_of_processes_and_clocks "$bad"

if [ -f "$build/libstack.a" ]; then
	tmp=$(mktemp -d) || exit 2
	trap 'rm -rf "$tmp"' EXIT
	nm -u "$build/libstack.a" 2>/dev/null | awk '$1 == "U" || $1 == "w" { print $2 }' | sort -u > "$tmp/used"
	nm --defined-only "$build/libstack.a" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u > "$tmp/defined"
	# Everything else is a clock, a thread, I/O, or an allocation until shown otherwise.
	bad=$(comm -23 "$tmp/used" "$tmp/defined" | grep -vE \
		'^(mem(cpy|move|set|cmp|chr)|str(n?cpy|n?len|n?cmp|chr)|__assert_fail|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|per_lcore__lcore_id|__rte_panic|(__)?rte_(pktmbuf|mbuf|mempool|raw_cksum|ipv[46]|jhash|hash_crc|thash|net)[a-z0-9_]*)$')
	verdict stack_has_no_clock_no_thread_no_io "$bad"
	# .data.rel.ro is constant once loaded; .data, .bss and thread variables are not.
	bad=$(size -A "$build/libstack.a" 2>/dev/null | awk '
		/ :$|^[^ ]+ +\(ex / { file = $1 }
		$1 ~ /^\.(data|bss|tdata|tbss)($|\.)/ && $1 !~ /^\.data\.rel\.ro/ && $2 > 0 {
			print file ": " $2 " bytes in " $1 }')
	verdict stack_has_no_mutable_globals "$bad"
else
	echo "not ok stack_archive_exists"
	failed=1
fi

if [ -f "$build/libshim.so" ]; then
	sed -e 's,/\*.*\*/,,' -e '/\/\*/,/\*\//d' preload/libshim.map |
		awk '/global:/ { on = 1; sub(/.*global:/, "") } /local:/ { on = 0 } on' |
		tr ';[:space:]' '\n' | grep -E '^[A-Za-z_]' | sort -u > "${tmp:=$(mktemp -d)}/listed"
	nm -D --defined-only "$build/libshim.so" | awk '{ sub(/@.*/, "", $3); print $3 }' | sort -u > "$tmp/exported"
	bad=$(comm -3 "$tmp/listed" "$tmp/exported" |
		sed -e 's/^\t\(.*\)/\1 is exported and not in preload\/libshim.map/' -e t -e 's/$/ is listed and not exported/')
	verdict exports_are_exactly_the_listed_ones "$bad"
else
	echo "not ok library_exists"
	failed=1
fi

bad=$(find include stack dpdk_port preload cli test bench tools -name '*.[ch]' |
	while read -r f; do
		head -n 1 "$f" | grep -q '^/\* SPDX-License-Identifier: BSD-3-Clause \*/$' || echo "$f"
	done)
verdict every_file_names_its_license "$bad"

exit $failed
