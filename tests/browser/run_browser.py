#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Starts a server from a build directory for test_chat.py and lets it restart that server.

	tests/browser/run_browser.py --build DIR [--shots DIR]

The last line is test_chat.py's count; what is wrong with the server itself (a crash, an error in its log) is
one failure more.
"""
import argparse
import os
import re
import socket
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "scenario"))
from lib.server import Build, Server  # noqa: E402

MODULES = "store_sqlite auth_jwt accounts direct presence history rate_limit web".split()
# One address plays everybody here, and one of them is made to talk without a pause.
SETTINGS = {"rate_limit": {"rate": "0", "address_rate": "0"}}


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


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
	parser.add_argument("--build", required=True)
	parser.add_argument("--shots")
	args = parser.parse_args()
	shots = args.shots or os.path.join(args.build, "screenshots")
	os.makedirs(shots, exist_ok=True)
	build = Build(args.build)
	server = Server(build, MODULES, SETTINGS)
	listener = socket.create_server(("127.0.0.1", 0))
	try:
		server.start()
		threading.Thread(target=serve_restarts, args=(server, listener), daemon=True).start()
		env = dict(os.environ, NUNCIO_URL=f"http://127.0.0.1:{server.port}", NUNCIO_SHOTS=shots,
			NUNCIO_RESTART=restart_command(listener.getsockname()[1]))
		done = subprocess.run([os.path.join(HERE, "test_chat.py")], env=env, stdout=subprocess.PIPE,
			stdin=subprocess.DEVNULL, check=False)
		server.stop()
		troubles = server.verdict()
	finally:
		listener.close()
		server.kill()
		server.remove()
		build.close()
	said = done.stdout.decode("utf-8", "replace")
	print(said, end="")
	for trouble in troubles:
		print(f"FAIL the server: {trouble}")
	count = re.findall(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", said, re.M)
	if not count:
		raise SystemExit("test_chat.py printed no count")
	passed, failed, skipped = map(int, count[-1])
	# Every step can run here, so one that was skipped was not tested.
	failed += skipped + bool(troubles)
	print(f"{passed} passed, {failed} failed, 0 skipped")
	raise SystemExit(failed > 0)


if __name__ == "__main__":
	main()
