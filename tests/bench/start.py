#!/usr/bin/env python3
"""How soon the daemon serves when it starts with a long queue, and what that queue costs it.

Every queue is written once, 1 KiB a message, one recipient each, all due at once for domains whose
name server refuses to answer; then the daemon is started upon it three times: as it was written, after a
SIGKILL, after a clean stop. A client connects as soon as it can and sends one message to a host that
lives. From the start of the process:

  listening, first 250, relayed   the client is connected, is told 250, its message has arrived
  all read                        every message of the queue is in the loops; CPU until then
  MiB then, later, peak           resident memory at that moment, five seconds later, at most
  octets each                     "later" without what a daemon takes that has no queue

  tests/bench/start.py                              20,000, 100,000 and 1,000,000 messages
  tests/bench/start.py --messages 1000000 --destinations 100000
"""
import argparse
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from compare import print_table  # noqa: E402
from latency import Client, ClockedSink  # noqa: E402
from postrider import BASE, BUILD, Daemon, NameServer, answers, status, wait_for  # noqa: E402

OCTETS = 1024
SETTLE = 5  # seconds
TICKS = os.sysconf("SC_CLK_TCK")


class Waiting(Daemon):
    """A daemon that is not waited for: whoever starts it looks at the clock."""

    def __init__(self, folder, next_hop, name_server):
        super().__init__(folder, BASE + f"""
[dns]
servers = ["127.0.0.1:{name_server}"]
[[plugin]]
use = "static_routes"
routes = {{ "dest.example" = "127.0.0.1:{next_hop}" }}
""", start=False)

    def cpu(self):
        """Seconds of user and system time."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self, name):
        """MiB: VmRSS, VmHWM."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
        raise RuntimeError(f"{name} is not in /proc/{self.pid}/status")


def connected(daemon):
    """Wait for the listener without sleeping long."""
    while daemon.is_running():
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", daemon.port)) == 0:
                return
        time.sleep(0.002)
    raise RuntimeError(f"postriderd ended:\n{daemon.output()}")


def start(daemon, sink, messages, empty):
    """One start; figures by name, times in milliseconds."""
    sink.arrivals.clear()
    begin = time.monotonic()

    def since():
        return (time.monotonic() - begin) * 1e3

    daemon.start(ready=False)
    connected(daemon)
    row = {"listening ms": since()}
    client = Client(daemon.port)
    client.send()
    row["first 250 ms"] = since()
    row["relayed ms"] = (sink.wait(1, seconds=600) - begin) * 1e3
    client.socket.close()
    wait_for("the control socket", lambda: answers(daemon.control), 600)
    wait_for("all to be read", lambda: status(daemon.control)["queue"]["messages"] >= messages, 600)
    row["all read ms"], row["CPU s"] = since(), daemon.cpu()
    row["MiB then"] = daemon.memory("VmRSS")
    time.sleep(SETTLE)
    row["later"], row["peak"] = daemon.memory("VmRSS"), daemon.memory("VmHWM")
    row["octets each"] = (row["later"] - empty) * 2**20 / messages if messages else 0
    return row


def three_starts(folder, ports, sink, messages, destinations, empty):
    """Rows by name."""
    subprocess.run([BUILD / "tests" / "fill_spool", folder / "spool", str(messages),
                    str(min(destinations, messages)), str(OCTETS)], check=True)
    daemon = Waiting(folder, *ports)
    rows = {}
    try:
        rows[f"{messages} as written"] = start(daemon, sink, messages, empty)
        daemon.kill()
        rows[f"{messages} after SIGKILL"] = start(daemon, sink, messages, empty)
        begin = time.monotonic()
        daemon.stop(seconds=120)
        stopped = time.monotonic() - begin
        rows[f"{messages} after a stop"] = start(daemon, sink, messages, empty)
        print(f"{messages} messages: the clean stop took {stopped:.2f} s", flush=True)
    finally:
        daemon.stop(seconds=120)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, nargs="+", default=[20_000, 100_000, 1_000_000])
    parser.add_argument("--destinations", type=int, default=100_000, help="at most")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="postrider-bench-"))
    sink = ClockedSink(folder)
    names = NameServer(folder, {"other.example": ""})
    ports = (sink.port, names.port)
    try:
        (folder / "empty").mkdir()
        nothing = Waiting(folder / "empty", *ports)
        try:
            rows = {"no queue": start(nothing, sink, 0, 0)}
        finally:
            nothing.stop(seconds=20)
        for messages in options.messages:
            place = folder / str(messages)
            place.mkdir()
            rows |= three_starts(place, ports, sink, messages, options.destinations,
                                 rows["no queue"]["later"])
            shutil.rmtree(place)
        print_table("Starts with a queue", rows)
    finally:
        names.stop()
        sink.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
