/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * main.c - shim(1): run a program on the shim, and what helps with that.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static int cmd_version(int argc, char **argv);
static int cmd_help(int argc, char **argv);

static const struct command {
	const char *name, *args, *help;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "run", "[FLAG...] [--] PROGRAM [ARG...]", "run a program on the shim", cmd_run },
	{ "options", "[--ini | --man]", "list every option, its default and what it takes",
	  cmd_options },
	{ "check", "[FLAG...]", "say what this machine lacks to run with these options", cmd_check },
	{ "version", "", "print the version", cmd_version },
	{ "help", "", "print this", cmd_help },
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

void complain(const char *fmt, ...)
{
	va_list ap;

	fputs("shim: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static int cmd_version(int argc, char **argv)
{
	if (argc > 1) {
		complain("version takes no '%s'", argv[1]);
		return EXIT_USAGE;
	}
	printf("shim %s\n", SHIM_VERSION);
	return 0;
}

static void usage(FILE *out)
{
	fputs("usage:\n", out);
	for (unsigned int i = 0; i < NCOMMANDS; i++)
		fprintf(out, "  shim %-7s %-32s %s\n", commands[i].name, commands[i].args,
			commands[i].help);
	fputs("FLAGs are the options that `shim options` lists, for example\n"
	      "  shim run --vdev net_tap0,iface=shim0 --addr 192.0.2.1/24 -- redis-server\n",
	      out);
}

static int cmd_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	usage(stdout);
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	else if (strcmp(name, "--version") == 0)
		name = "version";
	for (unsigned int i = 0; i < NCOMMANDS; i++) {
		int status;

		if (strcmp(name, commands[i].name) != 0)
			continue;
		status = commands[i].run(argc - 1, argv + 1);
		/* A full disk must not pass for success. */
		if (fflush(stdout) != 0 && status == 0) {
			complain("cannot write the output");
			status = 1;
		}
		return status;
	}
	if (name[0] != '\0')
		complain("there is no command '%s'", name);
	usage(stderr);
	return EXIT_USAGE;
}
