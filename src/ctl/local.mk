# nuncioctl: the operator's side of the control socket. Knows the wire's JSON and nothing of the server.
sbin_PROGRAMS += nuncioctl
nuncioctl_SOURCES = \
	%D%/nuncioctl.c \
	%D%/ctl_ask.c %D%/ctl_ask.h \
	%D%/ctl_cell.c %D%/ctl_cell.h \
	%D%/ctl_command.c %D%/ctl_command.h \
	%D%/ctl_print.c %D%/ctl_print.h
nuncioctl_CPPFLAGS = $(AM_CPPFLAGS) -DNUNCIO_STATE_DIR='"$(localstatedir)/lib/nuncio"' \
	-DNUNCIO_CONFIG_FILE='"$(sysconfdir)/nuncio/nuncio.ini"'
nuncioctl_LDADD = src/libwire.a src/libbase.a $(BASE_LIBS)
