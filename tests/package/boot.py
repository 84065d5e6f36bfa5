# SPDX-License-Identifier: MIT
"""systemd as process 1 of a Debian that lies in a folder, in namespaces and a cgroup of its own. What it changes is in
memory and ends with it; its network is its own loopback.

Not every machine lets one: containers often refuse cgroup2, overlayfs or user namespaces. Then Refused says what.
"""
import os
import shutil
import subprocess
import tempfile
import time

from chroot import PATH, run

# Not chroot(2): the kernel gives no user namespace (PrivateUsers=) to who is in one.
INSIDE = r"""
set -eu
lower=$1 work=$2
refused() { echo "refused: $*"; exit 1; }
mount --make-rprivate /
mount -t tmpfs tmpfs "$work"
mkdir "$work/upper" "$work/work" "$work/root"
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$work/upper,workdir=$work/work" "$work/root" || refused "overlayfs"
cd "$work/root"
mount -t proc proc proc || refused "proc"
mount -t sysfs sysfs sys || refused "sysfs"
mount -t cgroup2 cgroup2 sys/fs/cgroup || refused "cgroup2"
mount -t tmpfs -o mode=755 tmpfs dev
for name in null zero full random urandom tty; do
	touch "dev/$name"
	mount --bind "/dev/$name" "dev/$name"
done
mkdir dev/pts dev/shm old
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
rm -f usr/sbin/policy-rc.d etc/machine-id
touch etc/machine-id
pivot_root . old
cd /
umount -l /old
unshare --user true || refused "user namespaces"
exec env -i "PATH=$PATH" container=other /lib/systemd/systemd --log-target=console
"""


class Refused(Exception):
	pass


class Booted:
	"""with Booted(root, log) as debian: debian.run("systemctl", ...)"""

	def __init__(self, root, log):
		self.root, self.log, self.process, self.group = root, log, None, None
		self.work = tempfile.mkdtemp(prefix="nuncio-boot.")
		os.mkdir(os.path.join(self.work, "mnt"))

	def __enter__(self):
		try:
			self.start()
		except BaseException:
			self.__exit__()
			raise
		return self

	def __exit__(self, *unused):
		if self.process:
			# unshare --kill-child takes process 1 with it, and that everybody else.
			self.process.kill()
			self.process.wait()
		for _ in range(100):
			if not self.group or not self.leave_group():
				break
			time.sleep(0.1)
		shutil.rmtree(self.work, ignore_errors=True)

	def leave_group(self):
		"""True while something is still in there."""
		for folder, _, _ in os.walk(self.group, topdown=False):
			try:
				os.rmdir(folder)
			except OSError:
				return True
		return False

	def enter_group(self):
		"""A cgroup to begin in, so that systemd sees nothing of this machine's own."""
		for place in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
			if os.path.exists(os.path.join(place, "cgroup.subtree_control")):
				self.group = os.path.join(place, os.path.basename(self.work))
				os.mkdir(self.group)
				return
		raise Refused("no cgroup2 at /sys/fs/cgroup")

	def start(self):
		try:
			self.enter_group()
		except OSError as error:
			raise Refused(f"cgroup: {error}") from error
		begin = 'echo $$ >"$0/cgroup.procs" && exec unshare --mount --uts --ipc --net --pid --cgroup --fork --kill-child sh -c "$@"'
		console = os.path.join(self.work, "console")
		with open(console, "wb") as file:
			self.process = subprocess.Popen(["sh", "-c", begin, self.group, INSIDE, "inside", self.root,
				os.path.join(self.work, "mnt")], stdin=subprocess.DEVNULL, stdout=file, stderr=file)
		self.wait_for_boot(console)

	def wait_for_boot(self, console):
		end = time.monotonic() + 120
		while time.monotonic() < end:
			state = ""
			if self.process.poll() is None and self.first():
				state = self.run("systemctl", "is-system-running", check=False).strip()
			if state in ("running", "degraded"):
				return
			if self.process.poll() is not None:
				break
			time.sleep(0.2)
		with open(console, encoding="utf-8", errors="replace") as file:
			said = file.read()
		self.log.write(said)
		why = [line for line in said.splitlines() if line.startswith("refused: ")]
		if why or "unshare: " in said:
			raise Refused((why or said.splitlines())[-1])
		raise AssertionError(f"systemd does not come up: {said[-2000:]}")

	def first(self):
		"""The process id of its systemd, seen from here; empty: not yet."""
		with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
			child = file.read().split()
		if not child:
			return ""
		with open(f"/proc/{child[0]}/comm", encoding="ascii") as file:
			return child[0] if file.read().strip() == "systemd" else ""

	def run(self, *command, check=True):
		return run("nsenter", "-t", self.first(), "-a", "-r", "-w", "--", "env", "-i", f"PATH={PATH}", "HOME=/root",
			"LC_ALL=C.UTF-8", "SYSTEMD_PAGER=", *command, log=self.log, check=check)
