# What a packet costs besides its system calls: make tests/bench/bench_wire && tests/bench/bench_wire
EXTRA_PROGRAMS += tests/bench/bench_wire
CLEANFILES += tests/bench/bench_wire
tests_bench_bench_wire_SOURCES = %D%/bench_wire.c
tests_bench_bench_wire_LDADD = src/libwire.a src/libbase.a $(WIRE_LIBS) $(BASE_LIBS)
