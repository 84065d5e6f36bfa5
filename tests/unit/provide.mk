# Unit tests of src/provide: see local.mk.
