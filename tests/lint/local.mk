# The checks that make the rules real. Each prints file:line and ends non-zero.
LINT_CHECKS = includes exports names docs format packages unit mysql tidy
EXTRA_DIST += %D%/lib.sh %D%/names_allowed.txt \
	%D%/check_includes.sh %D%/check_exports.sh %D%/check_names.sh %D%/check_docs.sh \
	%D%/check_format.sh %D%/check_tidy.sh %D%/check_packages.sh %D%/check_unit.sh %D%/check_mysql.sh

lint:
	@failed=; for check in $(LINT_CHECKS); do \
		$(srcdir)/tests/lint/check_$$check.sh || failed="$$failed $$check"; \
	done; \
	test -z "$$failed" || { echo "lint failed:$$failed"; exit 1; }
.PHONY: lint
