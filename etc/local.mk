# What a system needs beside the program. nuncio.ini is made by tests/api/config_docs.py --write and
# installed as it is, but never over one that is there; /usr/local becomes the real places, as in
# contrib/man/local.mk.
EXTRA_DIST += %D%/nuncio.ini %D%/nuncio.service %D%/nuncio.sysusers %D%/nuncio.tmpfiles

systemdsystemunitdir = $(prefix)/lib/systemd/system
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d
nodist_systemdsystemunit_DATA = made/nuncio.service
nodist_sysusers_DATA = made/nuncio.conf
nodist_tmpfiles_DATA = made/tmpfiles/nuncio.conf
noinst_DATA = made/nuncio.ini
CLEANFILES += made/nuncio.ini made/nuncio.service made/nuncio.conf made/tmpfiles/nuncio.conf

made/nuncio.ini: %D%/nuncio.ini
	$(WITH_PLACES)
made/nuncio.service: %D%/nuncio.service
	$(WITH_PLACES)
made/nuncio.conf: %D%/nuncio.sysusers
	$(WITH_PLACES)
made/tmpfiles/nuncio.conf: %D%/nuncio.tmpfiles
	$(WITH_PLACES)

install-data-local: made/nuncio.ini
	$(MKDIR_P) '$(DESTDIR)$(sysconfdir)/nuncio'
	test -e '$(DESTDIR)$(sysconfdir)/nuncio/nuncio.ini' || \
		$(INSTALL_DATA) made/nuncio.ini '$(DESTDIR)$(sysconfdir)/nuncio/nuncio.ini'
uninstall-local:
	if cmp -s made/nuncio.ini '$(DESTDIR)$(sysconfdir)/nuncio/nuncio.ini'; then \
		rm -f '$(DESTDIR)$(sysconfdir)/nuncio/nuncio.ini'; fi
	-rmdir '$(DESTDIR)$(sysconfdir)/nuncio' 2>/dev/null
