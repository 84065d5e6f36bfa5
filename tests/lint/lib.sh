# SPDX-License-Identifier: MIT
# Sourced by the checks: go to the top of the tree, list files, count complaints.
cd "$(dirname "$0")/../.." || exit 2
set -u
bad=0

# files 'src/*.c' ...: tracked and new files; all that exist when this is no git tree.
files()
{
	if git rev-parse --git-dir >/dev/null 2>&1; then
		git ls-files --cached --others --exclude-standard -- "$@" | while read -r f; do
			[ -f "$f" ] && echo "$f"
		done
	else
		for pattern; do find . -path "./$pattern" -type f; done | sed 's|^\./||' | sort -u
	fi
}

complain()
{
	echo "$1"
	bad=1
}

finish()
{
	[ "$bad" -eq 0 ] && echo "${0##*/}: ok"
	exit "$bad"
}
