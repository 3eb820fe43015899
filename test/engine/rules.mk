# SPDX-License-Identifier: BSD-3-Clause
# The engine's objects that its unit tests are linked with.
test_lock_OBJS := $(call objects,preload/lock.c preload/thread.c preload/real.c)
test_signals_OBJS := $(call objects,preload/signals.c preload/real.c)
