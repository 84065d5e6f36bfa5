# SPDX-License-Identifier: MIT
"""promtool and prometheus out of Debian's package, unpacked, not installed: installing would start a daemon.

Kept for a month in a folder of the user's own beside the builds. If the package cannot be had, that is a
failure of the test that asked.
"""
import glob
import os
import shutil
import subprocess
import tempfile
import threading
import time

FOLDER = os.environ.get("NUNCIO_TEST_PROMETHEUS", f"/tmp/nuncio-tests-prometheus-{os.getuid()}")
MONTH = 30 * 86400
lock = threading.Lock()


def fetch():
	work = tempfile.mkdtemp(prefix="nuncio-prometheus-")
	try:
		# apt drops its rights to _apt, who wants to write here.
		os.chmod(work, 0o777)
		said = subprocess.run(["apt-get", "-q", "download", "prometheus"], cwd=work, capture_output=True, text=True,
			timeout=300, check=False)
		debs = glob.glob(os.path.join(work, "*.deb"))
		if len(debs) != 1:
			raise AssertionError(f"apt-get download prometheus: {said.stdout}{said.stderr}")
		subprocess.run(["dpkg-deb", "-x", debs[0], os.path.join(work, "root")], check=True, timeout=120)
		os.unlink(debs[0])
		shutil.rmtree(FOLDER, ignore_errors=True)
		os.chmod(work, 0o755)
		os.rename(work, FOLDER)
	finally:
		shutil.rmtree(work, ignore_errors=True)


def program(name):
	"""The path of prometheus or promtool."""
	path = os.path.join(FOLDER, "root", "usr", "bin", name)
	with lock:
		if not os.path.exists(path) or time.time() - os.path.getmtime(FOLDER) > MONTH:
			fetch()
	return path
