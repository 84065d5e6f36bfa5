# SPDX-License-Identifier: MIT
"""Starts MariaDB servers for tests: each with data of its own in a folder that is thrown away, on loopback only.

Never the system's service: the programs (Debian: mariadb-server-core, mariadb-client-core, which have none), our own
files, nothing read from /etc. What it started it ends, by its own process, also when it was paused.
"""
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
START_SECONDS = 60


class Broken(Exception):
	"""The server does not do what it must."""


def find(*names):
	for name in names:
		path = shutil.which(name, path=PATH)
		if path:
			return path
	raise Broken(f"no {names[0]}: apt-get install mariadb-server-core mariadb-client-core")


def free_port():
	with socket.socket() as s:
		s.bind(("127.0.0.1", 0))
		return s.getsockname()[1]


class MariaDB:
	def __init__(self, *options):
		self.folder = tempfile.mkdtemp(prefix="nuncio-mariadb-")
		self.data = os.path.join(self.folder, "data")
		self.socket = os.path.join(self.folder, "s")
		self.port = free_port()
		self.options = options
		self.process = None
		self.is_paused = False
		self.as_user = []
		if os.geteuid() == 0:
			# It does not want to be root; that user comes with the service only.
			name = "mysql" if any(entry.pw_name == "mysql" for entry in pwd.getpwall()) else "nobody"
			user = pwd.getpwnam(name)
			os.chmod(self.folder, 0o755)
			os.chown(self.folder, user.pw_uid, user.pw_gid)
			self.as_user = [f"--user={name}"]
		install = subprocess.run([find("mariadb-install-db", "mysql_install_db"), "--no-defaults",
			f"--datadir={self.data}", "--auth-root-authentication-method=normal", "--skip-test-db", *self.as_user],
			stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
		if install.returncode != 0:
			raise Broken(f"mariadb-install-db: {install.stdout[-2000:]}")

	def start(self):
		log = open(os.path.join(self.folder, "log"), "a")
		self.process = subprocess.Popen([find("mariadbd", "mysqld"), "--no-defaults", *self.as_user,
			f"--datadir={self.data}", f"--socket={self.socket}", f"--port={self.port}", "--bind-address=127.0.0.1",
			f"--pid-file={self.folder}/pid", "--skip-log-bin", "--skip-name-resolve", "--max-connections=200",
			"--innodb-buffer-pool-size=128M", "--innodb-log-file-size=96M", "--innodb-flush-log-at-trx-commit=1",
			*self.options], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
		log.close()
		self.is_paused = False
		self.wait()

	def wait(self):
		until = time.monotonic() + START_SECONDS
		while time.monotonic() < until:
			if self.process.poll() is not None:
				break
			if self.query("SELECT 1", check=False).returncode == 0:
				return
			time.sleep(0.05)
		with open(os.path.join(self.folder, "log"), errors="replace") as log:
			raise Broken(f"mariadbd does not come up: {log.read()[-2000:]}")

	def query(self, sql, check=True):
		done = subprocess.run([find("mariadb", "mysql"), "--no-defaults", "-uroot", f"--socket={self.socket}",
			"--batch", "--skip-column-names", "-e", sql], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
			stderr=subprocess.PIPE, text=True, check=False)
		if check and done.returncode != 0:
			raise Broken(f"{sql[:200]}: {done.stderr}")
		return done

	def script(self, sql):
		"""Statements with DELIMITER lines, as a file."""
		done = subprocess.run([find("mariadb", "mysql"), "--no-defaults", "-uroot", f"--socket={self.socket}"],
			input=sql, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
		if done.returncode != 0:
			raise Broken(done.stderr)

	def address(self, database, tcp=False):
		"""As the option `servers` wants it."""
		local = "" if tcp else f"?socket={self.socket}"
		return f"root:@127.0.0.1:{self.port}/{database}{local}"

	def kill(self):
		self.process.send_signal(signal.SIGKILL)
		self.process.wait()

	def pause(self):
		self.process.send_signal(signal.SIGSTOP)
		self.is_paused = True

	def resume(self):
		self.process.send_signal(signal.SIGCONT)
		self.is_paused = False

	def stop(self):
		if self.process and self.process.poll() is None:
			if self.is_paused:
				self.resume()
			self.process.terminate()
			try:
				self.process.wait(30)
			except subprocess.TimeoutExpired:
				self.kill()
		shutil.rmtree(self.folder, ignore_errors=True)


# Empties every table of a database but meta, as if it had just been made.
WIPE = """
CREATE DATABASE IF NOT EXISTS nuncio_tools;
DROP PROCEDURE IF EXISTS nuncio_tools.wipe;
DELIMITER //
CREATE PROCEDURE nuncio_tools.wipe(IN db VARCHAR(64))
BEGIN
	DECLARE is_over INT DEFAULT 0;
	DECLARE name VARCHAR(64);
	DECLARE names CURSOR FOR SELECT table_name FROM information_schema.tables
		WHERE table_schema = db AND table_name <> 'meta';
	DECLARE CONTINUE HANDLER FOR NOT FOUND SET is_over = 1;
	START TRANSACTION;
	OPEN names;
	next_one: LOOP
		FETCH names INTO name;
		IF is_over THEN
			LEAVE next_one;
		END IF;
		EXECUTE IMMEDIATE CONCAT('DELETE FROM ', db, '.', name);
	END LOOP;
	CLOSE names;
	SET is_over = (SELECT COUNT(*) = 0 FROM information_schema.tables
		WHERE table_schema = db AND table_name = 'meta');
	IF NOT is_over THEN
		EXECUTE IMMEDIATE CONCAT('UPDATE ', db, ".meta SET value = '0' WHERE name IN ('highest', 'horizon')");
	END IF;
	COMMIT;
END//
DELIMITER ;
"""
