#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# lint.sh - clang-tidy and cppcheck over the project's own code; `make lint` calls it with
# the compiler's flags in CPPFLAGS.
#
# usage: lint.sh [FILE...]     (default: all of stack, dpdk_port, preload, cli)
set -u
cd "$(dirname "$0")/../.." || exit 2
CPPFLAGS=${CPPFLAGS:--D_GNU_SOURCE -Iinclude -I. $(pkg-config --cflags libdpdk)}
[ $# -gt 0 ] || set -- $(find stack dpdk_port preload cli -name '*.c' | sort)
failed=0

echo "clang-tidy: $# files"
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 4 sh -c '
	flags=$0
	clang-tidy --quiet "$@" -- -std=gnu11 -Wno-unknown-warning-option $flags 2>/dev/null' "$CPPFLAGS" || failed=1

echo "cppcheck: $# files"
cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --language=c -j "$(nproc)" \
	--enable=warning,performance,portability --suppress=missingInclude \
	--suppress=missingIncludeSystem --suppress=unmatchedSuppression --suppress=normalCheckLevelMaxBranches \
	--max-configs=1 -D_GNU_SOURCE '-DSHIM_VERSION="0"' -D__x86_64__ -D__linux__ -Iinclude -I. "$@" || failed=1

if [ $failed -eq 0 ]; then
	echo "lint: nothing found"
else
	echo "lint: see above" >&2
fi
exit $failed
