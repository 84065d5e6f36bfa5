# SPDX-License-Identifier: MIT
"""promtool and prometheus out of Debian's package, unpacked, not installed: installing would start a daemon.

Kept for a month in the build folder. If the package cannot be had, the test that asked has failed.
"""
import contextlib
import fcntl
import glob
import os
import shutil
import subprocess
import tempfile
import time

MONTH = 30 * 86400


@contextlib.contextmanager
def alone(path):
	"""Two parts of tests/run may want it at the same time."""
	with open(path, "w", encoding="utf-8") as file:
		fcntl.flock(file, fcntl.LOCK_EX)
		yield


def run(*command, **how):
	return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
		timeout=300, check=False, **how)


def download(folder):
	# Root's apt would become a user who may not write here.
	return run("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", "prometheus", cwd=folder)


def fetch(home):
	work = tempfile.mkdtemp(prefix="prometheus-", dir=os.path.dirname(home))
	try:
		said = download(work)
		if said.returncode != 0:  # the lists are old, or there are none
			run(*([] if os.geteuid() == 0 else ["sudo", "-n"]), "apt-get", "-q", "update")
			said = download(work)
		debs = glob.glob(os.path.join(work, "*.deb"))
		assert len(debs) == 1, f"apt-get download prometheus: {said.stdout}"
		said = run("dpkg-deb", "-x", debs[0], os.path.join(work, "root"))
		assert said.returncode == 0, f"dpkg-deb -x: {said.stdout}"
		os.unlink(debs[0])
		shutil.rmtree(home, ignore_errors=True)
		os.rename(work, home)
	finally:
		shutil.rmtree(work, ignore_errors=True)


def program(build, name):
	"""The path of prometheus or promtool; build: a folder."""
	home = os.path.join(build, "prometheus")
	path = os.path.join(home, "root", "usr", "bin", name)
	with alone(home + ".lock"):
		if not os.path.exists(path) or time.time() - os.path.getmtime(home) > MONTH:
			fetch(home)
	return path
