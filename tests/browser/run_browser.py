#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Starts a server from a build directory for the tests beside it and lets them restart that server.

	tests/browser/run_browser.py --build DIR [--shots DIR]

The last line is their count; what is wrong with the server itself (a crash, an error in its log) is
one failure more.
"""
import argparse
import glob
import os
import re
import socket
import subprocess
import sys
import threading
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "scenario"))
from lib.server import Build, Server  # noqa: E402

MODULES = """store_sqlite auth_jwt accounts contacts conversations devices direct group history messages presence rate_limit
	typing web""".split()
SCRIPTS = ("test_chat.py", "test_features.py", "test_many.py", "test_access.py")
AXE = "axe-playwright-python==0.1.8" # holds axe-core 4.12.1, and all that is wanted of it
# There one address is hundreds of people at once; the other scripts run with the limits as they are.
SETTINGS = {"test_many.py": {"rate_limit": {"rate": "0", "address_rate": "0"},
	"accounts": {"registrations_per_address": "0", "hash_ops": "1", "hash_memory": "1M"}}}


def serve_restarts(server, listener):
	"""Each connection asks for one restart; it is closed when the server listens again."""
	while True:
		try:
			asker, _ = listener.accept()
		except OSError:
			return
		with asker:
			server.restart()
			asker.sendall(b"done\n")


def restart_command(port):
	code = (f"import socket; s = socket.create_connection(('127.0.0.1', {port})); "
		"raise SystemExit(s.makefile().readline() != 'done\\n')")
	return f'/usr/bin/python3 -c "{code}"'


def axe_script(build):
	"""axe.min.js, from PyPI into the build directory, once."""
	folder = os.path.join(build, "axe")
	path = os.path.join(folder, "axe.min.js")
	if os.path.exists(path):
		return path
	os.makedirs(folder, exist_ok=True)
	venv = os.path.join(folder, "venv")
	subprocess.run([sys.executable, "-m", "venv", venv], check=True)
	subprocess.run([os.path.join(venv, "bin", "pip"), "download", "--quiet", "--disable-pip-version-check",
		"--no-deps", "--dest", folder, AXE], check=True)
	(wheel,) = glob.glob(os.path.join(folder, "*.whl"))
	with zipfile.ZipFile(wheel) as file, open(path, "wb") as script:
		script.write(file.read("axe_playwright_python/axe.min.js"))
	return path


def play(script, env):
	"""Passed, failed, skipped; one that printed no count has failed."""
	done = subprocess.run([os.path.join(HERE, script)], env=env, stdout=subprocess.PIPE,
		stdin=subprocess.DEVNULL, check=False)
	said = done.stdout.decode("utf-8", "replace")
	print(said, end="", flush=True)
	count = re.findall(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", said, re.M)
	return tuple(map(int, count[-1])) if count else (0, 1, 0)


def play_on_server(build, script, shots):
	"""The counts of one script on a server of its own, and what is wrong with that server."""
	server = Server(build, MODULES, SETTINGS.get(script))
	listener = socket.create_server(("127.0.0.1", 0))
	try:
		server.start()
		threading.Thread(target=serve_restarts, args=(server, listener), daemon=True).start()
		env = dict(os.environ, NUNCIO_URL=f"http://127.0.0.1:{server.port}", NUNCIO_SHOTS=shots,
			NUNCIO_AXE=axe_script(build.folder), NUNCIO_RESTART=restart_command(listener.getsockname()[1]))
		count = play(script, env)
		server.stop()
		return count, server.verdict()
	finally:
		listener.close()
		server.kill()
		server.remove()


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
	parser.add_argument("--build", required=True)
	parser.add_argument("--shots")
	parser.add_argument("--only", action="append", help="one script: " + ", ".join(SCRIPTS))
	args = parser.parse_args()
	shots = args.shots or os.path.join(args.build, "screenshots")
	os.makedirs(shots, exist_ok=True)
	build = Build(args.build)
	try:
		said = [play_on_server(build, script, shots) for script in args.only or SCRIPTS]
	finally:
		build.close()
	troubles = [trouble for _, found in said for trouble in found]
	for trouble in troubles:
		print(f"FAIL the server: {trouble}")
	# Every step can run here, so one that was skipped was not tested.
	passed = sum(count[0] for count, _ in said)
	failed = sum(count[1] + count[2] for count, _ in said) + bool(troubles)
	print(f"{passed} passed, {failed} failed, 0 skipped")
	raise SystemExit(failed > 0)


if __name__ == "__main__":
	main()
