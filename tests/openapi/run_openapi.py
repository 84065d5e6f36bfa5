#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The API document is valid, and the server does what it says.

	tests/openapi/run_openapi.py --build DIR [--examples N] [--seed N]

Fetches /openapi.json from a server with every module that has routes, checks it with
openapi-spec-validator, then lets schemathesis ask whatever the document allows and what it does not:
no answer may be a 5xx, or have a status, a code, a media type or a form that is not in the document.
Once with made-up ids, and once with those of people, groups and messages that are there. Both tools
come from PyPI into a virtual environment below the build directory. The last line is the count.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "scenario"))
from lib.server import Build, Server  # noqa: E402

TOOLS = ("openapi-spec-validator==0.9.0", "schemathesis==4.32.5")
MODULES = """store_sqlite auth_jwt accounts contacts conversations devices direct echo group history messages presence
	rate_limit receipts typing web word_filter""".split()
# One address asks more than any person does, knows no password, and need not wait for the hash of one.
SETTINGS = {"rate_limit": {"rate": "0", "address_rate": "0"},
	"accounts": {"registrations_per_address": "0", "failures_per_user": "0", "failures_per_address": "0",
		"hash_memory": "8K", "hash_ops": "1"}}
CHECKS = """not_a_server_error status_code_conformance content_type_conformance response_headers_conformance
	response_schema_conformance unsupported_method allow_header_conformance ignored_auth""".split()
PASSWORD = "correct horse"


def prepare_tools(build):
	"""The folder of their programs. Made once for each build directory and set of versions."""
	venv = os.path.join(build, "openapi-venv")
	stamp, wanted = os.path.join(venv, "installed"), "\n".join(TOOLS)
	if not (os.path.exists(stamp) and open(stamp).read() == wanted):
		subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
		subprocess.run([os.path.join(venv, "bin", "pip"), "install", "--quiet",
			"--disable-pip-version-check", *TOOLS], check=True)
		with open(stamp, "w") as file:
			file.write(wanted)
	return os.path.join(venv, "bin")


def must(answer, *statuses):
	assert answer.status in statuses, (answer.status, answer.body[:300])
	return json.loads(answer.body)["data"] if answer.body else None


def people(server):
	"""alice is who asks; what she can do is prepared: groups that she runs, has asked to be in, or is asked into."""
	def make(owner, group, join="open", members=()):
		must(server.http("POST", "/api/v1/groups", {"group": group, "name": group, "join": join,
			"members": list(members)}, user=owner), 201)
	for user in ("alice", "bob", "carol", "dave", "erin"):
		must(server.http("POST", "/api/v1/users", {"id": user, "password": PASSWORD, "name": user.title()}), 201)
	make("bob", "team", members=("alice", "carol", "dave"))
	must(server.http("PUT", "/api/v1/groups/team/members/alice/role", {"role": "admin"}, user="bob"), 200)
	make("alice", "own", members=("bob",))
	make("alice", "club", join="approval")
	for user in ("carol", "dave"):
		must(server.http("POST", "/api/v1/groups/club/join", {}, user=user), 200)
	for group in ("guild", "lodge"):
		make("bob", group, join="invite")
		must(server.http("POST", f"/api/v1/groups/{group}/invites", {"users": ["alice"]}, user="bob"), 200)
	for number in range(20):
		must(server.http("POST", "/api/v1/messages", {"to": {"group": "team"}, "client_id": f"m{number}",
			"body": f"message {number}"}, user="alice"), 201)
	for user in ("bob", "carol"):
		must(server.http("POST", "/api/v1/contacts", {"user": "alice"}, user=user), 200)


# What stands in a path, first match: so each route finds something that it can be about.
PLACES = (
	(r"/conversations/\{id\}", {"id": "g:team", "seq": 3, "emoji": "+1"}),
	(r"/groups/\{id\}/requests/\{user\}/approve", {"id": "club", "user": "carol"}),
	(r"/groups/\{id\}/requests/\{user\}/reject", {"id": "club", "user": "dave"}),
	(r"/groups/\{id\}/accept", {"id": "guild"}),
	(r"/groups/\{id\}/decline", {"id": "lodge"}),
	(r"/groups/\{id\}/(owner|members/\{user\}/role)", {"id": "own", "user": "bob"}),
	(r"/groups/\{id\}/members/\{user\}/mute", {"id": "team", "user": "carol"}),
	(r"/groups/\{id\}", {"id": "team", "user": "dave"}),
	(r"/users/\{id\}/presence", {"id": "bob"}),
	(r"/users/\{id\}", {"id": "alice"}),
	(r"/contacts/\{user\}/decline", {"user": "carol"}),
	(r"/(contacts|blocks)/\{user\}", {"user": "bob"}),
)


def write_config(path, document):
	lines = []
	for place in document["paths"]:
		values = next((values for pattern, values in PLACES if re.match("/api/v1" + pattern, place)), {})
		used = {key: value for key, value in values.items() if "{" + key + "}" in place}
		if used:
			lines += ["[[operations]]", f"include-path = {json.dumps(place)}", "[operations.parameters]"]
			lines += [f'"path.{key}" = {json.dumps(value)}' for key, value in used.items()]
	with open(path, "w") as file:
		file.write("\n".join(lines) + "\n")


def answered_well(document, path):
	"""The routes that had a 2xx answer."""
	routes = [(re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(place))), place)
		for place in sorted(document["paths"], key=lambda place: place.count("{"))]
	found = set()
	with open(path) as file:
		entries = json.load(file)["log"]["entries"]
	for entry in entries:
		method, where = entry["request"]["method"].lower(), urllib.parse.urlsplit(entry["request"]["url"]).path
		place = next((place for pattern, place in routes if pattern.fullmatch(where)), None)
		if place and method in document["paths"][place] and 200 <= entry["response"]["status"] < 300:
			found.add((method, place))
	return found


class Play:
	def __init__(self, args, tools, server):
		self.args, self.tools, self.server = args, tools, server
		self.folder = os.path.join(args.build, "openapi")
		os.makedirs(self.folder, exist_ok=True)
		self.passed = self.failed = 0
		self.reached = set()

	def note(self, title, good, more=""):
		self.passed += good
		self.failed += not good
		print(f"{'ok' if good else 'FAIL'} {title}{': ' if more else ''}{more}", flush=True)

	def document(self):
		answer = self.server.http("GET", "/openapi.json")
		self.path = os.path.join(self.folder, "openapi.json")
		with open(self.path, "wb") as file:
			file.write(answer.body)
		self.note("the document is there", answer.status == 200, f"{len(answer.body)} bytes")
		return json.loads(answer.body)

	def validate(self):
		done = subprocess.run([os.path.join(self.tools, "openapi-spec-validator"), self.path],
			stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
		self.note("the document is valid", done.returncode == 0, done.stdout.strip()[:500])

	def complete(self, document):
		"""Nobody forgot a description, an answer or what a parameter is."""
		lacking = []
		for place, methods in document["paths"].items():
			for method, what in methods.items():
				where = f"{method} {place}"
				if not what["summary"] or any(not p["description"] for p in what["parameters"]):
					lacking.append(f"{where}: no description")
				for status, answer in what["responses"].items():
					schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
					if status < "300" and schema.get("properties", {}).get("data") == {}:
						lacking.append(f"{where}: no shape of the answer")
		for op, what in document["x-nuncio-ops"].items():
			if not what["summary"] or what["answer"] == {}:
				lacking.append(f"{op}: no description, or no shape of the answer")
		self.note("nothing is left undescribed", not lacking, "; ".join(lacking[:10]))

	def ask(self, title, document, is_about):
		"""is_about: paths have the ids of what is there, and nobody leaves it."""
		config, har = (os.path.join(self.folder, f"{title}.{kind}") for kind in ("toml", "har"))
		write_config(config, document if is_about else {"paths": ()})
		command = [os.path.join(self.tools, "schemathesis"), "--config-file", config, "run",
			"--url", f"http://127.0.0.1:{self.server.port}", "--header",
			f"Authorization: Bearer {self.server.token('alice')}", "--checks", ",".join(CHECKS),
			"--phases", "coverage,fuzzing", "--exclude-path-regex",
			r"^/(\{file\})?$" + ("|/leave$" if is_about else ""),
			"--max-examples", str(self.args.examples), "--seed", str(self.args.seed), "--no-shrink",
			"--generation-database", "none", "--warnings", "off", "--request-timeout", "10", "--no-color",
			"--report", "har", "--report-har-path", har, self.path]
		done = subprocess.run(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
			text=True, check=False)
		with open(os.path.join(self.folder, f"{title}.log"), "w") as file:
			file.write(done.stdout)
		count = re.search(r"(\d+) generated", done.stdout)
		asked = int(count.group(1)) if count else 0
		self.note(title, done.returncode == 0 and asked > 1000, f"{asked} requests")
		self.reached |= answered_well(document, har) if asked else set()
		if done.returncode != 0:
			print(done.stdout[-6000:])


	def enough(self, document):
		"""Refusing everything would be conform, too."""
		routes = {(method, place) for place, methods in document["paths"].items() for method in methods}
		missed = sorted(" ".join(route) for route in routes - self.reached)
		self.note("most routes were answered well", len(self.reached) * 3 >= len(routes) * 2,
			f"{len(self.reached)} of {len(routes)}, not {', '.join(missed)}")


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
	parser.add_argument("--build", required=True)
	parser.add_argument("--examples", type=int, default=40, help="of each route, besides the corner cases")
	parser.add_argument("--seed", type=int, default=1)
	args = parser.parse_args()
	args.build = os.path.abspath(args.build)
	build = Build(args.build)
	server = Server(build, MODULES, SETTINGS)
	play = Play(args, prepare_tools(args.build), server)
	try:
		server.start()
		people(server)
		document = play.document()
		play.validate()
		play.complete(document)
		play.ask("ids that are there", document, is_about=True)
		play.ask("made-up ids", document, is_about=False)
		play.enough(document)
		server.stop()
		troubles = server.verdict()
		play.note("the server is well", not troubles, "; ".join(troubles)[:3000])
	finally:
		server.kill()
		server.remove()
		build.close()
	print(f"{play.passed} passed, {play.failed} failed, 0 skipped")
	return 1 if play.failed else 0


if __name__ == "__main__":
	sys.exit(main())
