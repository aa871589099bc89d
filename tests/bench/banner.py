#!/usr/bin/env python3
"""The banner with dead DNS against the banner with healthy DNS, side by side: p99 of each.

Two daemons, alike but for their name server, with reverse_resolve and the protocol log at full. Each
round opens COUNT connections to each, one after the other and in turns, so that what else the machine
does hits both alike; all stay open until the round ends, so that the dead name server owes COUNT
answers. Prints each round, and the p99 of all rounds together with their ratio.

    banner.py [ROUNDS [COUNT]]        (default 5 rounds of 1000)
"""
import contextlib
import os
import pathlib
import resource
import socket
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from postrider import BASE, BlackHole, Daemon, NameServer, wait_for

ZONE = {"127.in-addr.arpa": "1.0.0 IN PTR client.test.example.",
        "test.example": "client IN A 127.0.0.1"}


@contextlib.contextmanager
def first_in_line():
    """What is started and done within goes before the other work of the machine, if we may: p99 of a
    fraction of a millisecond is else that of the scheduler."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except OSError:
        print("no right to a real-time priority: other work on this machine shows in the figures")
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def daemon(folder, dns_port):
    folder.mkdir()
    return Daemon(folder, BASE + f'''
[smtp]
max_sessions = 5000
max_sessions_per_client = 5000
[dns]
servers = ["127.0.0.1:{dns_port}"]
[[plugin]]
use = "reverse_resolve"
[[plugin]]
use = "protocol_log"
level = "full"
check_own_name = false
file = "{folder}/protocol.log"
''')


def greet(port):
    """Connect; the connection and the milliseconds until the whole greeting was read."""
    begin = time.perf_counter()
    client = socket.create_connection(("127.0.0.1", port), timeout=60)
    greeting = client.recv(512)
    took = (time.perf_counter() - begin) * 1e3
    assert greeting.startswith(b"220 ") and greeting.endswith(b"\r\n"), greeting
    return client, took


def p99(times):
    return sorted(times)[int(len(times) * 0.99)]


def measure(healthy, dead, count):
    """One round: the times of both, in milliseconds."""
    times, clients = ([], []), []
    for i in range(count):
        for which in ((0, 1) if i % 2 == 0 else (1, 0)):
            client, took = greet((healthy, dead)[which].port)
            clients.append(client)
            times[which].append(took)
    for client in clients:
        client.close()
    for one in (healthy, dead):
        wait_for("the sessions to end", lambda: one.json("status")["sessions"]["now"] == 0)
    return times


def compare(healthy, dead, rounds, count, enough=0.0):
    """Rounds, printed; the ratios of their p99 (dead to healthy), and that of all together. Ends
    early when a ratio is at most `enough`."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(files[1], 2 * count + 500), files[1]))
    measure(healthy, dead, count // 10)  # warm
    everything, ratios = ([], []), []
    for number in range(rounds):
        times = measure(healthy, dead, count)
        for all_times, these in zip(everything, times):
            all_times.extend(these)
        ratios.append(p99(times[1]) / p99(times[0]))
        print(f"round {number + 1}: banner p99 of {count} connections, ms: healthy DNS "
              f"{p99(times[0]):.3f}, dead DNS {p99(times[1]):.3f}, ratio {ratios[-1]:.2f}", flush=True)
        if ratios[-1] <= enough:
            break
    together = p99(everything[1]) / p99(everything[0])
    print(f"all {len(everything[0])}: p99, ms: healthy DNS {p99(everything[0]):.3f}, dead DNS "
          f"{p99(everything[1]):.3f}, ratio {together:.2f}")
    for name, one in (("healthy", healthy), ("dead", dead)):
        found = one.json("status")["sessions"]
        print(f"the daemon's own figures, {name} DNS, ms: p50 {found['banner_p50_ms']}, "
              f"p99 {found['banner_p99_ms']}, max {found['banner_max_ms']}")
    return ratios, together


def main(rounds=5, count=1000):
    with tempfile.TemporaryDirectory(prefix="postrider-banner-") as name:
        folder, running = pathlib.Path(name), []
        try:
            with first_in_line():
                running.append(NameServer(folder, ZONE))
                running.append(BlackHole())
                running.append(daemon(folder / "healthy", running[0].port))
                running.append(daemon(folder / "dead", running[1].port))
                _, together = compare(running[2], running[3], rounds, count)
        finally:
            for one in reversed(running):
                one.stop()
    return 0 if together <= 1.2 else 1


if __name__ == "__main__":
    sys.exit(main(*(int(word) for word in sys.argv[1:])))
