# Fuzz targets of src/base: see local.mk.
FUZZ_TARGETS += tests/fuzz/fuzz_ini
tests_fuzz_fuzz_ini_SOURCES = %D%/fuzz_ini.c $(FUZZ_MAIN)
tests_fuzz_fuzz_ini_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_ini_LDADD = src/libbase.a $(BASE_LIBS)
EXTRA_DIST += %D%/corpus/fuzz_ini
