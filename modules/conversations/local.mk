# Built like every module: see modules/local.mk.
pkgmodule_LTLIBRARIES += modules/conversations/conversations.la
modules_conversations_conversations_la_SOURCES = %D%/conversations.c
modules_conversations_conversations_la_CPPFLAGS = $(MODULE_CPPFLAGS)
modules_conversations_conversations_la_CFLAGS = $(MODULE_CFLAGS)
modules_conversations_conversations_la_LDFLAGS = $(MODULE_LINKFLAGS)
EXTRA_DIST += %D%/README.md
