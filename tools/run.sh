#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# run.sh - the try-out: unmodified nginx over a DPDK TAP port, fetched by the kernel's curl.
#
# Everything happens in a network namespace of its own, which is gone when this ends; without
# root it is the namespace of a new user namespace.  In it the library makes the TAP port
# shim0 and is 192.0.2.1 and 2001:db8::1; the kernel's end of shim0, where curl runs, is
# 192.0.2.2 and 2001:db8::2.
set -eu

if [ "${1:-}" != inside ]; then
	root=$(cd "$(dirname "$0")/.." && pwd)
	build=${BUILD:-build}
	case $build in /*) ;; *) build=$root/$build ;; esac
	if [ "$(id -u)" -eq 0 ]; then
		exec unshare --net sh "$0" inside "$build"
	fi
	if ! unshare --user --map-root-user --net true 2>/dev/null; then
		echo "run: not root, and user namespaces are switched off here: run it as root" >&2
		exit 1
	fi
	exec unshare --user --map-root-user --net sh "$0" inside "$build"
fi
build=$2
shim_ip=192.0.2.1
peer_ip=192.0.2.2
shim_ip6=2001:db8::1
peer_ip6=2001:db8::2
megabytes=50

# What the caller's environment says to the library is not meant for this.
for name in $(env | sed -n 's/^\(SHIM_[A-Za-z0-9_]*\)=.*/\1/p'); do
	unset "$name"
done
unset LD_PRELOAD

dir=$(mktemp -d "${TMPDIR:-/tmp}/shim-run.XXXXXX")
chmod 755 "$dir"
nginx=

say() {
	printf '%s\n' "$*"
}

# Every other process of our namespace: whatever nginx left behind.
others() {
	here=$(readlink /proc/self/ns/net)
	for p in /proc/[0-9]*; do
		pid=${p#/proc/}
		[ "$pid" -ne $$ ] || continue
		[ "$(readlink "$p/ns/net" 2>/dev/null)" = "$here" ] || continue
		# Not the command substitution this runs in, nor a zombie.
		case $(sed 's/^.*) //' "$p/stat" 2>/dev/null) in
		'' | Z* | "? $$ "*) continue ;;
		esac
		parent=$(sed 's/^.*) . \([0-9]*\) .*/\1/' "$p/stat" 2>/dev/null) || continue
		if [ "$parent" = $$ ] && [ "$pid" != "$nginx" ]; then
			continue
		fi
		say "$pid"
	done
}

finish() {
	status=$?
	trap - EXIT
	trap '' HUP INT TERM
	if [ "$status" -ne 0 ]; then
		say "FAILED. What nginx and the library said:"
		cat "$dir/nginx.out" "$dir/error.log" 2>/dev/null | tail -n 30 || :
	fi
	for sig in TERM KILL; do
		left=$(others)
		[ -n "$left" ] || break
		kill -s "$sig" $left 2>/dev/null || :
		i=0
		while [ -n "$(others)" ] && [ $i -lt 40 ]; do
			sleep 0.05
			i=$((i + 1))
		done
	done
	rm -rf "$dir"
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

fail() {
	say "run: $*" >&2
	exit 1
}

# await SECONDS WHAT COMMAND...: until the command succeeds, as long as nginx lives.
await() {
	tries=$(($1 * 20))
	what=$2
	shift 2
	while ! "$@" >/dev/null 2>&1; do
		kill -0 "$nginx" 2>/dev/null || fail "nginx has ended while waiting for $what"
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "gave up waiting for $what"
		sleep 0.05
	done
}

nginx_ended() {
	! kill -0 "$nginx" 2>/dev/null
}

# -- what nginx serves --------------------------------------------------------------------
mkdir "$dir/www"
say "It works: this page came from unmodified nginx over a DPDK port." > "$dir/www/index.html"
head -c $((megabytes * 1024 * 1024)) /dev/urandom > "$dir/www/file"

# In a user namespace there is no other user to change to.
user=www-data
if [ "$(sed -n 's/ *0 *\([0-9]*\) .*/\1/p' /proc/self/uid_map)" != 0 ] || ! id $user >/dev/null 2>&1; then
	user=root
fi
cat > "$dir/nginx.conf" <<CONF
daemon off;
user $user;
worker_processes 2;
pid $dir/nginx.pid;
error_log $dir/error.log notice;
events { worker_connections 256; }
http {
	access_log off;
	client_body_temp_path $dir/body;
	proxy_temp_path $dir/proxy;
	fastcgi_temp_path $dir/fastcgi;
	uwsgi_temp_path $dir/uwsgi;
	scgi_temp_path $dir/scgi;
	server {
		listen [::]:80 ipv6only=off;
		root $dir/www;
	}
}
CONF

# A kernel may be without IPv6; nginx then cannot listen on [::] either.
ipv6=
if [ "$(cat /proc/sys/net/ipv6/conf/default/disable_ipv6 2>/dev/null)" = 0 ]; then
	ipv6=yes
else
	sed -i 's/listen .*/listen 80;/' "$dir/nginx.conf"
fi

# -- start ------------------------------------------------------------------------------------
ip link set lo up
say "Starting $(nginx -v 2>&1 | sed 's/^nginx version: //'), master and 2 workers, as it is:"
say "  shim run --vdev net_tap0,iface=shim0 --addr $shim_ip/24,$shim_ip6/64 -- nginx"
"$build/shim" run --vdev net_tap0,iface=shim0 --addr $shim_ip/24,$shim_ip6/64 -- \
	nginx -e "$dir/error.log" -c "$dir/nginx.conf" > "$dir/nginx.out" 2>&1 &
nginx=$!

await 15 "the port shim0" ip link show dev shim0
ip addr add $peer_ip/24 dev shim0
[ -z "$ipv6" ] || ip -6 addr add $peer_ip6/64 dev shim0 nodad
ip link set shim0 up
await 15 "nginx to answer" curl -sf --max-time 2 -o /dev/null "http://$shim_ip/"
say "The port is up: the shim is $shim_ip, the kernel's end of the cable $peer_ip."

# -- fetch -----------------------------------------------------------------------------------
ip addr show | grep -q "inet $shim_ip/" && fail "the kernel itself has $shim_ip"
curl -sS --max-time 10 -o "$dir/page" "http://$shim_ip/"
cmp -s "$dir/page" "$dir/www/index.html" || fail "the page arrived changed"
say "Page:  $(cat "$dir/page")"

if [ -n "$ipv6" ]; then
	curl -sS --max-time 10 -o "$dir/page6" "http://[$shim_ip6]/"
	cmp -s "$dir/page6" "$dir/www/index.html" || fail "the page arrived changed over IPv6"
	say "IPv6:  the same page from [$shim_ip6]."
fi

rate=$(curl -sS --max-time 120 -o "$dir/got" -w '%{speed_download}' "http://$shim_ip/file")
want=$(sha256sum < "$dir/www/file")
got=$(sha256sum < "$dir/got")
[ "$want" = "$got" ] || fail "the file arrived changed: $got, not $want"
say "File:  $megabytes MB, $(awk "BEGIN { printf \"%.0f\", $rate / 1048576 }") MB/s, sha256 as sent: ${got%% *}"

curl -sS --max-time 10 -o "$dir/local" "http://127.0.0.1/"
cmp -s "$dir/local" "$dir/www/index.html" || fail "the page over the kernel's loopback is another"
say "Local: the same listener also answers on the kernel's 127.0.0.1."

frames=$(ip -s link show dev shim0 | awk '/RX:/ { getline; rx = $2 } /TX:/ { getline; tx = $2 } END { print rx, tx }')
say "The cable carried ${frames% *} frames from the shim and ${frames#* } to it."

# -- stop --------------------------------------------------------------------------------------
kill -s QUIT "$nginx"
i=0
while ! nginx_ended && [ $i -lt 200 ]; do
	sleep 0.05
	i=$((i + 1))
done
nginx_ended || fail "nginx did not end after SIGQUIT"
wait "$nginx" || fail "nginx ended with status $? after SIGQUIT"
# The keeper serves what is left of closing connections, then goes too.
i=0
while [ -n "$(others)" ] && [ $i -lt 100 ]; do
	sleep 0.05
	i=$((i + 1))
done
[ -z "$(others)" ] || say "Still there, and ended now: $(for p in $(others); do cat "/proc/$p/comm" 2>/dev/null; done | tr '\n' ' ')"
say "nginx has ended; nothing is left behind."
