noinst_LIBRARIES += src/libmodule.a
src_libmodule_a_SOURCES =
