#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Does what operators do: nuncioctl, the control socket, metrics. Usage: run_operate.py --build DIR [-j N] [-k TEXT]

Every operate_*.py here holds cases (see lib/cases.py). The last line is the count.
"""
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), HERE]
from lib import cases  # noqa: E402

if __name__ == "__main__":
	sys.exit(cases.main(HERE, "operate_*.py", __doc__))
