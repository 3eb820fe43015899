# SPDX-License-Identifier: BSD-3-Clause
#
# libshim's build.  `make help` lists what can be made.
#
#   BUILD=dir   where results go        (default build, build-san with SAN=1)
#   SAN=1       AddressSanitizer and UndefinedBehaviorSanitizer (tests only)
#   WERROR=0    warnings do not stop the build
#   DEBUG=1     -Og and the stack's invariants checked after every entry
#   DPDK=shared link libshim.so with the shared DPDK and whatever drivers it finds
#   V=1         show the commands
#
# A directory that needs more than the pattern rules below has a rules.mk: it may
# append to ALL (built by `make`) and TESTS (built by `make tests`).

VERSION := 0.1.0

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DEFAULT_GOAL := all

SAN ?= 0
FUZZ ?= 0
DEBUG ?= 0
WERROR ?= 1
DPDK ?= static
V ?= 0
ifeq ($(FUZZ),1)
BUILD ?= build-fuzz
else ifeq ($(SAN),1)
BUILD ?= build-san
else
BUILD ?= build
endif
O := $(BUILD)/obj

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man

ifeq ($(origin CC),default)
CC := $(if $(filter 1,$(FUZZ)),clang,gcc)
endif
AR := ar
PKG_CONFIG ?= pkg-config

comma := ,
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' '$(1)' '$(2)')

# -- DPDK ------------------------------------------------------------------------------
# Its headers are not ours to warn about: -isystem.
DPDK_CFLAGS := $(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags libdpdk 2>/dev/null))
DPDK_SHARED_LIBS := $(shell $(PKG_CONFIG) --libs libdpdk 2>/dev/null)

# dpdk_port/dpdk.mk sets DPDK_STATIC_LIBS: the archives and drivers that libshim.so contains.
-include dpdk_port/dpdk.mk
ifeq ($(DPDK),shared)
DPDK_SHIM_LIBS := $(DPDK_SHARED_LIBS)
else
DPDK_SHIM_LIBS := $(or $(DPDK_STATIC_LIBS),$(DPDK_SHARED_LIBS))
endif

# -- flags -----------------------------------------------------------------------------
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wvla -Wwrite-strings $(if $(filter 1,$(WERROR)),-Werror)
OPT := $(if $(filter 1,$(DEBUG)),-Og -DSHIM_DEBUG,-O2)
CPPFLAGS_ALL := -D_GNU_SOURCE= -DSHIM_VERSION='"$(VERSION)"' -Iinclude -I. $(CPPFLAGS)
# The library lives in programs that were not built for it: nothing leaks out, no lazy
# binding through the PLT, thread variables without a call.
CFLAGS_ALL := -std=gnu11 $(OPT) -g -fPIC -fvisibility=hidden -fno-plt -ftls-model=initial-exec \
	-fno-strict-aliasing -fno-omit-frame-pointer -fno-semantic-interposition \
	-fstack-protector-strong $(WARN) $(CFLAGS)
LDFLAGS_ALL := $(LDFLAGS)
SANFLAGS :=
ifeq ($(SAN),1)
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -DSHIM_DEBUG
endif
ifeq ($(FUZZ),1)
SANFLAGS := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -DSHIM_DEBUG
endif
# The thread-variable model and -fno-semantic-interposition are gcc's and clang's alike;
# an executable's main objects are built with the same flags.
CFLAGS_ALL += $(SANFLAGS)
LDFLAGS_ALL += $(SANFLAGS)

# -- sources ---------------------------------------------------------------------------
sources = $(sort $(shell find $(1) -name '*.c' -not -name '.*' 2>/dev/null))
objects = $(patsubst %.c,$(O)/%.o,$(1))

STACK_SRC := $(call sources,stack)
PORT_SRC := $(call sources,dpdk_port)
PRELOAD_SRC := $(call sources,preload)
CLI_SRC := $(call sources,cli)
WIRE_SRC := $(call sources,test/wire)
CHECK_SRC := $(sort $(wildcard test/unit/test_*.c test/sim/test_*.c))
# Small programs, one file each, that need libc alone.
PROG_SRC := $(sort $(wildcard test/system/*.c bench/*.c))
FUZZ_SRC := $(sort $(wildcard test/fuzz/fuzz_*.c))

LIBSTACK := $(if $(STACK_SRC),$(BUILD)/libstack.a)
LIBPORT := $(if $(PORT_SRC),$(BUILD)/libdpdk_port.a)
LIBWIRE := $(if $(WIRE_SRC),$(BUILD)/libwire.a)
LIBSHIM := $(if $(PRELOAD_SRC),$(BUILD)/libshim.so)
SHIM := $(if $(CLI_SRC),$(BUILD)/shim)
CHECKS := $(patsubst %.c,$(BUILD)/%,$(CHECK_SRC))
PROGS := $(patsubst %.c,$(BUILD)/%,$(PROG_SRC))
FUZZERS := $(patsubst %.c,$(BUILD)/%,$(FUZZ_SRC))
REPLAYS := $(patsubst test/fuzz/fuzz_%.c,$(BUILD)/test/fuzz/replay_%,$(FUZZ_SRC))

ALL := $(LIBSTACK) $(LIBPORT) $(LIBSHIM) $(SHIM)
TESTS := $(LIBWIRE) $(CHECKS) $(REPLAYS)
PROGRAMS := $(PROGS)

-include $(sort $(wildcard bench/rules.mk test/*/rules.mk))

.PHONY: all stack port preload cli wire tests programs
all: $(ALL)
stack: $(LIBSTACK)
port: $(LIBPORT)
preload: $(LIBSHIM)
cli: $(SHIM)
wire: $(LIBWIRE)
tests: $(TESTS)
programs: $(PROGRAMS)

# -- rules -----------------------------------------------------------------------------
# A change of the flags, in the Makefile or on the command line, makes everything again.
FLAGS_STAMP := $(O)/.flags
flags_now := $(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(DPDK_CFLAGS)
.PHONY: FORCE
$(FLAGS_STAMP): FORCE
	@test -n '$(DPDK_CFLAGS)' || { echo 'DPDK is missing; "make deps" installs it' >&2; exit 1; }
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(flags_now))' | cmp -s - $@ || \
		printf '%s\n' '$(subst ','\'',$(flags_now))' > $@

$(O)/%.o: %.c $(FLAGS_STAMP)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(DPDK_CFLAGS) -MMD -MP -c -o $@ $<

# Made anew each time, so that the objects of deleted files are gone.
$(BUILD)/%.a:
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcsD $@ $(filter %.o,$^)

$(BUILD)/libstack.a: $(call objects,$(STACK_SRC))
$(BUILD)/libdpdk_port.a: $(call objects,$(PORT_SRC))
$(BUILD)/libwire.a: $(call objects,$(WIRE_SRC))

SHIM_MAP := $(wildcard preload/libshim.map)
$(BUILD)/libshim.so: $(call objects,$(PRELOAD_SRC)) $(LIBSTACK) $(LIBPORT) $(SHIM_MAP) \
		$(if $(filter shared,$(DPDK)),,$(DPDK_STATIC_DEPS))
	$(call say,LD,$@)
	$(Q)$(CC) -shared -o $@ -Wl,-soname,libshim.so -Wl,-z,defs -Wl,-z,now -Wl,-z,relro \
		-Wl,-Bsymbolic $(if $(SHIM_MAP),-Wl$(comma)--version-script=$(SHIM_MAP)) \
		$(CFLAGS_ALL) $(LDFLAGS_ALL) $(call objects,$(PRELOAD_SRC)) \
		$(if $(LIBPORT)$(LIBSTACK),-Wl$(comma)--start-group $(LIBPORT) $(LIBSTACK) -Wl$(comma)--end-group) \
		$(DPDK_SHIM_LIBS) -pthread -ldl

# The option table is the library's and the command's.
$(O)/cli/library.o: CPPFLAGS_ALL += -DSHIM_LIBDIR='"$(LIBDIR)"'
CLI_EXTRA := $(call objects,$(wildcard preload/options*.c))
$(BUILD)/shim: $(call objects,$(CLI_SRC)) $(CLI_EXTRA)
	$(call say,LD,$@)
	$(Q)$(CC) -o $@ $(CFLAGS_ALL) $(LDFLAGS_ALL) $^

# One Check binary per test file.  A test of preload's or the command's own files names them
# in <test>_OBJS (in test/unit/rules.mk), since those cannot come out of an archive: their
# names are libc's.
CHECK_CFLAGS := $(shell $(PKG_CONFIG) --cflags check 2>/dev/null)
CHECK_LIBS := $(shell $(PKG_CONFIG) --libs check 2>/dev/null || echo -lcheck)
test_options_OBJS := $(call objects,$(wildcard preload/options*.c))
test_options_ports_OBJS := $(test_options_OBJS)
test_options_sources_OBJS := $(test_options_OBJS)
.SECONDEXPANSION:
$(CHECKS): $(BUILD)/%: $(O)/%.o $$($$(notdir $$*)_OBJS) $(LIBWIRE) $(LIBPORT) $(LIBSTACK)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $(CFLAGS_ALL) $(LDFLAGS_ALL) $(filter %.o,$^) \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(DPDK_SHARED_LIBS) $(CHECK_LIBS) -pthread -lm

$(PROGS): $(BUILD)/%: $(O)/%.o
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $(CFLAGS_ALL) $(LDFLAGS_ALL) $^ -pthread -lm

# A fuzzer's corpus as a test, without libFuzzer.
$(REPLAYS): $(BUILD)/test/fuzz/replay_%: $(O)/test/fuzz/fuzz_%.o $(O)/test/replay.o $(LIBWIRE) $(LIBSTACK)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $(CFLAGS_ALL) $(LDFLAGS_ALL) $(filter %.o,$^) \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(DPDK_SHARED_LIBS) -pthread -lm

ifeq ($(FUZZ),1)
$(FUZZERS): $(BUILD)/%: $(O)/%.o $(LIBWIRE) $(LIBSTACK)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $(CFLAGS_ALL) $(LDFLAGS_ALL) -fsanitize=fuzzer $(filter %.o,$^) \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(DPDK_SHARED_LIBS) -pthread -lm
fuzzers: $(FUZZERS)
endif

-include $(shell find $(O) -name '*.d' 2>/dev/null)

# -- doing things ----------------------------------------------------------------------
.PHONY: deps run test check bench bench-quick bench-impair soak lint format fuzz fuzzers install \
	uninstall man clean help compile_commands.json
# Installing may bring the pkg-config files that the top of this file asked for: hence the
# make in a make below.
deps:
	@sh tools/deps.sh build run test bench lint

run:
	@sh tools/deps.sh build run
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) sh tools/run.sh

test:
	@sh tools/deps.sh build test
	@BUILD=$(BUILD) MAKE='$(MAKE)' sh test/ci/test.sh

# Only what needs no root and no network: the unit and simulation suites, as built.
check: tests
	@BUILD=$(BUILD) sh test/ci/suites.sh $(CHECKS) $(REPLAYS)

bench bench-quick:
	@sh tools/deps.sh build bench
	@$(MAKE) --no-print-directory all programs
	@BUILD=$(BUILD) bench/run $(if $(filter bench-quick,$@),--quick)

bench-impair:
	@sh tools/deps.sh build bench
	@$(MAKE) --no-print-directory all programs
	@BUILD=$(BUILD) bench/impair

soak:
	@sh tools/deps.sh build test
	@$(MAKE) --no-print-directory all programs
	@BUILD=$(BUILD) SOAK=$(or $(TIME),300) test/system/run

TIME ?= 60
fuzz:
	@$(MAKE) --no-print-directory FUZZ=1 BUILD=build-fuzz fuzzers
	@BUILD=build-fuzz sh test/ci/fuzz.sh '$(TIME)'

lint:
	@sh tools/deps.sh build lint
	@sh test/ci/lint.sh

format:
	@git diff --name-only --diff-filter=d HEAD -- '*.c' '*.h' | xargs -r clang-format -i

man: $(BUILD)/man/libshim.7 $(BUILD)/man/shim.1
$(BUILD)/man/%: man/%.in $(BUILD)/shim
	$(call say,MAN,$@)
	@mkdir -p $(@D)
	$(Q)$(BUILD)/shim options --man > $(BUILD)/man/options.roff
	$(Q)sed -e 's/@VERSION@/$(VERSION)/' -e '/^@OPTIONS@$$/{' -e 'r $(BUILD)/man/options.roff' -e 'd' -e '}' $< > $@

install: all man
	install -d $(DESTDIR)$(LIBDIR) $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man7
	install -m 755 $(BUILD)/libshim.so $(DESTDIR)$(LIBDIR)/libshim.so
	install -m 755 $(BUILD)/shim $(DESTDIR)$(BINDIR)/shim
	install -m 644 $(BUILD)/man/shim.1 $(DESTDIR)$(MANDIR)/man1/shim.1
	install -m 644 $(BUILD)/man/libshim.7 $(DESTDIR)$(MANDIR)/man7/libshim.7

uninstall:
	rm -f $(DESTDIR)$(LIBDIR)/libshim.so $(DESTDIR)$(BINDIR)/shim
	rm -f $(DESTDIR)$(MANDIR)/man1/shim.1 $(DESTDIR)$(MANDIR)/man7/libshim.7

clean:
	rm -rf $(BUILD) build-san build-fuzz

help:
	@echo 'make              build/libshim.so and build/shim'
	@echo 'make run          install what is missing, build, and fetch a page from nginx over a DPDK port'
	@echo 'make test         install what is missing and run everything that CI runs'
	@echo 'make check        the unit and simulation suites only (SAN=1: under ASan and UBSan)'
	@echo 'make bench        benchmarks against the kernel; results in build/bench/results.json'
	@echo 'make bench-quick  the first few of them, in under 3 minutes'
	@echo 'make bench-impair TCP over lossy, slow and odd paths, against the kernel; build/bench/impair.json'
	@echo 'make soak         the system tests for TIME=300 seconds'
	@echo 'make fuzz         every fuzzer for TIME=60 seconds'
	@echo 'make lint         clang-tidy, cppcheck'
	@echo 'make format       clang-format on the files changed since the last commit'
	@echo 'make install      into PREFIX=/usr/local (DESTDIR, LIBDIR, BINDIR, MANDIR)'
	@echo 'make deps         install the Debian packages that are missing'
	@echo 'make stack port preload cli tests programs   parts of the build'
	@echo 'make clean'
	@echo 'Variables: BUILD=dir SAN=1 DEBUG=1 WERROR=0 DPDK=shared CC=clang V=1'
