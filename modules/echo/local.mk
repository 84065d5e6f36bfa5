# Built like every module: see modules/local.mk.
pkgmodule_LTLIBRARIES += modules/echo/echo.la
modules_echo_echo_la_SOURCES = %D%/echo.c
modules_echo_echo_la_CPPFLAGS = $(MODULE_CPPFLAGS)
modules_echo_echo_la_CFLAGS = $(MODULE_CFLAGS)
modules_echo_echo_la_LDFLAGS = $(MODULE_LINKFLAGS)
EXTRA_DIST += %D%/README.md
