#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1091,SC2016,SC2034,SC2046,SC2086 # lib.sh is beside it; file names are words; awk quotes itself
# Who may include whom: the table in CONTRIBUTING.md. Also: x_private.h only from its own folder, ev.h
# only in the files of loop/ that know libev, a .c file's own header before anything else.
. "$(dirname "$0")/lib.sh"

out=$(files 'src/*.c' 'src/*.h' 'modules/*.c' 'modules/*.h' 'include/*.h' | xargs awk '
BEGIN {
	public_base = " base.h codes.h "
	may["base"] = " base "
	may["loop"] = " base loop "
	may["wire"] = " base wire "
	may["io"] = " base loop wire io "
	may["hook"] = " base loop hook "
	may["provide"] = " base loop provide "
	may["logic"] = " base loop hook provide logic io/io_msg.h " \
		"wire/packet.h wire/json.h wire/json_out.h wire/uri.h wire/limits.h "
	may["module"] = may["admin"] = \
		" base loop wire hook provide logic module admin io/io_msg.h server.h "
	may["ctl"] = " base wire ctl "
	may["harness"] = " base loop wire hook provide logic module harness io/io_msg.h parts.h settings.h "
	may["top"] = " base loop wire io hook provide logic module admin "
	public["base"] = public["loop"] = public_base
	public["ctl"] = public["wire"] = public["io"] = public_base "json.h "
}
function say(what) { printf "%s:%d: %s\n", FILENAME, FNR, what }
function folder_of(path,   n, part)
{
	n = split(path, part, "/")
	if (part[1] == "src")
		return n == 2 ? "top" : part[2]
	return part[1] == "modules" ? "modules/" part[2] : part[1]
}
function own_header(path)
{
	sub(/^src\//, "", path)
	sub(/\.c$/, ".h", path)
	return path
}
function exists(path,   line, rc)
{
	rc = (getline line < path)
	close(path)
	return rc >= 0
}
FNR == 1 { folder = folder_of(FILENAME); seen_any = 0 }
!/^[ \t]*#[ \t]*include/ { next }
{
	is_quoted = /"/
	name = $0
	sub(/^[^"<]*["<]/, "", name)
	sub(/[">].*$/, "", name)
	target = name
	sub(/\/.*$/, "", target)
	own = own_header(FILENAME)
	own_private = own
	sub(/\.h$/, "_private.h", own_private)
	if (!seen_any++ && FILENAME ~ /^src\/.*\.c$/ && name != own && name != own_private \
		&& exists("src/" own))
		say("its own header \"" own "\" must come first")
	if (name == "config.h")
		next
	if (name == "ev.h" && FILENAME !~ /^src\/loop\/(loop|timer|loop_private)\.[ch]$/)
		say("only loop/loop.c and loop/timer.c know ev.h")
	if (!is_quoted && target == "nuncio") {
		sub(/^nuncio\//, "", name)
		if (folder in public && !index(public[folder], " " name " "))
			say(folder "/ may not include <nuncio/" name ">")
		next
	}
	if (!is_quoted) {
		if (folder == "include" && name !~ /^(std(bool|def|int|arg|lib)|string)\.h$/)
			say("a public header includes only itself and the C standard, not <" name ">")
		next
	}
	if (folder == "include")
		say("a public header includes <nuncio/...> only, not \"" name "\"")
	else if (folder ~ /^modules\//) {
		dir = FILENAME
		sub(/\/[^\/]*$/, "", dir)
		if (name ~ /^redis\// && folder ~ /^modules\/(redis|[a-z]*_redis)$/ && exists("modules/" name))
			next
		if (name ~ /\.\./ || !(exists(dir "/" name) || exists("modules/" name) && index("modules/" name, folder "/") == 1))
			say("a module includes <nuncio/...> and its own folder, not \"" name "\"")
	} else if (name ~ /_private\.h$/ && target != folder && !(folder == "top" && name !~ /\//))
		say("\"" name "\" is private to " target "/")
	else if (folder == "top" && name !~ /\//)
		next
	else if (!index(may[folder], " " target " ") && !index(may[folder], " " name " "))
		say(folder "/ may not include \"" name "\"")
}')
[ -z "$out" ] || complain "$out"
finish
