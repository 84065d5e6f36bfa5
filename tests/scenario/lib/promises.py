# SPDX-License-Identifier: MIT
"""Are answers as the API document says? Every answer that a script gets is held against it.

Knows as much of JSON Schema as the server writes: types, words, members, arrays, $ref, anyOf, allOf,
patterns. What a declaration does not mention may be there; what it promises must be.
"""
import json
import re
import subprocess

TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "object": dict, "array": list,
	"null": type(None)}
# What any op may be answered, whatever it is: about its form, its token, its rate, and the server itself.
ANY_OP = {1000, 1001, 1002, 1003, 1004, 2000, 2001, 2002, 3000, 4290, 5000, 5001, 5002, 5003, 5004, 5005}


class Broken(Exception):
	"""An answer is not what was promised."""


class Promises:
	def __init__(self, document):
		self.document = document
		self.ops = document["x-nuncio-ops"]
		self.codes = {row["name"]: int(number) for number, row in document["x-nuncio-codes"].items()}
		self.routes = []
		for path in sorted(document["paths"], key=lambda path: path.count("{")):
			pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))
			self.routes.append((re.compile(pattern), path))

	def resolve(self, node):
		while "$ref" in node:
			target = self.document
			for step in node["$ref"].split("/")[1:]:
				target = target[step]
			node = target
		return node

	def fits(self, schema, value, where):
		"""Nothing, or raises Broken with the place where it does not."""
		if "$ref" in schema:
			self.fits(self.resolve(schema), value, where)
		types = schema.get("type", [])
		types = [types] if isinstance(types, str) else types
		if types and not any(isinstance(value, TYPES[name]) and not (name in ("integer", "number")
				and isinstance(value, bool)) for name in types):
			raise Broken(f"{where}: {value!r} is no {' or '.join(types)}")
		if "const" in schema and value != schema["const"]:
			raise Broken(f"{where}: {value!r} is not {schema['const']!r}")
		if "enum" in schema and value not in schema["enum"]:
			raise Broken(f"{where}: {value!r} is none of {schema['enum']}")
		if "pattern" in schema and not re.search(schema["pattern"], value):
			raise Broken(f"{where}: {value!r} does not look like {schema['pattern']}")
		if schema.get("format") == "date-time" and not re.fullmatch(
				r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value):
			raise Broken(f"{where}: {value!r} is no time")
		for part in schema.get("allOf", []):
			self.fits(part, value, where)
		self.fits_one(schema.get("anyOf", []), value, where)
		if isinstance(value, dict):
			self.fits_object(schema, value, where)
		if isinstance(value, list) and "items" in schema:
			for i, item in enumerate(value):
				self.fits(schema["items"], item, f"{where}[{i}]")

	def fits_one(self, choices, value, where):
		said = []
		for choice in choices:
			try:
				self.fits(choice, value, where)
				return
			except Broken as why:
				said.append(str(why))
		if choices:
			raise Broken(" / ".join(said))

	def fits_object(self, schema, value, where):
		for name in schema.get("required", []):
			if name not in value:
				raise Broken(f"{where}: {name} is missing in {json.dumps(value)[:300]}")
		for name, item in value.items():
			more = schema.get("properties", {}).get(name, schema.get("additionalProperties", {}))
			self.fits(more, item, f"{where}.{name}")

	# -- answers

	def check_op(self, op, packet):
		declared = self.ops.get(op)
		if not declared:
			return
		if packet["code"] == 0:
			self.fits(declared["answer"], packet.get("data"), f"answer to {op}: data")
		elif packet["code"] not in ANY_OP | {self.codes[name] for name in declared["errors"]}:
			raise Broken(f"{op} does not declare that it may be refused with {packet['code']}: {packet['message']}")

	def check_http(self, method, target, response):
		path = target.split("?")[0]
		if path == "/ws": # no route: the I/O threads have it
			return
		for pattern, place in self.routes:
			if pattern.fullmatch(path) and method.lower() in self.document["paths"][place]:
				self.check_answer(f"{method} {place}", self.document["paths"][place][method.lower()], response)
				return

	def check_answer(self, what, declared, response):
		answer = declared["responses"].get(str(response.status))
		if not answer:
			raise Broken(f"{what} does not declare that it may be answered {response.status}: {response.body[:300]}")
		content = self.resolve(answer).get("content", {})
		if "application/json" in content and "schema" in content["application/json"]:
			self.fits(content["application/json"]["schema"], json.loads(response.body), f"{what} {response.status}")


def read(command, env):
	"""What the server with this configuration promises; None when it would not start."""
	done = subprocess.run([*command, "--show-openapi"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
		stdin=subprocess.DEVNULL, env=env, check=False)
	return Promises(json.loads(done.stdout)) if done.returncode == 0 else None
