# Built like every module: see modules/local.mk.
pkgmodule_LTLIBRARIES += modules/presence/presence.la
modules_presence_presence_la_SOURCES = %D%/presence.c %D%/asking.c %D%/asking.h \
	%D%/dnd.c %D%/nodes.c %D%/people.c %D%/people.h %D%/presence.h %D%/sight.c
modules_presence_presence_la_CPPFLAGS = $(MODULE_CPPFLAGS)
modules_presence_presence_la_CFLAGS = $(MODULE_CFLAGS)
modules_presence_presence_la_LDFLAGS = $(MODULE_LINKFLAGS)
EXTRA_DIST += %D%/README.md
