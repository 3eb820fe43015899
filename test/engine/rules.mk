# SPDX-License-Identifier: BSD-3-Clause
# The engine's objects that its unit tests are linked with.
test_lock_OBJS := $(call objects,preload/lock.c preload/thread.c preload/real.c)
test_signals_OBJS := $(call objects,preload/signals.c preload/real.c)
test_engine_OBJS := $(call objects,test/engine/fake.c test/engine/scenario.c preload/file.c preload/fdtable.c preload/placeholder.c $(addprefix \
	preload/,clock.c engine.c evslot.c fds.c keeper.c keeper_watch.c lock.c log.c real.c recover.c \
	registry.c rights.c async.c signals.c start.c takeover.c thread.c wait.c waiter.c))
test_keeper_OBJS := $(test_engine_OBJS)
test_wait_OBJS := $(test_engine_OBJS)
