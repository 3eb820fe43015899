/* SPDX-License-Identifier: BSD-3-Clause */
/* What the cases of the differential test share; diff.c explains it. */
#ifndef TEST_DIFF_H
#define TEST_DIFF_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* The peer's services. */
enum { ECHO = 7000, UECHO, FIN, RST, MUTE, PATTERN, UNREAD, CONTROL, CLOSED = 7999 };

extern const char *our_addr, *peer_addr;
extern int family; /* theirs, and so that of the sockets: AF_INET or AF_INET6 */

union addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
long show(const char *what, long r, int err);
int show_fd(const char *what, int fd, int err);
union addr at(const char *host, int port);
socklen_t addr_len(const union addr *a);
const char *addr_text(const union addr *a);
/* Of our family: all addresses, the kernel's own, and one that nobody here has. */
const char *any_host(void), *loopback(void), *foreign_host(void);

/* Make a call and print it with its result. */
#define DO(call)                                                                                   \
	({                                                                                         \
		errno = 0;                                                                         \
		long r_ = (long)(call);                                                            \
		show(#call, r_, errno);                                                            \
	})
/* The same for calls that return a descriptor: its number is not the point. */
#define DOFD(call)                                                                                 \
	({                                                                                         \
		int fd_ = (call);                                                                  \
		show_fd(#call, fd_, errno);                                                        \
	})
#define SA(x) &(x).sa, addr_len(&(x))

const char *events_name(int ev);
int wait_for(int fd, int events, int ms);
void until(int fd, int events);
int tcp_to(int port);
int listener(int domain, int *port);
void ask_peer(int port, const char *mode);
ssize_t read_all(int fd, char *buf, size_t n);

/* The cases. */
void unconnected_stream(void);
void bind_errors(void);
void reuseport(void);
void connect_errors(void);
void connect_nonblocking(void);
void echo_and_names(void);
void vectors_and_flags(void);
void receive_timeout(void);
void peer_closes(void);
void peer_resets(void);
void linger_zero_and_closed(void);
void tcp_disconnect(void);
void half_close(void);
void last_words(void);
void urgent(void);
void accepting(void);
void accept_errors(void);
void mapped_addresses(void);
void loopback_and_port(void);
void whole_pattern(void);
void bulk_echo(void);
void full_send_buffer(void);
void send_file(void);
void options(void);
void option_lengths(void);
void udp_basics(void);
void udp_connected(void);
void udp_control_messages(void);
void filter_udp(void);
void filter_any_address(void);
void filter_tcp(void);
void filter_second_try(void);
void filter_errors(void);
void epoll_level_and_edge(void);
void epoll_hangups(void);
void epoll_mixed_and_nested(void);
void select_mixed(void);
void socket_arguments(void);
void sigpipe(void);
void interrupted_calls(void);
void restarted_calls(void);
void descriptors(void);
void fork_shares(void);
void raw_syscalls(void);
void bad_pointers(void);
void own_faults(void);
void sigio(void);

#endif
