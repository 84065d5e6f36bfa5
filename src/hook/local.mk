noinst_LIBRARIES += src/libhook.a
src_libhook_a_SOURCES =
