# One program per source file, named test_<file>; cmocka, group name = file. No sockets, no sleeping,
# milliseconds each. Every folder of src/ has its own list here, so that edits do not meet:
#
#	UNIT_TESTS += tests/unit/test_buf
#	tests_unit_test_buf_SOURCES = %D%/test_buf.c
#	tests_unit_test_buf_LDADD = src/libbase.a $(CMOCKA_LIBS) $(BASE_LIBS)
UNIT_TESTS =
include $(top_srcdir)/tests/unit/base.mk
include $(top_srcdir)/tests/unit/loop.mk
include $(top_srcdir)/tests/unit/wire.mk
include $(top_srcdir)/tests/unit/io.mk
include $(top_srcdir)/tests/unit/hook.mk
include $(top_srcdir)/tests/unit/provide.mk
include $(top_srcdir)/tests/unit/logic.mk
include $(top_srcdir)/tests/unit/module.mk
include $(top_srcdir)/tests/unit/admin.mk
include $(top_srcdir)/tests/unit/harness.mk
include $(top_srcdir)/tests/unit/modules.mk

if HAVE_CMOCKA
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
endif
