# Fuzz targets of src/logic: see local.mk.
FUZZ_TARGETS += tests/fuzz/fuzz_bus_frame
tests_fuzz_fuzz_bus_frame_SOURCES = %D%/fuzz_bus_frame.c $(FUZZ_MAIN)
tests_fuzz_fuzz_bus_frame_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_bus_frame_LDADD = src/liblogic.a src/libwire.a src/libbase.a $(WIRE_LIBS) $(BASE_LIBS)
EXTRA_DIST += %D%/corpus/fuzz_bus_frame
