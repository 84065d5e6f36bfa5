# Unit tests of src/base: see local.mk.
UNIT_TESTS += \
	tests/unit/test_alloc \
	tests/unit/test_arena \
	tests/unit/test_buf \
	tests/unit/test_check \
	tests/unit/test_clock \
	tests/unit/test_error \
	tests/unit/test_hash \
	tests/unit/test_id \
	tests/unit/test_ini \
	tests/unit/test_list \
	tests/unit/test_log \
	tests/unit/test_map \
	tests/unit/test_metric \
	tests/unit/test_search_cut \
	tests/unit/test_slice \
	tests/unit/test_text \
	tests/unit/test_utf8

BASE_TEST_LDADD = src/libbase.a $(CMOCKA_LIBS) $(BASE_LIBS)
tests_unit_test_alloc_SOURCES = %D%/test_alloc.c tests/lib/unit.h
tests_unit_test_alloc_LDADD = $(BASE_TEST_LDADD)
tests_unit_test_arena_SOURCES = %D%/test_arena.c tests/lib/unit.h
tests_unit_test_arena_LDADD = $(BASE_TEST_LDADD)
tests_unit_test_buf_SOURCES = %D%/test_buf.c tests/lib/unit.h
tests_unit_test_buf_LDADD = $(BASE_TEST_LDADD)
tests_unit_test_check_SOURCES = %D%/test_check.c tests/lib/unit.h
tests_unit_test_check_LDADD = $(BASE_TEST_LDADD)
tests_unit_test_clock_SOURCES = %D%/test_clock.c tests/lib/unit.h
tests_unit_test_clock_LDADD = $(BASE_TEST_LDADD)
tests_unit_test_error_SOURCES = %D%/test_error.c tests/lib/unit.h
tests_unit_test_error_LDADD = $(BASE_TEST_LDADD)
tests_unit_test_hash_SOURCES = %D%/test_hash.c tests/lib/unit.h
tests_unit_test_hash_LDADD = $(BASE_TEST_LDADD)
tests_unit_test_id_SOURCES = %D%/test_id.c tests/lib/unit.h
tests_unit_test_id_LDADD = $(BASE_TEST_LDADD)
tests_unit_test_ini_SOURCES = %D%/test_ini.c tests/lib/unit.h
tests_unit_test_ini_LDADD = $(BASE_TEST_LDADD)
tests_unit_test_list_SOURCES = %D%/test_list.c tests/lib/unit.h
tests_unit_test_list_LDADD = $(BASE_TEST_LDADD)
tests_unit_test_log_SOURCES = %D%/test_log.c tests/lib/unit.h
tests_unit_test_log_LDADD = $(BASE_TEST_LDADD)
tests_unit_test_map_SOURCES = %D%/test_map.c tests/lib/unit.h
tests_unit_test_map_LDADD = $(BASE_TEST_LDADD)
tests_unit_test_metric_SOURCES = %D%/test_metric.c tests/lib/unit.h
tests_unit_test_metric_LDADD = $(BASE_TEST_LDADD)
tests_unit_test_slice_SOURCES = %D%/test_slice.c tests/lib/unit.h
tests_unit_test_slice_LDADD = $(BASE_TEST_LDADD)
tests_unit_test_text_SOURCES = %D%/test_text.c tests/lib/unit.h
tests_unit_test_text_LDADD = $(CMOCKA_LIBS)
tests_unit_test_utf8_SOURCES = %D%/test_utf8.c tests/lib/unit.h
tests_unit_test_utf8_LDADD = $(BASE_TEST_LDADD)
tests_unit_test_search_cut_SOURCES = %D%/test_search_cut.c tests/lib/unit.h
tests_unit_test_search_cut_LDADD = $(BASE_TEST_LDADD)
