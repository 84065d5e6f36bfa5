noinst_LIBRARIES += src/libprovide.a
src_libprovide_a_SOURCES =
