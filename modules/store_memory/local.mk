# Built like every module: see modules/local.mk.
pkgmodule_LTLIBRARIES += modules/store_memory/store_memory.la
modules_store_memory_store_memory_la_SOURCES = %D%/store_memory.c %D%/store_memory.h \
	%D%/memory_log.c %D%/memory_member.c %D%/memory_read.c %D%/memory_record.c \
	%D%/memory_search.c %D%/memory_sync.c %D%/memory_text.c
modules_store_memory_store_memory_la_CPPFLAGS = $(MODULE_CPPFLAGS)
modules_store_memory_store_memory_la_CFLAGS = $(MODULE_CFLAGS)
modules_store_memory_store_memory_la_LDFLAGS = $(MODULE_LINKFLAGS)
EXTRA_DIST += %D%/README.md
