# Fuzz targets of src/wire: see local.mk.
FUZZ_TARGETS += tests/fuzz/fuzz_http1 tests/fuzz/fuzz_json tests/fuzz/fuzz_packet tests/fuzz/fuzz_ws
WIRE_FUZZ_LIBS = src/libwire.a src/libbase.a $(WIRE_LIBS) $(BASE_LIBS)
tests_fuzz_fuzz_http1_SOURCES = %D%/fuzz_http1.c $(FUZZ_MAIN)
tests_fuzz_fuzz_http1_CPPFLAGS = $(AM_CPPFLAGS) $(HTTP_PARSER_CPPFLAGS)
tests_fuzz_fuzz_http1_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_http1_LDADD = $(WIRE_FUZZ_LIBS) $(HTTP_PARSER_LIBS)
tests_fuzz_fuzz_json_SOURCES = %D%/fuzz_json.c %D%/fuzz_json_other.c %D%/fuzz_json_other.h \
	$(FUZZ_MAIN)
tests_fuzz_fuzz_json_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_json_LDADD = $(WIRE_FUZZ_LIBS) $(JANSSON_LIBS)
tests_fuzz_fuzz_packet_SOURCES = %D%/fuzz_packet.c $(FUZZ_MAIN)
tests_fuzz_fuzz_packet_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_packet_LDADD = $(WIRE_FUZZ_LIBS)
tests_fuzz_fuzz_ws_SOURCES = %D%/fuzz_ws.c $(FUZZ_MAIN)
tests_fuzz_fuzz_ws_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_ws_LDADD = $(WIRE_FUZZ_LIBS)
EXTRA_DIST += %D%/fuzz_http1.dict
EXTRA_DIST += %D%/corpus/fuzz_http1 %D%/corpus/fuzz_json %D%/corpus/fuzz_packet %D%/corpus/fuzz_ws
# Of src/base, too: texts and what is read of them.
FUZZ_TARGETS += tests/fuzz/fuzz_search
tests_fuzz_fuzz_search_SOURCES = %D%/fuzz_search.c $(FUZZ_MAIN)
tests_fuzz_fuzz_search_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_search_LDADD = $(WIRE_FUZZ_LIBS)
EXTRA_DIST += %D%/corpus/fuzz_search
