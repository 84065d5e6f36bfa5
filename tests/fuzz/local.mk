# Fuzz targets. Each is one file with LLVMFuzzerTestOneInput and a seed corpus corpus/fuzz_<name>/:
#
#	FUZZ_TARGETS += tests/fuzz/fuzz_x
#	tests_fuzz_fuzz_x_SOURCES = %D%/fuzz_x.c $(FUZZ_MAIN)
#	tests_fuzz_fuzz_x_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
#	tests_fuzz_fuzz_x_LDADD = src/libwire.a src/libbase.a $(WIRE_LIBS) $(BASE_LIBS)
#	EXTRA_DIST += %D%/corpus/fuzz_x
#
# Words that a search would take long to find may stand in fuzz_x.dict (libFuzzer's form).
#
# Built by gcc they get replay_main.c and run their corpus once; `make check` does that. To search:
# configure --enable-fuzz CC=clang-14, then `make fuzz-run FUZZ_SECONDS=60`; crashes and what was
# learnt are in tests/fuzz/fuzz_x.found of the build.
FUZZ_TARGETS =
if FUZZ
FUZZ_MAIN =
else
FUZZ_MAIN = tests/fuzz/replay_main.c
endif
include $(top_srcdir)/tests/fuzz/base.mk
include $(top_srcdir)/tests/fuzz/wire.mk
include $(top_srcdir)/tests/fuzz/logic.mk
include $(top_srcdir)/tests/fuzz/modules.mk

check_PROGRAMS += $(FUZZ_TARGETS)
TESTS += %D%/run_corpus.sh
EXTRA_DIST += %D%/run_corpus.sh %D%/replay_main.c

fuzz: $(FUZZ_TARGETS)
FUZZ_SECONDS = 10
fuzz-run: $(FUZZ_TARGETS)
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
	FUZZ_TARGETS='$(FUZZ_TARGETS)' $(srcdir)/tests/fuzz/run_corpus.sh $(FUZZ_SECONDS)
.PHONY: fuzz fuzz-run
