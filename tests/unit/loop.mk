# Unit tests of src/loop: see local.mk.
