# Manual pages. They are written for the prefix /usr/local; the real places are put in when they are
# built. tests/api/config_docs.py holds the options of nuncio.ini.5 against the program's.
PLACES = sed \
	-e 's|/usr/local/share/doc/nuncio|$(docdir)|g' \
	-e 's|/usr/local/lib/nuncio/modules|$(pkgmoduledir)|g' \
	-e 's|/usr/local/share/nuncio|$(pkgdatadir)|g' \
	-e 's|/usr/local/etc|$(sysconfdir)|g' \
	-e 's|/usr/local/var|$(localstatedir)|g' \
	-e 's|/usr/local/sbin|$(sbindir)|g'
WITH_PLACES = $(AM_V_GEN)$(MKDIR_P) $(@D) && $(PLACES) $< >$@.new && mv $@.new $@

man_MANS = made/nunciod.8 made/nuncioctl.8 made/nuncio.ini.5 made/nuncio-module.3 \
	made/nuncio-module-test.1
EXTRA_DIST += %D%/nunciod.8 %D%/nuncioctl.8 %D%/nuncio.ini.5 %D%/nuncio-module.3 \
	%D%/nuncio-module-test.1
CLEANFILES += $(man_MANS)

made/nuncio-module-test.1: %D%/nuncio-module-test.1
	$(WITH_PLACES)
made/nuncio-module.3: %D%/nuncio-module.3
	$(WITH_PLACES)
made/nunciod.8: %D%/nunciod.8
	$(WITH_PLACES)
made/nuncioctl.8: %D%/nuncioctl.8
	$(WITH_PLACES)
made/nuncio.ini.5: %D%/nuncio.ini.5
	$(WITH_PLACES)
