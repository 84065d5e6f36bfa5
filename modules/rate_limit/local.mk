# Built like every module: see modules/local.mk.
pkgmodule_LTLIBRARIES += modules/rate_limit/rate_limit.la
modules_rate_limit_rate_limit_la_SOURCES = %D%/rate_limit.c \
	%D%/bucket.c %D%/bucket.h %D%/peers.c %D%/peers.h %D%/spent.c %D%/spent.h
modules_rate_limit_rate_limit_la_CPPFLAGS = $(MODULE_CPPFLAGS)
modules_rate_limit_rate_limit_la_CFLAGS = $(MODULE_CFLAGS)
modules_rate_limit_rate_limit_la_LDFLAGS = $(MODULE_LINKFLAGS)
EXTRA_DIST += %D%/README.md
