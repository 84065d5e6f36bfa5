# Unit tests of src/admin: see local.mk.
