noinst_LIBRARIES += src/libloop.a
src_libloop_a_SOURCES =
