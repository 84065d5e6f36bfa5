# Built like every module: see modules/local.mk.
pkgmodule_LTLIBRARIES += modules/direct/direct.la
modules_direct_direct_la_SOURCES = %D%/direct.c %D%/direct_id.c %D%/direct_id.h
modules_direct_direct_la_CPPFLAGS = $(MODULE_CPPFLAGS)
modules_direct_direct_la_CFLAGS = $(MODULE_CFLAGS)
modules_direct_direct_la_LDFLAGS = $(MODULE_LINKFLAGS)
EXTRA_DIST += %D%/README.md
