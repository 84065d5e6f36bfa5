# Built like every module: see modules/local.mk.
pkgmodule_LTLIBRARIES += modules/history/history.la
modules_history_history_la_SOURCES = %D%/history.c %D%/page.c %D%/page.h
modules_history_history_la_CPPFLAGS = $(MODULE_CPPFLAGS)
modules_history_history_la_CFLAGS = $(MODULE_CFLAGS)
modules_history_history_la_LDFLAGS = $(MODULE_LINKFLAGS)
EXTRA_DIST += %D%/README.md
