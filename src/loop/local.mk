noinst_LIBRARIES += src/libloop.a
src_libloop_a_SOURCES = \
	%D%/caller.c %D%/caller.h \
	%D%/loop.c %D%/loop.h %D%/loop_private.h \
	%D%/mailbox.c %D%/mailbox.h \
	%D%/supervisor.c %D%/supervisor.h \
	%D%/thread.c %D%/thread.h \
	%D%/timer.c %D%/timer.h
