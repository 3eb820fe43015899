# Preloaded by bench/run before libshim.so.
READY := $(BUILD)/bench/ready.so
PROGRAMS += $(READY)
$(READY): $(call objects,bench/ready/ready.c)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -shared -o $@ $(CFLAGS_ALL) $(LDFLAGS_ALL) $^
