# SPDX-License-Identifier: MIT
# `make check` builds check_PROGRAMS and runs TESTS. Each kind of test has its folder and local.mk.
# `make lint` runs the scripts of tests/lint.
include $(top_srcdir)/tests/lib/local.mk
include $(top_srcdir)/tests/unit/local.mk
include $(top_srcdir)/tests/store/local.mk
include $(top_srcdir)/tests/api/local.mk
include $(top_srcdir)/tests/harness/local.mk
include $(top_srcdir)/tests/scenario/local.mk
include $(top_srcdir)/tests/fuzz/local.mk
include $(top_srcdir)/tests/bench/local.mk
include $(top_srcdir)/tests/lint/local.mk

# Run by tests/run only.
EXTRA_DIST += \
	tests/abi \
	tests/browser \
	tests/deploy \
	tests/lib/certificates.py \
	tests/lib/mariadb.py \
	tests/lib/redis.py \
	tests/lib/mysql_proxy.py \
	tests/openapi \
	tests/package \
	tests/prometheus \
	tests/store/run_mysql.py \
	tests/web

AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	FUZZ_TARGETS='$(FUZZ_TARGETS)'; export FUZZ_TARGETS; \
	CMOCKA_MESSAGE_OUTPUT=$${CMOCKA_MESSAGE_OUTPUT-STDOUT}; export CMOCKA_MESSAGE_OUTPUT;
