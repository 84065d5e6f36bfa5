# SPDX-License-Identifier: MIT
"""Stands between a client and a MySQL server, and breaks connections at the one moment that matters: COMMIT.

	before   the packet with COMMIT does not reach the server: nothing is committed
	during   it does, and both connections are cut at once: nobody knows
	after    the server has answered, and the client does not get to hear it: committed
"""
import random
import select
import socket
import threading

QUERY = 3
MOMENTS = ("before", "during", "after")


class Cut(Exception):
	"""This connection is over."""


class Link:
	"""One connection and its twin to the server."""

	def __init__(self, proxy, client):
		self.proxy, self.client = proxy, client
		self.server = socket.create_connection(("127.0.0.1", proxy.to_port))
		self.text = b""  # from the client, less than a packet

	def close(self):
		self.client.close()
		self.server.close()

	def read(self, sock):
		data = sock.recv(65536)
		if not data:
			raise Cut
		return data

	def run(self):
		try:
			while True:
				for sock in select.select([self.client, self.server], [], [])[0]:
					if sock is self.server:
						self.client.sendall(self.read(self.server))
					else:
						self.text += self.read(self.client)
						self.forward()
		except (Cut, OSError):
			pass
		finally:
			self.close()

	def forward(self):
		"""Whole packets: three bytes of length, a number, and so many bytes."""
		while len(self.text) >= 4:
			size = 4 + int.from_bytes(self.text[:3], "little")
			if len(self.text) < size:
				return
			packet, self.text = self.text[:size], self.text[size:]
			moment = self.proxy.choose(packet)
			if moment == "before":
				raise Cut
			self.server.sendall(packet)
			if moment == "after":
				self.read(self.server)
			if moment:
				raise Cut


class Proxy:
	def __init__(self, to_port, seed):
		self.to_port = to_port
		self.dice = random.Random(seed)
		self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
		self.port = self.listener.getsockname()[1]
		self.share = 0.0  # of COMMITs that are cut
		self.cuts = dict.fromkeys(MOMENTS, 0)
		threading.Thread(target=self.run, daemon=True).start()

	def run(self):
		while True:
			try:
				client = self.listener.accept()[0]
			except OSError:
				return
			try:
				threading.Thread(target=Link(self, client).run, daemon=True).start()
			except OSError:
				client.close()

	def choose(self, packet):
		"""What happens to it; None: nothing."""
		if packet[4] != QUERY or b"COMMIT" not in packet[-64:] or self.dice.random() >= self.share:
			return None
		moment = self.dice.choice(MOMENTS)
		self.cuts[moment] += 1
		return moment

	def close(self):
		self.listener.close()
