# Built like every module: see modules/local.mk.
