# Unit tests of src/hook: see local.mk.
