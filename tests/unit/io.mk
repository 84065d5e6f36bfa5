# Unit tests of src/io: see local.mk. Those of connections use real sockets on the loopback device and
# a logic thread that only answers, io_server.c.
UNIT_TESTS += \
	tests/unit/test_conn_http \
	tests/unit/test_conn_table \
	tests/unit/test_conn_ws \
	tests/unit/test_io_inbox \
	tests/unit/test_io_thread \
	tests/unit/test_listener \
	tests/unit/test_origin \
	tests/unit/test_outq \
	tests/unit/test_wheel

IO_TEST_LDADD = src/libio.a src/libwire.a src/libloop.a src/libbase.a $(CMOCKA_LIBS) $(WIRE_LIBS) \
	$(LOOP_LIBS) $(BASE_LIBS)
IO_TEST_SERVER = tests/unit/io_server.c tests/unit/io_server.h tests/lib/unit.h
tests_unit_test_conn_http_SOURCES = %D%/test_conn_http.c $(IO_TEST_SERVER)
tests_unit_test_conn_http_LDADD = $(IO_TEST_LDADD)
tests_unit_test_conn_table_SOURCES = %D%/test_conn_table.c tests/lib/unit.h
tests_unit_test_conn_table_LDADD = $(IO_TEST_LDADD)
tests_unit_test_conn_ws_SOURCES = %D%/test_conn_ws.c $(IO_TEST_SERVER)
tests_unit_test_conn_ws_LDADD = $(IO_TEST_LDADD)
tests_unit_test_io_inbox_SOURCES = %D%/test_io_inbox.c $(IO_TEST_SERVER)
tests_unit_test_io_inbox_LDADD = $(IO_TEST_LDADD)
tests_unit_test_io_thread_SOURCES = %D%/test_io_thread.c $(IO_TEST_SERVER)
tests_unit_test_io_thread_LDADD = $(IO_TEST_LDADD)
tests_unit_test_listener_SOURCES = %D%/test_listener.c tests/lib/unit.h
tests_unit_test_listener_LDADD = $(IO_TEST_LDADD)
tests_unit_test_origin_SOURCES = %D%/test_origin.c tests/lib/unit.h
tests_unit_test_origin_LDADD = $(IO_TEST_LDADD)
tests_unit_test_outq_SOURCES = %D%/test_outq.c tests/lib/unit.h
tests_unit_test_outq_LDADD = $(IO_TEST_LDADD)
tests_unit_test_wheel_SOURCES = %D%/test_wheel.c tests/lib/unit.h
tests_unit_test_wheel_LDADD = $(IO_TEST_LDADD)
