# SPDX-License-Identifier: MIT
# How a module is built. modules/<name>/local.mk says (x being the name):
#
#	pkgmodule_LTLIBRARIES += modules/x/x.la
#	modules_x_x_la_SOURCES = %D%/x.c
#	modules_x_x_la_CPPFLAGS = $(MODULE_CPPFLAGS)
#	modules_x_x_la_CFLAGS = $(MODULE_CFLAGS)
#	modules_x_x_la_LDFLAGS = $(MODULE_LINKFLAGS)
#	modules_x_x_la_LIBADD = $(JANSSON_LIBS)
#	EXTRA_DIST += %D%/README.md
#
# MODULE_CPPFLAGS has no path into src/: modules see <nuncio/...> and their own folder. `make` also
# links every module into <build>/modules/lib, so that a server runs uninstalled with one path.
MODULE_CPPFLAGS = $(COMMON_CPPFLAGS)
MODULE_CFLAGS = $(COMMON_CFLAGS)
MODULE_LINKFLAGS = -module -avoid-version -shared $(HARDEN_LDFLAGS)

# On in a new configuration: all that people expect of a chat on one machine. In the order of equal hooks.
DEFAULT_MODULES = store_sqlite auth_jwt accounts direct group messages receipts presence history conversations contacts \
	devices typing rate_limit web

include $(top_srcdir)/modules/redis/local.mk
include $(top_srcdir)/modules/bus_redis/local.mk
include $(top_srcdir)/modules/history_redis/local.mk
include $(top_srcdir)/modules/echo/local.mk
include $(top_srcdir)/modules/rate_limit/local.mk
include $(top_srcdir)/modules/auth_jwt/local.mk
include $(top_srcdir)/modules/accounts/local.mk
include $(top_srcdir)/modules/contacts/local.mk
include $(top_srcdir)/modules/conversations/local.mk
include $(top_srcdir)/modules/devices/local.mk
include $(top_srcdir)/modules/direct/local.mk
include $(top_srcdir)/modules/messages/local.mk
include $(top_srcdir)/modules/presence/local.mk
include $(top_srcdir)/modules/presence_redis/local.mk
include $(top_srcdir)/modules/history/local.mk
include $(top_srcdir)/modules/group/local.mk
include $(top_srcdir)/modules/receipts/local.mk
include $(top_srcdir)/modules/store_memory/local.mk
include $(top_srcdir)/modules/store_mysql/local.mk
include $(top_srcdir)/modules/store_sqlite/local.mk
include $(top_srcdir)/modules/typing/local.mk
include $(top_srcdir)/modules/web/local.mk
include $(top_srcdir)/modules/webhook/local.mk
include $(top_srcdir)/modules/word_filter/local.mk

modules/lib/.stamp: $(pkgmodule_LTLIBRARIES)
	$(AM_V_GEN)$(MKDIR_P) modules/lib && rm -f modules/lib/*.so && \
	for la in $(pkgmodule_LTLIBRARIES); do \
		name=`basename $$la .la`; \
		ln -sf ../$$name/.libs/$$name.so modules/lib/$$name.so || exit 1; \
	done && touch $@
all-local: modules/lib/.stamp
clean-local: clean-modules-lib
clean-modules-lib:
	rm -rf modules/lib
.PHONY: clean-modules-lib

# dlopen needs the .so only.
install-data-hook:
	rm -f $(DESTDIR)$(pkgmoduledir)/*.la $(DESTDIR)$(pkgtestdir)/*.la
uninstall-hook:
	rm -f $(DESTDIR)$(pkgmoduledir)/*.so $(DESTDIR)$(pkgtestdir)/*.so
