# SPDX-License-Identifier: MIT
# Stores, without a server: tests/lib/store_host.c plays the core for the module's .so. test_store is what
# every store must do; add a new store to its main(). The tests of a full disk mount a
# small tmpfs and are skipped when they may not.
STORE_TEST_COMMON = %D%/store_case.c %D%/store_case.h tests/lib/store_host.c tests/lib/store_host.h \
	tests/lib/unit.h
STORE_TEST_LIBS = src/libwire.a src/libbase.a $(CMOCKA_LIBS) $(WIRE_LIBS) $(BASE_LIBS) $(DL_LIBS)

STORE_TESTS = tests/store/test_store tests/store/test_store_sqlite
tests_store_test_store_SOURCES = %D%/test_store.c $(STORE_TEST_COMMON)
tests_store_test_store_CPPFLAGS = $(AM_CPPFLAGS) -iquote $(top_srcdir)/tests
tests_store_test_store_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_store_test_store_LDADD = $(STORE_TEST_LIBS)
tests_store_test_store_sqlite_SOURCES = %D%/test_store_sqlite.c $(STORE_TEST_COMMON)
tests_store_test_store_sqlite_CPPFLAGS = $(AM_CPPFLAGS) -iquote $(top_srcdir)/tests $(SQLITE_CFLAGS)
tests_store_test_store_sqlite_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_store_test_store_sqlite_LDADD = $(STORE_TEST_LIBS) $(SQLITE_LIBS) $(PTHREAD_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += $(STORE_TESTS)
TESTS += $(STORE_TESTS)
endif
