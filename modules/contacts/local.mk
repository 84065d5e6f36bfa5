# Built like every module: see modules/local.mk.
pkgmodule_LTLIBRARIES += modules/contacts/contacts.la
modules_contacts_contacts_la_SOURCES = %D%/contacts.c %D%/contacts.h %D%/block.c %D%/gate.c \
	%D%/list.c %D%/pair.c %D%/policy.c %D%/relation.c %D%/sight.c %D%/text.c
modules_contacts_contacts_la_CPPFLAGS = $(MODULE_CPPFLAGS)
modules_contacts_contacts_la_CFLAGS = $(MODULE_CFLAGS)
modules_contacts_contacts_la_LDFLAGS = $(MODULE_LINKFLAGS)
EXTRA_DIST += %D%/README.md
