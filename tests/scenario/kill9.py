#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Kills the server in the middle of traffic, again and again, and looks for what was lost or doubled.

Usage: kill9.py --build DIR [--rounds N] [--seed N] [--senders N]

Each round: senders write to receivers as fast as answers allow, kill -9 at a random moment, start again.
Then, with nobody sending, four things must hold:
  1. every acknowledged message is in history exactly once, with the seq and id of its answer, and the
     seq of each conversation runs 1, 2, 3 ... without a hole;
  2. what was sent but not answered, sent again with the same client_id, is stored once: either it had
     been (`duplicate`: true), or it is now;
  3. each receiver, which connects again and calls `sync` with the cursor of its last sync, has then seen
     every event of every conversation of its own exactly once and in order, live and synced together;
  4. `nuncioctl fsck` finds the database whole (of store_sqlite, which has that command).
The seed decides the moments and the sizes; it is printed, and `--seed` plays it again (the scheduler's
part in it cannot be played again). The last line is the count of checks.
"""
import argparse
import os
import random
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import control, wire  # noqa: E402
from lib.server import Build, Server  # noqa: E402
from lib.traffic import Look, Receiver, Sender, check_receivers  # noqa: E402


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
	parser.add_argument("--build", required=True)
	parser.add_argument("--rounds", type=int, default=20)
	parser.add_argument("--seed", type=int, default=None)
	parser.add_argument("--senders", type=int, default=6)
	args = parser.parse_args()
	seed = args.seed if args.seed is not None else int.from_bytes(os.urandom(4), "big")
	dice = random.Random(seed)
	print(f"kill9: seed {seed}, {args.rounds} rounds, {args.senders} senders", flush=True)
	build = Build(args.build)
	server = Server(build, "store_sqlite auth_jwt direct history".split()).start()
	names = [f"r{i}" for i in range(3)]
	receivers = [Receiver(server, name) for name in names]
	# Also senders to each other: their conversations have two writers.
	senders = [Sender(server, f"s{i}", names + [f"s{(i + 1) % args.senders}"], dice.random())
		for i in range(args.senders)]
	failed = 0
	for receiver in receivers:
		receiver.sync(server.client(receiver.name, device="r"))
	for number in range(1, args.rounds + 1):
		moment = dice.uniform(0.05, 0.8) * max(1.0, wire.SLOW / 2)
		for thread in receivers + senders:
			thread.start()
		time.sleep(moment)
		alive = server.is_running()
		server.kill()
		for thread in senders + receivers:
			thread.stopping = True
			thread.join(30)
		senders = [sender.successor() for sender in senders]
		receivers = [receiver.successor() for receiver in receivers]
		server.start()
		faults = [] if alive else ["the server had died before it was killed"]
		look = Look(server, senders, receivers)
		acked = sum(len(sender.acked) for sender in senders)
		stored = sum(sender.again() for sender in senders)
		after = Look(server, senders, receivers)
		open_ends = sum(len(sender.said) - len(sender.acked) for sender in senders)
		if open_ends:
			faults.append(f"{open_ends} messages could not be sent again")
		check_receivers(server, receivers, after, faults)
		whole = control.ctl(server, "fsck" if "store_sqlite" in server.modules else "status")
		if whole.status != 0:
			faults.append(f"nuncioctl fsck: {whole}")
		faults = look.faults + after.faults + faults
		sent = sum(len(sender.said) for sender in senders)
		if after.found != sent:
			faults.append(f"{sent} messages sent, {after.found} found")
		failed += bool(faults)
		print(f"round {number:2}: killed after {moment * 1000:.0f} ms; sent {sent}, acknowledged before {acked}, "
			f"found {after.found}, stored without an answer {stored}, live "
			f"{sum(r.live for r in receivers)}, duplicates {after.duplicates}, lost {look.lost + after.lost}"
			f"{'' if not faults else ' FAIL'}", flush=True)
		for fault in faults[:10]:
			print(f"    {fault}")
	server.stop()
	troubles = server.verdict()
	for trouble in troubles:
		print(f"    {trouble}")
	failed += bool(troubles)
	if failed:
		print(f"kill9: play it again with --seed {seed}; log of the last server: {server.log_path}")
	else:
		server.remove()
	build.close()
	print(f"{args.rounds + 1 - failed} passed, {failed} failed, 0 skipped")
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
