# Fuzz targets of modules/: see local.mk.
FUZZ_TARGETS += tests/fuzz/fuzz_jwt
tests_fuzz_fuzz_jwt_SOURCES = %D%/fuzz_jwt.c $(AUTH_JWT_PURE) $(FUZZ_MAIN)
tests_fuzz_fuzz_jwt_CPPFLAGS = $(AM_CPPFLAGS) -iquote $(top_srcdir)/modules/auth_jwt
tests_fuzz_fuzz_jwt_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_jwt_LDADD = src/libbase.a $(AUTH_JWT_LIBS) $(BASE_LIBS)
EXTRA_DIST += %D%/corpus/fuzz_jwt
