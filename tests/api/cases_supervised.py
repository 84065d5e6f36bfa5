# SPDX-License-Identifier: MIT
"""What a supervisor hears of a server."""
import os
import queue
import re
import signal
import socket
import threading
import time

from rig import SECONDS, Wrong, case, expect


class Manager(threading.Thread):
	"""Plays systemd: the socket behind NOTIFY_SOCKET, and when each heartbeat came."""

	def __init__(self, folder):
		super().__init__(daemon=True)
		self.path = os.path.join(folder, "notify")
		self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		self.socket.bind(self.path)
		self.messages, self.beats = queue.Queue(), []
		self.start()

	def run(self):
		while True:
			lines = self.socket.recv(4096).decode().split("\n")
			if lines == ["WATCHDOG=1"]:
				self.beats.append(time.monotonic())
			else:
				self.messages.put(lines)

	def next(self):
		"""The next message that is no heartbeat."""
		try:
			return self.messages.get(timeout=SECONDS)
		except queue.Empty:
			raise Wrong("the supervisor hears nothing")

	def wait_beats(self, count):
		deadline, count = time.monotonic() + SECONDS, len(self.beats) + count
		while len(self.beats) < count:
			expect("heartbeats", time.monotonic() < deadline)
			time.sleep(0.01)


@case
def supervised(bench):
	server = bench.load("bad_blocks")
	manager = Manager(server.folder)
	server.start(NOTIFY_SOCKET=manager.path, WATCHDOG_USEC="200000")
	ready = manager.next()
	expect(f"ready: {ready}", ready[0] == "READY=1" and re.match("STATUS=1 modules, at most [0-9]+ ", ready[1]))
	expect("answers as soon as it says so", server.get("/m/bad_blocks")[0] == 200)
	manager.wait_beats(6)
	gaps = [after - before for before, after in zip(manager.beats, manager.beats[1:])]
	expect(f"a beat each 100 ms: {gaps}", 0.05 < sorted(gaps)[len(gaps) // 2] < 0.5)
	server.process.send_signal(signal.SIGHUP)
	expect("reload", manager.next()[0] == "RELOADING=1")
	expect("reloaded", manager.next() == ready)
	server.write("[no_such_section]\n")
	server.process.send_signal(signal.SIGHUP)
	expect("refused reload", manager.next()[0] == "RELOADING=1")
	expect("goes on", manager.next() == ready)
	expect("stop", server.stop() == 0)
	expect("stopping", manager.next()[0] == "STOPPING=1")


@case
def supervisor_hears_of_a_hang(bench):
	server = bench.load("bad_blocks")
	manager = Manager(server.folder)
	server.start(NOTIFY_SOCKET=manager.path, WATCHDOG_USEC="200000")
	manager.next()
	manager.wait_beats(1)
	begin = time.monotonic()
	expect("an answer after a second", server.get("/m/bad_blocks/hang")[0] == 200)
	end = time.monotonic()
	manager.wait_beats(2)
	heard = [beat - begin for beat in manager.beats if begin + 0.3 < beat < end - 0.1]
	expect(f"{end - begin} s", end - begin > 0.9)
	expect(f"silence while the logic thread hung, not {heard}", not heard)
	expect("exit status", server.stop() == 0)


@case
def supervisor_hears_when_it_serves(bench):
	server = bench.load("api_ready", "auth_api")
	manager = Manager(server.folder)
	server.start(NOTIFY_SOCKET=manager.path)
	server.port()
	time.sleep(0.2)
	expect("nothing yet", manager.messages.empty())
	server.get("/m/api_ready/yes")
	expect("ready", manager.next()[0] == "READY=1")
	expect("exit status", server.stop() == 0)


@case
def supervisor_is_not_kept_waiting(bench):
	server = bench.load("api_ready", "auth_api")
	manager = Manager(server.folder)
	server.start(NOTIFY_SOCKET=manager.path)
	expect("as ready as it gets", manager.next()[0] == "READY=1")
	expect("exit status", server.stop() == 0)
