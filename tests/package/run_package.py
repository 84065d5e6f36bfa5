#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The Debian packages, from `make deb` to purge, in a Debian of their own; one check boots its systemd.

Usage: run_package.py --build DIR    (a build directory; works in DIR/package)

Needs debhelper, dpkg-dev, fakeroot, lintian and debootstrap, and a Debian mirror.

Must be root, or be allowed to sudo. What is downloaded and bootstrapped stays in DIR/package/cache for a
week. The checks share one Debian and run in order; the last line is the count.
"""
import argparse
import glob
import os
import re
import subprocess
import sys
import tarfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(TOP, "tests", "scenario"))
from boot import Booted, Refused  # noqa: E402
from chroot import Chroot, Failed, run  # noqa: E402
from lib.server import free_port  # noqa: E402

SUITE = "bookworm"
# Beside what the packages themselves ask for: for the tests below contrib/debian/tests.
TOOLS = "curl python3 openssl ca-certificates build-essential debhelper pkg-config".split()
KEY, INI = "etc/nuncio/keys/hs256.key", "etc/nuncio/nuncio.ini"
CHECKS = []


def check(title):
	def add(function):
		CHECKS.append((title, function))
		return function
	return add


class Stage:
	def __init__(self, build):
		self.build = os.path.abspath(build)
		self.work = os.path.join(self.build, "package")
		os.makedirs(os.path.join(self.work, "cache"), exist_ok=True)
		self.log = open(os.path.join(self.work, "log"), "w", encoding="utf-8")
		self.debian = Chroot(self.work, SUITE, self.log)
		self.env = dict(os.environ, MAKEFLAGS="")
		home = os.path.expanduser("~")
		if os.path.isdir("/usr/lib/ccache"):
			self.env["PATH"] = "/usr/lib/ccache:" + self.env["PATH"]
			self.env.setdefault("CCACHE_DIR", os.path.join(home, ".cache", "ccache"))
		self.port = free_port()
		self.packages = []

	def make(self, *arguments):
		return run("make", *arguments, log=self.log, cwd=self.build, env=self.env)

	def debs(self, revision, *names):
		"""Where the package files of this revision are, in the Debian of the test."""
		found = []
		for name in names or self.packages:
			files = glob.glob(os.path.join(self.build, "deb", f"{name}_*-{revision}_*.deb"))
			assert len(files) == 1, f"{name}, revision {revision}: {files}"
			place = "/root/" + os.path.basename(files[0])
			run("cp", files[0], self.debian.path(place))
			found.append(place)
		return found

	def test(self, name):
		"""One of debian/tests, in there."""
		os.makedirs(self.debian.path("tmp", name))
		said = self.debian.run("/root/tests/" + name, AUTOPKGTEST_TMP=f"/tmp/{name}")
		assert said.endswith("ok\n"), said[-2000:]

	def shell(self, text, check=True):
		return self.debian.run("sh", "-c", f"set -eu; here=/root/tests; . $here/lib.sh; {text}", check=check)

	def close(self):
		self.debian.close()
		self.log.close()


@check("the tarball has every file of the repository")
def tarball(stage):
	stage.make("dist")
	archive = glob.glob(os.path.join(stage.build, "nuncio-*.tar.gz"))
	assert len(archive) == 1, archive
	with tarfile.open(archive[0]) as file:
		packed = {name.split("/", 1)[1] for name in file.getnames() if "/" in name}
	tracked = subprocess.run(["git", "-c", "safe.directory=*", "ls-files"], cwd=TOP, stdout=subprocess.PIPE, check=False)
	if tracked.returncode == 0:
		missing = sorted(set(tracked.stdout.decode().split()) - packed - {".gitignore"})
		missing = [name for name in missing if os.path.exists(os.path.join(TOP, name))]
		assert not missing, f"not in EXTRA_DIST: {missing}"


@check("make deb: the packages for what this build has")
def make_deb(stage):
	for old in glob.glob(os.path.join(stage.build, "deb", "*_*-[12]_*")):
		os.unlink(old)
	stage.make("deb", "DEB_REVISION=1")
	names = [re.sub("_.*", "", os.path.basename(path)) for path in glob.glob(
		os.path.join(stage.build, "deb", "*-1_*.deb"))]
	stage.packages = sorted(name for name in names if not name.endswith("-dbgsym"))
	assert {"nuncio", "nuncio-dev"} <= set(stage.packages), stage.packages
	modules = glob.glob(os.path.join(stage.build, "modules", "lib", "*.so"))
	for part, module in (("mysql", "store_mysql"), ("redis", "bus_redis")):
		is_built = any(os.path.basename(path) == module + ".so" for path in modules)
		assert is_built == (f"nuncio-{part}" in stage.packages), f"nuncio-{part}: {stage.packages}"


@check("lintian has nothing to say that is not overridden, and each override says why")
def lintian(stage):
	changes = glob.glob(os.path.join(stage.build, "deb", "nuncio_*-1_*.changes"))
	run("lintian", "--allow-root", "-I", "--fail-on", "error,warning,info", *changes, log=stage.log)
	overrides = glob.glob(os.path.join(TOP, "contrib", "debian", "**", "*lintian-overrides"), recursive=True)
	assert overrides
	for path in overrides:
		with open(path, encoding="utf-8") as file:
			lines = file.read().splitlines()
		for before, line in zip(["", *lines], lines):
			assert line.startswith("#") or before.startswith("#"), f"{path}: no reason above: {line}"


@check("make deb again, as the next revision: packed from what is built")
def make_next(stage):
	said = stage.make("deb", "DEB_REVISION=2")
	assert "  CC " not in said and "dh_auto_build" not in said, said[-3000:]


@check("what the packages promise: ABI, conffile, man pages, no key")
def contents(stage):
	deb = glob.glob(os.path.join(stage.build, "deb", "nuncio_*-1_*.deb"))[0]
	with open(os.path.join(TOP, "include", "nuncio", "module.h"), encoding="utf-8") as file:
		major = re.search(r"NUNCIO_ABI_MAJOR (\d+)", file.read()).group(1)
	assert run("dpkg-deb", "-f", deb, "Provides").strip() == f"nuncio-abi-{major}"
	assert run("dpkg-deb", "-I", deb, "conffiles") == "/etc/nuncio/nuncio.ini\n"
	listed = run("dpkg-deb", "-c", deb)
	assert "keys" not in listed and "hs256" not in listed, listed
	for name in ("man8/nunciod.8.gz", "man8/nuncioctl.8.gz", "man5/nuncio.ini.5.gz", "completions/nuncioctl",
			"changelog.gz", "system/nuncio.service"):
		assert name in listed, f"{name} is missing"


@check("a Debian with what nuncio depends on, and without nuncio")
def bootstrap(stage):
	control = os.path.join(stage.build, "deb")
	depends = set()
	for name in stage.packages:
		deb = glob.glob(os.path.join(control, f"{name}_*-1_*.deb"))[0]
		for entry in run("dpkg-deb", "-f", deb, "Depends").split(","):
			depends.add(entry.split("|")[0].split("(")[0].strip())
	stage.debian.open(*sorted(name for name in depends if not name.startswith("nuncio")), *TOOLS)
	run("cp", "-r", os.path.join(TOP, "contrib", "debian", "tests"), stage.debian.path("root/tests"))
	stage.before = stage.debian.snapshot()


def given(text):
	"""The options that a configuration sets, with their sections; but for what is on."""
	section, found = "", []
	for line in text.splitlines():
		if line.startswith("["):
			section = line
		elif line and line[0] != "#" and section != "[modules]":
			found.append(f"{section} {line}")
	return found


@check("install: user, state directory, key, configuration")
def install(stage):
	debian = stage.debian
	debian.apt("install", *stage.debs(1, "nuncio"))
	user = re.search(r"^nuncio:[^:]*:(\d+):(\d+):[^:]*:([^:]*):(.*)$", debian.read("etc/passwd"), re.M)
	assert user and user.group(3) == "/var/lib/nuncio" and user.group(4).endswith("nologin"), debian.read("etc/passwd")
	uid, gid = int(user.group(1)), int(user.group(2))
	for name, owner, group, mode in (("var/lib/nuncio", uid, gid, 0o700), ("etc/nuncio/keys", 0, gid, 0o750),
			(KEY, 0, gid, 0o640), (INI, 0, gid, 0o640)):
		found = os.stat(debian.path(name))
		assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (owner, group, mode), f"{name}: {found}"
	stage.key = debian.read(KEY)
	assert re.fullmatch("[0-9a-f]{64}", stage.key), "the key"
	assert debian.run("/usr/sbin/nunciod", "--check").startswith("/etc/nuncio/nuncio.ini: ok")
	assert given(debian.read(INI)) == ["[core] user = nuncio", "[auth_jwt] keys = nuncio:HS256:/" + KEY,
		"[auth_jwt] sign_with = nuncio"], given(debian.read(INI))


@check("start as the unit does, and chat")
def chat(stage):
	stage.shell(f"ini listen 127.0.0.1:{stage.port}")
	stage.test("chat")
	stage.shell("stop")


@check("upgrade: configuration, key, accounts and messages are kept")
def upgrade(stage):
	debian = stage.debian
	edited = debian.read(INI)
	debian.apt("install", *stage.debs(2, "nuncio"))
	assert debian.run("dpkg-query", "-W", "-f", "${Version}", "nuncio").endswith("-2")
	assert debian.read(INI) == edited and f"listen = 127.0.0.1:{stage.port}" in edited
	assert debian.read(KEY) == stage.key
	assert os.stat(debian.path(INI)).st_mode & 0o777 == 0o640
	said = stage.shell("start; bob=$(log_in bob); api GET /api/v1/conversations/d:5:alice:bob/messages $bob; "
		"api POST /api/v1/messages $bob '{\"to\":{\"user\":\"alice\"},\"client_id\":\"b1\",\"body\":\"Hi\"}'")
	assert '"body":"Hello, Bob"' in said and '"seq":2' in said, said


@check("the packages with further modules: each loads what it brings")
def further(stage):
	names = [name for name in stage.packages if name not in ("nuncio", "nuncio-dev")]
	stage.debian.apt("install", *stage.debs(2, "nuncio-dev", *names))
	helped = stage.debian.run("/usr/sbin/nunciod", "--help-config")
	for name in names:
		listed = stage.debian.run("dpkg", "-L", name)
		modules = re.findall(r"/modules/(\w+)\.so$", listed, re.M)
		assert modules, f"{name} has no module: {listed}"
		for module in modules:
			assert re.search(rf"^\[{module}\]", helped, re.M), f"{module} of {name} cannot be loaded"


@check("a module package by somebody else, built from the template")
def third_party(stage):
	stage.test("module")
	stage.shell("stop")


@check("under a real systemd: ready, watched, reloaded, back after death, stopped; and the sandbox")
def service(stage):
	with Booted(stage.debian.root, stage.log) as debian:
		said = debian.run("env", "AUTOPKGTEST_TMP=/tmp", "/root/tests/service")
	assert said.endswith("ok\n"), said[-2000:]


@check("remove: the program goes, what belongs to its users stays")
def remove(stage):
	debian = stage.debian
	debian.apt("remove", "nuncio")
	assert not debian.has("nuncio") and not debian.has("nuncio-my-module") and not debian.has("nuncio-dev")
	assert not os.path.exists(debian.path("usr/sbin/nunciod"))
	assert debian.read(KEY) == stage.key and os.path.exists(debian.path(INI))
	assert os.listdir(debian.path("var/lib/nuncio")), "the messages are gone"


@check("purge: nothing is left, not even the user")
def purge(stage):
	debian = stage.debian
	debian.apt("purge", "nuncio")
	after = debian.snapshot()
	left = sorted(set(after) - set(stage.before))
	gone = sorted(set(stage.before) - set(after))
	changed = sorted(name for name in after if name in stage.before and after[name] != stage.before[name]
		and not name.endswith("-"))
	left = [name for name in left if name.split("/")[0] != "root"]
	assert not (left or gone or changed), f"left: {left}, gone: {gone}, changed: {changed}"
	for name in glob.glob(debian.path("var/lib/**/*nuncio*"), recursive=True):
		raise AssertionError(f"left: {name}")


def become_root():
	"""Once more as root, where mounts and processes are ours and end with us."""
	if os.environ.get("NUNCIO_PACKAGE_TEST") == "inside":
		return
	command = ["env", "NUNCIO_PACKAGE_TEST=inside", "unshare", "--mount", "--propagation", "private", "--pid", "--fork",
		"--kill-child", "--mount-proc", sys.executable, "-B", *sys.argv]
	if os.geteuid() != 0:
		command = ["sudo", "-n", "--preserve-env=CCACHE_DIR", *command]
	os.execvp(command[0], command)


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
	parser.add_argument("--build", required=True, help="a build directory")
	args = parser.parse_args()
	become_root()
	os.umask(0o022)
	stage, failed, skipped, broken = Stage(args.build), 0, 0, False
	for title, function in CHECKS:
		try:
			assert not broken, "something before it failed"
			function(stage)
			print(f"ok   {title}", flush=True)
		except Refused as error:
			skipped += 1
			print(f"skip {title}\n    this machine does not let systemd boot: {error}", flush=True)
		except (AssertionError, Failed, OSError, KeyError, AttributeError) as error:
			failed += 1
			# Two that nothing builds on.
			broken = broken or function not in (tarball, lintian, contents)
			print(f"FAIL {title}\n    {type(error).__name__}: {error}", flush=True)
	stage.close()
	print(f"{len(CHECKS) - failed - skipped} passed, {failed} failed, {skipped} skipped")
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
