# Unit tests of src/hook: see local.mk.
HOOK_TEST_LIBS = src/libhook.a src/libloop.a src/libbase.a $(CMOCKA_LIBS) $(LOOP_LIBS) $(BASE_LIBS)
UNIT_TESTS += tests/unit/test_hook_table tests/unit/test_chain tests/unit/test_ticket \
	tests/unit/test_write_list tests/unit/test_callback
tests_unit_test_callback_SOURCES = %D%/test_callback.c
tests_unit_test_callback_LDADD = $(HOOK_TEST_LIBS)
tests_unit_test_hook_table_SOURCES = %D%/test_hook_table.c
tests_unit_test_hook_table_LDADD = $(HOOK_TEST_LIBS)
tests_unit_test_chain_SOURCES = %D%/test_chain.c
tests_unit_test_chain_LDADD = $(HOOK_TEST_LIBS)
tests_unit_test_ticket_SOURCES = %D%/test_ticket.c
tests_unit_test_ticket_LDADD = $(HOOK_TEST_LIBS)
tests_unit_test_write_list_SOURCES = %D%/test_write_list.c
tests_unit_test_write_list_LDADD = $(HOOK_TEST_LIBS)
