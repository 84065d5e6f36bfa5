# Unit tests of modules/, where they can be tested without a server: see local.mk.
