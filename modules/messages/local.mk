# Built like every module: see modules/local.mk.
pkgmodule_LTLIBRARIES += modules/messages/messages.la
modules_messages_messages_la_SOURCES = %D%/messages.c %D%/messages.h %D%/blocked.c %D%/change.c %D%/edit.c \
	%D%/forward.c %D%/pin.c %D%/pinned.c %D%/react.c %D%/reactions.c %D%/recall.c \
	%D%/state.c
modules_messages_messages_la_CPPFLAGS = $(MODULE_CPPFLAGS)
modules_messages_messages_la_CFLAGS = $(MODULE_CFLAGS)
modules_messages_messages_la_LDFLAGS = $(MODULE_LINKFLAGS)
EXTRA_DIST += %D%/README.md
