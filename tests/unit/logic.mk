# Unit tests of src/logic: see local.mk.
