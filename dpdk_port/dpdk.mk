# SPDX-License-Identifier: BSD-3-Clause
#
# What of DPDK goes into libshim.so, and what a program needs to link with it.
#
#   DPDK_CFLAGS        to compile anything that includes DPDK's headers
#   DPDK_STATIC_LIBS   link options: DPDK inside the result (libshim.so, programs)
#   DPDK_STATIC_DEPS   the file that must be made before; name it as a prerequisite
#   DPDK_SHARED_LIBS   link options: DPDK's shared libraries (unit tests)
#
#   DPDK_DRIVERS="net_ixgbe common_x ..."  further drivers to take in
#   DPDK_AF_XDP=1                          take in net_af_xdp (needs libxdp-dev, libbpf-dev)
#
# DPDK's archives are joined into one object, and the names in libc.syms that they ask
# libc for are changed to ours (libc.c): a call of DPDK's must never reach the
# functions that preload interposes.  Debian's archives are position independent.

PKG_CONFIG ?= pkg-config
DPDK_CFLAGS ?= $(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags libdpdk 2>/dev/null))
DPDK_SHARED_LIBS ?= $(shell $(PKG_CONFIG) --libs libdpdk 2>/dev/null)
# The package's list leaves the buses out.
DPDK_SHARED_LIBS += -lrte_bus_vdev

DPDK_ARCHIVES := net_tap net_af_packet net_memif net_virtio net_e1000 net_vmxnet3 \
	bus_vdev bus_pci mempool_ring pci gso ethdev meter net hash rcu mbuf mempool \
	ring telemetry kvargs eal $(DPDK_DRIVERS)
DPDK_SYSTEM_LIBS := -lm -ldl -lpthread
ifeq ($(DPDK_AF_XDP),1)
DPDK_ARCHIVES += net_af_xdp
DPDK_SYSTEM_LIBS += -lxdp -lbpf
endif

DPDK_LIBDIR := $(shell $(PKG_CONFIG) --variable=libdir libdpdk 2>/dev/null)
DPDK_ARCHIVE_FILES := $(wildcard $(DPDK_ARCHIVES:%=$(DPDK_LIBDIR)/librte_%.a))

ifneq ($(DPDK_ARCHIVE_FILES),)
BUILD ?= build
DPDK_STATIC_DEPS := $(BUILD)/dpdk/dpdk.o
DPDK_STATIC_LIBS := $(DPDK_STATIC_DEPS) $(DPDK_SYSTEM_LIBS)

$(DPDK_STATIC_DEPS): dpdk_port/dpdk.mk dpdk_port/libc.syms $(DPDK_ARCHIVE_FILES)
	@printf '  %-7s %s\n' DPDK '$@'
	@mkdir -p $(@D)
	@test $(words $(DPDK_ARCHIVES)) -eq $(words $(DPDK_ARCHIVE_FILES)) || \
		{ echo 'dpdk.mk: not all of these archives are in $(DPDK_LIBDIR): $(DPDK_ARCHIVES)' >&2; exit 1; }
	@sed -e 's/#.*//' -e '/^[[:space:]]*$$/d' dpdk_port/libc.syms | \
		while read -r name; do echo "$$name port_sys_$$name"; done > $(@D)/libc.map
	@ld -r -o $@.tmp --whole-archive $(DPDK_ARCHIVE_FILES)
	@objcopy --redefine-syms=$(@D)/libc.map $@.tmp $@ && rm -f $@.tmp
endif
