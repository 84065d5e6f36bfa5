#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What is written about options is what the program says: etc/nuncio.ini equals --help-config=ini, nuncio.ini(5) has the
options of --help-config, and the table in each module's README.md has its keys, defaults and what a reload changes.

Usage: config_docs.py --build DIR [--write]    --write mends etc/nuncio.ini and nuncio.ini(5)

Paths that depend on configure are written as for the prefix /usr/local.
"""
import argparse
import glob
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INI = os.path.join(TOP, "etc", "nuncio.ini")
PAGE = os.path.join(TOP, "contrib", "man", "nuncio.ini.5")
BEGIN, END = '.\\" BEGIN made by tests/api/config_docs.py --write\n', '.\\" END\n'
LIVE = "Changes with a reload."


def said_by(build, option):
	"""What nunciod prints, with the paths of the prefix /usr/local."""
	text = subprocess.run([os.path.join(build, "nunciod"), option, "--module-path", os.path.join(build, "modules", "lib")],
		check=True, stdout=subprocess.PIPE, timeout=60).stdout.decode()
	with open(os.path.join(build, "Makefile"), encoding="utf-8") as file:
		values = dict(re.findall(r"^(\w+) = (.*)$", file.read(), re.M))
	usual = {"pkgmoduledir": "/usr/local/lib/nuncio/modules", "pkgdatadir": "/usr/local/share/nuncio",
		"localstatedir": "/usr/local/var", "sysconfdir": "/usr/local/etc", "datadir": "/usr/local/share"}
	for name, path in usual.items():
		text = re.sub(r"(?<= )" + re.escape(expand(values, name)) + r"(?=[/\n])", path, text)
	return text


def expand(values, name):
	text = values.get(name, "/nowhere")
	while True:
		wider = re.sub(r"\$[{(](\w+)[})]", lambda m: values[m.group(1)], text)
		if wider == text:
			return text
		text = wider


def parse(text):
	"""section -> (summary, [(key, default, about)])"""
	sections, options = {}, []
	for line in text.splitlines():
		head = re.match(r"\[(\w+)\] *(.*)", line)
		key = re.match(r"  ([\w]+) = ?(.*)", line)
		if head:
			options = []
			sections[head.group(1)] = (head.group(2), options)
		elif key:
			options.append([key.group(1), key.group(2).strip(), ""])
		elif line.strip():
			options[-1][2] = f"{options[-1][2]} {line.strip()}".strip()
	return sections


def roff(text):
	text = text.replace("\\", "\\e")
	text = re.sub(r"`([^`]*)`", r"\\fB\1\\fP", text)
	lines = re.sub(r"(?<=[.:;]) +(?=[A-Z])", "\n", text).split("\n")
	return "\n".join("\\&" + line if line[:1] in ".'" else line for line in lines)


def page_of(sections):
	out = []
	for name, (summary, options) in sections.items():
		if name == "modules":
			continue
		out.append(f".Ss [{name}]")
		if summary:
			out.append(roff(summary[0].upper() + summary[1:].rstrip(".") + "."))
		if not options:
			out.append("No options.")
			continue
		out.append(".Bl -tag -width Ds")
		for key, default, about in options:
			value = f" No = {roff(default)}" if default else ""
			out.append(f".It Ic {key}{value}")
			out.append(roff(about))
		out.append(".El")
	return "\n".join(out) + "\n"


def differences(path, is_, should):
	old, new = is_.splitlines(), should.splitlines()
	for number, (a, b) in enumerate(zip(old + [""] * len(new), new + [""] * len(old)), 1):
		if a != b:
			return [f"{os.path.relpath(path, TOP)}:{number}: is not what the program says (config_docs.py --write mends it):"
				f"\n\tis      {a}\n\tshould  {b}"]
	return []


def check_ini(build, write):
	should = said_by(build, "--help-config=ini")
	if write:
		with open(INI, "w", encoding="utf-8") as file:
			file.write(should)
	with open(INI, encoding="utf-8") as file:
		return differences(INI, file.read(), should)


def check_page(sections, write):
	with open(PAGE, encoding="utf-8") as file:
		text = file.read()
	before, rest = text.split(BEGIN)
	after = rest.split(END, 1)[1]
	should = before + BEGIN + page_of(sections) + END + after
	if write:
		with open(PAGE, "w", encoding="utf-8") as file:
			file.write(should)
		text = should
	return differences(PAGE, text, should)


def check_roff():
	pages = sorted(glob.glob(os.path.join(os.path.dirname(PAGE), "*.[0-9]")))
	done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *pages], stdout=subprocess.PIPE, check=False, timeout=60)
	return done.stdout.decode().splitlines()


def tables(text):
	"""The tables of a README whose first column is called option or key, as dicts."""
	for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
		rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in block.splitlines()]
		head = [cell.strip("| ").lower() for cell in rows[0]]
		if head[0] in ("option", "key"):
			for row in rows[2:]:
				yield dict(zip(head, [cell.strip("| ") for cell in row]))


def bare(cell):
	return "" if cell in ("must be given", "empty", "none", "", "-") else cell.strip("`").replace("PREFIX/", "/usr/local/")


def check_readme(name, options):
	path = os.path.join(TOP, "modules", name, "README.md")
	where = os.path.relpath(path, TOP)
	if not os.path.exists(path):
		return [f"{where}: is missing"]
	with open(path, encoding="utf-8") as file:
		text = file.read()
	rows = {row.get("option", row.get("key", "")).strip("`"): row for row in tables(text)}
	real = {key: (default, LIVE in about) for key, default, about in options}
	faults = [f"{where}: says nothing about the option {key}" for key in real if key not in rows]
	faults += [f"{where}: there is no option {key}" for key in rows if key not in real]
	if not real and not rows and not re.search(r"Options:? none|No options", text):
		faults.append(f"{where}: does not say that there are no options")
	for key in real.keys() & rows.keys():
		default, live = real[key]
		row = rows[key]
		if "default" in row and bare(row["default"]) != default:
			faults.append(f"{where}: {key}: the default is {default!r}, not {row['default']}")
		if row.get("live", "") in ("yes", "no") and (row["live"] == "yes") != live:
			faults.append(f"{where}: {key}: a reload {'changes' if live else 'does not change'} it")
	return faults


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
	parser.add_argument("--build", required=True, help="a build directory")
	parser.add_argument("--write", action="store_true", help="mend etc/nuncio.ini and nuncio.ini(5)")
	args = parser.parse_args()
	build = os.path.abspath(args.build)
	sections = parse(said_by(build, "--help-config"))
	results = {"etc/nuncio.ini": check_ini(build, args.write), "nuncio.ini(5)": check_page(sections, args.write),
		"form of the man pages": check_roff()}
	# modules/redis is what other modules share.
	named = {os.path.basename(os.path.dirname(path)) for path in glob.glob(os.path.join(TOP, "modules", "*", "local.mk"))
		if "pkgmodule_LTLIBRARIES +=" in open(path, encoding="utf-8").read()}
	for name in sorted(named | sections.keys() - {"core", "modules"}):
		results[name] = check_readme(name, sections[name][1]) if name in sections else [f"modules/{name}: was not built"]
	for name, faults in results.items():
		print(f"{'FAIL' if faults else 'ok  '} {name}", *faults, sep="\n    " if faults else "")
	bad = sum(map(bool, results.values()))
	print(f"{len(results) - bad} passed, {bad} failed, 0 skipped")
	return 1 if bad else 0


if __name__ == "__main__":
	sys.exit(main())
