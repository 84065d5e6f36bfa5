# Unit tests of src/base: see local.mk.
