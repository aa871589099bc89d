#!/usr/bin/env python3
"""Each call by which the daemon writes, flushes or names a file of its spool fails, in turn.

    tests/fault/disk_test.py [--all] [--jobs N]

A life: start; small and large mail; one that waits, one that fails with a report, one held and
released; a segment filled, a checkpoint, compaction; stop or SIGKILL; start. In each life the n-th
call fails, once or from then on until mail was refused, with ENOSPC, EDQUOT, EIO or as a short
write. The sender remembers each 250, the sink each arrival. CI takes some n's, --all takes all.
"""
import argparse
import collections
import concurrent.futures
import email
import errno
import math
import pathlib
import re
import signal
import sys
import tempfile
import time
import unittest

from interposer import FAILED, FOR_EVER, SHORT_WRITE, FaultyDaemon, name_of
from postrider import BASE, PATIENCE, SANITIZED, Case, is_open, wait_for
from recorder import Recorder

ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, SHORT_WRITE)
ARGUMENTS = argparse.Namespace(all=False, jobs=8)
LIVES = 12 if SANITIZED else 72  # in CI

SETTINGS = '''
[queue]
retry = ["1s"]
retry_jitter = 0
[[plugin]]
use = "static_routes"
routes = { "*" = "127.0.0.1:%d" }
[[plugin]]
use = "ndr"
'''
CONFIG = BASE.replace("[server]\n", '[server]\nsegment_size = "1MiB"\ndrain_timeout = "2s"\nloops = 1\n') + SETTINGS


def body_of(token, size):
    line = f"a line of {token}, which must stay whole\r\n"
    return line * (size // len(line) + 1)


class Life:
    """One daemon, one sink, one fault."""

    def __init__(self, folder, fault=None, killed=False):
        self.folder = pathlib.Path(folder)
        self.fault, self.killed = fault, killed  # (first, last, error)
        self.sink = Recorder()
        self.daemon = FaultyDaemon(self.folder, CONFIG % self.sink.port, start=False)
        self.interposer = self.daemon.interposer
        self.acknowledged = {}  # token: (recipients, size)
        self.refused = collections.Counter()  # by code
        self.refused_tokens = []
        self.tokens = 0
        self.failed_starts = self.refused_orders = self.second_arrivals = 0
        self.calls = 0
        self.broken = None  # which promise

    def live(self):
        try:
            if self.fault:
                self.interposer.fail(*self.fault)
            self.start()
            self.take_mail()
            self.operate()
            self.fill_a_segment()
            self.calls = self.interposer.calls()
            self.end()
            self.calls = self.interposer.calls()
            self.interposer.heal()
            self.start()
            self.drain()
            assert self.daemon.stop() == 0, self.daemon.output()
            self.judge()
        finally:
            if hasattr(self.daemon, "child"):
                self.daemon.kill()
                self.daemon.log.close()
            self.sink.stop()

    # What happens in it

    def start(self):
        """A start that a fault prevents says so, and the next one does better."""
        self.daemon.start(ready=False)
        wait_for("a start or its end", lambda: not self.daemon.is_running() or is_open(self.daemon.port))
        wait_for("the control socket or the end", lambda: not self.daemon.is_running() or
                 self.daemon.tool("status", check=False).returncode == 0)
        if self.daemon.is_running():
            return
        assert self.interposer.faults() > 0, self.daemon.output()
        assert self.daemon.child.returncode == 74, self.daemon.output()
        assert "server.spool: " in self.daemon.output(), self.daemon.output()
        self.failed_starts += 1
        self.daemon.child.returncode = 0  # as it should
        self.interposer.heal()
        self.daemon.start()

    def take_mail(self):
        self.send(["user@a.example"], 500)
        self.send(["user@b.example", "wait@b.example", "bad@b.example"], 2_000)
        self.send(["user@a.example"], 200_000)
        self.send(["wait@a.example"], 200_000)
        self.send(["bad@a.example"], 500)
        self.send(["wait@a.example"], 500)

    def operate(self):
        [queue_id] = [message["id"] for message in self.daemon.json("queue", "list")["messages"]
                      if message["recipients"][0]["address"] == "wait@a.example" and message["size"] < 100_000][:1]
        self.daemon.tool("queue", "hold", queue_id)
        for order in ("suspend", "resume"):  # kept in a file of the spool
            done = self.daemon.tool("destination", order, "elsewhere.example", check=False)
            while done.returncode != 0:
                assert "could not be written" in done.stderr and self.interposer.faults() > 0, done
                self.refused_orders += 1
                self.interposer.heal()
                done = self.daemon.tool("destination", order, "elsewhere.example", check=False)
        self.daemon.tool("queue", "release", queue_id)

    def fill_a_segment(self):
        """So that the log rotates, a checkpoint is due, and what is left in the old one is copied."""
        for _ in range(12):
            self.send(["user@a.example"], 90_000)
        until = time.monotonic() + 4
        while time.monotonic() < until and not self.has_compacted():
            time.sleep(0.05)

    def has_compacted(self):
        try:
            return any(re.search(rb"^Q1 [pfu]", path.read_bytes(), re.M)
                       for path in (self.daemon.spool / "log").iterdir())
        except FileNotFoundError:  # renamed meanwhile
            return False

    def end(self):
        if self.killed:
            self.daemon.stop(signal.SIGKILL)
        else:
            assert self.daemon.stop() == 0, self.daemon.output()

    def drain(self):
        self.sink.full = False
        self.send(["user@a.example"], 500)

        def is_empty():
            self.daemon.tool("queue", "retry")
            return self.daemon.json("status")["queue"]["messages"] == 0
        wait_for("the queue to be empty", is_empty)

    # The sender

    def send(self, to, size):
        """Until it is acknowledged; each attempt is a message of its own."""
        end = time.monotonic() + PATIENCE
        while not self.attempt(to, size):
            # A fault that lasts ends when mail was refused for it; then mail must be taken again.
            self.interposer.heal()
            assert time.monotonic() < end, f"mail is not taken again\n{self.daemon.output()}"

    def attempt(self, to, size):
        self.tokens += 1
        token = f"m{self.tokens}"
        with self.daemon.smtp() as smtp:
            smtp.ehlo()
            steps = [lambda: smtp.mail(f"{token}@client.example"), *(lambda r=r: smtp.rcpt(r) for r in to),
                     lambda: smtp.data(f"Subject: {token}\r\n\r\n{body_of(token, size)}")]
            for step in steps:
                code, text = step()
                if code == 250:
                    continue
                assert code in (451, 452) and text.startswith(b"4.3."), (code, text)
                self.refused[code] += 1
                self.refused_tokens.append(token)
                assert smtp.noop()[0] == 250
                assert self.daemon.tool("status")
                return False
        self.acknowledged[token] = (to, size)
        return True

    def judge(self):
        arrived = collections.Counter()
        reported = set()
        for arrival in self.sink.arrivals:
            message = email.message_from_bytes(arrival.content)
            if arrival.sender == "":
                token = arrival.recipients[0].split("@")[0]
                reported |= {(token, r) for r in re.findall(rb"^Final-Recipient: rfc822; ?(\S+)", arrival.content, re.M)}
                continue
            token = message["Subject"]
            assert token not in self.refused_tokens, f"{token} was refused and is delivered"
            to, size = self.acknowledged[token]
            assert message.get_payload().replace("\r\n", "\n") == body_of(token, size).replace("\r\n", "\n"), token
            arrived.update((token, recipient) for recipient in arrival.recipients)
        for token, (to, _) in self.acknowledged.items():
            for recipient in to:
                if recipient.startswith("bad"):
                    assert (token, recipient.encode()) in reported, f"no report of {recipient} of {token}"
                else:
                    assert arrived[token, recipient], f"{token} was acknowledged, {recipient} never had it"
        self.second_arrivals = arrived.total() - len(arrived)
        assert self.interposer.trusted_again() == 0, "a file whose flush had failed was used again"
        assert not list((self.daemon.spool / "corrupt").iterdir()), "something was taken for damaged"


class Disk(Case):
    def live(self, *how):
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            life = Life(folder, *how)
            try:
                life.live()
            except Exception as broken:
                fault = life.fault and (*life.fault[:2], name_of(life.fault[2]))
                life.broken = (f"fault {fault}, killed {life.killed}, failed "
                               f"{dict(life.interposer.by_kind(FAILED))}: {type(broken).__name__} {broken}")
            return life

    def test_each_call_fails(self):
        calm = self.live()
        self.assertIsNone(calm.broken)
        seen = calm.interposer.by_kind()
        print(f"a life without faults: {calm.calls} calls that write\n  " +
              "\n  ".join(f"{count:4} {kind}" for kind, count in seen.items()), flush=True)
        self.assertGreater(calm.calls, 80)
        for kind in ("write log", "sync log", "create log", "allocate log", "create big", "write big", "sync big",
                     "sync spool", "write CHECKPOINT", "sync CHECKPOINT", "unlink big", "rename spool"):
            self.assertIn(kind, seen)
        faults = [(n, last, error) for n in range(1, calm.calls + 1) for error in ERRORS
                  for last in ((n, FOR_EVER) if error in (errno.ENOSPC, errno.EIO) else (n + 30,) if error == SHORT_WRITE
                               else (n,))]
        step = 1 if ARGUMENTS.all else len(faults) // LIVES + 1
        while math.gcd(step, len(ERRORS) + 2) != 1:
            step += 1  # so that each kind of fault has its turn
        chosen = faults[::step]
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(ARGUMENTS.jobs) as pool:
            lives = list(pool.map(lambda pair: self.live(pair[1], pair[0] % 2 == 1), enumerate(chosen)))
        failed = sum((life.interposer.by_kind(FAILED) for life in lives), collections.Counter())
        refused = sum((life.refused for life in lives), collections.Counter())
        print(f"{len(lives)} lives of {len(faults)} possible, in {time.monotonic() - began:.0f} s: "
              f"{sum(life.calls for life in lives)} calls, {failed.total()} failed\n  " +
              "\n  ".join(f"{count:4} {kind}" for kind, count in failed.most_common()))
        print(f"{sum(len(life.acknowledged) for life in lives)} messages acknowledged, none lost; "
              f"refused {dict(refused)}; starts refused {sum(life.failed_starts for life in lives)}; "
              f"orders refused {sum(life.refused_orders for life in lives)}; "
              f"second arrivals {sum(life.second_arrivals for life in lives)}")
        self.assertEqual([life.broken for life in lives if life.broken], [])
        self.assertGreater(sum(bool(life.interposer.faults()) for life in lives), len(lives) * 0.8)
        self.assertGreater(refused.total(), len(lives) / 8)
        self.assertLessEqual(set(refused), {451, 452})
        self.assertGreater(len(failed), 6)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every call with every error")
    parser.add_argument("--jobs", type=int, default=ARGUMENTS.jobs, help="lives at a time")
    ARGUMENTS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
