# Built like every module: see modules/local.mk.
pkgmodule_LTLIBRARIES += modules/history/history.la
modules_history_history_la_SOURCES = %D%/history.c %D%/history.h %D%/cache.c %D%/cache.h \
	%D%/changes.c %D%/events.c %D%/find.c %D%/hidden.c %D%/hiding.c %D%/known.c %D%/known.h %D%/list.c \
	%D%/marks.c %D%/pack.c %D%/pack.h %D%/page.c %D%/recent.c %D%/recent.h %D%/records.c %D%/show.c %D%/text.c %D%/unread.c %D%/unseen.c %D%/unseen.h
modules_history_history_la_CPPFLAGS = $(MODULE_CPPFLAGS)
modules_history_history_la_CFLAGS = $(MODULE_CFLAGS)
modules_history_history_la_LDFLAGS = $(MODULE_LINKFLAGS)
EXTRA_DIST += %D%/README.md
