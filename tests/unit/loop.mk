# Unit tests of src/loop: see local.mk.
UNIT_TESTS += \
	tests/unit/test_caller \
	tests/unit/test_loop \
	tests/unit/test_mailbox \
	tests/unit/test_supervisor \
	tests/unit/test_thread \
	tests/unit/test_timer

LOOP_TEST_LDADD = src/libloop.a src/libbase.a $(CMOCKA_LIBS) $(LOOP_LIBS) $(BASE_LIBS)
tests_unit_test_caller_SOURCES = %D%/test_caller.c
tests_unit_test_caller_LDADD = $(LOOP_TEST_LDADD)
tests_unit_test_loop_SOURCES = %D%/test_loop.c tests/lib/unit.h
tests_unit_test_loop_LDADD = $(LOOP_TEST_LDADD)
tests_unit_test_mailbox_SOURCES = %D%/test_mailbox.c tests/lib/unit.h
tests_unit_test_mailbox_LDADD = $(LOOP_TEST_LDADD)
tests_unit_test_supervisor_SOURCES = %D%/test_supervisor.c tests/lib/unit.h
tests_unit_test_supervisor_LDADD = $(LOOP_TEST_LDADD)
tests_unit_test_thread_SOURCES = %D%/test_thread.c tests/lib/unit.h
tests_unit_test_thread_LDADD = $(LOOP_TEST_LDADD)
tests_unit_test_timer_SOURCES = %D%/test_timer.c tests/lib/unit.h
tests_unit_test_timer_LDADD = $(LOOP_TEST_LDADD)
