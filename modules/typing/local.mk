# Built like every module: see modules/local.mk.
pkgmodule_LTLIBRARIES += modules/typing/typing.la
modules_typing_typing_la_SOURCES = %D%/typing.c
modules_typing_typing_la_CPPFLAGS = $(MODULE_CPPFLAGS)
modules_typing_typing_la_CFLAGS = $(MODULE_CFLAGS)
modules_typing_typing_la_LDFLAGS = $(MODULE_LINKFLAGS)
EXTRA_DIST += %D%/README.md
