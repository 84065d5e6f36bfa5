# Unit tests of src/wire: see local.mk.
