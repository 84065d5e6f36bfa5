# SPDX-License-Identifier: MIT
# How src/ is built: each folder is one plain archive, src/lib<folder>.a, listed in its own local.mk
# as "src_lib<folder>_a_SOURCES = %D%/file.c %D%/file.h ..." (headers too: `make dist` needs them).
# nunciod links all of them whole, because modules call functions that nothing in it calls. Tests
# link only what they test, upper folders before lower ones.
include $(top_srcdir)/src/base/local.mk
include $(top_srcdir)/src/loop/local.mk
include $(top_srcdir)/src/wire/local.mk
include $(top_srcdir)/src/io/local.mk
include $(top_srcdir)/src/hook/local.mk
include $(top_srcdir)/src/provide/local.mk
include $(top_srcdir)/src/logic/local.mk
include $(top_srcdir)/src/module/local.mk
include $(top_srcdir)/src/admin/local.mk

# What a program needs that links an archive, besides the archives below it.
BASE_LIBS = $(INIH_LIBS) $(SODIUM_LIBS) $(PTHREAD_LIBS)
LOOP_LIBS = $(EV_LIBS)
WIRE_LIBS = $(WSLAY_LIBS) $(JANSSON_LIBS) $(OPENSSL_LIBS) $(ZLIB_LIBS)

EXTRA_DIST += %D%/exports.list

SERVER_ARCHIVES = src/libadmin.a src/libmodule.a src/liblogic.a src/libprovide.a src/libhook.a \
	src/libio.a src/libwire.a src/libloop.a src/libbase.a
SERVER_LIBS = $(WIRE_LIBS) $(LOOP_LIBS) $(BASE_LIBS) $(DL_LIBS)

# The server. Not linked by libtool, which would move the archives out of the --whole-archive pair.
sbin_PROGRAMS += nunciod
nunciod_SOURCES = %D%/main.c %D%/parts.c %D%/parts.h %D%/privilege.c %D%/privilege.h \
	%D%/process.c %D%/process.h \
	%D%/server.c %D%/server.h \
	%D%/server_control.c %D%/server_private.h \
	%D%/server_metrics.c %D%/server_metrics.h %D%/server_metrics_private.h \
	%D%/server_metrics_io.c %D%/server_metrics_queue.c %D%/settings.c %D%/settings.h \
	%D%/trim.c %D%/trim.h
nunciod_CPPFLAGS = $(AM_CPPFLAGS) -DNUNCIO_MODULE_DIR='"$(pkgmoduledir)"' \
	-DNUNCIO_STATE_DIR='"$(localstatedir)/lib/nuncio"' \
	-DNUNCIO_DEFAULT_MODULES='"$(DEFAULT_MODULES)"' \
	-DNUNCIO_CONFIG_FILE='"$(sysconfdir)/nuncio/nuncio.ini"'
nunciod_LDADD = $(WHOLE_BEGIN) $(SERVER_ARCHIVES) $(WHOLE_END) $(SERVER_LIBS)
nunciod_LINK = $(CC) $(AM_CFLAGS) $(CFLAGS) $(AM_LDFLAGS) $(LDFLAGS) \
	-Wl,--dynamic-list=$(top_srcdir)/src/exports.list -o $@
nunciod_DEPENDENCIES = $(SERVER_ARCHIVES) $(top_srcdir)/src/exports.list

include $(top_srcdir)/src/ctl/local.mk
include $(top_srcdir)/src/harness/local.mk
