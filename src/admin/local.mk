noinst_LIBRARIES += src/libadmin.a
src_libadmin_a_SOURCES = \
	%D%/admin.c %D%/admin.h %D%/admin_private.h \
	%D%/admin_conn.c \
	%D%/commands.c %D%/commands.h \
	%D%/copying.c \
	%D%/report.c \
	%D%/steer.c
