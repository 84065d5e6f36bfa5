noinst_LIBRARIES += src/libhook.a
src_libhook_a_SOURCES = \
	%D%/callback.c %D%/callback.h \
	%D%/chain.c %D%/chain.h %D%/chain_private.h \
	%D%/hook_table.c %D%/hook_table.h \
	%D%/ticket.c %D%/ticket.h \
	%D%/write_list.c %D%/write_list.h
