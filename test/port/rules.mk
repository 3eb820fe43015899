# SPDX-License-Identifier: BSD-3-Clause
# port_echo drives a real port; DPDK is inside it as it is inside libshim.so.

PORT_TOOL := $(BUILD)/test/port/port_echo
PROGRAMS += $(PORT_TOOL)

$(PORT_TOOL): $(O)/test/port/port_echo.o $(LIBPORT) $(DPDK_STATIC_DEPS)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $(CFLAGS_ALL) $(LDFLAGS_ALL) $(O)/test/port/port_echo.o $(LIBPORT) \
		$(DPDK_STATIC_LIBS)

# The port's unit test has DPDK inside, too: how its calls reach libc is part of what is tested.
$(BUILD)/test/unit/test_port: DPDK_SHARED_LIBS = $(DPDK_STATIC_LIBS)
$(BUILD)/test/unit/test_port: | $(DPDK_STATIC_DEPS)
