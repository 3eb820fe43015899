/* SPDX-License-Identifier: BSD-3-Clause */
/* Options of several ports: numbered variables, sections of the INI file, what must agree. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "preload/options.h"
#include "test/check_main.h"

#define ONE "SHIM_VDEV=net_tap0,iface=a", "SHIM_ADDR=192.0.2.1/24"
#define TWO "SHIM_VDEV_2=net_tap1,iface=b", "SHIM_ADDR_2=198.18.0.1/16"

static struct shim_config cfg;
static char err[OPTION_ERR_LEN];

static int load(const char *const *env)
{
	int r;

	config_defaults(&cfg);
	err[0] = '\0';
	r = config_load_env(&cfg, env, err, sizeof(err));
	return r != 0 ? r : config_check(&cfg, err, sizeof(err));
}

#define GOOD(...)                                                              \
	do {                                                                   \
		const char *env[] = { __VA_ARGS__, NULL };                     \
		ck_assert_msg(load(env) == 0, "%s", err);                      \
	} while (0)

#define BAD(says, ...)                                                         \
	do {                                                                   \
		const char *env[] = { __VA_ARGS__, NULL };                     \
		ck_assert_int_eq(load(env), -EINVAL);                          \
		ck_assert_msg(strstr(err, says) != NULL, "%s", err);           \
	} while (0)

START_TEST(numbered_variables_are_of_further_ports)
{
	GOOD(ONE, TWO, "SHIM_MTU_2=1400", "SHIM_VLAN_2=7", "SHIM_MAC_2=02:00:00:00:00:02",
	     "SHIM_GATEWAY_2=198.18.0.254", "SHIM_MTU=1300");
	ck_assert_uint_eq(cfg.nports, 2);
	ck_assert_str_eq(cfg.ports[1].vdev, "net_tap1,iface=b");
	ck_assert_uint_eq(cfg.ports[0].mtu, 1300);
	ck_assert_uint_eq(cfg.ports[1].mtu, 1400);
	ck_assert_uint_eq(cfg.ports[0].vlan, 0);
	ck_assert_uint_eq(cfg.ports[1].vlan, 7);
	ck_assert_uint_eq(cfg.ports[1].mac[5], 2);
	ck_assert_uint_eq(cfg.ports[0].nroutes, 0);
	ck_assert_uint_eq(cfg.ports[1].nroutes, 1);
	ck_assert_uint_eq(cfg.ports[1].naddrs, 1);
	ck_assert_uint_eq(cfg.port, 0);
}
END_TEST

START_TEST(numbers_that_there_are_not_are_unknown_variables)
{
	BAD("SHIM_VDEV_1: there is no such option", ONE, "SHIM_VDEV_1=net_tap1");
	BAD("SHIM_VDEV_5: there is no such option", ONE, "SHIM_VDEV_5=net_tap1");
	BAD("SHIM_VDEV_02: there is no such option", ONE, "SHIM_VDEV_02=net_tap1");
	BAD("SHIM_QUEUES_2: there is no such option", ONE, TWO, "SHIM_QUEUES_2=1");
	BAD("SHIM_MTU_2: '7' is not allowed", ONE, TWO, "SHIM_MTU_2=7");
}
END_TEST

START_TEST(ports_must_be_complete)
{
	BAD("vdev of port 1 is missing", TWO);
	BAD("addr of port 2 is missing", ONE, "SHIM_VDEV_2=net_tap1");
	BAD("options of port 2 are given, but no vdev", ONE, "SHIM_ADDR_2=198.18.0.1/16");
	BAD("options of port 3 are given, but no vdev", ONE, TWO, "SHIM_VLAN_3=9");
	BAD("vdev of port 2 and pci are both given", ONE, TWO, "SHIM_PCI_2=00:04.0");
	BAD("gateway of port 2 number 1 is on none", ONE, TWO, "SHIM_GATEWAY_2=192.0.2.254");
	GOOD(ONE, "SHIM_PCI_2=00:04.0", "SHIM_ADDR_2=198.18.0.1/16");
}
END_TEST

START_TEST(ports_must_differ)
{
	BAD("is the device of port 1 too", ONE, "SHIM_VDEV_2=net_tap0,iface=b", "SHIM_ADDR_2=198.18.0.1/16");
	BAD("is the device of port 1 too", "SHIM_PCI=00:04.0", "SHIM_ADDR=192.0.2.1/24",
	    "SHIM_PCI_2=0000:00:04.0", "SHIM_ADDR_2=198.18.0.1/16");
	BAD("addr of port 2 number 2 is an address of port 1 too", ONE, "SHIM_VDEV_2=net_tap1",
	    "SHIM_ADDR_2=198.18.0.1/16,192.0.2.1/25");
	BAD("is for the same prefix as one of port 1", ONE, TWO, "SHIM_GATEWAY=192.0.2.254",
	    "SHIM_GATEWAY_2=198.18.0.254");
	GOOD(ONE, TWO, "SHIM_GATEWAY=192.0.2.254", "SHIM_GATEWAY_2=198.19.0.0/16@198.18.0.254");
}
END_TEST

START_TEST(all_ports_together_have_room_for_16_addresses)
{
	char text[400] = "SHIM_ADDR_2=";

	for (unsigned int i = 1; i <= 15; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s198.18.0.%u/16",
			 i > 1 ? "," : "", i);
	GOOD(ONE, "SHIM_VDEV_2=net_tap1", text);
	strcat(text, ",198.18.0.16/16");
	BAD("addr: all ports together have more than 16", ONE, "SHIM_VDEV_2=net_tap1", text);
}
END_TEST

/* -- the file ----------------------------------------------------------------------------------- */
static int ini(const char *text)
{
	char path[] = "/tmp/shim-options.XXXXXX";
	int fd = mkstemp(path), r;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	config_defaults(&cfg);
	r = config_load_ini(&cfg, path, err, sizeof(err));
	unlink(path);
	return r != 0 ? r : config_check(&cfg, err, sizeof(err));
}

static void ini_bad(const char *text, const char *says)
{
	ck_assert_msg(ini(text) == -EINVAL, "took: %s", text);
	ck_assert_msg(strstr(err, says) != NULL, "%s", err);
}

START_TEST(sections_are_ports)
{
	ck_assert_msg(ini("spin-us = 7\nvdev = net_tap0\naddr = 192.0.2.1/24\n"
			  "[port two]\nvdev = net_tap1\naddr = 198.18.0.1/24\nmtu = 1400\n"
			  "[port]\nmtu = 1300\nvdev = net_tap2\naddr = 198.18.1.1/24\n") == 0,
		      "%s", err);
	ck_assert_uint_eq(cfg.nports, 3);
	ck_assert_uint_eq(cfg.spin_us, 7);
	ck_assert_str_eq(cfg.ports[0].vdev, "net_tap0");
	ck_assert_str_eq(cfg.ports[1].vdev, "net_tap1");
	ck_assert_str_eq(cfg.ports[2].vdev, "net_tap2");
	ck_assert_uint_eq(cfg.ports[0].mtu, 0);
	ck_assert_uint_eq(cfg.ports[1].mtu, 1400);
	ck_assert_uint_eq(cfg.ports[2].mtu, 1300);
}
END_TEST

START_TEST(the_first_port_may_be_a_section_too)
{
	ck_assert_msg(ini("[shim]\nlog = debug\n[port a]\nvdev = net_tap0\naddr = 192.0.2.1/24\n"
			  "[port b]\nvdev = net_tap1\naddr = 198.18.0.1/24\n") == 0,
		      "%s", err);
	ck_assert_uint_eq(cfg.nports, 2);
	ck_assert_str_eq(cfg.ports[0].vdev, "net_tap0");
}
END_TEST

START_TEST(what_sections_must_not)
{
	ini_bad("[port a]\nspin-us = 7\n", ":2: spin-us is no option of a port");
	ini_bad("[port a]\nmtu = 1400\nmtu = 1400\n", ":3: mtu is given again");
	ini_bad("[port a]\n[shim]\n", ":2: [shim] goes before");
	ini_bad("[portal]\n", ":1: section '[portal]'");
	ini_bad("[port a\n", ":1: section '[port a'");
	ini_bad("[port a]\n[port b]\n[port c]\n[port d]\n[port e]\n", ":5: more than 4 ports");
	ini_bad("vdev = net_tap0\naddr = 192.0.2.1/24\n[port b]\naddr = 198.18.0.1/24\n",
		"options of port 2 are given, but no vdev");
}
END_TEST

static Suite *options_ports_suite(void)
{
	Suite *s = suite_create("options_ports");
	TCase *tc = tcase_create("ports");

	tcase_add_test(tc, numbered_variables_are_of_further_ports);
	tcase_add_test(tc, numbers_that_there_are_not_are_unknown_variables);
	tcase_add_test(tc, ports_must_be_complete);
	tcase_add_test(tc, ports_must_differ);
	tcase_add_test(tc, all_ports_together_have_room_for_16_addresses);
	tcase_add_test(tc, sections_are_ports);
	tcase_add_test(tc, the_first_port_may_be_a_section_too);
	tcase_add_test(tc, what_sections_must_not);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(options_ports_suite)
