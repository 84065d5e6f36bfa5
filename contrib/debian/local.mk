# `make deb`: Debian packages in <build>/deb, from what `make dist` packs. nuncio-mysql and
# nuncio-redis are among them when this build has their modules. Another Debian revision:
# make deb DEB_REVISION=2
DEB_PARTS = $(if $(filter %/store_mysql.la,$(pkgmodule_LTLIBRARIES)),mysql) \
	$(if $(filter %/bus_redis.la %/history_redis.la %/presence_redis.la,$(pkgmodule_LTLIBRARIES)),redis)
DEB_REVISION = 1

deb: dist
	$(top_srcdir)/contrib/debian/make-deb --tarball $(distdir).tar.gz --out deb \
		--parts '$(strip $(DEB_PARTS))' --revision $(DEB_REVISION)
.PHONY: deb

EXTRA_DIST += contrib/debian
