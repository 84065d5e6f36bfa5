# Fuzz targets of src/base: see local.mk.
