# Unit tests of src/harness: see local.mk.
HARNESS_TEST_LIBS = src/libharness.a src/libwire.a src/libloop.a src/libbase.a $(CMOCKA_LIBS) $(WIRE_LIBS) \
	$(LOOP_LIBS) $(BASE_LIBS)
UNIT_TESTS += tests/unit/test_fake_timer tests/unit/test_match
tests_unit_test_fake_timer_SOURCES = %D%/test_fake_timer.c src/harness/fake_timer.c tests/lib/unit.h
tests_unit_test_fake_timer_LDADD = $(HARNESS_TEST_LIBS)
tests_unit_test_match_SOURCES = %D%/test_match.c tests/lib/unit.h
tests_unit_test_match_LDADD = $(HARNESS_TEST_LIBS)
