# Fuzz targets of src/wire: see local.mk.
