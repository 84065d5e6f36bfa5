# No module: what bus_redis and presence_redis share, built into each of them.
REDIS_PURE = modules/redis/redis_address.c modules/redis/redis_address.h \
	modules/redis/redis_backoff.c modules/redis/redis_backoff.h \
	modules/redis/redis_buffer.c modules/redis/redis_buffer.h \
	modules/redis/redis_map.c modules/redis/redis_map.h
REDIS_SOURCES = $(REDIS_PURE) \
	modules/redis/redis.c modules/redis/redis.h modules/redis/redis_private.h \
	modules/redis/redis_cluster.c \
	modules/redis/redis_conf.c modules/redis/redis_conf.h \
	modules/redis/redis_lease.c modules/redis/redis_lease.h modules/redis/redis_lease_private.h \
	modules/redis/redis_nodes.c \
	modules/redis/redis_member.c modules/redis/redis_member.h \
	modules/redis/redis_link.c modules/redis/redis_link.h \
	modules/redis/redis_resolve.c modules/redis/redis_resolve.h \
	modules/redis/redis_tls.c modules/redis/redis_tls.h
REDIS_CPPFLAGS = $(MODULE_CPPFLAGS) $(HIREDIS_CFLAGS) -iquote $(top_srcdir)/modules
REDIS_LIBS = $(HIREDIS_LIBS) $(OPENSSL_LIBS)
EXTRA_DIST += %D%/README.md
