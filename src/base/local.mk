noinst_LIBRARIES += src/libbase.a
src_libbase_a_CFLAGS = $(AM_CFLAGS) $(INIH_CFLAGS) $(SODIUM_CFLAGS)
src_libbase_a_SOURCES = \
	%D%/alloc.c %D%/alloc.h
