#!/usr/bin/env python3
"""What the protocol log costs: messages relayed per second without it, at level off, at level full.

Rounds alternate within one run; the table has medians. Needs the packages of tests/packages and a
release build. The aim: full costs at most 10 % of the throughput of off.

  tests/bench/protocol_log.py [--messages N] [--size OCTETS] [--sessions N] [--rounds N]
"""
import argparse
import statistics

import relay
from postrider import BASE, Daemon


def server(level):
    """A class of servers whose protocol log is at `level`; None: not listed."""
    class Logged(relay.Postrider):
        def __init__(self, folder, sink_port):
            block = "" if level is None else f'''
[[plugin]]
use = "protocol_log"
level = "{level}"
file = "{folder}/protocol.log"
'''
            Daemon.__init__(self, folder, BASE + f'''
[[plugin]]
use = "static_routes"
routes = {{ "*" = "127.0.0.1:{sink_port}" }}
{block}''')
    return Logged


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--size", type=int, default=10240)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    kinds = {"none": server(None), "off": server("off"), "full": server("full")}
    rows = {label: [] for label in kinds}
    for number in range(options.rounds):
        for label, kind in kinds.items():
            rows[label].append(relay.one_round(kind, options))
            print(f"round {number + 1} {label}: accepted %.0f/s, relayed %.0f/s, CPU %.3f ms/message"
                  % rows[label][-1], flush=True)
    medians = {label: [statistics.median(column) for column in zip(*values)]
               for label, values in rows.items()}
    print(f"\n{options.messages} messages of {options.size} octets, median of {options.rounds}")
    print(f"{'level':8}{'accepted/s':>12}{'relayed/s':>12}{'CPU ms/msg':>12}{'relayed vs off':>16}")
    for label, (accepted, relayed, cpu) in medians.items():
        print(f"{label:8}{accepted:12.0f}{relayed:12.0f}{cpu:12.3f}"
              f"{relayed / medians['off'][1]:16.3f}")


if __name__ == "__main__":
    main()
