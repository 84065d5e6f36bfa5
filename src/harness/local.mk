# nuncio-module-test: the server without sockets, for authors of modules (include/nuncio/test.h).
noinst_LIBRARIES += src/libharness.a
src_libharness_a_SOURCES = \
	%D%/api_test.c \
	%D%/io_post.c %D%/io_post.h \
	%D%/log_book.c %D%/log_book.h \
	%D%/match.c %D%/match.h \
	%D%/peers.c %D%/peers.h \
	%D%/stage.c %D%/stage.h

# All that nunciod has, but loop/timer.c: as the program has fake_timer.c, nothing asks the archive for
# it. Modules see what they see in nunciod, and tests the functions of <nuncio/test.h>, too.
HARNESS_ARCHIVES = src/libharness.a src/libadmin.a src/libmodule.a src/liblogic.a src/libprovide.a \
	src/libhook.a src/libio.a src/libwire.a src/libbase.a
bin_PROGRAMS += nuncio-module-test
nuncio_module_test_SOURCES = %D%/harness.c %D%/fake_timer.c %D%/fake_timer.h \
	src/parts.c src/parts.h src/settings.c src/settings.h
nuncio_module_test_CPPFLAGS = $(nunciod_CPPFLAGS) -DNUNCIO_TEST_DIR='"$(pkgtestdir)"'
nuncio_module_test_LDADD = $(WHOLE_BEGIN) $(HARNESS_ARCHIVES) $(WHOLE_END) src/libloop.a $(SERVER_LIBS)
nuncio_module_test_LINK = $(CC) $(AM_CFLAGS) $(CFLAGS) $(AM_LDFLAGS) $(LDFLAGS) \
	-Wl,--dynamic-list=$(top_srcdir)/src/exports.list \
	-Wl,--dynamic-list=$(top_srcdir)/src/harness/exports.list -o $@
nuncio_module_test_DEPENDENCIES = $(HARNESS_ARCHIVES) src/libloop.a $(top_srcdir)/src/exports.list \
	$(top_srcdir)/src/harness/exports.list
EXTRA_DIST += %D%/exports.list

# The auth that believes everybody: not among nunciod's modules.
pkgtestdir = $(libdir)/nuncio/test
pkgtest_LTLIBRARIES = src/harness/test_auth.la
src_harness_test_auth_la_SOURCES = %D%/test_auth.c
src_harness_test_auth_la_CPPFLAGS = $(MODULE_CPPFLAGS)
src_harness_test_auth_la_CFLAGS = $(MODULE_CFLAGS)
src_harness_test_auth_la_LDFLAGS = $(MODULE_LINKFLAGS)
