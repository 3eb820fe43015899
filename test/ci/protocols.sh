#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# protocols.sh - does every test that test/PROTOCOLS.md names exist?
#
# Prints the protocol of test/README.md.
set -u
cd "$(dirname "$0")/../.." || exit 2
names=$(sed -n '/^|/p' test/PROTOCOLS.md | grep -o '`[a-z0-9_]*`' | tr -d '`' | sort -u)
[ -n "$names" ] || { echo "not ok the_table_names_tests"; exit 1; }
known=$(grep -rhoE '^(START_)?TEST[46]*\([a-z0-9_]+' test/unit test/sim test/preload 2>/dev/null |
	sed 's/.*(//' | sort -u)
missing=$(for n in $names; do
	echo "$known" | grep -qx "$n" || echo "  $n"
done)
if [ -n "$missing" ]; then
	echo "not ok every_test_in_the_table_exists"
	echo "$missing"
	exit 1
fi
echo "ok every_test_in_the_table_exists"
