# Built like every module: see modules/local.mk. Needs hiredis.
if HAVE_HIREDIS
pkgmodule_LTLIBRARIES += modules/presence_redis/presence_redis.la
endif
modules_presence_redis_presence_redis_la_SOURCES = %D%/entry.c %D%/presence_redis.c %D%/presence_redis.h \
	%D%/seats.c %D%/sweep.c %D%/watches.c $(REDIS_SOURCES)
modules_presence_redis_presence_redis_la_CPPFLAGS = $(REDIS_CPPFLAGS)
modules_presence_redis_presence_redis_la_CFLAGS = $(MODULE_CFLAGS)
modules_presence_redis_presence_redis_la_LDFLAGS = $(MODULE_LINKFLAGS)
modules_presence_redis_presence_redis_la_LIBADD = $(REDIS_LIBS)
EXTRA_DIST += %D%/README.md
