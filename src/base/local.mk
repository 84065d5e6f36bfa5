noinst_LIBRARIES += src/libbase.a
src_libbase_a_CFLAGS = $(AM_CFLAGS) $(INIH_CFLAGS) $(SODIUM_CFLAGS)
src_libbase_a_SOURCES = \
	%D%/alloc.c %D%/alloc.h \
	%D%/arena.c %D%/arena.h \
	%D%/buf.c %D%/buf.h \
	%D%/check.c %D%/check.h \
	%D%/clock.c %D%/clock.h \
	%D%/error.c %D%/error.h \
	%D%/hash.c %D%/hash.h \
	%D%/id.c %D%/id.h \
	%D%/ini.c %D%/ini.h \
	%D%/list.h \
	%D%/log.c %D%/log.h \
	%D%/map.c %D%/map.h \
	%D%/metric.c %D%/metric.h \
	%D%/search_cut.c %D%/search_cut.h \
	%D%/slice.c %D%/slice.h \
	%D%/utf8.c %D%/utf8.h \
	%D%/wheel.c %D%/wheel.h
