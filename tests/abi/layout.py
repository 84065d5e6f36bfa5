# SPDX-License-Identifier: MIT
"""What the headers promise to a compiled module, read from a compiler's debug information, and what of it a
change has broken.

A small library mentions every function, struct, enum and callback type of the headers; abidw (abigail-tools) tells
how the compiler laid them out. Both sides are compiled here and now, so neither compiler, machine nor version of the
tool is part of the record.
"""
import glob
import os
import re
import subprocess
import xml.etree.ElementTree as xml

FLAGS = ["-std=c11", "-g", "-O0", "-fPIC", "-shared"]
FINAL = re.compile(r"/\*((?:(?!\*/).)*?)\*/\s*struct (nuncio_\w+)\s*\{", re.S)


def run(*command, **how):
	said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, **how)
	if said.returncode != 0:
		raise AssertionError(f"{' '.join(command[:4])} ...: {said.stderr[-2000:]}")
	return said.stdout


class Headers:
	"""One set of headers: a folder that has nuncio/*.h, and the functions that a server exports."""

	def __init__(self, folder, exports):
		self.folder, self.functions = folder, exports
		self.paths = sorted(glob.glob(os.path.join(folder, "nuncio", "**", "*.h"), recursive=True))
		assert self.paths, f"no headers in {folder}"
		self.includes = "".join(f"#include <{os.path.relpath(path, folder)}>\n" for path in self.paths)

	def preprocess(self, *options):
		return run("gcc", "-std=c11", "-E", "-P", *options, f"-I{self.folder}", "-x", "c", "-", input=self.includes)

	def finals(self):
		"""Structs whose comment begins a sentence with "Final:"."""
		found = set()
		for path in self.paths:
			with open(path, encoding="utf-8") as file:
				found |= {name for comment, name in FINAL.findall(file.read()) if "Final:" in comment}
		return found

	def macros(self):
		"""Name and text of the constants."""
		rows = re.findall(r"^#define (NUNCIO_\w+) (.+)$", self.preprocess("-dM"), re.M)
		return {name: text for name, text in rows if re.match(r"[-(]*\d|\"", text)}

	def anchor(self):
		"""C text that mentions everything."""
		text = self.preprocess()
		lines = [self.includes]
		for word in ("struct", "enum"):
			names = sorted(set(re.findall(rf"\b{word} (nuncio_\w+)\s*\{{", text)))
			lines += [f"{word} {name} *abi_{word}_{name};\n" for name in names]
		for name in sorted(set(re.findall(r"\btypedef\s[^;{}()]*?\b(nuncio_\w+)\s*\(", text))):
			lines.append(f"{name} *abi_callback_{name};\n")
		lines += [f"__typeof__({name}) *abi_function_{name};\n" for name in self.functions]
		return "".join(lines)

	def compile(self, stem):
		with open(stem + ".c", "w", encoding="utf-8") as file:
			file.write(self.anchor())
		run("gcc", *FLAGS, f"-I{self.folder}", "-o", stem + ".so", stem + ".c")
		return Layout(xml.fromstring(run("abidw", "--no-show-locs", stem + ".so")), self)


class Layout:
	"""structs: name -> (bits, [(offset, name, type)]); enums: name -> {enumerator: value}; mentions: what -> type."""

	def __init__(self, root, headers):
		self.by_id = {node.get("id"): node for node in root.iter() if node.get("id")}
		self.headers = headers
		self.structs, self.enums, self.mentions = {}, {}, {}
		for node in root.iter("class-decl"):
			if node.get("size-in-bits") and node.get("is-declaration-only") != "yes":
				self.structs[node.get("name")] = (int(node.get("size-in-bits")), [self.member(one)
					for one in node.iter("data-member")])
		for node in root.iter("enum-decl"):
			self.enums[node.get("name")] = {one.get("name"): one.get("value") for one in node.iter("enumerator")}
		for node in root.iter("var-decl"):
			if node.get("name", "").startswith(("abi_function_", "abi_callback_")):
				_, what, name = node.get("name").split("_", 2)
				pointer = self.by_id[node.get("type-id")]
				self.mentions[f"{what} {name}"] = self.spell(pointer.get("type-id"), deep=True)

	def member(self, node):
		variable = node.find("var-decl")
		return int(node.get("layout-offset-in-bits")), variable.get("name"), self.spell(variable.get("type-id"))

	def spell(self, ident, deep=False):
		"""A type in words. Structs and enums by name; callback types too, unless they are what is asked about."""
		node = self.by_id[ident]
		if node.tag == "pointer-type-def":
			return self.spell(node.get("type-id")) + "*"
		if node.tag == "qualified-type-def":
			return "const " + self.spell(node.get("type-id"))
		if node.tag == "array-type-def":
			sizes = "".join(f"[{one.get('length')}]" for one in node.iter("subrange"))
			return self.spell(node.get("type-id")) + sizes
		if node.tag == "typedef-decl" and deep:
			return self.spell(node.get("type-id"), deep)
		if node.tag == "function-type":
			inputs = ["..." if one.get("is-variadic") == "yes" else self.spell(one.get("type-id"))
				for one in node.iter("parameter")]
			return f"{self.spell(node.find('return').get('type-id'))} ({', '.join(inputs)})"
		return node.get("name")


# ---- what has been broken

def spare_ranges(bits, members):
	"""Where reserved members lie: what comes later may go there."""
	ends = [offset for offset, _, _ in members[1:]] + [bits]
	return [(offset, end) for (offset, name, _), end in zip(members, ends) if name.startswith("reserved")]


def struct_faults(name, old, new, is_final):
	(old_bits, old_members), (new_bits, new_members) = old, new
	spare = spare_ranges(old_bits, old_members)
	for member in old_members:
		if member not in new_members and not member[1].startswith("reserved"):
			yield f"struct {name}: {member[1]} ({member[2]} at bit {member[0]}) is not there any more"
	for member in new_members:
		offset = member[0]
		# In what was padding nobody has written a zero.
		if member not in old_members and offset < old_bits and not any(at <= offset < end for at, end in spare):
			yield f"struct {name}: {member[1]} lies within what the struct was"
	if new_bits < old_bits or is_final and new_bits != old_bits:
		yield f"struct {name}: had {old_bits // 8} bytes, has {new_bits // 8}{', and is final' if is_final else ''}"


def faults(old, new):
	"""Everything that a module compiled with the old headers would stumble over."""
	finals = old.headers.finals()
	for name, layout in old.structs.items():
		if name not in new.structs:
			yield f"struct {name} is gone"
		else:
			yield from struct_faults(name, layout, new.structs[name], name in finals)
	for name, values in old.enums.items():
		for enumerator, value in values.items():
			now = new.enums.get(name, {}).get(enumerator)
			if now != value:
				yield f"enum {name}: {enumerator} was {value}, is {now}"
	for what, spelled in old.mentions.items():
		if new.mentions.get(what) != spelled:
			yield f"{what} was {spelled}, is {new.mentions.get(what)}"
	now = new.headers.macros()
	for name, text in old.headers.macros().items():
		if not name.startswith("NUNCIO_ABI_") and now.get(name) != text:
			yield f"{name} was {text}, is {now.get(name)}"


def additions(old, new):
	"""What is there now and was not."""
	for kind, was, now in (("struct", old.structs, new.structs), ("enum", old.enums, new.enums),
			("", old.mentions, new.mentions)):
		yield from (f"{kind} {name}".strip() for name in sorted(now) if name not in was)
	for name, (_, members) in new.structs.items():
		if name in old.structs:
			known = {member for _, member, _ in old.structs[name][1]}
			yield from (f"struct {name}: {member}" for _, member, _ in members if member not in known)
	for name, values in new.enums.items():
		if name in old.enums:
			yield from (f"enum {name}: {one}" for one in values if one not in old.enums[name])


def must_be_final(layout):
	"""Structs that lie within another one: if they grew, what lies behind them would move."""
	found = set()
	for _, members in layout.structs.values():
		found |= {re.sub(r"^const |\[.*", "", kind) for _, _, kind in members}
	return {name for name in found if name in layout.structs}
