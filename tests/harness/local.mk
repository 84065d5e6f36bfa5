# See tests/local.mk. nuncio-module-test itself: a guest with a good suite, and one of failures.
EXTRA_DIST += %D%/run_harness.py
TESTS += tests/harness/run_harness.py

check_LTLIBRARIES += tests/harness/guest.la
tests_harness_guest_la_SOURCES = %D%/guest.c
tests_harness_guest_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_harness_guest_la_CFLAGS = $(MODULE_CFLAGS)
tests_harness_guest_la_LDFLAGS = $(API_LINKFLAGS)

check_LTLIBRARIES += tests/harness/test_guest.la
tests_harness_test_guest_la_SOURCES = %D%/test_guest.c
tests_harness_test_guest_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_harness_test_guest_la_CFLAGS = $(MODULE_CFLAGS)
tests_harness_test_guest_la_LDFLAGS = $(API_LINKFLAGS)

check_LTLIBRARIES += tests/harness/test_fails.la
tests_harness_test_fails_la_SOURCES = %D%/test_fails.c
tests_harness_test_fails_la_CPPFLAGS = $(MODULE_CPPFLAGS)
tests_harness_test_fails_la_CFLAGS = $(MODULE_CFLAGS)
tests_harness_test_fails_la_LDFLAGS = $(API_LINKFLAGS)
