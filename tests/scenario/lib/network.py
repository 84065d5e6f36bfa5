# SPDX-License-Identifier: MIT
"""A network of the test's own: a namespace where nothing but loopback is, so that packets can be lost and no port of the
machine is taken. Needs root; the kernel need not have netem, because nftables loses packets as well.
"""
import os
import re
import shutil
import subprocess
import sys

INSIDE = "NUNCIO_TEST_OWN_NETWORK"


def enter():
	"""Runs this script again in a network of its own; comes back when it is there, or when that cannot be."""
	if INSIDE in os.environ:
		subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
		return
	prefix = ["unshare", "--net", "--"]
	if os.geteuid() == 0 and subprocess.run([*prefix, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
		os.environ[INSIDE] = "1"
		os.execvp(prefix[0], [*prefix, sys.executable, *sys.argv])


def is_own():
	return INSIDE in os.environ


def can_lose():
	return is_own() and shutil.which("nft") is not None


class Wire:
	"""What becomes of packets to and from a port, at one address of this network or at all of them."""

	def __init__(self, port, address=None):
		self.port, self.address = port, address

	def __enter__(self):
		return self

	def say(self, rules):
		subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)

	def lose(self, percent):
		what = "counter drop" if percent == 100 else f"numgen random mod 100 < {percent} counter drop"
		there = f"ip daddr {self.address} " if self.address else ""
		back = f"ip saddr {self.address} " if self.address else ""
		self.say("table inet nuncio {\n\tchain input {\n\t\ttype filter hook input priority 0;\n"
			f"\t\t{there}tcp dport {self.port} {what}\n\t\t{back}tcp sport {self.port} {what}\n\t}}\n}}\n")

	def lost(self):
		"""Packets, so far."""
		said = subprocess.run(["nft", "list", "table", "inet", "nuncio"], capture_output=True, text=True, check=True).stdout
		return sum(map(int, re.findall(r"counter packets (\d+)", said)))

	def __exit__(self, *how):
		self.say("table inet nuncio\ndelete table inet nuncio\n")
