# The differential test: one program of several files, on libc alone.
DIFF := $(BUILD)/test/diff/diff
PROGRAMS += $(DIFF)
$(DIFF): $(call objects,$(wildcard test/diff/*.c))
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $(CFLAGS_ALL) $(LDFLAGS_ALL) $^ -pthread
