# The impairment relay: test/wire's model between two interfaces of the kernel; and what is sent through.
RELAY := $(BUILD)/test/relay/relay
BULK := $(BUILD)/test/relay/bulk
PROGRAMS += $(RELAY) $(BULK)
$(RELAY): $(O)/test/relay/relay.o $(O)/test/relay/too_big.o $(LIBWIRE)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $(CFLAGS_ALL) $(LDFLAGS_ALL) $^ $(DPDK_SHARED_LIBS) -pthread
$(BULK): $(O)/test/relay/bulk.o
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $(CFLAGS_ALL) $(LDFLAGS_ALL) $^ -pthread
