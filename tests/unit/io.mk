# Unit tests of src/io: see local.mk.
