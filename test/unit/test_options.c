/* SPDX-License-Identifier: BSD-3-Clause */
/* The option table: every option good, bad and at its bounds.  Where values come from: test_options_sources.c. */
#include "stack/tcp/tcp_cc.h"
#include "test/unit/options_rig.h"

/* -- the table ------------------------------------------------------------------------ */
START_TEST(every_row_is_complete_and_unique)
{
	for (unsigned int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_table[i];

		ck_assert_ptr_nonnull(row->name);
		ck_assert_ptr_nonnull(row->arg);
		ck_assert_ptr_nonnull(row->def);
		ck_assert_ptr_nonnull(row->allowed);
		ck_assert_ptr_nonnull(row->parse);
		ck_assert_int_gt(strlen(row->help), 20);
		ck_assert_int_eq(row->help[strlen(row->help) - 1], '.');
		for (unsigned int j = 0; j < i; j++)
			ck_assert_str_ne(row->name, option_table[j].name);
		ck_assert_ptr_eq(option_find(row->name, strlen(row->name)), row);
		if (row->def[0] != '\0')
			taken(i, row->def);
	}
}
END_TEST

START_TEST(defaults_are_the_documented_ones)
{
	ck_assert(!cfg.enabled);
	ck_assert_str_eq(cfg.ports[0].vdev, "");
	ck_assert_str_eq(cfg.ports[0].pci, "");
	ck_assert_uint_eq(cfg.queues, 1);
	ck_assert_uint_eq(cfg.ports[0].mtu, 0);
	ck_assert_uint_eq(cfg.ports[0].vlan, 0);
	ck_assert_uint_eq(cfg.ports[0].naddrs, 0);
	ck_assert_uint_eq(cfg.memory, 256u << 20);
	ck_assert_int_eq(cfg.hugepages, HUGEPAGES_AUTO);
	ck_assert_uint_eq(cfg.max_sockets, 65536);
	ck_assert_uint_eq(cfg.spin_us, 20);
	ck_assert_uint_eq(cfg.rmem[0], 4096);
	ck_assert_uint_eq(cfg.rmem[1], 131072);
	ck_assert_uint_eq(cfg.rmem[2], 6291456);
	ck_assert_uint_eq(cfg.wmem[0], 4096);
	ck_assert_uint_eq(cfg.wmem[1], 65536);
	ck_assert_uint_eq(cfg.wmem[2], 4194304);
	ck_assert_str_eq(cfg.cc, "cubic");
	ck_assert(!cfg.ecn);
	ck_assert(!cfg.slaac);
	ck_assert_uint_eq(cfg.syncookies, 1);
	ck_assert_uint_eq(cfg.time_wait_ms, 60000);
	ck_assert_int_eq(cfg.log_level, LOG_LEVEL_WARN);
}
END_TEST

START_TEST(environment_names_follow_from_the_table)
{
	char name[32];

	option_env_name(&option_table[OPTION_SPIN_US], 0, name, sizeof(name));
	ck_assert_str_eq(name, "SHIM_SPIN_US");
	option_env_name(&option_table[OPTION_VDEV], 0, name, sizeof(name));
	ck_assert_str_eq(name, "SHIM_VDEV");
	ck_assert_ptr_eq(option_find("spin_us", 7), &option_table[OPTION_SPIN_US]);
	ck_assert_ptr_null(option_find("spin", 4));
	ck_assert_ptr_null(option_find("spin-us-", 8));
	ck_assert_ptr_null(option_find("", 0));
}
END_TEST

START_TEST(empty_value_means_the_default)
{
	static const char *const values[OPTION_COUNT] = {
		[OPTION_VDEV] = "net_null0",
		[OPTION_PCI] = "00:04.0",
		[OPTION_ADDR] = "192.0.2.1/24",
		[OPTION_GATEWAY] = "192.0.2.9",
		[OPTION_MTU] = "1400",
		[OPTION_VLAN] = "7",
		[OPTION_MAC] = "02:00:00:00:00:01",
		[OPTION_QUEUES] = "1",
		[OPTION_MEMORY] = "1G",
		[OPTION_HUGEPAGES] = "off",
		[OPTION_MAX_SOCKETS] = "100",
		[OPTION_SPIN_US] = "forever",
		[OPTION_RMEM] = "1K,2K,3K",
		[OPTION_WMEM] = "1K,2K,3K",
		[OPTION_CC] = "newreno",
		[OPTION_ECN] = "on",
		[OPTION_SLAAC] = "on",
		[OPTION_OFFLOAD] = "off",
		[OPTION_SYNCOOKIES] = "always",
		[OPTION_TIME_WAIT] = "1",
		[OPTION_LOG] = "debug",
		[OPTION_LOG_FILE] = "/tmp/x",
		[OPTION_RULES] = "kernel:tcp:listen:*:22",
		[OPTION_CONFIG] = "x.ini",
	};
	struct shim_config fresh = cfg;

	for (unsigned int i = 0; i < OPTION_COUNT; i++) {
		ck_assert_ptr_nonnull(values[i]);
		taken(i, values[i]);
		if (i != OPTION_QUEUES && i != OPTION_CONFIG)
			ck_assert_msg(memcmp(&fresh, &cfg, sizeof(cfg)) != 0, "%s did nothing",
				      option_table[i].name);
		taken(i, "");
		/* Entries behind a list's count do not count. */
		if (cfg.ports[0].naddrs == 0 && cfg.ports[0].nroutes == 0 && cfg.nrules == 0) {
			memset(cfg.ports[0].addrs, 0, sizeof(cfg.ports[0].addrs));
			memset(cfg.ports[0].routes, 0, sizeof(cfg.ports[0].routes));
			memset(cfg.rules, 0, sizeof(cfg.rules));
		}
		/* Nor do characters behind a string's end. */
		if (cfg.ports[0].vdev[0] == '\0' && cfg.log_file[0] == '\0' &&
		    cfg.ports[0].pci[0] == '\0') {
			memset(cfg.ports[0].vdev, 0, sizeof(cfg.ports[0].vdev));
			memset(cfg.log_file, 0, sizeof(cfg.log_file));
			memset(cfg.ports[0].pci, 0, sizeof(cfg.ports[0].pci));
		}
		ck_assert_msg(memcmp(&fresh, &cfg, sizeof(cfg)) == 0, "%s keeps something",
			      option_table[i].name);
	}
}
END_TEST

START_TEST(message_is_one_line_whatever_the_value)
{
	char huge[2000];

	memset(huge, 'x', sizeof(huge));
	huge[sizeof(huge) - 1] = '\0';
	refused(OPTION_QUEUES, huge);
	ck_assert_int_lt(strlen(err), 400);
	ck_assert_ptr_nonnull(strstr(err, "xxx..."));
	refused(OPTION_QUEUES, "1\n2\033[m");
	ck_assert_ptr_nonnull(strstr(err, "'1?2?[m'"));
}
END_TEST

/* -- one option after the other ----------------------------------------------------------- */
START_TEST(vdev)
{
	char text[300];

	taken(OPTION_VDEV, "net_tap0,iface=shim0");
	ck_assert_str_eq(cfg.ports[0].vdev, "net_tap0,iface=shim0");
	refused(OPTION_VDEV, "net_tap0 iface=shim0");
	refused(OPTION_VDEV, "net_tap0\t");
	memset(text, 'v', sizeof(text));
	text[256] = '\0';
	refused(OPTION_VDEV, text);
	text[255] = '\0';
	taken(OPTION_VDEV, text);
	ck_assert_uint_eq(strlen(cfg.ports[0].vdev), 255);
}
END_TEST

START_TEST(pci)
{
	taken(OPTION_PCI, "0000:00:04.0");
	ck_assert_str_eq(cfg.ports[0].pci, "0000:00:04.0");
	taken(OPTION_PCI, "AF:1f.7");
	ck_assert_str_eq(cfg.ports[0].pci, "0000:af:1f.7");
	refused(OPTION_PCI, "00:04");
	refused(OPTION_PCI, "00:04.8");
	refused(OPTION_PCI, "0000:00:04.00");
	refused(OPTION_PCI, "0000-00:04.0");
	refused(OPTION_PCI, "0000:0g:04.0");
	refused(OPTION_PCI, "eth0");
}
END_TEST

START_TEST(addr)
{
	taken(OPTION_ADDR, "192.0.2.1/24, 2001:db8::1/64,198.18.0.0/31");
	ck_assert_uint_eq(cfg.ports[0].naddrs, 3);
	same_addr(&cfg.ports[0].addrs[0].addr, "192.0.2.1");
	ck_assert_uint_eq(cfg.ports[0].addrs[0].plen, 24);
	same_addr(&cfg.ports[0].addrs[1].addr, "2001:db8::1");
	ck_assert_uint_eq(cfg.ports[0].addrs[1].plen, 64);
	ck_assert_uint_eq(cfg.ports[0].addrs[2].plen, 31);
	taken(OPTION_ADDR, "192.0.2.1/32");
	ck_assert_uint_eq(cfg.ports[0].naddrs, 1);
	taken(OPTION_ADDR, "2001:db8::1/128");
	taken(OPTION_ADDR, "fe80::1/64");
}
END_TEST

START_TEST(addr_bad)
{
	static const char *const bad[] = {
		"192.0.2.1",
		"192.0.2.1/",
		"192.0.2.1/33",
		"192.0.2.1/-1",
		"192.0.2.1/2 4",
		"192.0.2/24",
		"192.0.2.1/0",
		"192.0.2.0/24",
		"192.0.2.255/24",
		"127.0.0.1/8",
		"0.0.0.0/24",
		"224.0.0.1/24",
		"255.255.255.255/32",
		"::/64",
		"::1/128",
		"ff02::1/64",
		"2001:db8::1/129",
		"2001:db8::1/0",
		"::ffff:192.0.2.1/24",
		"192.0.2.1/24,",
		",192.0.2.1/24",
		"host/24",
		"192.0.2.1/24,192.0.2.1/16",
		"192.0.2.1/24;192.0.2.2/24",
		"1",
		"/",
		",",
		"192.0.2.1/18446744073709551640",
	};

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(OPTION_ADDR, bad[i]);
}
END_TEST

START_TEST(addr_at_most_16)
{
	char text[1024] = "";

	for (int i = 1; i <= 16; i++)
		sprintf(text + strlen(text), "%s192.0.2.%d/24", i > 1 ? "," : "", i);
	taken(OPTION_ADDR, text);
	ck_assert_uint_eq(cfg.ports[0].naddrs, 16);
	strcat(text, ",192.0.2.17/24");
	refused(OPTION_ADDR, text);
	ck_assert_ptr_nonnull(strstr(err, "more than 16"));
}
END_TEST

START_TEST(gateway)
{
	taken(OPTION_GATEWAY,
	      "192.0.2.254,198.18.0.0/15@192.0.2.253,2001:db8:1::/48@fe80::1,fe80::2");
	ck_assert_uint_eq(cfg.ports[0].nroutes, 4);
	same_addr(&cfg.ports[0].routes[0].via, "192.0.2.254");
	same_addr(&cfg.ports[0].routes[0].prefix, "0.0.0.0");
	ck_assert_uint_eq(cfg.ports[0].routes[0].plen, 0);
	same_addr(&cfg.ports[0].routes[1].prefix, "198.18.0.0");
	ck_assert_uint_eq(cfg.ports[0].routes[1].plen, 15);
	same_addr(&cfg.ports[0].routes[1].via, "192.0.2.253");
	same_addr(&cfg.ports[0].routes[2].prefix, "2001:db8:1::");
	ck_assert_uint_eq(cfg.ports[0].routes[2].plen, 48);
	same_addr(&cfg.ports[0].routes[3].prefix, "::");
	taken(OPTION_GATEWAY, "198.18.0.7@192.0.2.253");
	ck_assert_uint_eq(cfg.ports[0].routes[0].plen, 32);
	taken(OPTION_GATEWAY, "0.0.0.0/0@192.0.2.253");
	ck_assert_uint_eq(cfg.ports[0].routes[0].plen, 0);
}
END_TEST

START_TEST(gateway_bad)
{
	static const char *const bad[] = {
		"192.0.2.254/24",
		"gw",
		"0.0.0.0",
		"::",
		"224.0.0.1",
		"127.0.0.1",
		"255.255.255.255",
		"198.18.0.1/15@192.0.2.254",
		"2001:db8::/32@192.0.2.1",
		"198.18.0.0/15@fe80::1",
		"198.18.0.0/33@192.0.2.1",
		"@192.0.2.1",
		"198.18.0.0/15@",
		"192.0.2.1,192.0.2.2",
		"198.18.0.0/15@192.0.2.1@192.0.2.2",
		"192.0.2.1,,192.0.2.2",
	};

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(OPTION_GATEWAY, bad[i]);
}
END_TEST

struct number_case {
	enum option_id id;
	const char *low, *below, *high, *above;
};

START_TEST(numbers_at_their_bounds)
{
	static const struct number_case cases[] = {
		{ OPTION_MTU, "576", "575", "9600", "9601" },
		{ OPTION_VLAN, "0", NULL, "4094", "4095" },
		{ OPTION_QUEUES, "1", "0", "1", "2" },
		{ OPTION_MEMORY, "16M", "16383K", "64G", "65G" },
		{ OPTION_MAX_SOCKETS, "64", "63", "1048576", "1048577" },
		{ OPTION_SPIN_US, "0", NULL, "1000000", "1000001" },
		{ OPTION_TIME_WAIT, "1ms", "0ms", "600", "601" },
		{ OPTION_TIME_WAIT, "1", "0", "600000ms", "600001ms" },
		{ OPTION_RMEM, "1K,1K,1K", "1023,1K,1K", "1G,1G,1G", "1G,1G,1073741825" },
		{ OPTION_WMEM, "1K,1K,1K", "1023,1K,1K", "1G,1G,1G", "1G,1G,1073741825" },
	};
	static const char *const junk[] = { "-1",
					    "+1",
					    " 1",
					    "1 ",
					    "1x",
					    "0x10",
					    "1.5",
					    "x",
					    "1,1,1,1",
					    "99999999999999999999",
					    "18446744073709551616",
					    "99999999999G" };

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct number_case *c = &cases[i];

		taken(c->id, c->low);
		taken(c->id, c->high);
		if (c->below != NULL)
			refused(c->id, c->below);
		refused(c->id, c->above);
		for (unsigned int j = 0; j < sizeof(junk) / sizeof(junk[0]); j++)
			refused(c->id, junk[j]);
	}
	taken(OPTION_MTU, "0");
	ck_assert_uint_eq(cfg.ports[0].mtu, 0);
	taken(OPTION_MTU, "1500");
	ck_assert_uint_eq(cfg.ports[0].mtu, 1500);
	taken(OPTION_VLAN, "100");
	ck_assert_uint_eq(cfg.ports[0].vlan, 100);
	taken(OPTION_MAX_SOCKETS, "1000");
	ck_assert_uint_eq(cfg.max_sockets, 1000);
}
END_TEST

START_TEST(sizes_take_suffixes)
{
	taken(OPTION_MEMORY, "16777216");
	ck_assert_uint_eq(cfg.memory, 16777216);
	taken(OPTION_MEMORY, "65536K");
	ck_assert_uint_eq(cfg.memory, 67108864);
	taken(OPTION_MEMORY, "64m");
	ck_assert_uint_eq(cfg.memory, 67108864);
	taken(OPTION_MEMORY, "8G");
	ck_assert_uint_eq(cfg.memory, 8ull << 30);
	refused(OPTION_MEMORY, "M");
	refused(OPTION_MEMORY, "64MB");
	refused(OPTION_MEMORY, "64T");
	refused(OPTION_MEMORY, "17179869185G");
	ck_assert_uint_eq(cfg.memory, 8ull << 30);
}
END_TEST

START_TEST(buffers_rise)
{
	taken(OPTION_RMEM, "8K, 16384, 1M");
	ck_assert_uint_eq(cfg.rmem[0], 8192);
	ck_assert_uint_eq(cfg.rmem[1], 16384);
	ck_assert_uint_eq(cfg.rmem[2], 1048576);
	refused(OPTION_RMEM, "8K,4K,1M");
	refused(OPTION_RMEM, "8K,2M,1M");
	refused(OPTION_RMEM, "8K,16K");
	refused(OPTION_WMEM, "8K,16K,");
	refused(OPTION_WMEM, "8K,16K,1M,");
	ck_assert_ptr_nonnull(strstr(err, "more than three"));
}
END_TEST

START_TEST(spin_forever_and_time_units)
{
	taken(OPTION_SPIN_US, "forever");
	ck_assert_uint_eq(cfg.spin_us, CONFIG_SPIN_FOREVER);
	taken(OPTION_SPIN_US, "50");
	ck_assert_uint_eq(cfg.spin_us, 50);
	refused(OPTION_SPIN_US, "Forever");
	taken(OPTION_TIME_WAIT, "2");
	ck_assert_uint_eq(cfg.time_wait_ms, 2000);
	taken(OPTION_TIME_WAIT, "2s");
	ck_assert_uint_eq(cfg.time_wait_ms, 2000);
	taken(OPTION_TIME_WAIT, "250ms");
	ck_assert_uint_eq(cfg.time_wait_ms, 250);
	refused(OPTION_TIME_WAIT, "ms");
	refused(OPTION_TIME_WAIT, "s");
	refused(OPTION_TIME_WAIT, "2m");
	refused(OPTION_TIME_WAIT, "18446744073709551615");
}
END_TEST

START_TEST(mac)
{
	static const uint8_t want[6] = { 0x02, 0xAB, 0xcd, 0, 0, 0x01 };

	taken(OPTION_MAC, "02:aB:CD:00:00:01");
	ck_assert_mem_eq(cfg.ports[0].mac, want, 6);
	refused(OPTION_MAC, "01:00:5e:00:00:01");
	refused(OPTION_MAC, "ff:ff:ff:ff:ff:ff");
	refused(OPTION_MAC, "00:00:00:00:00:00");
	refused(OPTION_MAC, "02-00-00-00-00-01");
	refused(OPTION_MAC, "02:00:00:00:00");
	refused(OPTION_MAC, "02:00:00:00:00:01:02");
	refused(OPTION_MAC, "02:00:00:00:00:0g");
	refused(OPTION_MAC, "2:0:0:0:0:1");
	ck_assert_mem_eq(cfg.ports[0].mac, want, 6);
}
END_TEST

START_TEST(words)
{
	static const enum option_id ids[] = { OPTION_HUGEPAGES, OPTION_LOG, OPTION_SYNCOOKIES };

	for (unsigned int i = 0; i < 3; i++) {
		for (const struct option_word *w = option_table[ids[i]].words; w->word != NULL; w++)
			taken(ids[i], w->word);
		refused(ids[i], "maybe");
		refused(ids[i], "ON");
		refused(ids[i], "3");
	}
	taken(OPTION_HUGEPAGES, "off");
	ck_assert_int_eq(cfg.hugepages, HUGEPAGES_OFF);
	taken(OPTION_LOG, "debug");
	ck_assert_int_eq(cfg.log_level, LOG_LEVEL_DEBUG);
	taken(OPTION_LOG, "error");
	ck_assert_int_eq(cfg.log_level, LOG_LEVEL_ERROR);
	taken(OPTION_SYNCOOKIES, "always");
	ck_assert_uint_eq(cfg.syncookies, 2);
	taken(OPTION_SYNCOOKIES, "0");
	ck_assert_uint_eq(cfg.syncookies, 0);
	taken(OPTION_ECN, "yes");
	ck_assert(cfg.ecn);
	taken(OPTION_ECN, "0");
	ck_assert(!cfg.ecn);
	taken(OPTION_SLAAC, "on");
	ck_assert(cfg.slaac);
	taken(OPTION_OFFLOAD, "off");
	ck_assert(!cfg.offload);
	refused(OPTION_OFFLOAD, "tso");
	refused(OPTION_ECN, "2");
	refused(OPTION_ECN, "On");
	taken(OPTION_CC, "newreno");
	ck_assert_str_eq(cfg.cc, "newreno");
	taken(OPTION_CC, "cubic");
	ck_assert_str_eq(cfg.cc, "cubic");
	refused(OPTION_CC, "vegas");
	refused(OPTION_CC, "a-name-much-longer-than-the-field");
}
END_TEST

START_TEST(congestion_control_is_what_the_stack_has)
{
	static const char *const names[] = { "cubic", "bbr", "newreno", "reno" };

	for (unsigned int i = 0; i < TCP_CC_COUNT; i++)
		taken(OPTION_CC, tcp_cc_by_id(i)->name);
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		taken(OPTION_CC, names[i]);
		ck_assert_int_ge(tcp_cc_find(cfg.cc), 0);
	}
}
END_TEST

START_TEST(file_names)
{
	char text[300];

	taken(OPTION_LOG_FILE, "/var/log/a shim.log");
	ck_assert_str_eq(cfg.log_file, "/var/log/a shim.log");
	memset(text, 'f', sizeof(text));
	text[256] = '\0';
	refused(OPTION_LOG_FILE, text);
	refused(OPTION_CONFIG, text);
	text[255] = '\0';
	taken(OPTION_LOG_FILE, text);
	taken(OPTION_CONFIG, text);
}
END_TEST

START_TEST(rules)
{
	taken(OPTION_RULES, "kernel:tcp:listen:*:22, shim:any:connect:198.18.0.0/15:1024-65535,"
			    "kernel:udp:any:[2001:db8::]/32:53,shim:tcp:listen:[2001:db8::1]:*,"
			    "kernel:any:listen:192.0.2.1:0");
	ck_assert_uint_eq(cfg.nrules, 6);
	ck_assert(cfg.rules[0].kernel && cfg.rules[0].listen);
	ck_assert_uint_eq(cfg.rules[0].proto, IPPROTO_TCP);
	ck_assert_uint_eq(cfg.rules[0].plen, 0);
	ck_assert_uint_eq(cfg.rules[0].port_lo, 22);
	ck_assert_uint_eq(cfg.rules[0].port_hi, 22);
	ck_assert(!cfg.rules[1].kernel && !cfg.rules[1].listen);
	ck_assert_uint_eq(cfg.rules[1].proto, 0);
	same_addr(&cfg.rules[1].prefix, "198.18.0.0");
	ck_assert_uint_eq(cfg.rules[1].plen, 15);
	ck_assert_uint_eq(cfg.rules[1].port_lo, 1024);
	ck_assert_uint_eq(cfg.rules[1].port_hi, 65535);
	ck_assert(cfg.rules[2].kernel && !cfg.rules[2].listen && cfg.rules[3].listen);
	ck_assert_uint_eq(cfg.rules[2].proto, IPPROTO_UDP);
	same_addr(&cfg.rules[3].prefix, "2001:db8::");
	ck_assert_uint_eq(cfg.rules[3].plen, 32);
	ck_assert_uint_eq(cfg.rules[4].plen, 128);
	ck_assert_uint_eq(cfg.rules[4].port_hi, 65535);
	ck_assert_uint_eq(cfg.rules[5].plen, 32);
	taken(OPTION_RULES, "kernel:tcp:listen:[2001:db8::/32]:22");
	ck_assert_uint_eq(cfg.rules[0].plen, 32);
}
END_TEST

START_TEST(rules_bad)
{
	static const char *const bad[] = {
		"kernel",
		"kernel:tcp:listen:*",
		"kernel:tcp:listen:*:22:",
		"kernel:tcp:listen:*:22:1",
		"host:tcp:listen:*:22",
		"kernel:icmp:listen:*:22",
		"kernel:tcp:bind:*:22",
		"kernel:tcp:listen:somewhere:22",
		"kernel:tcp:listen:192.0.2.1/24:22",
		"kernel:tcp:listen:192.0.2.0/33:22",
		"kernel:tcp:listen:0.0.0.0/0:22",
		"kernel:tcp:listen:*:65536",
		"kernel:tcp:listen:*:30-20",
		"kernel:tcp:listen:*:",
		"kernel:tcp:listen:*:-",
		"kernel:tcp:listen:*:1-",
		"kernel:tcp:listen:*:-1",
		"kernel:tcp:listen:*:ssh",
		"kernel:tcp:listen::22",
		":tcp:listen:*:22",
		"kern:tcp:listen:*:22",
		"kernel:tcp:listen:*:22,",
		"kernel:tcp:listen:2001:db8::1:22",
		"kernel:tcp:listen:[2001:db8::1:22",
		"tcp|udp:tcp:listen:*:22",
	};

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(OPTION_RULES, bad[i]);
}
END_TEST

START_TEST(rules_at_most_32)
{
	char text[2048] = "";

	for (int i = 0; i < 31; i++)
		strcat(text, "kernel:tcp:listen:*:22,");
	strcat(text, "kernel:tcp:listen:*:23");
	taken(OPTION_RULES, text);
	ck_assert_uint_eq(cfg.nrules, 32);
	strcpy(strrchr(text, ','), ",kernel:tcp:any:*:23");
	refused(OPTION_RULES, text);
	ck_assert_ptr_nonnull(strstr(err, "more than 32"));
}
END_TEST

static Suite *options_suite(void)
{
	Suite *s = suite_create("options");
	TCase *tc = add_case(s, "table", setup, NULL);

	tcase_add_test(tc, every_row_is_complete_and_unique);
	tcase_add_test(tc, defaults_are_the_documented_ones);
	tcase_add_test(tc, environment_names_follow_from_the_table);
	tcase_add_test(tc, empty_value_means_the_default);
	tcase_add_test(tc, message_is_one_line_whatever_the_value);
	tc = add_case(s, "values", setup, NULL);
	tcase_add_test(tc, vdev);
	tcase_add_test(tc, pci);
	tcase_add_test(tc, addr);
	tcase_add_test(tc, addr_bad);
	tcase_add_test(tc, addr_at_most_16);
	tcase_add_test(tc, gateway);
	tcase_add_test(tc, gateway_bad);
	tcase_add_test(tc, numbers_at_their_bounds);
	tcase_add_test(tc, sizes_take_suffixes);
	tcase_add_test(tc, buffers_rise);
	tcase_add_test(tc, spin_forever_and_time_units);
	tcase_add_test(tc, mac);
	tcase_add_test(tc, words);
	tcase_add_test(tc, congestion_control_is_what_the_stack_has);
	tcase_add_test(tc, file_names);
	tcase_add_test(tc, rules);
	tcase_add_test(tc, rules_bad);
	tcase_add_test(tc, rules_at_most_32);
	return s;
}

CHECK_MAIN(options_suite)