noinst_LIBRARIES += src/libprovide.a
src_libprovide_a_SOURCES = \
	%D%/auth.c %D%/auth.h \
	%D%/bus.c %D%/bus.h \
	%D%/job.c %D%/job.h \
	%D%/lane.c %D%/lane.h \
	%D%/provider.c %D%/provider.h \
	%D%/ready.c %D%/ready.h \
	%D%/sized.h \
	%D%/store.c %D%/store.h %D%/store_private.h \
	%D%/store_append.c \
	%D%/store_ask.c \
	%D%/store_copy.c %D%/store_copy.h \
	%D%/store_count.c %D%/store_count.h \
	%D%/store_dirty.c %D%/store_dirty.h \
	%D%/store_health.c %D%/store_health.h \
	%D%/store_move.c \
	%D%/work.c %D%/work.h
