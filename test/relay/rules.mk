# The impairment relay: test/wire's model between two interfaces of the kernel.
RELAY := $(BUILD)/test/relay/relay
PROGRAMS += $(RELAY)
$(RELAY): $(O)/test/relay/relay.o $(LIBWIRE)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $(CFLAGS_ALL) $(LDFLAGS_ALL) $^ $(DPDK_SHARED_LIBS) -pthread
