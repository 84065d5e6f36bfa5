# Built like every module: see modules/local.mk.
pkgmodule_LTLIBRARIES += modules/word_filter/word_filter.la
modules_word_filter_word_filter_la_SOURCES = %D%/word_filter.c %D%/word_filter.h %D%/fold.c \
	%D%/list.c %D%/mask.c %D%/words.c
modules_word_filter_word_filter_la_CPPFLAGS = $(MODULE_CPPFLAGS)
modules_word_filter_word_filter_la_CFLAGS = $(MODULE_CFLAGS)
modules_word_filter_word_filter_la_LDFLAGS = $(MODULE_LINKFLAGS)
EXTRA_DIST += %D%/README.md
