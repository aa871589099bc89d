#!/usr/bin/env python3
"""Postrider, Postfix, Exim and OpenSMTPD on this machine, in one run, alternating; medians.

  receive   accepted, the queue held; with Postrider also with its queue in memory
  relay     accepted and relayed to one next hop until the queue is empty
  latency   a lone message: final dot to 250, to the next hop; the flush time of the disk
  dead      20,000 messages for a host that refuses connections, and live mail beside them

Load comes from smtp-source over kept connections and goes to smtp-sink, on loopback, on the same
cores. CPU and octets written are those of all of a server's processes. Needs root (mount
namespaces, Postfix's master), Debian's packages and a release build. Ratios of one run travel to
other machines; absolute figures do not. OpenSMTPD flushes nothing before its 250.

  tests/bench/compare.py                    everything: about an hour
  tests/bench/compare.py --quick            10 KiB and 20 sessions only, 3 rounds
"""
import argparse
import functools
import pathlib
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import dead_host  # noqa: E402
import latency  # noqa: E402
import throughput  # noqa: E402
from postrider import POSTFIX  # noqa: E402
from servers import SERVERS, InMemory  # noqa: E402


def medians(title, rounds, measures):
    """Run every measure in turn, `rounds` times; print a table and return its rows."""
    results = {name: [] for name in measures}
    for number in range(rounds):
        for name, measure in measures.items():
            try:
                results[name].append(measure())
            except (RuntimeError, AssertionError, OSError) as error:
                print(f"  {title}, round {number + 1}, {name}: {str(error)[:300]}", file=sys.stderr)
    rows = {name: {key: statistics.median(one[key] for one in all_rounds)
                   for key in all_rounds[0]}
            for name, all_rounds in results.items() if all_rounds}
    print_table(f"{title}, median of {rounds}", rows)
    return rows


def print_table(title, rows):
    print(f"\n{title}")
    keys = list(next(iter(rows.values()), {}))
    print(f"{'':22}" + "".join(f"{key:>20}" for key in keys))
    for name, row in rows.items():
        print(f"{name:22}" + "".join(f"{figure(row[key]):>20}" for key in keys))
    if "postrider" in rows and "postfix" in rows:
        ours, theirs = rows["postrider"], rows["postfix"]
        print(f"{'postrider / postfix':22}" +
              "".join(f"{ours[key] / theirs[key] if theirs[key] else 0:>20.3f}" for key in keys))
    sys.stdout.flush()


def figure(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def receive_and_relay(options, kinds):
    combinations = [(size, sessions) for size in options.sizes for sessions in options.sessions]
    for part in ("receive", "relay"):
        if part not in options.parts:
            continue
        held = part == "receive"
        for size, sessions in combinations:
            asked = [*kinds.values(), InMemory] if held and "postrider" in kinds else kinds.values()
            measures = {kind.name: functools.partial(throughput.one_round, kind, held, size * 1024,
                                                     sessions, options.seconds) for kind in asked}
            medians(f"{part}: {size} KiB, {sessions} sessions", options.rounds, measures)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3, help="of load in a round")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 10, 100], metavar="KIB")
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 20, 100])
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    parser.add_argument("--parts", nargs="+", choices=["receive", "relay", "latency", "dead"],
                        default=["receive", "relay", "latency", "dead"])
    parser.add_argument("--dead", type=int, default=20_000, help="messages for the dead host")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.sizes, options.sessions = 3, [10], [20]
    fetch = pathlib.Path(__file__).resolve().parents[1] / "support" / "fetch-postfix"
    subprocess.run([fetch, POSTFIX], check=True)
    kinds = {name: SERVERS[name] for name in options.servers}
    receive_and_relay(options, kinds)
    if "latency" in options.parts:
        medians("a lone message of 100 octets", options.rounds,
                {name: functools.partial(latency.one_round, kind, 200)
                 for name, kind in kinds.items()})
    if "dead" in options.parts:
        medians(f"{options.dead} messages of 10 KiB for a dead host", min(options.rounds, 3),
                {name: functools.partial(dead_host.one_round, kind, options.dead, options.seconds)
                 for name, kind in kinds.items()})


if __name__ == "__main__":
    main()
