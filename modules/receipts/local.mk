# Built like every module: see modules/local.mk.
pkgmodule_LTLIBRARIES += modules/receipts/receipts.la
modules_receipts_receipts_la_SOURCES = %D%/counting.c %D%/counting.h %D%/names.c %D%/names.h \
	%D%/pending.c %D%/pending.h %D%/receipts.c
modules_receipts_receipts_la_CPPFLAGS = $(MODULE_CPPFLAGS)
modules_receipts_receipts_la_CFLAGS = $(MODULE_CFLAGS)
modules_receipts_receipts_la_LDFLAGS = $(MODULE_LINKFLAGS)
EXTRA_DIST += %D%/README.md
