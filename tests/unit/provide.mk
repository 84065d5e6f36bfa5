# Unit tests of src/provide: see local.mk.
PROVIDE_TEST_LIBS = src/libprovide.a src/libloop.a src/libbase.a \
	$(CMOCKA_LIBS) $(LOOP_LIBS) $(BASE_LIBS)
UNIT_TESTS += tests/unit/test_provider tests/unit/test_work tests/unit/test_lane \
	tests/unit/test_store tests/unit/test_auth tests/unit/test_ready tests/unit/test_store_health
tests_unit_test_store_health_SOURCES = %D%/test_store_health.c
tests_unit_test_store_health_LDADD = $(PROVIDE_TEST_LIBS)
tests_unit_test_ready_SOURCES = %D%/test_ready.c
tests_unit_test_ready_LDADD = $(PROVIDE_TEST_LIBS)
tests_unit_test_provider_SOURCES = %D%/test_provider.c
tests_unit_test_provider_LDADD = $(PROVIDE_TEST_LIBS)
tests_unit_test_work_SOURCES = %D%/test_work.c
tests_unit_test_work_LDADD = $(PROVIDE_TEST_LIBS)
tests_unit_test_lane_SOURCES = %D%/test_lane.c
tests_unit_test_lane_LDADD = $(PROVIDE_TEST_LIBS)
tests_unit_test_store_SOURCES = %D%/test_store.c
tests_unit_test_store_LDADD = $(PROVIDE_TEST_LIBS)
tests_unit_test_auth_SOURCES = %D%/test_auth.c
tests_unit_test_auth_LDADD = $(PROVIDE_TEST_LIBS)
UNIT_TESTS += tests/unit/test_store_dirty
tests_unit_test_store_dirty_SOURCES = %D%/test_store_dirty.c
tests_unit_test_store_dirty_LDADD = $(PROVIDE_TEST_LIBS)
UNIT_TESTS += tests/unit/test_bus
tests_unit_test_bus_SOURCES = %D%/test_bus.c
tests_unit_test_bus_LDADD = $(PROVIDE_TEST_LIBS)
UNIT_TESTS += tests/unit/test_store_count
tests_unit_test_store_count_SOURCES = %D%/test_store_count.c
tests_unit_test_store_count_LDADD = $(PROVIDE_TEST_LIBS)
