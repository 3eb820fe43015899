/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check_port.c - what a port needs: device nodes, rights, interfaces, drivers.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <libgen.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "cli/check.h"

/* The value of key in a vdev string ("net_tap0,iface=shim0"); false if it is not in it. */
static bool vdev_arg(const char *vdev, const char *key, char *buf, size_t len)
{
	size_t keylen = strlen(key);

	for (const char *p = strchr(vdev, ','); p != NULL; p = strchr(p, ',')) {
		p++;
		if (strncmp(p, key, keylen) != 0 || p[keylen] != '=')
			continue;
		snprintf(buf, len, "%.*s", (int)strcspn(p + keylen + 1, ","), p + keylen + 1);
		return true;
	}
	return false;
}

/* A device node that must open for reading and writing. */
static bool device_opens(const char *path, const char *if_absent)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		check_ok("%s can be opened", path);
		return true;
	}
	if (errno == EACCES || errno == EPERM)
		check_missing("no access to %s: run as root, or give the user the right", path);
	else
		check_missing("%s cannot be opened (%s): %s", path, strerror(errno), if_absent);
	return false;
}

static void need_capability(unsigned int cap, const char *name, const char *what_for)
{
	if (check_capable(cap))
		check_ok("%s is there, to %s", name, what_for);
	else
		check_missing("%s is not there, to %s: run as root, or inside unshare -rn", name, what_for);
}

static bool interface_driver(int fd, const char *ifname, char *driver, size_t len)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq ifr = { .ifr_data = (char *)&info };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (ioctl(fd, SIOCETHTOOL, &ifr) != 0)
		return false;
	snprintf(driver, len, "%s", info.driver);
	return true;
}

/* -- the kinds of ports --------------------------------------------------------------------- */
/* A TAP that was made before (ip tuntap add) can be taken as long as nobody has it open. */
static void check_tap_name(const char *ifname)
{
	struct ifreq ifr = { 0 };
	char driver[32] = "";
	bool free_tap = false;
	int fd;

	if (strlen(ifname) >= IFNAMSIZ || ifname[0] == '\0') {
		check_missing("interface name '%s': it must have 1 to %d characters", ifname,
			      IFNAMSIZ - 1);
		return;
	}
	if (if_nametoindex(ifname) == 0) {
		check_ok("the name %s is free for the TAP interface", ifname);
		return;
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (fd >= 0) {
		free_tap = interface_driver(fd, ifname, driver, sizeof(driver)) &&
			   strcmp(driver, "tun") == 0 && ioctl(fd, SIOCGIFFLAGS, &ifr) == 0 &&
			   (ifr.ifr_flags & IFF_RUNNING) == 0;
		close(fd);
	}
	if (free_tap)
		check_note("the TAP interface %s exists already and is not in use", ifname);
	else
		check_missing("interface %s exists already%s: choose another iface=", ifname,
			      strcmp(driver, "tun") == 0 ? " and is in use" : " and is no TAP");
}

static void check_tap(const struct config_port *port)
{
	char ifname[64];

	device_opens("/dev/net/tun", "modprobe tun (container: --device /dev/net/tun)");
	need_capability(CHECK_CAP_NET_ADMIN, "CAP_NET_ADMIN", "make the TAP interface");
	if (vdev_arg(port->vdev, "iface", ifname, sizeof(ifname)))
		check_tap_name(ifname);
}

static bool interface_has_address(const char *ifname)
{
	struct ifaddrs *all, *ifa;
	bool found = false;

	if (getifaddrs(&all) != 0)
		return false;
	for (ifa = all; ifa != NULL && !found; ifa = ifa->ifa_next)
		found = ifa->ifa_addr != NULL && strcmp(ifa->ifa_name, ifname) == 0 &&
			(ifa->ifa_addr->sa_family == AF_INET || ifa->ifa_addr->sa_family == AF_INET6);
	freeifaddrs(all);
	return found;
}

/* An interface that the kernel also drives: the two must not both answer. */
static void check_kernel_interface(const char *ifname)
{
	char path[128], line[16], driver[32];
	struct ifreq ifr = { 0 };
	int fd;

	if (ifname[0] == '\0' || strlen(ifname) >= IFNAMSIZ || if_nametoindex(ifname) == 0) {
		check_missing("there is no interface '%s' in this network namespace", ifname);
		return;
	}
	check_ok("interface %s is there", ifname);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &ifr) == 0 && (ifr.ifr_flags & IFF_UP) == 0)
		check_missing("interface %s is down: ip link set %s up", ifname, ifname);
	if (interface_has_address(ifname))
		check_note("the kernel has addresses on %s and answers there too: ip addr flush dev %s",
			   ifname, ifname);
	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", ifname);
	if (check_read_line(path, line, sizeof(line)) && strcmp(line, "0") == 0)
		check_note("the kernel speaks IPv6 on %s: echo 1 > %s", ifname, path);
	if (fd >= 0 && interface_driver(fd, ifname, driver, sizeof(driver)) &&
	    strcmp(driver, "veth") == 0)
		check_note("%s is a veth: its peer must compute checksums (ethtool -K PEER tx off)",
			   ifname);
	if (fd >= 0)
		close(fd);
}

static void check_af_packet(const struct config_port *port)
{
	char ifname[64] = "";

	need_capability(CHECK_CAP_NET_RAW, "CAP_NET_RAW", "open packet sockets");
	if (!vdev_arg(port->vdev, "iface", ifname, sizeof(ifname)))
		check_missing("%s does not say which interface: iface=NAME", port->vdev);
	else
		check_kernel_interface(ifname);
}

static void check_memif(const struct config_port *port)
{
	char path[CONFIG_STR_LEN] = "/run/memif.sock", role[16] = "client", dir[CONFIG_STR_LEN];

	vdev_arg(port->vdev, "socket", path, sizeof(path));
	vdev_arg(port->vdev, "role", role, sizeof(role));
	if (strcmp(role, "server") != 0 && strcmp(role, "client") != 0) {
		check_missing("memif role '%s': it is server or client", role);
		return;
	}
	strcpy(dir, path);
	if (strcmp(role, "server") == 0 && access(dirname(dir), W_OK) != 0)
		check_missing("the directory of %s cannot be written: %s", path, strerror(errno));
	else if (strcmp(role, "client") == 0 && access(path, W_OK) != 0)
		check_missing("%s: %s: start the memif server first, as a user whose socket this one may "
			      "open",
			      path, strerror(errno));
	else
		check_ok("memif %s can use %s", role, path);
}

static void check_virtio_user(const struct config_port *port)
{
	char path[CONFIG_STR_LEN] = "";

	if (!vdev_arg(port->vdev, "path", path, sizeof(path)))
		check_missing("%s does not say where its back end is: path=", port->vdev);
	else if (strcmp(path, "/dev/vhost-net") == 0)
		device_opens(path, "modprobe vhost_net");
	else if (access(path, W_OK) != 0 && strstr(port->vdev, "server=1") == NULL)
		check_missing("%s: %s: start the vhost-user back end first", path, strerror(errno));
	else
		check_ok("%s can be used", path);
}

static void check_vfio_group(const char *pci)
{
	char path[PATH_MAX], group[PATH_MAX], node[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", pci);
	n = readlink(path, group, sizeof(group) - 1);
	if (n > 0) {
		group[n] = '\0';
		snprintf(node, sizeof(node), "/dev/vfio/%.32s", basename(group));
		device_opens(node, "is the device bound to vfio-pci?");
		return;
	}
	snprintf(path, sizeof(path), "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
	if (check_read_line(path, group, sizeof(group)) && group[0] == 'Y')
		check_note("%s has no IOMMU in front of it: it works without protection", pci);
	else
		check_missing("%s is in no IOMMU group: intel_iommu=on or amd_iommu=on on the kernel's "
			      "command line, and IOMMU on in the firmware",
			      pci);
}

static void check_pci(const struct config_port *port)
{
	static const char *const usable[] = { "vfio-pci", "igb_uio", "uio_pci_generic" };
	char path[PATH_MAX], driver[PATH_MAX];
	const char *name = "none";
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", port->pci);
	if (access(path, F_OK) != 0) {
		check_missing("there is no PCI device %s (lspci -D lists them)", port->pci);
		return;
	}
	strcat(path, "/driver");
	n = readlink(path, driver, sizeof(driver) - 1);
	if (n > 0) {
		driver[n] = '\0';
		name = basename(driver);
	}
	for (unsigned int i = 0; i < sizeof(usable) / sizeof(usable[0]); i++) {
		if (strcmp(name, usable[i]) != 0)
			continue;
		check_ok("PCI device %s is bound to %s", port->pci, name);
		if (i == 0)
			check_vfio_group(port->pci);
		return;
	}
	check_missing("PCI device %s is bound to %s, not to vfio-pci: dpdk-devbind.py -b vfio-pci %s "
		      "(its kernel interface disappears)",
		      port->pci, name, port->pci);
}

/* -- all together --------------------------------------------------------------------------- */
static void check_port(const struct config_port *port)
{
	static const struct {
		const char *driver;
		void (*check)(const struct config_port *port);
	} kinds[] = {
		{ "net_tap", check_tap },
		{ "net_af_packet", check_af_packet },
		{ "net_memif", check_memif },
		{ "net_virtio_user", check_virtio_user },
		{ "virtio_user", check_virtio_user },
	};

	if (port->pci[0] != '\0') {
		check_pci(port);
		return;
	}
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strncmp(port->vdev, kinds[i].driver, strlen(kinds[i].driver)) == 0) {
			kinds[i].check(port);
			return;
		}
	}
	check_note("nothing is known about what %s needs", port->vdev);
}

void check_ports(const struct shim_config *cfg)
{
	if (!cfg->enabled)
		check_note("no port is given (--vdev, --pci): what one needs is not checked");
	for (unsigned int i = 0; i < cfg->nports; i++)
		check_port(&cfg->ports[i]);
}

static bool is_ours(const struct shim_config *cfg, const struct ipaddr *addr)
{
	for (unsigned int n = 0; n < CONFIG_MAX_PORTS; n++)
		for (unsigned int i = 0; i < cfg->ports[n].naddrs; i++)
			if (ipaddr_equal(addr, &cfg->ports[n].addrs[i].addr))
				return true;
	return false;
}

void check_addresses(const struct shim_config *cfg)
{
	struct ifaddrs *all, *ifa;
	unsigned int taken = 0;

	/* Also without a port: the question may be asked beforehand. */
	if (cfg->ports[0].naddrs == 0 || getifaddrs(&all) != 0)
		return;
	for (ifa = all; ifa != NULL; ifa = ifa->ifa_next) {
		char text[INET6_ADDRSTRLEN] = "";
		struct endpoint ep;

		if (ifa->ifa_addr == NULL ||
		    endpoint_from_sockaddr(&ep, ifa->ifa_addr, sizeof(struct sockaddr_in6)) != 0 ||
		    !is_ours(cfg, &ep.addr))
			continue;
		if (ipaddr_is_v4(&ep.addr))
			inet_ntop(AF_INET, &ep.addr.w[3], text, sizeof(text));
		else
			inet_ntop(AF_INET6, ep.addr.b, text, sizeof(text));
		check_missing("the kernel has address %s on %s: give the shim one of its own "
			      "(or ip addr del %s dev %s)",
			      text, ifa->ifa_name, text, ifa->ifa_name);
		taken++;
	}
	freeifaddrs(all);
	if (taken == 0)
		check_ok("the kernel has none of the addresses");
}
