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

# The server: uncomment when src/main.c is there.
#sbin_PROGRAMS += nunciod
#nunciod_SOURCES = %D%/main.c %D%/server.c %D%/server.h
#nunciod_LDADD = $(WHOLE_BEGIN) $(SERVER_ARCHIVES) $(WHOLE_END) $(SERVER_LIBS)
#
# Not by libtool, which would move the archives out of the --whole-archive pair.
#nunciod_LINK = $(CC) $(AM_CFLAGS) $(CFLAGS) $(AM_LDFLAGS) $(LDFLAGS) \
#	-Wl,--dynamic-list=$(top_srcdir)/src/exports.list -o $@
#nunciod_DEPENDENCIES = $(SERVER_ARCHIVES) $(top_srcdir)/src/exports.list
