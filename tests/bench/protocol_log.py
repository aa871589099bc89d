#!/usr/bin/env python3
"""What the protocol log costs: messages relayed per second without it, at level off, at level full.

Rounds alternate within one run; the table has medians. Needs root (cgroups), the packages of
tests/packages and a release build. The aim: full costs at most 10 % of the throughput of off.

  tests/bench/protocol_log.py [--seconds N] [--size OCTETS] [--sessions N] [--rounds N]
"""
import argparse
import functools
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import throughput  # noqa: E402
from compare import medians  # noqa: E402
from servers import Postrider  # noqa: E402


def server(level):
    """A class of servers whose protocol log is at `level`; None: not listed."""
    class Logged(Postrider):
        extra = "" if level is None else f'''
[[plugin]]
use = "protocol_log"
level = "{level}"
file = "@FOLDER@/protocol.log"
'''
    return Logged


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3, help="of load in a round")
    parser.add_argument("--size", type=int, default=10240)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    measures = {str(level): functools.partial(throughput.one_round, server(level), False,
                                              options.size, options.sessions, options.seconds)
                for level in (None, "off", "full")}
    rows = medians(f"protocol_log: {options.size} octets, {options.sessions} sessions",
                   options.rounds, measures)
    print(f"\nfull relays {rows['full']['relayed/s'] / rows['off']['relayed/s']:.3f} of what off relays, "
          f"for {rows['full']['CPU ms'] / rows['off']['CPU ms']:.3f} of its CPU")


if __name__ == "__main__":
    main()
