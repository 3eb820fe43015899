/* SPDX-License-Identifier: BSD-3-Clause */
/* Where options come from: the environment, an INI file; which of them wins, and what must agree. */
#include <fcntl.h>
#include <unistd.h>

#include "test/unit/options_rig.h"

/* -- environment ------------------------------------------------------------------------------ */
START_TEST(environment_is_read)
{
	const char *env[] = { "PATH=/bin",
			      "SHIM_VDEV=net_tap0,iface=shim0",
			      "SHIM_ADDR=192.0.2.1/24",
			      "SHIM_SPIN_US=forever",
			      "SHIM",
			      "SHIM_CONFIG=/nowhere",
			      "XSHIM_FOO=1",
			      NULL };

	ck_assert_msg(config_load_env(&cfg, env, err, sizeof(err)) == 0, "%s", err);
	ck_assert_str_eq(cfg.ports[0].vdev, "net_tap0,iface=shim0");
	ck_assert_uint_eq(cfg.ports[0].naddrs, 1);
	ck_assert_uint_eq(cfg.spin_us, CONFIG_SPIN_FOREVER);
	ck_assert_int_eq(config_load_env(&cfg, NULL, err, sizeof(err)), 0);
}
END_TEST

START_TEST(unknown_variable_is_an_error)
{
	static const char *const bad[] = { "SHIM_SPIN=3",    "SHIM_=x",	    "SHIM_vdev=net_null0",
					   "SHIM_SPIN-US=3", "SHIM_VDEVS=", "SHIM_QUEUE=1" };

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *env[] = { bad[i], NULL };
		size_t name = strcspn(bad[i], "=");

		ck_assert_int_eq(config_load_env(&cfg, env, err, sizeof(err)), -EINVAL);
		ck_assert_msg(strncmp(err, bad[i], name) == 0 && err[name] == ':', "%s", err);
	}
}
END_TEST

START_TEST(wrong_variable_names_itself)
{
	const char *env[] = { "SHIM_QUEUES=many", NULL };

	ck_assert_int_eq(config_load_env(&cfg, env, err, sizeof(err)), -EINVAL);
	ck_assert_str_eq(err, "SHIM_QUEUES: 'many' is not allowed: it takes 1 (this version drives "
			      "one queue)");
}
END_TEST

/* -- INI file ------------------------------------------------------------------------------------ */
static char ini_path[] = "/tmp/shim-options.XXXXXX";

static void ini_setup(void)
{
	int fd;

	setup();
	strcpy(ini_path, "/tmp/shim-options.XXXXXX");
	fd = mkstemp(ini_path);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void ini_teardown(void)
{
	unlink(ini_path);
}

static int ini(const char *text, size_t len)
{
	int fd = open(ini_path, O_WRONLY | O_TRUNC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
	return config_load_ini(&cfg, ini_path, err, sizeof(err));
}

static void ini_bad(const char *text, unsigned int line, const char *says)
{
	char start[64];

	ck_assert_msg(ini(text, strlen(text)) == -EINVAL, "took: %s", text);
	snprintf(start, sizeof(start), "%s:%u: ", ini_path, line);
	ck_assert_msg(strncmp(err, start, strlen(start)) == 0, "%s, not %s", err, start);
	ck_assert_msg(strstr(err, says) != NULL, "%s has no '%s'", err, says);
	ck_assert_ptr_null(strchr(err, '\n'));
}

START_TEST(ini_is_read)
{
	static const char text[] = "# comment\n"
				   "; another\n"
				   "\n"
				   "[shim]\r\n"
				   "vdev = net_tap0,iface=shim0\r\n"
				   "  addr=192.0.2.1/24 , 192.0.2.3/24  \n"
				   "\tspin_us\t=\t7\t\n"
				   "memory =\n"
				   "log-file = /tmp/a b#c;d=e";

	ck_assert_msg(ini(text, sizeof(text) - 1) == 0, "%s", err);
	ck_assert_str_eq(cfg.ports[0].vdev, "net_tap0,iface=shim0");
	ck_assert_uint_eq(cfg.ports[0].naddrs, 2);
	ck_assert_uint_eq(cfg.spin_us, 7);
	ck_assert_uint_eq(cfg.memory, 256u << 20);
	ck_assert_str_eq(cfg.log_file, "/tmp/a b#c;d=e");
	ck_assert_int_eq(ini("", 0), 0);
}
END_TEST

START_TEST(ini_errors_name_file_and_line)
{
	char big[70000];

	ini_bad("vdev net_tap0\n", 1, "NAME = VALUE");
	ini_bad("\n\nqueues = many\n", 3, "queues: 'many' is not allowed");
	ini_bad("[shim]\nspin = 3\n", 2, "'spin': there is no such option");
	ini_bad("[nginx]\n", 1, "[nginx]");
	ini_bad("[shim\n", 1, "[shim");
	ini_bad("mtu = 1500\n\nmtu = 1400\n", 3, "first in line 1");
	ini_bad("spin-us = 1\nspin_us = 1\n", 2, "again");
	ini_bad("config = other.ini\n", 1, "config");
	ini_bad("= 3\n", 1, "no such option");
	ini_bad("SHIM_MTU = 1500\n", 1, "no such option");
	ck_assert_int_eq(ini("mtu = 1500\0\n", 12), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err, "NUL"));
	memset(big, '\n', sizeof(big));
	ck_assert_int_eq(ini(big, sizeof(big)), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err, "65536 bytes"));
	/* The largest that is taken. */
	ck_assert_msg(ini(big, 65536) == 0, "%s", err);
}
END_TEST

START_TEST(ini_that_cannot_be_read)
{
	char longname[300];

	ck_assert_int_eq(config_load_ini(&cfg, "/nowhere/x.ini", err, sizeof(err)), -EINVAL);
	ck_assert_str_eq(err, "/nowhere/x.ini: cannot read the configuration: No such file or "
			      "directory");
	ck_assert_int_eq(config_load_ini(&cfg, "/", err, sizeof(err)), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err, "Is a directory"));
	memset(longname, 'n', sizeof(longname));
	longname[299] = '\0';
	ck_assert_int_eq(config_load_ini(&cfg, longname, err, sizeof(err)), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err, "too long"));
}
END_TEST

/* -- all together ------------------------------------------------------------------------------------ */
START_TEST(environment_wins_over_ini_over_default)
{
	static const char text[] = "vdev = net_tap0\naddr = 192.0.2.1/24\nspin-us = 5\nmtu = 1400\n"
				   "log = debug\n";

	ck_assert_int_eq(ini(text, sizeof(text) - 1), 0);
	setenv("SHIM_CONFIG", ini_path, 1);
	setenv("SHIM_SPIN_US", "9", 1);
	setenv("SHIM_ADDR", "198.18.0.1/15", 1);
	setenv("SHIM_LOG", "", 1); /* back to the default */
	ck_assert_msg(config_load(&cfg, err, sizeof(err)) == 0, "%s", err);
	ck_assert(cfg.enabled);
	ck_assert_str_eq(cfg.ports[0].vdev, "net_tap0");
	ck_assert_uint_eq(cfg.spin_us, 9);
	ck_assert_uint_eq(cfg.ports[0].mtu, 1400);
	ck_assert_uint_eq(cfg.ports[0].naddrs, 1);
	same_addr(&cfg.ports[0].addrs[0].addr, "198.18.0.1");
	ck_assert_int_eq(cfg.log_level, LOG_LEVEL_WARN);
	ck_assert_uint_eq(cfg.queues, 1);
	/* An error in the file is told although the environment would win. */
	ck_assert_int_eq(ini("spin-us = x\n", 12), -EINVAL);
	ck_assert_int_eq(config_load(&cfg, err, sizeof(err)), -EINVAL);
}
END_TEST

START_TEST(no_port_means_not_enabled)
{
	ck_assert_int_eq(config_load(&cfg, err, sizeof(err)), 0);
	ck_assert(!cfg.enabled);
	setenv("SHIM_ADDR", "192.0.2.1/24", 1);
	setenv("SHIM_CONFIG", "", 1);
	ck_assert_int_eq(config_load(&cfg, err, sizeof(err)), 0);
	ck_assert(!cfg.enabled);
	setenv("SHIM_QUEUES", "x", 1);
	ck_assert_int_eq(config_load(&cfg, err, sizeof(err)), -EINVAL);
}
END_TEST

START_TEST(options_must_agree)
{
	taken(OPTION_VDEV, "net_tap0");
	ck_assert_int_eq(config_check(&cfg, err, sizeof(err)), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err, "addr is missing"));
	taken(OPTION_ADDR, "192.0.2.1/24,2001:db8::1/64");
	ck_assert_int_eq(config_check(&cfg, err, sizeof(err)), 0);
	taken(OPTION_GATEWAY, "192.0.2.254,2001:db8:1::/48@2001:db8::9,fe80::1");
	ck_assert_msg(config_check(&cfg, err, sizeof(err)) == 0, "%s", err);
	taken(OPTION_GATEWAY, "192.0.2.254,198.18.0.0/15@192.0.3.1");
	ck_assert_int_eq(config_check(&cfg, err, sizeof(err)), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err, "number 2"));
	taken(OPTION_GATEWAY, "");
	taken(OPTION_PCI, "00:04.0");
	ck_assert_int_eq(config_check(&cfg, err, sizeof(err)), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err, "both"));
	taken(OPTION_VDEV, "");
	ck_assert_int_eq(config_check(&cfg, err, sizeof(err)), 0);
	ck_assert(cfg.enabled);
}
END_TEST

static Suite *options_sources_suite(void)
{
	Suite *s = suite_create("options_sources");
	TCase *tc = add_case(s, "environment", setup, NULL);

	tcase_add_test(tc, environment_is_read);
	tcase_add_test(tc, unknown_variable_is_an_error);
	tcase_add_test(tc, wrong_variable_names_itself);
	tcase_add_test(tc, no_port_means_not_enabled);
	tcase_add_test(tc, options_must_agree);
	tc = add_case(s, "ini", ini_setup, ini_teardown);
	tcase_add_test(tc, ini_is_read);
	tcase_add_test(tc, ini_errors_name_file_and_line);
	tcase_add_test(tc, ini_that_cannot_be_read);
	tcase_add_test(tc, environment_wins_over_ini_over_default);
	return s;
}

CHECK_MAIN(options_sources_suite)
