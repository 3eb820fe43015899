/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flags.c - option flags become SHIM_ variables, so that the program sees what was said.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "preload/options.h"

/*
 * File names are made absolute: the program may open them after a chdir(), as daemons do.
 * Returns value itself, or buf.
 */
static const char *absolute(const struct option_row *row, const char *value, char *buf, size_t len)
{
	char cwd[PATH_MAX];
	int n;

	if (row != &option_table[OPTION_CONFIG] && row != &option_table[OPTION_LOG_FILE])
		return value;
	if (value[0] == '\0' || value[0] == '/' || getcwd(cwd, sizeof(cwd)) == NULL)
		return value;
	n = snprintf(buf, len, "%s/%s", cwd, value);
	return n > 0 && (size_t)n < len ? buf : value;
}

/*
 * --vdev and --pci name a port; one that has its name already is complete, and this is the
 * next.  0, or -EINVAL when there are too many.
 */
static int next_port(struct shim_config *scratch, const struct option_row *row)
{
	const struct config_port *now = &scratch->ports[scratch->port];

	if (row != &option_table[OPTION_VDEV] && row != &option_table[OPTION_PCI])
		return 0;
	if (now->vdev[0] == '\0' && now->pci[0] == '\0')
		return 0;
	if (scratch->port + 1 == CONFIG_MAX_PORTS) {
		complain("--%s: there can be %d ports at most", row->name, CONFIG_MAX_PORTS);
		return -EINVAL;
	}
	scratch->port++;
	return 0;
}

/* One flag at argv[0]; how many words it is, or -EINVAL. */
static int take_flag(int argc, char **argv, struct shim_config *scratch)
{
	const char *name = argv[0] + 2, *value = strchr(name, '=');
	size_t len = value != NULL ? (size_t)(value - name) : strlen(name);
	const struct option_row *row = option_find(name, len);
	char env[32], origin[40], path[PATH_MAX], err[OPTION_ERR_LEN];
	int words = 1;

	if (row == NULL) {
		complain("--%.*s: there is no such option; `shim options` lists them", (int)len, name);
		return -EINVAL;
	}
	if (value != NULL) {
		value++;
	} else if (argc < 2) {
		complain("--%s: the value is missing: it takes %s", row->name, row->allowed);
		return -EINVAL;
	} else {
		value = argv[1];
		words = 2;
	}
	value = absolute(row, value, path, sizeof(path));
	if (next_port(scratch, row) != 0)
		return -EINVAL;
	snprintf(origin, sizeof(origin), "--%s", row->name);
	if (option_set(scratch, row, value, origin, err, sizeof(err)) != 0) {
		complain("%s", err);
		return -EINVAL;
	}
	option_env_name(row, row->per_port ? scratch->port : 0, env, sizeof(env));
	if (setenv(env, value, 1) != 0) {
		complain("%s: %s", origin, strerror(errno));
		return -EINVAL;
	}
	return words;
}

int flags_take(int argc, char **argv, struct shim_config *cfg)
{
	struct shim_config scratch;
	char err[OPTION_ERR_LEN];
	int i = 1;

	config_defaults(&scratch);
	while (i < argc && argv[i][0] == '-') {
		int n;

		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (strncmp(argv[i], "--", 2) != 0) {
			complain("'%s': options begin with two dashes; `shim options` lists them", argv[i]);
			return -EINVAL;
		}
		n = take_flag(argc - i, argv + i, &scratch);
		if (n < 0)
			return n;
		i += n;
	}
	if (config_load(cfg, err, sizeof(err)) != 0) {
		complain("%s", err);
		return -EINVAL;
	}
	return i;
}
