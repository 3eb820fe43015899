/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * interfaces.c - what netdevice(7) and if_nametoindex(3) say of interfaces.
 *
 * usage: interfaces ADDRESS NAME...  One line for each, and whether a connection accepted at
 * the address is told the same; then the lists, and errors.
 */
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>

#include "calls.h"

static int ask(int s, unsigned long request, const char *name, struct ifreq *ifr)
{
	memset(ifr, 0, sizeof(*ifr));
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", name);
	return ioctl(s, request, ifr) < 0 ? -errno : 0;
}

static const char *addr_text(int s, unsigned long request, const char *name)
{
	static char buf[3][INET_ADDRSTRLEN];
	static int turn;
	char *b = buf[turn++ % 3];
	struct ifreq ifr;
	int r = ask(s, request, name, &ifr);
	const struct sockaddr_in *sin = (const struct sockaddr_in *)(const void *)&ifr.ifr_addr;

	if (r < 0)
		return strerrorname_np(-r);
	return inet_ntop(AF_INET, &sin->sin_addr, b, INET_ADDRSTRLEN);
}

static void describe(int s, const char *name, char *line, size_t len)
{
	struct ifreq mtu, index, flags, mac, back;
	char text[IF_NAMESIZE] = "";

	if (ask(s, SIOCGIFMTU, name, &mtu) < 0 || ask(s, SIOCGIFINDEX, name, &index) < 0 ||
	    ask(s, SIOCGIFFLAGS, name, &flags) < 0 || ask(s, SIOCGIFHWADDR, name, &mac) < 0) {
		snprintf(line, len, "%s: %s", name, strerrorname_np(errno));
		return;
	}
	memset(&back, 0, sizeof(back));
	back.ifr_ifindex = index.ifr_ifindex;
	if (ioctl(s, SIOCGIFNAME, &back) < 0)
		strcpy(back.ifr_name, "?");
	if_indextoname((unsigned int)index.ifr_ifindex, text);
	snprintf(line, len, "%s %s/%s broadcast %s mtu %d %s ether %s index %s back %s %s", name,
		 addr_text(s, SIOCGIFADDR, name), addr_text(s, SIOCGIFNETMASK, name),
		 addr_text(s, SIOCGIFBRDADDR, name), mtu.ifr_mtu,
		 (flags.ifr_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING) ? "up" : "down",
		 mac.ifr_hwaddr.sa_family == ARPHRD_ETHER && (mac.ifr_hwaddr.sa_data[0] & 1) == 0 ?
			 "yes" : "no",
		 (unsigned int)index.ifr_ifindex == if_nametoindex(name) ? "same" : "other",
		 back.ifr_name, text);
}

static void lists(int s)
{
	struct if_nameindex *all = if_nameindex();
	struct ifreq ifr[32];
	struct ifconf ifc = { .ifc_len = sizeof(ifr), .ifc_ifcu.ifcu_req = ifr };
	int n, need;

	printf("nameindex");
	for (int i = 0; all[i].if_index != 0; i++)
		printf(" %s%s", all[i].if_name, if_nametoindex(all[i].if_name) == all[i].if_index ? "" : "?");
	printf("\n");
	if_freenameindex(all);
	if (ioctl(s, SIOCGIFCONF, &ifc) < 0)
		return;
	n = ifc.ifc_len / (int)sizeof(ifr[0]);
	printf("conf");
	for (int i = 0; i < n; i++)
		printf(" %s=%s", ifr[i].ifr_name,
		       inet_ntoa(((struct sockaddr_in *)(void *)&ifr[i].ifr_addr)->sin_addr));
	printf("\n");
	ifc = (struct ifconf){ .ifc_len = 0 };
	ioctl(s, SIOCGIFCONF, &ifc);
	need = ifc.ifc_len / (int)sizeof(ifr[0]);
	ifc = (struct ifconf){ .ifc_len = sizeof(ifr[0]), .ifc_ifcu.ifcu_req = ifr };
	ioctl(s, SIOCGIFCONF, &ifc);
	printf("conf has room for what it asks: %s, fits into one: %s\n", need == n ? "yes" : "no",
	       ifc.ifc_len <= (int)sizeof(ifr[0]) ? "yes" : "no");
}

/* A connection to ourselves, as accepted. */
static int accepted(const char *address)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, address, &sin.sin_addr);
	if (bind(l, (struct sockaddr *)&sin, len) < 0 || listen(l, 1) < 0 ||
	    getsockname(l, (struct sockaddr *)&sin, &len) < 0 ||
	    connect(c, (struct sockaddr *)&sin, len) < 0)
		return -1;
	return accept(l, NULL, NULL);
}

int main(int argc, char **argv)
{
	char inet[300], other[300], name[IF_NAMESIZE];
	int s, a, p[2];

	s = socket(AF_INET, SOCK_DGRAM, 0);
	a = argc > 1 ? accepted(argv[1]) : -1;
	if (s < 0 || a < 0 || pipe(p) < 0)
		return 2;
	for (int i = 2; i < argc; i++) {
		describe(s, argv[i], inet, sizeof(inet));
		describe(a, argv[i], other, sizeof(other));
		printf("%s%s\n", inet, strcmp(inet, other) == 0 ? "" : " the accepted one is told another thing");
	}
	lists(s);
	printf("nonesuch %u", if_nametoindex("nonesuch"));
	printf(" %s", strerrorname_np(errno));
	printf(" %s", if_indextoname(123456, name) == NULL ? strerrorname_np(errno) : name);
	describe(s, "nonesuch", inet, sizeof(inet));
	printf(" %s", inet);
	describe(p[0], "lo", inet, sizeof(inet));
	printf(" pipe %s\n", inet);
	return 0;
}
