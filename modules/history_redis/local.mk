# Built like every module: see modules/local.mk. Needs hiredis.
if HAVE_HIREDIS
pkgmodule_LTLIBRARIES += modules/history_redis/history_redis.la
endif
modules_history_redis_history_redis_la_SOURCES = %D%/history_redis.c $(REDIS_SOURCES)
modules_history_redis_history_redis_la_CPPFLAGS = $(REDIS_CPPFLAGS)
modules_history_redis_history_redis_la_CFLAGS = $(MODULE_CFLAGS)
modules_history_redis_history_redis_la_LDFLAGS = $(MODULE_LINKFLAGS)
modules_history_redis_history_redis_la_LIBADD = $(REDIS_LIBS)
EXTRA_DIST += %D%/README.md
