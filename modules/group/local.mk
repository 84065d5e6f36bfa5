# Built like every module: see modules/local.mk.
GROUP_PURE = modules/group/group_id.c modules/group/group_id.h modules/group/news.c \
	modules/group/news.h modules/group/record.c modules/group/record.h modules/group/rules.c \
	modules/group/rules.h modules/group/table.c modules/group/table.h
pkgmodule_LTLIBRARIES += modules/group/group.la
modules_group_group_la_SOURCES = $(GROUP_PURE) %D%/arrive.c %D%/check.c %D%/crowd.c %D%/enter.c %D%/everybody.c %D%/group.c \
	%D%/group.h %D%/here.c %D%/ops.h %D%/ops_group.c %D%/ops_join.c %D%/ops_list.c \
	%D%/ops_member.c %D%/service.c %D%/tables.c %D%/task.c %D%/task.h
modules_group_group_la_CPPFLAGS = $(MODULE_CPPFLAGS)
modules_group_group_la_CFLAGS = $(MODULE_CFLAGS)
modules_group_group_la_LDFLAGS = $(MODULE_LINKFLAGS)
EXTRA_DIST += %D%/README.md
