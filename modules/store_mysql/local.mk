# Built like every module: see modules/local.mk. Needs a MySQL or MariaDB client library.
if HAVE_MYSQL
pkgmodule_LTLIBRARIES += modules/store_mysql/store_mysql.la
endif
modules_store_mysql_store_mysql_la_SOURCES = %D%/store_mysql.c %D%/store_mysql.h %D%/sync.h \
	%D%/address.c %D%/append_event.c %D%/append_members.c %D%/batch.c %D%/conversation_list.c %D%/conversation_rows.c \
	%D%/db.c %D%/event_page.c %D%/first_rows.c %D%/fsck.c %D%/import.c %D%/lock_rows.c %D%/member_marks.c \
	%D%/member_pages.c %D%/mine.c %D%/names.c %D%/place.c %D%/pool.c %D%/position.c \
	%D%/read.c %D%/record_pages.c %D%/record_writes.c %D%/schema.c %D%/search_find.c \
	%D%/search_index.c %D%/search_words.c %D%/server.c %D%/sql.c %D%/sweep.c %D%/sync_cursor.c %D%/sync_pages.c %D%/work.c \
	%D%/write_rows.c
modules_store_mysql_store_mysql_la_CPPFLAGS = $(MODULE_CPPFLAGS)
modules_store_mysql_store_mysql_la_CFLAGS = $(MODULE_CFLAGS) $(MYSQL_CFLAGS)
modules_store_mysql_store_mysql_la_LDFLAGS = $(MODULE_LINKFLAGS)
modules_store_mysql_store_mysql_la_LIBADD = $(MYSQL_LIBS) $(PTHREAD_LIBS)
EXTRA_DIST += %D%/README.md
