#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs every fuzz target once over its seed corpus: what was found once stays found.
# With a number of seconds as argument it searches that long per target; needs --enable-fuzz.
: "${top_srcdir:?}" "${top_builddir:?}"
failed=0
for target in $FUZZ_TARGETS; do
	corpus=$top_srcdir/tests/fuzz/corpus/${target##*/}
	if [ $# -gt 0 ]; then
		found=$top_builddir/$target.found
		words=-dict=$top_srcdir/$target.dict
		[ -f "${words#-dict=}" ] || words=
		mkdir -p "$found"
		"$top_builddir/$target" -max_total_time="$1" -max_len=8192 -print_final_stats=0 -verbosity=0 \
			${words:+"$words"} \
			-artifact_prefix="$found/crash-" "$found" "$corpus" || failed=1
	else
		"$top_builddir/$target" -runs=0 "$corpus" || failed=1
	fi
done
exit $failed
