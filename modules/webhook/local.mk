# Built like every module: see modules/local.mk.
pkgmodule_LTLIBRARIES += modules/webhook/webhook.la
modules_webhook_webhook_la_SOURCES = %D%/webhook.c %D%/webhook.h %D%/ask.c %D%/backoff.c %D%/clear.c \
	%D%/hint.c %D%/lane.c %D%/lease.c %D%/look.c %D%/outbox.c %D%/outbox.h %D%/replay.c %D%/scan.c \
	%D%/sender.c %D%/sign.c
modules_webhook_webhook_la_CPPFLAGS = $(MODULE_CPPFLAGS) $(CURL_CFLAGS) $(SODIUM_CFLAGS)
modules_webhook_webhook_la_CFLAGS = $(MODULE_CFLAGS)
modules_webhook_webhook_la_LDFLAGS = $(MODULE_LINKFLAGS)
modules_webhook_webhook_la_LIBADD = $(CURL_LIBS) $(SODIUM_LIBS) -lpthread
EXTRA_DIST += %D%/README.md
