#!/usr/bin/env python3
"""SIGKILL at random moments, over and over: nothing that was acknowledged is missing or torn.

    tests/fault/kill_loop.py --rounds 200 [--seed N]

Senders remember each 250, a sink remembers each arrival. Kills fall into accepting, delivering,
starting and recovering, compaction (small segments) and the writing of reports. A second arrival is
allowed only if a kill fell between the sink's final dot and a second after its reply; a second
report of one failure never is.
"""
import argparse
import collections
import email
import os
import random
import re
import signal
import smtplib
import sys
import threading
import time
import unittest

from postrider import BASE, Case, Daemon, SANITIZED, wait_for
from recorder import Recorder

WINDOW = 1.0  # seconds from the next hop's 250 to our durable outcome: docs/queue.md says 20 ms
DOMAINS = 12
SIZES = (400, 3_000, 3_000, 20_000, 90_000, 300_000)  # the last one streams to a file
ARGUMENTS = argparse.Namespace(rounds=3 if SANITIZED else 20, seed=None)

SETTINGS = '''
[smtp]
max_sessions_per_client = 1000
[queue]
retry = ["1s"]
[[plugin]]
use = "static_routes"
routes = { "*" = "127.0.0.1:%d" }
[[plugin]]
use = "ndr"
'''


def body_of(token, size):
    lines, length = [], 0
    while length < size:
        lines.append(f"line {len(lines)} of {token}, which must stay whole and in order")
        length += len(lines[-1]) + 2
    return "\r\n".join(lines) + "\r\n"


class Sender(threading.Thread):
    """Sends numbered messages until told to stop; remembers each 250."""

    def __init__(self, port, name, seed):
        super().__init__(daemon=True)
        self.port, self.label, self.random = port, name, random.Random(seed)
        self.acknowledged = {}  # token: (recipients, size)
        self.stopping = False

    def recipients(self):
        kinds = ["user"] * 12 + ["bad"] * 4 + ["slow"] * 4 + ["wait"]
        count = self.random.choice((1, 1, 1, 2, 5))
        return tuple(dict.fromkeys(
            f"{self.random.choice(kinds)}{i}@d{self.random.randrange(DOMAINS)}.example"
            for i in range(count)))

    def run(self):
        number = 0
        while not self.stopping:
            try:
                with smtplib.SMTP("127.0.0.1", self.port, "client.example", timeout=10) as smtp:
                    while not self.stopping:
                        number += 1
                        self.send(smtp, f"{self.label}-{number}")
            except (OSError, smtplib.SMTPException):
                time.sleep(0.02)  # the daemon is down: a real client comes back

    def send(self, smtp, token):
        to, size = self.recipients(), self.random.choice(SIZES)
        refused = smtp.sendmail(f"{token}@client.example", to,
                                f"Subject: {token}\r\n\r\n{body_of(token, size)}")
        if refused:
            raise AssertionError(f"{token}: refused {refused}")
        self.acknowledged[token] = (to, size)
        time.sleep(self.random.random() * 0.03)


class Kill(Case):
    def test_kill_loop(self):
        seed = ARGUMENTS.seed if ARGUMENTS.seed is not None else random.randrange(1 << 30)
        self.random = random.Random(seed)
        print(f"--rounds {ARGUMENTS.rounds} --seed {seed}", flush=True)
        sink = Recorder(slow_answers=0.1, seed=seed)
        self.addCleanup(sink.stop)
        config = BASE.replace("[server]\n", '[server]\nsegment_size = "1MiB"\n')
        daemon = self.keep(Daemon(self.folder, config + SETTINGS % sink.port))
        senders = [Sender(daemon.port, f"s{i}", seed + i) for i in range(6)]
        for sender in senders:
            sender.start()
        self.kills = []
        self.copies = self.looked = 0
        for number in range(ARGUMENTS.rounds):
            self.round(daemon)
            if number % 20 == 19:
                told = sum(len(sender.acknowledged) for sender in senders)
                print(f"round {number + 1}: {told} acknowledged, {len(sink.arrivals)} arrivals", flush=True)
                self.let_drain(daemon)
        for sender in senders:
            sender.stopping = True
        for sender in senders:
            sender.join()
        sink.full = False
        self.until_served(daemon)
        wait_for("the queue to be empty", lambda: daemon.json("status")["queue"]["messages"] == 0, 300)
        print(f"copies by compaction seen after {self.copies} of {self.looked} kills looked at")
        self.assertTrue(self.copies or ARGUMENTS.rounds < 10, "nothing was compacted")
        acknowledged = {}
        for sender in senders:
            acknowledged.update(sender.acknowledged)
        self.judge(acknowledged, list(sink.arrivals))

    def round(self, daemon):
        """Let it run for a moment chosen at random, kill it, start it again."""
        time.sleep(self.random.choice((0.02, 0.1, 0.4, 1.5, 4)) * self.random.random())
        daemon.child.send_signal(signal.SIGKILL)
        self.kills.append(time.monotonic())
        daemon.child.wait()
        if len(self.kills) % 4 == 0:
            self.looked += 1
            self.copies += any(re.search(rb"^Q1 [pfu]", path.read_bytes(), re.M)
                               for path in (daemon.spool / "log").iterdir())
        # Most starts are waited for; some are killed on their way up.
        daemon.start(ready=self.random.random() < 0.7)

    def until_served(self, daemon):
        wait_for("the control socket",
                 lambda: daemon.tool("status", check=False).returncode == 0)

    def let_drain(self, daemon):
        """So that a long run has a queue of bounded length."""
        self.until_served(daemon)
        wait_for("the backlog to go",
                 lambda: (q := daemon.json("status")["queue"])["queued"] + q["active"] < 200, 300)

    def in_doubt(self, arrival):
        end = (arrival.answered or arrival.dot) + WINDOW
        return any(arrival.dot - 0.05 <= kill <= end for kill in self.kills)

    def kill_after(self, arrival):
        """How long after the reply the next kill came, in seconds; 0 if before."""
        end = arrival.answered or arrival.dot
        return max(0, min((kill - end for kill in self.kills if kill >= arrival.dot - 0.05), default=0))

    def judge(self, acknowledged, arrivals):
        by_recipient = collections.defaultdict(list)
        reports = collections.defaultdict(list)
        for arrival in arrivals:
            message = email.message_from_bytes(arrival.content)
            if arrival.sender == "":
                for told in self.told_in(arrival):
                    reports[told].append((message["Message-ID"], arrival))
                continue
            token = message["Subject"]
            if token in acknowledged:
                self.assertEqual(message.get_payload().replace("\r\n", "\n"),
                                 body_of(token, acknowledged[token][1]).replace("\r\n", "\n"), token)
            for recipient in arrival.recipients:
                by_recipient[token, recipient].append(arrival)
        missing, unreported, twice, forbidden, reported_twice, late = [], [], 0, [], [], []
        for token, (recipients, _) in acknowledged.items():
            for recipient in recipients:
                bad = recipient.startswith("bad")
                if not (reports if bad else by_recipient)[token, recipient]:
                    (unreported if bad else missing).append((token, recipient))
        for what, several in by_recipient.items():
            several.sort(key=lambda arrival: arrival.dot)
            twice += len(several) - 1
            forbidden += [(what, a) for a in several[:-1] if not self.in_doubt(a)]
            late += [self.kill_after(a) for a in several[:-1]]
        for what, several in reports.items():
            if len({name for name, _ in several}) > 1:
                reported_twice.append(what)
            twice += len(several) - 1
            several.sort(key=lambda pair: pair[1].dot)
            forbidden += [(what, a) for _, a in several[:-1] if not self.in_doubt(a)]
        recipients = sum(len(to) for to, _ in acknowledged.values())
        print(f"{len(self.kills)} kills, {len(acknowledged)} messages acknowledged for {recipients} "
              f"recipients, {len(reports)} failures reported; missing {len(missing)}, failures "
              f"without report {len(unreported)}, reported twice {len(reported_twice)}; second "
              f"arrivals {twice}, of which outside the window of a kill {len(forbidden)}", flush=True)
        if late:
            print(f"from the 250 of a first arrival to the kill: at most {max(late) * 1000:.0f} ms")
        for what, arrival in forbidden[:5]:
            near = min(self.kills, key=lambda kill: abs(kill - arrival.dot))
            print(what, f"kill {near - arrival.dot:+.3f} s from the dot")
        self.assertGreater(len(acknowledged), ARGUMENTS.rounds)
        self.assertEqual(missing, [], "acknowledged and missing")
        self.assertEqual(unreported, [], "failed and not reported")
        self.assertEqual(reported_twice, [], "one failure, two reports")
        self.assertEqual(forbidden, [], "arrived twice without a kill near the final reply")

    def told_in(self, arrival):
        """(token, recipient) of each failure that this report tells."""
        token = arrival.recipients[0].split("@")[0]
        text = arrival.content.decode()
        return [(token, address) for address in re.findall(r"^Final-Recipient: rfc822; ?(\S+)", text, re.M)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ARGUMENTS.rounds)
    parser.add_argument("--seed", type=int)
    ARGUMENTS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
