noinst_LIBRARIES += src/libio.a
src_libio_a_SOURCES = \
	%D%/acceptor.c %D%/acceptor.h \
	%D%/conn.c %D%/conn_http.c %D%/conn_out.c %D%/conn_private.h \
	%D%/conn_shake.c %D%/conn_time.c %D%/conn_ws.c \
	%D%/conn_table.c %D%/conn_table.h \
	%D%/io_hold.c \
	%D%/io_inbox.c %D%/io_msg.h \
	%D%/io_thread.c %D%/io_thread.h %D%/io_thread_private.h \
	%D%/listener.c %D%/listener.h \
	%D%/origin.c %D%/origin.h \
	%D%/outq.c %D%/outq.h \
	%D%/refusal.c %D%/refusal.h
