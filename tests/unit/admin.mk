# Unit tests of src/ctl: see local.mk. src/admin is tested with a whole server: tests/scenario/operate.
UNIT_TESTS += tests/unit/test_ctl_cell tests/unit/test_ctl_command
tests_unit_test_ctl_cell_SOURCES = %D%/test_ctl_cell.c src/ctl/ctl_cell.c src/ctl/ctl_cell.h
tests_unit_test_ctl_cell_LDADD = src/libwire.a src/libbase.a $(CMOCKA_LIBS) $(BASE_LIBS)
tests_unit_test_ctl_command_SOURCES = %D%/test_ctl_command.c src/ctl/ctl_command.c src/ctl/ctl_command.h \
	src/ctl/ctl_ask.c src/ctl/ctl_ask.h
tests_unit_test_ctl_command_LDADD = src/libwire.a src/libbase.a $(CMOCKA_LIBS) $(BASE_LIBS)
