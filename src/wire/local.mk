noinst_LIBRARIES += src/libwire.a
src_libwire_a_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS) $(ZLIB_CFLAGS)
src_libwire_a_SOURCES = \
	%D%/deflate.c %D%/deflate.h \
	%D%/frame.c %D%/frame.h \
	%D%/http1.c %D%/http1_head.c %D%/http1.h %D%/http1_private.h \
	%D%/http1_out.c %D%/http1_out.h \
	%D%/json.c %D%/json_check.c %D%/json_equal.c %D%/json.h %D%/json_private.h \
	%D%/json_out.c %D%/json_out.h \
	%D%/json_texts.c %D%/json_texts.h \
	%D%/limits.h \
	%D%/packet.c %D%/packet_out.c %D%/packet.h \
	%D%/uri.c %D%/uri.h \
	%D%/ws.c %D%/ws_feed.c %D%/ws_pool.c %D%/ws_private.h %D%/ws.h \
	%D%/ws_shake.c %D%/ws_shake.h
EXTRA_DIST += %D%/PROTOCOL.md
