# The programs whose printed results test/system/test_calls.py compares.
CALLS := $(patsubst test/preload/%.c,$(BUILD)/test/preload/%,$(wildcard test/preload/*.c))
PROGRAMS += $(CALLS)
$(CALLS): $(BUILD)/%: $(O)/%.o
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $(CFLAGS_ALL) $(LDFLAGS_ALL) $^ -pthread
