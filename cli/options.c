/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.c - shim options: the option table as text, as a template of the INI file, or
 * as a piece of the manual page.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "preload/options.h"

#define COLUMNS 92

/* Text in lines of at most COLUMNS characters, each behind prefix. */
static void print_filled(const char *prefix, const char *text)
{
	size_t column = 0;

	while (*text != '\0') {
		size_t word = strcspn(text, " ");

		if (column != 0 && column + 1 + word > COLUMNS) {
			putchar('\n');
			column = 0;
		}
		column += (size_t)printf("%s%.*s", column == 0 ? prefix : " ", (int)word, text);
		text += word;
		text += strspn(text, " ");
	}
	putchar('\n');
}

/* "SHIM_MTU_2 to SHIM_MTU_4" */
static const char *further_ports(const struct option_row *row, char *buf, size_t len)
{
	char first[32], last[32];

	option_env_name(row, 1, first, sizeof(first));
	option_env_name(row, CONFIG_MAX_PORTS - 1, last, sizeof(last));
	snprintf(buf, len, "%s to %s", first, last);
	return buf;
}

static void print_text(const struct option_row *row)
{
	char env[32], further[80], line[512];

	option_env_name(row, 0, env, sizeof(env));
	printf("--%s %s   %s%s%s\n", row->name, row->arg, env, row->per_port ? ", of further ports " : "",
	       row->per_port ? further_ports(row, further, sizeof(further)) : "");
	print_filled("    ", row->help);
	snprintf(line, sizeof(line), "Takes %s.", row->allowed);
	print_filled("    ", line);
	if (row->def[0] != '\0')
		printf("    Default: %s\n", row->def);
	putchar('\n');
}

static void print_ini(const struct option_row *row)
{
	char line[512];

	if (row == &option_table[OPTION_CONFIG])
		return;
	print_filled("# ", row->help);
	snprintf(line, sizeof(line), "Takes %s.", row->allowed);
	print_filled("# ", line);
	printf("; %s =%s%s\n\n", row->name, row->def[0] != '\0' ? " " : "", row->def);
}

/* roff: a dash is \-, a backslash \e, and no line may begin with a dot or an apostrophe. */
static void print_roff(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '-')
			fputs("\\-", stdout);
		else if (*text == '\\')
			fputs("\\e", stdout);
		else
			putchar(*text);
	}
}

static void print_man(const struct option_row *row)
{
	char env[32], further[80];

	option_env_name(row, 0, env, sizeof(env));
	printf(".TP\n\\fB\\-\\-");
	print_roff(row->name);
	printf("\\fP \\fI");
	print_roff(row->arg);
	printf("\\fP, \\fB%s\\fP\n", env);
	if (row->per_port)
		printf("(of further ports %s)\n", further_ports(row, further, sizeof(further)));
	printf("\\&");
	print_roff(row->help);
	printf("\nTakes ");
	print_roff(row->allowed);
	printf(".\n");
	if (row->def[0] != '\0') {
		printf("Default: \\fB");
		print_roff(row->def);
		printf("\\fP.\n");
	}
}

int cmd_options(int argc, char **argv)
{
	void (*print)(const struct option_row *row) = print_text;

	if (argc == 2 && strcmp(argv[1], "--ini") == 0) {
		print = print_ini;
		printf("[shim]\n");
	} else if (argc == 2 && strcmp(argv[1], "--man") == 0) {
		print = print_man;
	} else if (argc > 1) {
		complain("options: '%s' is not --ini or --man", argv[1]);
		return EXIT_USAGE;
	}
	for (unsigned int i = 0; i < OPTION_COUNT; i++)
		print(&option_table[i]);
	if (print == print_ini)
		printf("# A further port has a section of its own, with vdev or pci, addr, gateway, mtu, vlan\n"
		       "# and mac as above.\n"
		       "; [port NAME]\n");
	return 0;
}
