#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A module author's day: installs into a throw-away folder, builds tests/api/outside against the installed headers
with nothing but pkg-config, and calls what the modules add. Also holds include/nuncio/README.md against that code.

Usage: out_of_tree.py --build DIR
"""
import argparse
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "scenario"))
from lib.server import Build, Server  # noqa: E402

EXAMPLES = ("hello", "tour")
CHECKS = []


def check(title):
	def add(function):
		CHECKS.append((title, function))
		return function
	return add


def run(*command, cwd=None, env=None):
	done = subprocess.run(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
		stderr=subprocess.STDOUT, timeout=300, check=False)
	said = done.stdout.decode("utf-8", "replace")
	assert done.returncode == 0, f"{' '.join(command)}: status {done.returncode}: {said[-3000:]}"
	return said


class Stage:
	"""What the checks share; they run in order."""

	def __init__(self, build):
		self.build = os.path.abspath(build)
		self.root = tempfile.mkdtemp(prefix="nuncio-outside-")
		os.chmod(self.root, 0o755)
		self.dest = os.path.join(self.root, "installed")
		self.work = os.path.join(self.root, "work")
		self.env = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=self.dest, MAKEFLAGS="")
		self.installed = self.server = None

	def find(self, pattern):
		found = glob.glob(os.path.join(self.dest, "**", pattern), recursive=True)
		assert found, f"{pattern} was not installed"
		return found[0]

	def copy_template(self, name):
		work = os.path.join(self.root, f"template-{name}")
		shutil.copytree(os.path.dirname(self.find("module-template/Makefile")), work)
		return work

	def make(self, folder, *targets):
		"""The modules and the test program were built for where they would be without DESTDIR."""
		folders = [os.path.dirname(self.find(f"nuncio/{name}")) for name in ("modules/direct.so", "test/test_auth.so")]
		return run("make", *targets, "CFLAGS=-O2 -Wall -Wextra -Wpedantic -Werror",
			"TEST_FLAGS=" + " ".join(f"--modules {folder}" for folder in folders), cwd=folder, env=self.env)

	def close(self):
		if self.server:
			self.server.kill()
			self.server.remove()
		if self.installed:
			self.installed.close()
		shutil.rmtree(self.root, ignore_errors=True)


@check("make install into an empty folder; program, headers, man pages and a sample configuration are there")
def install(stage):
	run("make", "install", f"DESTDIR={stage.dest}", cwd=stage.build, env=stage.env)
	stage.env["PKG_CONFIG_PATH"] = os.path.dirname(stage.find("nuncio.pc"))
	for pattern in ("nunciod.8", "nuncio.ini.5", "etc/nuncio/nuncio.ini", "include/nuncio/module.h"):
		stage.find(pattern)
	prefix = os.path.dirname(os.path.dirname(stage.find("sbin/nunciod")))
	stage.installed = Build(prefix)


@check("the examples build with the Makefile of the guide, without a warning, and export one symbol each")
def compile_examples(stage):
	shutil.copytree(os.path.join(HERE, "outside"), stage.work)
	for name in EXAMPLES:
		run("make", f"install-{name}", "CFLAGS=-std=c11 -O2 -Wall -Wextra -Wpedantic -Werror -fvisibility=hidden",
			cwd=stage.work, env=stage.env)
		path = stage.find(f"modules/{name}.so")
		symbols = [line.split()[-1] for line in run("nm", "-D", "--defined-only", path).splitlines()]
		assert symbols == ["nuncio_module_info"], symbols
		os.symlink(path, os.path.join(stage.installed.plugs, f"{name}.so"))


@check("a module in C++17 builds against the same headers")
def compile_plus(stage):
	source, path = os.path.join(HERE, "outside", "plus.cc"), os.path.join(stage.work, "plus.so")
	flags = run("pkg-config", "--cflags", "nuncio", env=stage.env).split()
	run("g++", "-std=c++17", "-O2", "-Wall", "-Wextra", "-Wno-missing-field-initializers", "-Werror",
		"-fvisibility=hidden", "-fPIC", "-shared", *flags, "-o", path, source)
	symbols = [line.split()[-1] for line in run("nm", "-D", "--defined-only", path).splitlines() if " W " not in line]
	assert symbols == ["nuncio_module_info"], symbols
	os.symlink(path, os.path.join(stage.installed.plugs, "plus.so"))


@check("a copy of the installed template: make, make test, make install, make uninstall")
def template(stage):
	work = stage.copy_template("greeter")
	said = stage.make(work, "test")
	assert re.search(r"^[1-9]\d* passed, 0 failed, 0 skipped$", said, re.M), said
	stage.make(work, "install", "uninstall")
	assert not glob.glob(os.path.join(stage.dest, "**", "greeter.so"), recursive=True)
	failing = os.path.join(work, "test_greeter.c")
	with open(failing, encoding="utf-8") as file:
		text = file.read()
	with open(failing, "w", encoding="utf-8") as file:
		file.write(text.replace("'hello':'Bob'", "'hello':'Rob'"))
	try:
		stage.make(work, "test")
	except AssertionError as error:
		assert "FAIL greets who is named: at \"data.hello\"" in str(error), error
	else:
		raise AssertionError("make test passes whatever the module does")


@check("a module of under 150 lines in a renamed copy of the template, with its own tests")
def quota(stage):
	work = stage.copy_template("quota")
	run("./rename", "quota", cwd=work)
	with open(os.path.join(work, "debian", "control"), encoding="utf-8") as file:
		assert "Package: nuncio-quota\n" in file.read()
	shutil.copytree(os.path.join(HERE, "outside", "quota"), work, dirs_exist_ok=True)
	with open(os.path.join(work, "quota.c"), encoding="utf-8") as file:
		lines = len(file.readlines())
	assert lines < 150, f"{lines} lines"
	said = stage.make(work, "test")
	assert re.search(r"^[1-9]\d* passed, 0 failed, 0 skipped$", said, re.M), said
	stage.make(work, "install")
	os.symlink(stage.find("modules/quota.so"), os.path.join(stage.installed.plugs, "quota.so"))


@check("the installed nunciod starts with all of them")
def start(stage):
	modules = ["store_sqlite", "auth_jwt", "direct", "presence", *EXAMPLES, "quota", "plus"]
	stage.server = Server(stage.installed, modules, {"hello": {"greeting": "Good morning"},
		"tour": {"every": "200ms"}, "quota": {"characters": "20"}})
	stage.server.start()


@check("quota counts in nunciod, too")
def quota_serves(stage):
	client = stage.server.client("quentin")
	send = {"to": {"user": "guide"}, "client_id": "1", "body": "a" * 15}
	assert client.call("message.send", send)["code"] == 0
	refused = client.call("message.send", {**send, "client_id": "2"})
	assert (refused["code"], refused["message"]) == (4290, "you have written enough for now"), refused
	assert client.call("quota.left")["data"] == {"left": 5}
	assert stage.server.http("GET", "/m/quota/left", user="quentin").json()["data"] == {"left": 5}
	assert "nuncio_quota_refused_total 1" in stage.server.http("GET", "/metrics").body.decode()
	client.drop()


@check("plus adds, remembers and calms down")
def plus(stage):
	client, guide = stage.server.client("pia"), stage.server.client("guide")
	assert client.call("plus.sum", {"a": 2, "b": 3})["data"] == {"sum": 5, "total": 5}
	assert client.call("plus.sum", {"a": -1, "b": 1000})["data"] == {"sum": 999, "total": 1004}
	assert client.call("plus.sum", {"a": 1001, "b": 0})["code"] == 1002
	assert client.call("message.send", {"to": {"user": "guide"}, "client_id": "1", "body": "AH!!!"})["code"] == 0
	while (notify := guide.expect("message.new"))["data"]["from"] != "pia":
		pass
	assert notify["data"]["body"] == "ah!!!", notify
	assert "nuncio_plus_calmed_total 1" in stage.server.http("GET", "/metrics").body.decode()
	client.drop()
	guide.drop()


@check("op, route, option and declared fields of hello")
def hello(stage):
	answer = stage.server.http("GET", "/m/hello/Ann")
	assert answer.json()["data"] == {"greeting": "Good morning", "name": "Ann"}, answer.body
	client = stage.server.client("ann")
	assert client.call("hello")["data"] == {"greeting": "Good morning", "name": "ann"}
	refused = client.call("hello", {"name": 7})
	assert (refused["code"], refused["message"]) == (1002, "name: must be a string"), refused
	client.drop()


@check("the ticket, the slot, the record and the service of tour")
def tour(stage):
	client, guide = stage.server.client("ann"), stage.server.client("guide")
	send = {"to": {"user": "guide"}, "client_id": "1", "body": "hi"}
	assert client.call("message.send", send)["code"] == 0
	client.expect("tour.first")
	refused = client.call("message.send", {**send, "client_id": "2", "body": "grrr"})
	assert (refused["code"], refused["message"]) == (3000, "be kind"), refused
	assert client.call("tour.note", {"text": "milk"})["code"] == 0
	assert client.call("tour.recall")["data"] == "milk"
	assert guide.call("tour.recall")["code"] == 1007
	assert stage.server.log_has("the guide is in")
	assert "nuncio_tour_refused_total 1" in stage.server.http("GET", "/metrics").body.decode()
	client.drop()
	guide.drop()


@check("--show-hooks names the handlers; reload brings a new greeting; the stop is clean")
def end(stage):
	hooks = run(*stage.server.command("--show-hooks"))
	assert re.search(r"^may_send +-500 +tour$", hooks, re.M), hooks
	stage.server.settings["hello"]["greeting"] = "Good evening"
	stage.server.reload()
	answer = stage.server.http("GET", "/m/hello/Ann")
	assert answer.json()["data"]["greeting"] == "Good evening", answer.body
	stage.server.stop()
	assert not stage.server.verdict(), stage.server.verdict()


@check("every piece of code in the guide is part of the examples")
def guide_code(_):
	with open(os.path.join(TOP, "include", "nuncio", "README.md"), encoding="utf-8") as file:
		guide = file.read()
	source = ""
	for path in sorted(filter(os.path.isfile, glob.glob(os.path.join(HERE, "outside", "**"), recursive=True))):
		with open(path, encoding="utf-8") as file:
			source += "\n" + file.read()
	blocks = re.findall(r"^```(?:c|make)\n(.*?)^```", guide, re.M | re.S)
	assert len(blocks) > 5, "the guide has no code"
	for block in blocks:
		for piece in re.split(r"\n\s*\n", block.strip("\n")):
			assert f"\n{piece}\n" in source, f"not in tests/api/outside:\n{piece}"


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
	parser.add_argument("--build", required=True, help="a build directory")
	stage, failed, broken = Stage(parser.parse_args().build), 0, False
	for title, function in CHECKS:
		try:
			assert not broken or function is guide_code, "something before it failed"
			function(stage)
			print(f"ok   {title}", flush=True)
		except Exception as error:
			failed += 1
			broken = True
			print(f"FAIL {title}\n    {type(error).__name__}: {error}", flush=True)
	stage.close()
	print(f"{len(CHECKS) - failed} passed, {failed} failed, 0 skipped")
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
