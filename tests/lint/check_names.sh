#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1091,SC2016,SC2034,SC2046,SC2086 # lib.sh is beside it; file names are words; awk quotes itself
# Names and habits: file names unique in src/, functions named after their file, no
# poisoned functions, no mutable statics, SPDX lines, no open ends without an issue number.
# Exceptions are in names_allowed.txt, each with its reason.
. "$(dirname "$0")/lib.sh"
allowed=tests/lint/names_allowed.txt

out=$(files 'src/*.[ch]' | awk -F/ '
	$NF in first { printf "%s:1: the file name is taken by %s\n", $0, first[$NF] }
	{ first[$NF] = $0 }')
[ -z "$out" ] || complain "$out"

# A function definition is a line at column 0 with "(", its body's "{" at column 0 below.
out=$(files 'src/*.c' | xargs awk -v allowed="$allowed" '
BEGIN {
	while ((getline line < allowed) > 0) {
		split(line, word, " ")
		if (word[1] == "prefix")
			extra[word[2]] = extra[word[2]] " " word[3]
	}
}
function fits(name, file,   noun, singular, n, list, i)
{
	if (name ~ /^nuncio_/ || (name == "main" && file == "src/main.c"))
		return 1
	n = split(file, list, "/")
	if (n == 3 && index(name, list[2] "_") == 1) # io_listen in io/listener.c
		return 1
	noun = file
	sub(/^.*\//, "", noun)
	sub(/\.c$/, "", noun)
	do { # conn_close in conn.c; kind_of in kinds.c and ops_add in op.c, too
		singular = noun
		sub(/s$/, "", singular)
		if (name ~ "^" singular "s?(_|$)")
			return 1
	} while (sub(/_[^_]*$/, "", noun))
	n = split(extra[file], list, " ")
	for (i = 1; i <= n; i++)
		if (index(name, list[i]) == 1)
			return 1
	return 0
}
/^[a-zA-Z_][^=;]*\(/ {
	name = $0
	sub(/\(.*/, "", name)
	sub(/^.*[ *]/, "", name)
	is_static = /^static/
	at = FNR
}
/^\{/ {
	if (name != "" && !is_static && !fits(name, FILENAME))
		printf "%s:%d: %s is not named after its file\n", FILENAME, at, name
	name = ""
}')
[ -z "$out" ] || complain "$out"

out=$(files 'src/*.[ch]' 'modules/*.[ch]' 'include/*.h' | xargs grep -nE \
	'(^|[^a-zA-Z0-9_.>])(strcpy|strcat|strncpy|strncat|stpcpy|sprintf|vsprintf|gets|alloca|strtok|atoi|atol|asctime|ctime|gmtime|localtime|rand|srand|tmpnam)[ ]*\(' |
	sed 's|:\([^:]*\)$|: poisoned function:\1|')
[ -z "$out" ] || complain "$out"

out=$(files 'src/*.c' | xargs grep -nE '^static [^(]*(;|=|\{)$|^static [^(]* = ' | grep -vE \
	'const |_Static_assert|_Thread_local|^src/server\.c:|^src/base/log\.c:' | while IFS=: read -r f n line; do
	grep -q "^static $f " "$allowed" || echo "$f:$n: mutable static: $line"
done)
[ -z "$out" ] || complain "$out"

out=$(files '*.c' '*.h' '*.cc' '*.sh' '*.py' '*.js' '*.mjs' | while read -r f; do
	head -n 3 "$f" | grep -q 'SPDX-License-Identifier: MIT' ||
		echo "$f:1: no SPDX-License-Identifier: MIT line"
done)
[ -z "$out" ] || complain "$out"

out=$(files 'src/*' 'modules/*' 'include/*' 'tests/*' 'contrib/*' 'etc/*' | grep -v '^tests/lint/' |
	xargs grep -InE '(^|[^A-Za-z0-9_])(TODO|FIXME|XXX)([^A-Za-z0-9_]|$)' | grep -v '#[0-9]' |
	sed 's|$| (needs an issue number)|')
[ -z "$out" ] || complain "$out"
finish
