# SPDX-License-Identifier: MIT
"""A Debian of its own below a folder: made by debootstrap from the mirror that this machine uses, with
the packages that a test wants beside what it looks at, and kept as a tarball for a week.

The caller is root in a mount and PID namespace of its own, so that mounts and processes end with it.
"""
import glob
import hashlib
import os
import platform
import shutil
import subprocess
import time

WEEK = 7 * 86400
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Changes there say nothing about a package.
ASIDE = ("proc", "sys", "dev", "run", "tmp", "var/tmp", "var/cache", "var/log", "var/lib/apt", "var/lib/dpkg")


class Failed(Exception):
	pass


def run(*command, log=None, check=True, **how):
	done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
		stderr=subprocess.STDOUT, check=False, **how)
	said = done.stdout.decode("utf-8", "replace")
	if log:
		log.write(f"$ {' '.join(command)}\n{said}\n")
		log.flush()
	if check and done.returncode != 0:
		raise Failed(f"{' '.join(command[:6])}: status {done.returncode}: {said[-2500:]}")
	return said


def sources(suite):
	"""Lines for sources.list: what apt here knows of this suite, or Debian's own addresses."""
	said = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)",
		"Created-By: Packages", check=False)
	rows = [line.split() for line in said.splitlines()]
	wanted = {suite, f"{suite}-updates", f"{suite}-security"}
	found = sorted({(row[0], row[1]) for row in rows if len(row) == 3 and row[1] in wanted and row[2] == "main"},
		key=lambda pair: (len(pair[1]), pair))
	if not found or found[0][1] != suite:
		found = [("http://deb.debian.org/debian", suite), ("http://deb.debian.org/debian-security", f"{suite}-security")]
	return found


def proxies():
	"""How apt here reaches its mirrors, as lines of apt.conf."""
	said = run("apt-config", "dump", check=False)
	return "".join(line + "\n" for line in said.splitlines() if line.startswith("Acquire::") and
		"proxy" in line.split(" ", 1)[0].lower() and not line.endswith(' "";'))


class Chroot:
	def __init__(self, work, suite, log):
		self.work, self.suite, self.log = work, suite, log
		self.root = os.path.join(work, "root")
		self.archives = os.path.join(work, "cache", "archives")
		self.mounted = []
		os.makedirs(os.path.join(self.archives, "partial"), exist_ok=True)
		for old in glob.glob(os.path.join(work, "root*")):
			shutil.rmtree(old)

	def path(self, *names):
		return os.path.join(self.root, *(name.lstrip("/") for name in names))

	def read(self, name):
		with open(self.path(name), encoding="utf-8") as file:
			return file.read()

	def write(self, name, text):
		with open(self.path(name), "w", encoding="utf-8") as file:
			file.write(text)

	# ---- made once

	def tarball(self, name):
		return os.path.join(self.work, "cache", name + ".tar")

	def is_fresh(self, name):
		path = self.tarball(name)
		return os.path.exists(path) and time.time() - os.path.getmtime(path) < WEEK

	def pack(self, name):
		path = self.tarball(name)
		self.unmount()
		run("tar", "--one-file-system", "-cf", path + ".new", "-C", self.root, ".", log=self.log)
		os.rename(path + ".new", path)

	def unpack(self, name):
		os.makedirs(self.root)
		run("tar", "-xf", self.tarball(name), "-C", self.root, log=self.log)

	def make_base(self):
		mirrors = sources(self.suite)
		run("debootstrap", "--variant=minbase", f"--cache-dir={self.archives}", self.suite, self.root, mirrors[0][0],
			log=self.log)
		self.write("etc/apt/sources.list", "".join(f"deb {site} {release} main\n" for site, release in mirrors))
		self.write("etc/apt/apt.conf.d/90test", proxies() + 'APT::Install-Recommends "0";\n')
		# No disk that may fail, no services, no questions.
		self.write("etc/dpkg/dpkg.cfg.d/test", "force-unsafe-io\n")
		self.write("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n")
		os.chmod(self.path("usr/sbin/policy-rc.d"), 0o755)
		shutil.copy("/etc/resolv.conf", self.path("etc/resolv.conf"))
		self.mount()
		self.apt("update")

	def open(self, *packages):
		"""Ready to be used, with these packages in it."""
		wanted = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:12]
		name = f"{self.suite}-{platform.machine()}-{wanted}"
		if self.is_fresh(name):
			self.unpack(name)
		else:
			for old in glob.glob(self.tarball("*")):
				os.unlink(old)
			self.make_base()
			self.apt("install", *packages)
			self.pack(name)
		self.mount()
		shutil.copy("/etc/resolv.conf", self.path("etc/resolv.conf"))

	# ---- at work

	def mount(self):
		if self.mounted:
			return
		archives = self.path("var/cache/apt/archives")
		os.makedirs(archives, exist_ok=True)
		for command in (("-t", "proc", "proc", self.path("proc")), ("--bind", self.archives, archives)):
			run("mount", *command, log=self.log)
			self.mounted.append(command[-1])

	def unmount(self):
		while self.mounted:
			run("umount", self.mounted.pop(), log=self.log)

	def run(self, *command, check=True, **environment):
		env = {"PATH": PATH, "HOME": "/root", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", **environment}
		return run("chroot", self.root, *command, log=self.log, check=check, env=env)

	def apt(self, *arguments, check=True):
		return self.run("apt-get", "-q", "-y", *arguments, check=check)

	def has(self, package):
		return "ok installed" in self.run("dpkg-query", "-W", "-f", "${Status}", package, check=False)

	def snapshot(self):
		"""Every path that is there, with what is in the files of /etc."""
		found = {}
		for folder, folders, files in os.walk(self.root):
			below = os.path.relpath(folder, self.root)
			folders[:] = [name for name in folders if os.path.normpath(os.path.join(below, name)) not in ASIDE]
			for name in folders + files:
				place = os.path.normpath(os.path.join(below, name))
				real = os.path.join(folder, name)
				content = ""
				if below.split("/")[0] == "etc" and os.path.isfile(real) and not os.path.islink(real):
					with open(real, "rb") as file:
						content = hashlib.sha256(file.read()).hexdigest()
				found[place] = content
		return found

	def close(self):
		self.unmount()
		shutil.rmtree(self.root, ignore_errors=True)
