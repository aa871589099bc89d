#!/usr/bin/env python3
"""SIGKILL in the middle: after a new start no acknowledged message is missing and none is torn."""
import collections
import email
import os
import signal
import smtplib
import threading
import time
import unittest

from postrider import BASE, Case, Daemon, SANITIZED, Sink, wait_for

BODY = "\r\n".join(f"line {i} of a message that must stay whole" for i in range(120)) + "\r\n"


class Sender(threading.Thread):
    """Sends numbered messages until told to stop; remembers each 250."""

    def __init__(self, port, name):
        super().__init__(daemon=True)
        self.port, self.label = port, name
        self.acknowledged = set()
        self.stopping = False

    def run(self):
        number = 0
        while not self.stopping:
            try:
                with smtplib.SMTP("127.0.0.1", self.port, "client.example", timeout=5) as smtp:
                    while not self.stopping:
                        number += 1
                        token = f"{self.label}-{number}"
                        smtp.sendmail("sender@client.example", ["user@dest.example"],
                                      f"Subject: {token}\r\n\r\n{BODY}")
                        self.acknowledged.add(token)
            except (OSError, smtplib.SMTPException):
                time.sleep(0.02)  # the daemon is down: a real client comes back


class Crash(Case):
    ROUNDS = 2 if SANITIZED else 5

    def test_kill_loses_nothing_that_was_acknowledged(self):
        sink = self.keep(Sink(self.folder, options=["-d", "%M."]))
        daemon = self.keep(Daemon(self.folder, BASE + f'''
[queue]
retry = ["1s"]
[[plugin]]
use = "static_routes"
routes = {{ "*" = "127.0.0.1:{sink.port}" }}
'''))
        senders = [Sender(daemon.port, f"s{i}") for i in range(8)]
        for sender in senders:
            sender.start()
        for _ in range(self.ROUNDS):
            before = sum(len(s.acknowledged) for s in senders)
            wait_for("traffic", lambda: sum(len(s.acknowledged) for s in senders) > before + 40)
            daemon.stop(signal.SIGKILL)
            daemon.start()
        for sender in senders:
            sender.stopping = True
        for sender in senders:
            sender.join()
        acknowledged = set().union(*(s.acknowledged for s in senders))
        self.assertGreater(len(acknowledged), 40 * self.ROUNDS)

        wait_for("the queue to be empty", lambda: daemon.json("status")["queue"]["messages"] == 0)
        arrived = collections.Counter()
        for name in os.listdir(sink.dumps):
            message = email.message_from_bytes((sink.dumps / name).read_bytes())
            arrived[message["Subject"]] += 1
            self.assertEqual(message.get_payload().rstrip("\n"),
                             BODY.replace("\r\n", "\n").rstrip("\n"), name)
        self.assertEqual(acknowledged - set(arrived), set(), "acknowledged and missing")
        twice = sum(1 for count in arrived.values() if count > 1)
        print(f"{len(acknowledged)} acknowledged, {self.ROUNDS} kills, 0 missing, {twice} twice")


if __name__ == "__main__":
    unittest.main()
