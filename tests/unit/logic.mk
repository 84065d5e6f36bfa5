# Unit tests of src/logic: see local.mk.
LOGIC_TEST_LIBS = src/liblogic.a src/libprovide.a src/libhook.a src/libio.a src/libwire.a src/libloop.a src/libbase.a \
	$(CMOCKA_LIBS) $(WIRE_LIBS) $(LOOP_LIBS) $(BASE_LIBS)
UNIT_TESTS += tests/unit/test_router tests/unit/test_trace
tests_unit_test_router_SOURCES = %D%/test_router.c
tests_unit_test_router_LDADD = $(LOGIC_TEST_LIBS)
tests_unit_test_trace_SOURCES = %D%/test_trace.c
tests_unit_test_trace_LDADD = $(LOGIC_TEST_LIBS)
UNIT_TESTS += tests/unit/test_logic
tests_unit_test_logic_SOURCES = %D%/test_logic.c tests/lib/loopback.c tests/lib/loopback.h
tests_unit_test_logic_LDADD = $(LOGIC_TEST_LIBS)
UNIT_TESTS += tests/unit/test_send
tests_unit_test_send_SOURCES = %D%/test_send.c tests/lib/loopback.c tests/lib/loopback.h
tests_unit_test_send_LDADD = $(LOGIC_TEST_LIBS)
UNIT_TESTS += tests/unit/test_live
tests_unit_test_live_SOURCES = %D%/test_live.c tests/lib/loopback.c tests/lib/loopback.h
tests_unit_test_live_LDADD = $(LOGIC_TEST_LIBS)
UNIT_TESTS += tests/unit/test_event
tests_unit_test_event_SOURCES = %D%/test_event.c
tests_unit_test_event_LDADD = $(LOGIC_TEST_LIBS)
UNIT_TESTS += tests/unit/test_miss
tests_unit_test_miss_SOURCES = %D%/test_miss.c tests/lib/loopback.c tests/lib/loopback.h
tests_unit_test_miss_LDADD = $(LOGIC_TEST_LIBS)
