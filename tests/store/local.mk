# SPDX-License-Identifier: MIT
# Stores, without a server: tests/lib/store_host.c plays the core for the module's .so. All but
# test_store_sqlite* is what every store must do; add a new store to the table in store_case.c. The
# tests of a full disk mount a small tmpfs and are skipped when they may not.
STORE_TEST_COMMON = %D%/store_case.c %D%/store_case.h tests/lib/store_host.c \
	tests/lib/store_host_control.c tests/lib/store_host.h \
	tests/lib/unit.h
STORE_TEST_LIBS = src/libwire.a src/libbase.a $(CMOCKA_LIBS) $(WIRE_LIBS) $(BASE_LIBS) $(DL_LIBS)

STORE_TESTS = tests/store/test_store tests/store/test_store_lists tests/store/test_store_records \
	tests/store/test_store_members tests/store/test_store_writers \
	tests/store/test_store_member_lists tests/store/test_store_amend \
	tests/store/test_store_sync tests/store/test_store_search tests/store/test_store_sqlite \
	tests/store/test_store_sqlite_faults tests/store/test_store_sqlite_lanes \
	tests/store/test_store_sqlite_export tests/store/test_store_sqlite_search
tests_store_test_store_SOURCES = %D%/test_store.c $(STORE_TEST_COMMON)
tests_store_test_store_CPPFLAGS = $(AM_CPPFLAGS) -iquote $(top_srcdir)/tests
tests_store_test_store_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_store_test_store_LDADD = $(STORE_TEST_LIBS)
tests_store_test_store_members_SOURCES = %D%/test_store_members.c $(STORE_TEST_COMMON)
tests_store_test_store_members_CPPFLAGS = $(AM_CPPFLAGS) -iquote $(top_srcdir)/tests
tests_store_test_store_members_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_store_test_store_members_LDADD = $(STORE_TEST_LIBS)
tests_store_test_store_lists_SOURCES = %D%/test_store_lists.c $(STORE_TEST_COMMON)
tests_store_test_store_lists_CPPFLAGS = $(AM_CPPFLAGS) -iquote $(top_srcdir)/tests
tests_store_test_store_lists_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_store_test_store_lists_LDADD = $(STORE_TEST_LIBS)
tests_store_test_store_records_SOURCES = %D%/test_store_records.c $(STORE_TEST_COMMON)
tests_store_test_store_records_CPPFLAGS = $(AM_CPPFLAGS) -iquote $(top_srcdir)/tests
tests_store_test_store_records_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_store_test_store_records_LDADD = $(STORE_TEST_LIBS)
tests_store_test_store_writers_SOURCES = %D%/test_store_writers.c $(STORE_TEST_COMMON)
tests_store_test_store_writers_CPPFLAGS = $(AM_CPPFLAGS) -iquote $(top_srcdir)/tests
tests_store_test_store_writers_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_store_test_store_writers_LDADD = $(STORE_TEST_LIBS)
tests_store_test_store_member_lists_SOURCES = %D%/test_store_member_lists.c $(STORE_TEST_COMMON)
tests_store_test_store_member_lists_CPPFLAGS = $(AM_CPPFLAGS) -iquote $(top_srcdir)/tests
tests_store_test_store_member_lists_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_store_test_store_member_lists_LDADD = $(STORE_TEST_LIBS)
tests_store_test_store_amend_SOURCES = %D%/test_store_amend.c $(STORE_TEST_COMMON)
tests_store_test_store_amend_CPPFLAGS = $(AM_CPPFLAGS) -iquote $(top_srcdir)/tests
tests_store_test_store_amend_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_store_test_store_amend_LDADD = $(STORE_TEST_LIBS)
tests_store_test_store_sync_SOURCES = %D%/test_store_sync.c $(STORE_TEST_COMMON)
tests_store_test_store_sync_CPPFLAGS = $(AM_CPPFLAGS) -iquote $(top_srcdir)/tests
tests_store_test_store_sync_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_store_test_store_sync_LDADD = $(STORE_TEST_LIBS) $(PTHREAD_LIBS)
tests_store_test_store_search_SOURCES = %D%/test_store_search.c $(STORE_TEST_COMMON)
tests_store_test_store_search_CPPFLAGS = $(AM_CPPFLAGS) -iquote $(top_srcdir)/tests
tests_store_test_store_search_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_store_test_store_search_LDADD = $(STORE_TEST_LIBS)
tests_store_test_store_sqlite_SOURCES = %D%/test_store_sqlite.c %D%/sqlite_file.c %D%/sqlite_file.h \
	$(STORE_TEST_COMMON)
tests_store_test_store_sqlite_CPPFLAGS = $(AM_CPPFLAGS) -iquote $(top_srcdir)/tests $(SQLITE_CFLAGS)
tests_store_test_store_sqlite_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_store_test_store_sqlite_LDADD = $(STORE_TEST_LIBS) $(SQLITE_LIBS) $(PTHREAD_LIBS)
tests_store_test_store_sqlite_faults_SOURCES = %D%/test_store_sqlite_faults.c %D%/sqlite_file.c %D%/sqlite_file.h \
	$(STORE_TEST_COMMON)
tests_store_test_store_sqlite_faults_CPPFLAGS = $(tests_store_test_store_sqlite_CPPFLAGS)
tests_store_test_store_sqlite_faults_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_store_test_store_sqlite_faults_LDADD = $(tests_store_test_store_sqlite_LDADD)
tests_store_test_store_sqlite_lanes_SOURCES = %D%/test_store_sqlite_lanes.c %D%/sqlite_file.c %D%/sqlite_file.h \
	$(STORE_TEST_COMMON)
tests_store_test_store_sqlite_lanes_CPPFLAGS = $(tests_store_test_store_sqlite_CPPFLAGS)
tests_store_test_store_sqlite_lanes_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_store_test_store_sqlite_lanes_LDADD = $(tests_store_test_store_sqlite_LDADD)
tests_store_test_store_sqlite_export_SOURCES = %D%/test_store_sqlite_export.c $(STORE_TEST_COMMON)
tests_store_test_store_sqlite_export_CPPFLAGS = $(tests_store_test_store_sqlite_CPPFLAGS)
tests_store_test_store_sqlite_export_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_store_test_store_sqlite_export_LDADD = $(tests_store_test_store_sqlite_LDADD)
tests_store_test_store_sqlite_search_SOURCES = %D%/test_store_sqlite_search.c %D%/sqlite_file.c %D%/sqlite_file.h \
	$(STORE_TEST_COMMON)
tests_store_test_store_sqlite_search_CPPFLAGS = $(tests_store_test_store_sqlite_CPPFLAGS)
tests_store_test_store_sqlite_search_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_store_test_store_sqlite_search_LDADD = $(STORE_TEST_LIBS) $(SQLITE_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += $(STORE_TESTS)
TESTS += $(STORE_TESTS)
endif
