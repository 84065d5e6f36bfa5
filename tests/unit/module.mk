# Unit tests of src/module: see local.mk.
MODULE_TEST_LIBS = src/libmodule.a src/libwire.a src/libbase.a $(CMOCKA_LIBS) $(BASE_LIBS) $(DL_LIBS)
UNIT_TESTS += tests/unit/test_options tests/unit/test_loader tests/unit/test_api_json
tests_unit_test_options_SOURCES = %D%/test_options.c
tests_unit_test_options_LDADD = $(MODULE_TEST_LIBS)
tests_unit_test_loader_SOURCES = %D%/test_loader.c
tests_unit_test_loader_LDADD = $(MODULE_TEST_LIBS)
tests_unit_test_api_json_SOURCES = %D%/test_api_json.c
tests_unit_test_api_json_LDADD = $(MODULE_TEST_LIBS)
