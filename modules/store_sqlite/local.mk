# Built like every module: see modules/local.mk.
pkgmodule_LTLIBRARIES += modules/store_sqlite/store_sqlite.la
modules_store_sqlite_store_sqlite_la_SOURCES = %D%/store_sqlite.c %D%/store_sqlite.h \
	%D%/amend.c %D%/append_event.c %D%/backup.c %D%/batch.c %D%/checkpoint.c \
	%D%/conversation_list.c %D%/db.c %D%/event_page.c %D%/export.c %D%/fsck.c %D%/heads.c %D%/log_room.c \
	%D%/member_change.c %D%/member_marks.c %D%/member_read.c %D%/mention_rows.c %D%/once.c \
	%D%/record_rows.c %D%/schema.c %D%/search.h %D%/search_db.c %D%/search_find.c \
	%D%/search_index.c %D%/search_thread.c %D%/search_words.c %D%/sync_cursor.c \
	%D%/sync_pages.c %D%/tools.c %D%/tools.h
modules_store_sqlite_store_sqlite_la_CPPFLAGS = $(MODULE_CPPFLAGS)
modules_store_sqlite_store_sqlite_la_CFLAGS = $(MODULE_CFLAGS) $(SQLITE_CFLAGS)
modules_store_sqlite_store_sqlite_la_LDFLAGS = $(MODULE_LINKFLAGS)
modules_store_sqlite_store_sqlite_la_LIBADD = $(SQLITE_LIBS) $(PTHREAD_LIBS)
EXTRA_DIST += %D%/README.md
