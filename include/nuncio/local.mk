# Every public header is listed here; tests/lint/check_docs.sh compares.
nuncioinclude_HEADERS = \
	%D%/auth.h \
	%D%/base.h \
	%D%/bus.h \
	%D%/codes.h \
	%D%/conf.h \
	%D%/control.h \
	%D%/conversation.h \
	%D%/hooks.h \
	%D%/json.h \
	%D%/log.h \
	%D%/metric.h \
	%D%/module.h \
	%D%/nuncio.h \
	%D%/ready.h \
	%D%/request.h \
	%D%/search.h \
	%D%/service.h \
	%D%/session.h \
	%D%/store.h \
	%D%/store_provider.h \
	%D%/test.h \
	%D%/text.h \
	%D%/timer.h \
	%D%/watch.h

nuncioservicesdir = $(nuncioincludedir)/services
nuncioservices_HEADERS = \
	%D%/services/contacts.h \
	%D%/services/direct.h \
	%D%/services/group.h \
	%D%/services/presence.h \
	%D%/services/recent.h \
	%D%/services/roster.h \
	%D%/services/token.h

EXTRA_DIST += %D%/README.md
