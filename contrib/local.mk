# What authors of modules copy (include/nuncio/README.md section 1).
templatedir = $(pkgdatadir)/module-template
template_DATA = %D%/module-template/Makefile %D%/module-template/README.md \
	%D%/module-template/greeter.c %D%/module-template/test_greeter.c
template_SCRIPTS = %D%/module-template/rename
templatedebiandir = $(templatedir)/debian
templatedebian_DATA = %D%/module-template/debian/changelog %D%/module-template/debian/control \
	%D%/module-template/debian/copyright
templatedebian_SCRIPTS = %D%/module-template/debian/rules
templatesourcedir = $(templatedebiandir)/source
templatesource_DATA = %D%/module-template/debian/source/format
EXTRA_DIST += $(template_DATA) $(template_SCRIPTS) $(templatedebian_DATA) $(templatedebian_SCRIPTS) \
	$(templatesource_DATA)

# What one reads meanwhile.
doc_DATA = made/metrics.md made/module-guide.md src/wire/PROTOCOL.md
CLEANFILES += made/metrics.md made/module-guide.md
made/metrics.md: contrib/prometheus/README.md
	$(AM_V_GEN)$(MKDIR_P) $(@D) && cp $< $@
made/module-guide.md: include/nuncio/README.md
	$(AM_V_GEN)$(MKDIR_P) $(@D) && cp $< $@

# What watches it from outside.
prometheusdir = $(pkgdatadir)/prometheus
prometheus_DATA = %D%/prometheus/nuncio.rules.yml
grafanadir = $(pkgdatadir)/grafana
grafana_DATA = %D%/grafana/nuncio.json
EXTRA_DIST += $(prometheus_DATA) $(grafana_DATA) %D%/prometheus/README.md

# What is neither built nor installed.
EXTRA_DIST += %D%/cluster
EXTRA_DIST += %D%/web/README.md %D%/web/nuncio.d.ts %D%/web/package.json
include $(top_srcdir)/contrib/debian/local.mk
