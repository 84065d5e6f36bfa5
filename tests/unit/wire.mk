# Unit tests of src/wire: see local.mk.
WIRE_TEST_LIBS = src/libwire.a src/libbase.a $(CMOCKA_LIBS) $(WIRE_LIBS) $(BASE_LIBS)
UNIT_TESTS += tests/unit/test_frame tests/unit/test_json tests/unit/test_packet
tests_unit_test_frame_SOURCES = %D%/test_frame.c
tests_unit_test_frame_LDADD = $(WIRE_TEST_LIBS)
tests_unit_test_json_SOURCES = %D%/test_json.c
tests_unit_test_json_LDADD = $(WIRE_TEST_LIBS)
tests_unit_test_packet_SOURCES = %D%/test_packet.c
tests_unit_test_packet_LDADD = $(WIRE_TEST_LIBS)
UNIT_TESTS += tests/unit/test_json_texts
tests_unit_test_json_texts_SOURCES = %D%/test_json_texts.c
tests_unit_test_json_texts_LDADD = $(WIRE_TEST_LIBS)
UNIT_TESTS += tests/unit/test_http1 tests/unit/test_ws
tests_unit_test_http1_SOURCES = %D%/test_http1.c
tests_unit_test_http1_LDADD = $(WIRE_TEST_LIBS)
tests_unit_test_ws_SOURCES = %D%/test_ws.c
tests_unit_test_ws_LDADD = $(WIRE_TEST_LIBS)
