# Unit tests of src/module: see local.mk.
