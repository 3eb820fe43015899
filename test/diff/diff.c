/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * diff - one socket program, run on the kernel and on the shim; its output must not differ.
 *
 * usage: diff OUR-ADDRESS PEER-ADDRESS [CASE...]
 *
 * The addresses' family is that of the sockets.
 *
 * Every case prints what each call returned and its errno; what legitimately varies (port
 * numbers, buffer sizes that depend on memory) is checked here and printed as a verdict.
 * Nothing here sleeps to let something happen: poll(2) waits for it.  The peer
 * (diff_peer.py) offers services on fixed ports; see there.
 */
#include "diff.h"

static const struct {
	const char *name;
	void (*fn)(void);
} cases[] = {
#define C(fn) { #fn, fn }
	C(socket_arguments), C(unconnected_stream), C(bind_errors), C(reuseport), C(connect_errors),
	C(connect_nonblocking), C(echo_and_names), C(vectors_and_flags), C(receive_timeout),
	C(peer_closes), C(peer_resets), C(sigpipe), C(interrupted_calls), C(restarted_calls),
	C(accepting), C(accept_errors), C(mapped_addresses), C(loopback_and_port), C(whole_pattern),
	C(bulk_echo), C(full_send_buffer), C(options), C(option_lengths), C(udp_basics),
	C(udp_connected), C(udp_control_messages), C(epoll_level_and_edge), C(epoll_hangups),
	C(epoll_mixed_and_nested), C(select_mixed), C(descriptors), C(fork_shares), C(send_file),
	C(raw_syscalls), C(linger_zero_and_closed), C(tcp_disconnect), C(half_close), C(last_words), C(urgent),
	C(bad_pointers), C(own_faults), C(sigio), C(filter_udp), C(filter_any_address),
	C(filter_tcp), C(filter_second_try), C(filter_errors),
};

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	our_addr = argv[1];
	peer_addr = argv[2];
	family = strchr(our_addr, ':') != NULL ? AF_INET6 : AF_INET;
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool wanted = argc == 3;

		for (int a = 3; a < argc; a++)
			wanted = wanted || strcmp(argv[a], cases[i].name) == 0;
		if (!wanted)
			continue;
		printf("%s\n", cases[i].name);
		fflush(stdout);
		cases[i].fn();
	}
	return 0;
}
