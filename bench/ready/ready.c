/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ready.so - preloaded before libshim.so: main() begins when the server listens.
 *
 * A memif server's program waits for its client in its first call for a socket, so that it
 * listens only after this client has opened the link: a client that connects at once, and
 * once, is refused.  READY=PROGRAM@ADDRESS:PORT says who asks (not the taskset that runs it), and
 * whom, every 5 ms for 10 s.  A server that takes each connection for a session is not asked (port 0): the link is
 * opened, and it has half a second.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int try_connect(const struct sockaddr_in *sin)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = fd < 0 ? -1 : connect(fd, (const struct sockaddr *)sin, sizeof(*sin));

	if (fd >= 0)
		close(fd);
	return r;
}

static __attribute__((constructor)) void wait_until_ready(void)
{
	struct timespec pause = { .tv_nsec = 5000000 };
	struct sockaddr_in sin = { .sin_family = AF_INET };
	char text[64], *addr, *port;

	if (getenv("READY") == NULL || strlen(getenv("READY")) >= sizeof(text))
		return;
	strcpy(text, getenv("READY"));
	addr = strchr(text, '@');
	port = addr != NULL ? strchr(addr, ':') : NULL;
	if (port == NULL)
		return;
	*addr++ = *port++ = '\0';
	if (strcmp(text, program_invocation_short_name) != 0 ||
	    inet_pton(AF_INET, addr, &sin.sin_addr) != 1)
		return;
	/* Children of the program ask nobody. */
	unsetenv("READY");
	sin.sin_port = htons((uint16_t)atoi(port));
	if (sin.sin_port == 0) {
		pause.tv_nsec = 500000000;
		close(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
		nanosleep(&pause, NULL);
		return;
	}
	for (int i = 0; i < 2000 && try_connect(&sin) != 0; i++)
		nanosleep(&pause, NULL);
}
