# Every public header is listed here; tests/lint/check_docs.sh compares.
nuncioinclude_HEADERS = \
	%D%/base.h \
	%D%/codes.h
