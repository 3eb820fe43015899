#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# cli.sh - the shim command, without a port: statuses, messages, what reaches the program.
set -u
cd "$(dirname "$0")/../.." || exit 2
build=${BUILD:-build}
case $build in /*) ;; *) build=$PWD/$build ;; esac
shim=$build/shim
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
failed=0
for name in $(env | sed -n 's/^\(SHIM_[A-Za-z0-9_]*\)=.*/\1/p'); do
	unset "$name"
done
unset LD_PRELOAD
port="--vdev net_tap0,iface=shimcli0 --addr 192.0.2.1/24"

# expect NAME STATUS REGEX COMMAND...: the status, and a line of the output that matches.
expect() {
	name=$1 want=$2 regex=$3
	shift 3
	timeout 20 "$@" > "$dir/out" 2>&1 < /dev/null
	got=$?
	if [ "$got" -eq "$want" ] && grep -qE -e "$regex" "$dir/out"; then
		echo "ok $name"
	else
		failed=1
		echo "not ok $name"
		echo "  status $got, not $want; output, which should match '$regex':"
		sed 's/^/  /' "$dir/out"
	fi
}

expect cli_without_arguments_shows_usage 2 '^usage:' "$shim"
expect cli_help 0 'shim run' "$shim" help
expect cli_help_flag 0 'shim run' "$shim" --help
expect cli_version 0 '^shim [0-9]+\.[0-9]+\.[0-9]+$' "$shim" version
expect cli_unknown_command 2 "no command 'capture'" "$shim" capture
expect cli_options_lists_flags 0 '^--spin-us MICROSECONDS   SHIM_SPIN_US$' "$shim" options
expect cli_options_bad_argument 2 "'--json'" "$shim" options --json
expect cli_full_disk_is_an_error 1 'cannot write' sh -c "'$shim' options > /dev/full"

# The template, every line of it switched on, is a configuration: the defaults.
"$shim" options --ini | sed 's/^; //' > "$dir/template.ini"
expect cli_ini_template_is_valid 2 'no port is given' "$shim" run --config "$dir/template.ini" -- true

expect run_needs_a_program 2 'which program' "$shim" run $port
expect run_needs_a_port 2 'no port is given' "$shim" run -- true
expect run_unknown_flag 2 '^shim: --speed: there is no such option' "$shim" run --speed 9 -- true
expect run_single_dash 2 "^shim: '-v': options begin with two dashes" "$shim" run -v -- true
expect run_flag_without_value 2 '^shim: --mtu: the value is missing' "$shim" run --mtu
expect run_wrong_value 2 "^shim: --mtu: '9' is not allowed \(too small\): it takes 0" \
	"$shim" run --mtu=9 $port -- true
expect run_wrong_variable 2 "^shim: SHIM_MTU: 'x' is not allowed" env SHIM_MTU=x "$shim" run $port -- true
expect run_unknown_variable 2 '^shim: SHIM_SPEED: there is no such option' \
	env SHIM_SPEED=9 "$shim" run $port -- true
printf '[shim]\nmtu = 1400\nspin-us = never\n' > "$dir/bad.ini"
expect run_wrong_ini 2 "bad.ini:3: spin-us: 'never' is not allowed" \
	"$shim" run $port --config "$dir/bad.ini" -- true
expect run_program_not_found 127 'No such file' "$shim" run $port -- "$dir/nothing"
expect run_program_not_executable 126 'Permission denied' "$shim" run $port -- "$dir/bad.ini"
expect run_status_is_the_programs 3 '^ran$' "$shim" run $port -- sh -c 'echo ran; exit 3'
expect run_sets_the_environment 0 '^SHIM_SPIN_US=forever$' "$shim" run $port --spin-us forever env
expect run_preloads_the_library 0 "^LD_PRELOAD=$build/libshim.so" "$shim" run $port env
expect run_keeps_other_preloads 0 "^LD_PRELOAD=$build/libshim.so:/nowhere.so" \
	env LD_PRELOAD=/nowhere.so "$shim" run $port env
expect run_flag_wins_over_environment 0 '^SHIM_MTU=1400$' env SHIM_MTU=1300 "$shim" run $port --mtu 1400 env
expect run_makes_file_names_absolute 0 "^SHIM_LOG_FILE=$dir/x.log$" \
	sh -c "cd '$dir' && '$shim' run $port --log-file x.log env"
expect run_passes_flags_behind_the_program 0 '^--mtu 9$' "$shim" run $port -- echo --mtu 9
expect run_does_not_need_the_dashes 0 '^hello$' "$shim" run $port echo hello

# The library itself refuses what it was told wrongly, before main.
expect library_refuses_wrong_value 127 "SHIM_MTU: 'x' is not allowed" \
	env LD_PRELOAD="$build/libshim.so" SHIM_MTU=x echo started
expect library_without_port_is_out_of_the_way 0 '^started$' \
	env LD_PRELOAD="$build/libshim.so" echo started

expect check_refuses_words 2 "check takes no 'now'" "$shim" check now
expect check_finds_the_library 0 'libshim.so can be preloaded' "$shim" check
expect check_sees_addresses_of_the_kernel 1 'the kernel has address 198.18.0.1 on lo' \
	unshare -rn sh -c "ip link set lo up && ip addr add 198.18.0.1/32 dev lo &&
		'$shim' check --vdev net_tap0 --addr 198.18.0.1/24"
expect check_sees_interface_names_in_use 1 'MISSING  interface lo exists already' \
	"$shim" check --vdev net_tap0,iface=lo --addr 192.0.2.1/24
expect check_sees_missing_interfaces 1 "MISSING  there is no interface 'shimnone'" \
	"$shim" check --vdev net_af_packet0,iface=shimnone --addr 192.0.2.1/24
expect check_sees_missing_devices 1 'MISSING  there is no PCI device ffff:1f:1f.7' \
	"$shim" check --pci ffff:1f:1f.7 --addr 192.0.2.1/24
if [ "$(id -u)" -eq 0 ]; then
	expect check_sees_missing_rights 1 'MISSING  CAP_NET_ADMIN is not there' \
		setpriv --bounding-set=-net_admin --inh-caps=-net_admin "$shim" check $port
else
	echo "skip check_sees_missing_rights needs root to take a right away"
fi
expect check_sees_file_limits 1 'MISSING  only 64 open files' \
	sh -c "ulimit -n 64; '$shim' check"
if [ "$(awk '/^MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo)" -lt 64 ]; then
	expect check_sees_scarce_memory 1 'MISSING .* MB of memory are available' \
		"$shim" check --memory 64G $port
else
	echo "skip check_sees_scarce_memory there are more than 64 GB"
fi

exit $failed
