#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Does what README.md says, word by word, and compares what comes out.

Usage: readme.py --build DIR | --port N    (DIR: starts a server with the modules of contrib/quickstart; N: one that runs)

A comment above a block of the README says what it is: `run` is for the shell; `run NAME` goes on in the background, in a
window of its own; `prints` and `prints NAME` are what comes out, where ... stands for anything; `type NAME` is typed into
that window. Port 8800 becomes the server's.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "scenario"))
from lib.server import Build, Server  # noqa: E402
from lib.wire import SLOW  # noqa: E402

BLOCK = re.compile(r"^<!-- (run|prints|type)(?: (\w+))? -->\n```\w*\n(.*?)^```$", re.M | re.S)
CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|\x1b[78]|\r")


def matches(expected, line):
	pattern = ".*".join(re.escape(part) for part in expected.split("..."))
	return re.search(pattern, line) is not None


class Window:
	"""A program that runs on; its output is a file, its input a named pipe."""

	def __init__(self, folder, name):
		self.out, self.fifo = (os.path.join(folder, f"{name}.{end}") for end in ("out", "in"))
		os.mkfifo(self.fifo)
		# Both ends, so that opening waits for nobody; the program sees the end when the last writer has gone.
		self.input = os.open(self.fifo, os.O_RDWR)
		self.seen = 0

	def type(self, text):
		os.write(self.input, text.encode())

	def lines(self):
		try:
			with open(self.out, encoding="utf-8", errors="replace") as file:
				return CONTROL.sub("", file.read()).splitlines()
		except FileNotFoundError:
			return []

	def expect(self, line):
		deadline = time.monotonic() + 5 * SLOW
		while True:
			lines = self.lines()
			for number in range(self.seen, len(lines)):
				if matches(line, lines[number]):
					self.seen = number + 1
					return
			assert time.monotonic() < deadline, f"expected: {line}\ncame: " + "\n      ".join(lines[self.seen:])
			time.sleep(0.05)


class Reader:
	def __init__(self, port):
		self.port = port
		self.folder = tempfile.mkdtemp(prefix="nuncio-readme-")
		self.windows = {}
		self.printed = []
		path = "/usr/bin:" + os.environ["PATH"]  # Debian's python3
		self.shell = subprocess.Popen(["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
			env=dict(os.environ, PATH=path, LC_ALL="C.UTF-8"), cwd=TOP, text=True)

	def say(self, command):
		self.shell.stdin.write(command + "\n")
		self.shell.stdin.flush()

	def run(self, name, text):
		if name:
			window = self.windows[name] = Window(self.folder, name)
			self.say(f"{text.strip()} <{window.fifo} >{window.out} 2>&1 &")
			return
		self.say(text + "printf '\\nend of block\\n'")
		self.printed = []
		for line in self.shell.stdout:
			if line == "end of block\n":
				break
			# Answers have no line end of their own.
			self.printed += re.sub(r"\}\{", "}\n{", line).splitlines()

	def prints(self, name, text):
		for line in text.splitlines():
			if name:
				self.windows[name].expect(line)
			else:
				assert self.printed, f"expected: {line}\ncame: nothing"
				came = self.printed.pop(0)
				assert matches(line, came), f"expected: {line}\ncame: {came}"

	def type(self, name, text):
		self.windows[name].type(text)

	def close(self):
		for window in self.windows.values():
			os.close(window.input)
		self.say("kill $(jobs -p) 2>/dev/null; wait; exit")
		self.shell.wait(20)
		shutil.rmtree(self.folder, ignore_errors=True)


def quickstart_modules():
	"""Those of a new configuration."""
	with open(os.path.join(TOP, "etc", "nuncio.ini"), encoding="utf-8") as file:
		return re.findall(r"^(\w+) = on$", file.read(), re.M)


def read_aloud(port):
	"""Returns how many blocks were right, and what was wrong."""
	with open(os.path.join(TOP, "README.md"), encoding="utf-8") as file:
		blocks = BLOCK.findall(file.read().replace(":8800", f":{port}"))
	reader, good = Reader(port), 0
	try:
		for kind, name, text in blocks:
			getattr(reader, kind)(name, text)
			good += 1
	except AssertionError as fault:
		return good, f"block {good + 1} of {len(blocks)} ({kind} {name}): {fault}"
	finally:
		reader.close()
	return good, None if good > 5 else "README.md has no blocks to run"


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
	parser.add_argument("--build", help="a build directory")
	parser.add_argument("--port", type=int, help="of a server that runs, where nobody has signed up as alice or bob")
	args = parser.parse_args()
	if bool(args.build) == bool(args.port):
		parser.error("one of --build and --port, please")
	build = server = None
	if args.build:
		build = Build(args.build)
		server = Server(build, quickstart_modules()).start()
	good, fault = read_aloud(args.port or server.port)
	if server:
		server.stop()
		fault = fault or "\n".join(server.verdict())
		server.remove()
		build.close()
	print(f"FAIL README.md: {fault}" if fault else f"ok   README.md: {good} blocks")
	print(f"{good} passed, {int(bool(fault))} failed, 0 skipped")
	return 1 if fault else 0


if __name__ == "__main__":
	sys.exit(main())
