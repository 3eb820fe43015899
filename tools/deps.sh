#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# deps.sh - install the Debian packages that are missing.
#
# usage: deps.sh [build | run | test | bench | lint]...     (default: build)
#
# Asks nothing; does not touch the network when nothing is missing.  Servers that are
# installed here (nginx, redis, apache2, unbound ...) are not started.
set -eu

build="gcc make pkg-config binutils libc6-dev libdpdk-dev libnuma-dev check"
run="nginx curl iproute2 util-linux"
# A bare Debian has neither ps nor ping, nor netbase's /etc/services, without which wrk
# cannot resolve "http".
test="$run redis-server redis-tools memcached haproxy iperf3 iperf wrk sockperf nodejs python3
	libpython3.11-testsuite
	apache2-bin apache2-utils lighttpd socat openssl unbound mosquitto mosquitto-clients rsync
	netcat-openbsd ethtool iputils-ping traceroute procps tcpdump netbase nmap"
bench="$test dpdk-dev"
lint="clang-tidy cppcheck"

wanted=$build
for set in "$@"; do
	case $set in
	build) ;;
	run) wanted="$wanted $run" ;;
	test) wanted="$wanted $test" ;;
	bench) wanted="$wanted $bench" ;;
	lint) wanted="$wanted $lint" ;;
	*)
		echo "deps.sh: '$set' is none of build, run, test, bench, lint" >&2
		exit 2
		;;
	esac
done

if ! command -v dpkg-query >/dev/null 2>&1; then
	# Not Debian: what matters is there or the build says what is not.
	if pkg-config --exists libdpdk check 2>/dev/null; then
		exit 0
	fi
	echo "deps.sh: this is no Debian; please install what these packages contain:" $wanted >&2
	exit 1
fi

missing=
for package in $wanted; do
	case " $missing " in *" $package "*) continue ;; esac
	status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) || status=
	case $status in
	*' ok installed') ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" -ne 0 ]; then
	if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
		sudo="sudo -n"
	else
		echo "deps.sh: missing:$missing" >&2
		echo "deps.sh: as root: apt-get install --no-install-recommends$missing" >&2
		exit 1
	fi
fi

# Packages ask this script before they start a service; 101 is "no" (invoke-rc.d(8)).
policy=/usr/sbin/policy-rc.d
saved=
restore() {
	$sudo rm -f "$policy"
	[ -z "$saved" ] || $sudo mv "$saved" "$policy"
}
if [ -e "$policy" ]; then
	saved=$policy.libshim
	$sudo mv "$policy" "$saved"
fi
trap restore EXIT
trap 'exit 1' HUP INT TERM
printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
$sudo chmod 755 "$policy"

echo "Installing:$missing"
$sudo apt-get -q update
$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
	-o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=120 install $missing
