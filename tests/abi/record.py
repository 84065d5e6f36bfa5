#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Records the headers of today as what has been promised. Usage: record.py [--released]

Prints what the new record breaks and adds, for the commit's message; with --released it is what a release has
promised, and from then on whatever is added needs a new minor number (include/nuncio/module.h). Breaking something
that a release has promised needs a new major number, or it is refused.
"""
import os
import re
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
import layout  # noqa: E402

RECORD = os.path.join(HERE, "record")
MARK = os.path.join(RECORD, "released")


def exported(path):
	with open(path, encoding="utf-8") as file:
		return sorted(re.findall(r"^\s+(nuncio_\w+);", file.read(), re.M))


def recorded():
	return layout.Headers(os.path.join(RECORD, "include"), exported(os.path.join(RECORD, "exports.list")))


def today():
	return layout.Headers(os.path.join(TOP, "include"), exported(os.path.join(TOP, "src", "exports.list")))


def version(headers):
	"""(major, minor)"""
	with open(os.path.join(headers.folder, "nuncio", "module.h"), encoding="utf-8") as file:
		found = dict(re.findall(r"#define NUNCIO_ABI_(\w+) (\d+)", file.read()))
	return int(found["MAJOR"]), int(found["MINOR"])


def is_released():
	return os.path.exists(MARK)


def compare(work):
	old, new = recorded(), today()
	layouts = [headers.compile(os.path.join(work, stem)) for headers, stem in ((old, "old"), (new, "new"))]
	found = list(layout.faults(*layouts))
	for fault in found:
		print(f"breaks: {fault}")
	for addition in layout.additions(*layouts):
		print(f"adds: {addition}")
	if found and is_released() and version(new)[0] == version(old)[0]:
		raise SystemExit("a release has promised this: raise NUNCIO_ABI_MAJOR, or take it back")


def write(is_release):
	shutil.rmtree(RECORD, ignore_errors=True)
	for folder, _, files in os.walk(os.path.join(TOP, "include", "nuncio")):
		for name in (name for name in files if name.endswith(".h")):
			path = os.path.join(folder, name)
			place = os.path.join(RECORD, os.path.relpath(path, TOP))
			os.makedirs(os.path.dirname(place), exist_ok=True)
			shutil.copyfile(path, place)
	shutil.copyfile(os.path.join(TOP, "src", "exports.list"), os.path.join(RECORD, "exports.list"))
	if is_release:
		with open(MARK, "w", encoding="utf-8") as file:
			file.write("{}.{}\n".format(*version(today())))


def main():
	if sys.argv[1:] not in ([], ["--released"]):
		raise SystemExit(__doc__)
	if is_released() and not sys.argv[1:]:
		raise SystemExit("the record is that of a release: only another release changes it (--released)")
	work = tempfile.mkdtemp(prefix="nuncio-abi-")
	try:
		if os.path.isdir(RECORD):
			compare(work)
		write(sys.argv[1:] == ["--released"])
	finally:
		shutil.rmtree(work)
	print("recorded ABI {}.{}".format(*version(recorded())))


if __name__ == "__main__":
	main()
