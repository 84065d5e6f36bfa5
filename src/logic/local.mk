noinst_LIBRARIES += src/liblogic.a
src_liblogic_a_SOURCES =
