/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run.c - shim run: check what was said, then become the program.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

int cmd_run(int argc, char **argv)
{
	struct shim_config cfg;
	char library[PATH_MAX];
	int first = flags_take(argc, argv, &cfg), saved;

	if (first < 0)
		return EXIT_USAGE;
	if (first >= argc) {
		complain("run: which program? shim run [FLAG...] -- PROGRAM [ARG...]");
		return EXIT_USAGE;
	}
	if (!cfg.enabled) {
		complain("run: no port is given: --vdev net_tap0,iface=shim0 would make one, --pci takes "
			 "a device");
		return EXIT_USAGE;
	}
	if (!library_find(library)) {
		complain("run: there is no %s: `make` builds it, `make install` installs it", library);
		return EXIT_CANNOT_RUN;
	}
	if (library_preload(library) != 0)
		return EXIT_CANNOT_RUN;
	execvp(argv[first], argv + first);
	saved = errno;
	complain("%s: %s", argv[first], strerror(saved));
	return saved == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}
