# SPDX-License-Identifier: MIT
# See README.md. Not part of `make` or `make check`: figures need a quiet machine and minutes.
#	make bench           builds all that is needed and measures; BENCH_FLAGS='--rounds 1' and so on
#	make bench-programs  builds the load generator and the floors only
BENCH_BUILDS = tests/bench/bench_load tests/bench/floor_echo tests/bench/floor_fanout tests/bench/floor_fsync \
	tests/bench/floor_sqlite tests/bench/bench_store tests/bench/bench_sync \
	tests/bench/bench_growth tests/bench/bench_hook \
	tests/bench/bench_members
if HAVE_MYSQL
BENCH_BUILDS += tests/bench/floor_mysql
endif
EXTRA_PROGRAMS = $(BENCH_BUILDS)
CLEANFILES += $(BENCH_BUILDS)

BENCH_COMMON = %D%/bench.c %D%/bench.h
tests_bench_bench_load_SOURCES = $(BENCH_COMMON) %D%/bench_json.c %D%/bench_json.h \
	%D%/bench_load.c %D%/bench_load.h %D%/bench_room.c %D%/bench_room.h %D%/bench_swarm.c %D%/bench_swarm.h %D%/bench_token.c \
	%D%/bench_token.h %D%/load_crowd.c %D%/load_fanout.c %D%/load_idle.c %D%/load_latency.c %D%/load_login.c %D%/load_pages.c %D%/load_pairs.c \
	%D%/load_ping.c
tests_bench_bench_load_LDADD = $(OPENSSL_LIBS)
tests_bench_floor_echo_SOURCES = $(BENCH_COMMON) %D%/floor_echo.c
tests_bench_floor_echo_LDADD = $(EV_LIBS)
tests_bench_floor_fanout_SOURCES = $(BENCH_COMMON) %D%/floor_fanout.c
tests_bench_floor_fsync_SOURCES = $(BENCH_COMMON) %D%/floor_fsync.c
tests_bench_floor_mysql_SOURCES = $(BENCH_COMMON) %D%/floor_mysql.c
tests_bench_floor_mysql_CPPFLAGS = $(AM_CPPFLAGS) $(MYSQL_CFLAGS)
tests_bench_floor_mysql_LDADD = $(MYSQL_LIBS)
tests_bench_floor_sqlite_SOURCES = $(BENCH_COMMON) %D%/floor_sqlite.c
tests_bench_floor_sqlite_LDADD = $(SQLITE_LIBS)

tests_bench_bench_hook_SOURCES = $(BENCH_COMMON) %D%/bench_hook.c
tests_bench_bench_hook_LDADD = src/libhook.a src/libloop.a src/libbase.a $(LOOP_LIBS) $(BASE_LIBS)

# Loads a store module into itself: bench_store modules/lib/store_sqlite.so
tests_bench_bench_store_SOURCES = $(BENCH_COMMON) %D%/bench_store.c tests/lib/store_host.c tests/lib/store_host_control.c \
	tests/lib/store_host.h
tests_bench_bench_store_CPPFLAGS = $(AM_CPPFLAGS) -iquote $(top_srcdir)/tests
tests_bench_bench_store_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_bench_bench_store_LDADD = src/libwire.a src/libbase.a $(SQLITE_LIBS) $(WIRE_LIBS) \
	$(BASE_LIBS) $(DL_LIBS)
tests_bench_bench_sync_SOURCES = $(BENCH_COMMON) %D%/bench_sync.c tests/lib/store_host.c tests/lib/store_host_control.c \
	tests/lib/store_host.h
tests_bench_bench_sync_CPPFLAGS = $(tests_bench_bench_store_CPPFLAGS)
tests_bench_bench_sync_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_bench_bench_growth_SOURCES = $(BENCH_COMMON) %D%/bench_growth.c tests/lib/store_host.c \
	tests/lib/store_host_control.c tests/lib/store_host.h
tests_bench_bench_growth_CPPFLAGS = $(tests_bench_bench_store_CPPFLAGS)
tests_bench_bench_growth_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_bench_bench_growth_LDADD = src/libwire.a src/libbase.a $(WIRE_LIBS) $(BASE_LIBS) $(DL_LIBS)
tests_bench_bench_members_SOURCES = $(BENCH_COMMON) %D%/bench_members.c tests/lib/store_host.c \
	tests/lib/store_host_control.c tests/lib/store_host.h
tests_bench_bench_members_CPPFLAGS = $(tests_bench_bench_store_CPPFLAGS)
tests_bench_bench_members_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_bench_bench_members_LDADD = $(tests_bench_bench_growth_LDADD)
tests_bench_bench_sync_LDADD = src/libwire.a src/libbase.a $(WIRE_LIBS) $(BASE_LIBS) $(DL_LIBS)

EXTRA_DIST += %D%/README.md %D%/CAPACITY.md %D%/GROWTH.md %D%/growth.svg %D%/growth %D%/nodes %D%/nodes.svg %D%/run %D%/report.py %D%/bench_server.py

bench-programs: $(BENCH_BUILDS)
bench: all bench-programs
	$(srcdir)/%D%/run --build $(abs_top_builddir) $(BENCH_FLAGS)
.PHONY: bench bench-programs
include $(top_srcdir)/tests/bench/wire.mk
