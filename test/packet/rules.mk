# The actor of the packet scripts: it does what a script says, on libc alone.
ACTOR := $(BUILD)/test/packet/actor
PROGRAMS += $(ACTOR)
$(ACTOR): $(call objects,$(wildcard test/packet/*.c))
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $(CFLAGS_ALL) $(LDFLAGS_ALL) $^ -pthread
