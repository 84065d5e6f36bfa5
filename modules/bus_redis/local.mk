# Built like every module: see modules/local.mk. Needs hiredis.
if HAVE_HIREDIS
pkgmodule_LTLIBRARIES += modules/bus_redis/bus_redis.la
endif
modules_bus_redis_bus_redis_la_SOURCES = %D%/bus_redis.c %D%/bus_redis.h %D%/outbox.c %D%/routes.c \
	%D%/skew.c %D%/topics.c $(REDIS_SOURCES)
modules_bus_redis_bus_redis_la_CPPFLAGS = $(REDIS_CPPFLAGS)
modules_bus_redis_bus_redis_la_CFLAGS = $(MODULE_CFLAGS)
modules_bus_redis_bus_redis_la_LDFLAGS = $(MODULE_LINKFLAGS)
modules_bus_redis_bus_redis_la_LIBADD = $(REDIS_LIBS)
EXTRA_DIST += %D%/README.md
