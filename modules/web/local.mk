# Built like every module: see modules/local.mk. The files it serves are installed here, too.
pkgmodule_LTLIBRARIES += modules/web/web.la
modules_web_web_la_SOURCES = %D%/web.c %D%/files.c %D%/files.h %D%/conditions.c %D%/conditions.h
modules_web_web_la_CPPFLAGS = $(MODULE_CPPFLAGS) $(ZLIB_CFLAGS) -DWEB_ROOT='"$(webrootdir)"'
modules_web_web_la_CFLAGS = $(MODULE_CFLAGS)
modules_web_web_la_LDFLAGS = $(MODULE_LINKFLAGS)
modules_web_web_la_LIBADD = $(ZLIB_LIBS)
EXTRA_DIST += %D%/README.md

webrootdir = $(pkgdatadir)/web
dist_webroot_DATA = \
	contrib/web/api.html \
	contrib/web/api.js \
	contrib/web/app.js \
	contrib/web/composer.js \
	contrib/web/dialog.js \
	contrib/web/dom.js \
	contrib/web/favicon.svg \
	contrib/web/format.js \
	contrib/web/groups.js \
	contrib/web/i18n.js \
	contrib/web/incoming.js \
	contrib/web/index.html \
	contrib/web/lib_catch_up.js \
	contrib/web/lib_client.js \
	contrib/web/lib_errors.js \
	contrib/web/lib_keep_alive.js \
	contrib/web/lib_operations.js \
	contrib/web/lib_outbox.js \
	contrib/web/lib_progress.js \
	contrib/web/lib_requests.js \
	contrib/web/lib_rest.js \
	contrib/web/lib_sequencer.js \
	contrib/web/lib_storage.js \
	contrib/web/lib_tools.js \
	contrib/web/nuncio.js \
	contrib/web/state.js \
	contrib/web/style.css \
	contrib/web/style_api.css \
	contrib/web/style_more.css \
	contrib/web/view_auth.js \
	contrib/web/view_chat.js \
	contrib/web/view_dialogs.js \
	contrib/web/view_language.js \
	contrib/web/view_list.js \
	contrib/web/view_message.js
