#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# tryout.sh - `make run` works: as root, and without where the kernel allows it.
set -u
cd "$(dirname "$0")/../.." || exit 2
failed=0

try() {
	name=$1
	shift
	if out=$("$@" 2>&1); then
		echo "ok $name"
	else
		failed=1
		echo "not ok $name"
	fi
	printf '%s\n' "$out" | sed 's/^/  /'
}

if [ ! -c /dev/net/tun ]; then
	echo "skip tryout there is no /dev/net/tun"
	exit 0
fi
try tryout timeout 120 sh tools/run.sh
if [ "$(id -u)" -ne 0 ]; then
	:
elif ! setpriv --reuid=65534 --regid=65534 --clear-groups unshare -rn true 2>/dev/null; then
	echo "skip tryout_without_root user namespaces are not for everyone here"
elif ! setpriv --reuid=65534 --regid=65534 --clear-groups test -x "${BUILD:-build}/shim"; then
	echo "skip tryout_without_root this directory is closed to other users"
else
	try tryout_without_root timeout 120 setpriv --reuid=65534 --regid=65534 --clear-groups sh tools/run.sh
fi
exit $failed
