# Built like every module: see modules/local.mk.
pkgmodule_LTLIBRARIES += modules/accounts/accounts.la
modules_accounts_accounts_la_SOURCES = %D%/account.c %D%/accounts.c %D%/accounts.h %D%/entry.c \
	%D%/family.c %D%/flow.c %D%/gone.c %D%/guesses.c %D%/operator.c %D%/password.c %D%/refresh.c %D%/search.c %D%/signin.c %D%/text.c %D%/throttle.c \
	%D%/users.c %D%/voids.c
modules_accounts_accounts_la_CPPFLAGS = $(MODULE_CPPFLAGS)
modules_accounts_accounts_la_CFLAGS = $(MODULE_CFLAGS)
modules_accounts_accounts_la_LDFLAGS = $(MODULE_LINKFLAGS)
modules_accounts_accounts_la_LIBADD = $(SODIUM_LIBS)
EXTRA_DIST += %D%/README.md
