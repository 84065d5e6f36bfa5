# See tests/local.mk.
