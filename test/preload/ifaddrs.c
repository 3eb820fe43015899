/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ifaddrs.c - the IPv4 addresses of this machine, as getifaddrs() lists them.
 */
#include <ifaddrs.h>
#include <net/if.h>

#include "calls.h"

static const char *text(const struct sockaddr *sa, char *buf)
{
	return inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, buf,
			 INET_ADDRSTRLEN);
}

int main(int argc, char **argv)
{
	struct ifaddrs *list, *ifa;
	char a[INET_ADDRSTRLEN], m[INET_ADDRSTRLEN], b[INET_ADDRSTRLEN];
	int i;

	test_begin(argc, argv);
	if (socket(AF_INET, SOCK_DGRAM, 0) < 0)
		return 2;
	for (i = 0; i < 3; i++) {
		if (getifaddrs(&list) < 0)
			return 3;
		for (ifa = list; ifa != NULL && i == 2; ifa = ifa->ifa_next) {
			if (ifa->ifa_addr == NULL || ifa->ifa_addr->sa_family != AF_INET)
				continue;
			printf("%s %s %s", ifa->ifa_name, text(ifa->ifa_addr, a),
			       text(ifa->ifa_netmask, m));
			if ((ifa->ifa_flags & IFF_BROADCAST) != 0 && ifa->ifa_broadaddr != NULL)
				printf(" %s", text(ifa->ifa_broadaddr, b));
			printf("\n");
		}
		freeifaddrs(list);
	}
	return 0;
}
