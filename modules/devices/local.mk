# Built like every module: see modules/local.mk.
pkgmodule_LTLIBRARIES += modules/devices/devices.la
modules_devices_devices_la_SOURCES = %D%/devices.c %D%/devices.h %D%/policy.c
modules_devices_devices_la_CPPFLAGS = $(MODULE_CPPFLAGS)
modules_devices_devices_la_CFLAGS = $(MODULE_CFLAGS)
modules_devices_devices_la_LDFLAGS = $(MODULE_LINKFLAGS)
EXTRA_DIST += %D%/README.md
