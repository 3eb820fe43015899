/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.h - the option table: one row per thing the user may say.
 *
 * The same row is read as SHIM_SPIN_US in the environment, spin-us in the INI file
 * and --spin-us on `shim run`; it validates, and it is what `shim options` and the
 * manual page print.  Defaults are text that goes through the row's own parser, so a
 * default cannot be what the user could not write.
 *
 * A row may be of a port rather than of the program.  The further ports' values are SHIM_MTU_2
 * to SHIM_MTU_4 in the environment, stand below [port NAME] in the INI file, and follow
 * the second --vdev or --pci on the command line: cfg->port is where they go.
 *
 * Precedence: flag over environment over INI file over default.  (A flag is handed to
 * the program as its environment variable.)  An empty value means the default.
 *
 * Nothing here uses the heap, a stdio stream or a lock: config_load() runs in a
 * constructor of arbitrary programs.
 */
#ifndef PRELOAD_OPTIONS_H
#define PRELOAD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "shim/config.h"

#define OPTION_ENV_PREFIX "SHIM_"
#define OPTION_ERR_LEN 512

enum option_id {
	OPTION_VDEV,
	OPTION_PCI,
	OPTION_ADDR,
	OPTION_GATEWAY,
	OPTION_SLAAC,
	OPTION_OFFLOAD,
	OPTION_MTU,
	OPTION_VLAN,
	OPTION_MAC,
	OPTION_QUEUES,
	OPTION_MEMORY,
	OPTION_HUGEPAGES,
	OPTION_MAX_SOCKETS,
	OPTION_SPIN_US,
	OPTION_RMEM,
	OPTION_WMEM,
	OPTION_CC,
	OPTION_ECN,
	OPTION_SYNCOOKIES,
	OPTION_TIME_WAIT,
	OPTION_LOG,
	OPTION_LOG_FILE,
	OPTION_RULES,
	OPTION_CONFIG,
	OPTION_COUNT,
};

struct option_word {
	const char *word;
	unsigned int value;
};

struct option_row {
	const char *name;    /* spin-us: the flag without its dashes, the INI key */
	const char *arg;     /* what stands for the value in help texts: MICROSECONDS */
	const char *def;     /* default, in the words of the user; "" if none */
	const char *allowed; /* completes "... is not allowed: " */
	const char *help;    /* one or more sentences */
	/* Store value (never empty); 0, or -EINVAL with a reason, or "", in why. */
	int (*parse)(struct shim_config *cfg, const struct option_row *row, const char *value,
		     char *why, size_t whylen);
	/* The field in struct shim_config, or in the config_port; zero means "not given". */
	size_t offset, size;
	bool per_port;
	unsigned long long min, max;
	const struct option_word *words; /* ends with a NULL word */
};

extern const struct option_row option_table[OPTION_COUNT];

/* The row of a name of len bytes, - and _ being the same; NULL if there is none. */
const struct option_row *option_find(const char *name, size_t len);

/* "mtu" → "SHIM_MTU", of another port than the first (0) "SHIM_MTU_2"; cut to len with its NUL. */
void option_env_name(const struct option_row *row, unsigned int port, char *buf, size_t len);

/* Where the row's value is: in cfg, or in the port that cfg->port says. */
void *option_field(struct shim_config *cfg, const struct option_row *row);

/*
 * Validate and store one value.  origin says where it comes from and leads the
 * message: "--queues", "SHIM_QUEUES", "shim.ini:3: queues".  0 or -EINVAL with a line
 * in err.
 */
int option_set(struct shim_config *cfg, const struct option_row *row, const char *value,
	       const char *origin, char *err, size_t errlen);

/* All defaults.  Cannot fail. */
void config_defaults(struct shim_config *cfg);

/* What the INI file says, on top of cfg.  0 or -EINVAL with a line in err. */
int config_load_ini(struct shim_config *cfg, const char *path, char *err, size_t errlen);

/* What envp (environ's form) says, SHIM_CONFIG aside, on top of cfg.  0 or -EINVAL. */
int config_load_env(struct shim_config *cfg, const char *const *envp, char *err, size_t errlen);

/* What must hold between options; also sets cfg->enabled.  0 or -EINVAL. */
int config_check(struct shim_config *cfg, char *err, size_t errlen);

/* -- parsers (options_parse.c) ------------------------------------------------------ */
int parse_string(struct shim_config *cfg, const struct option_row *row, const char *value,
		 char *why, size_t whylen);
int parse_path(struct shim_config *cfg, const struct option_row *row, const char *value,
	       char *why, size_t whylen);
int parse_pci(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
	      size_t whylen);
int parse_mac(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
	      size_t whylen);
int parse_uint(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
	       size_t whylen);
int parse_mtu(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
	      size_t whylen);
int parse_spin(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
	       size_t whylen);
int parse_time(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
	       size_t whylen);
int parse_size(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
	       size_t whylen);
int parse_buffers(struct shim_config *cfg, const struct option_row *row, const char *value,
		  char *why, size_t whylen);
int parse_word(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
	       size_t whylen);
int parse_bool(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
	       size_t whylen);
int parse_cc(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
	     size_t whylen);

/* -- parsers of addresses (options_net.c) --------------------------------------------- */
int parse_addrs(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
		size_t whylen);
int parse_gateways(struct shim_config *cfg, const struct option_row *row, const char *value,
		   char *why, size_t whylen);
int parse_rules(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
		size_t whylen);

/* -- pieces they share ----------------------------------------------------------------- */
/* A decimal number and nothing else; false if it is not one or too large. */
bool text_to_number(const char *s, size_t len, unsigned long long *out);

/*
 * The next item of a list separated by sep, into buf without blanks around it; *list
 * moves behind it and becomes NULL after the last.  -EINVAL if it is empty or too long.
 */
int text_next_item(const char **list, char sep, char *buf, size_t len);

#endif
