#!/usr/bin/env python3
"""Reload and stop in the middle of everything: sessions, deliveries and operators' requests. What is
acknowledged arrives, the daemon ends as asked; run it with --asan and --tsan."""
import signal
import smtplib
import socket
import threading
import time
import unittest

from postrider import BASE, Case, Daemon, Sink, wait_for

RELOADS = 10


class Busy(threading.Thread):
    """Does `work` again and again until it is told to stop; the daemon may go meanwhile."""

    def __init__(self, work):
        super().__init__()
        self.work = work
        self.done = 0
        self.stopping = False
        self.start()

    def run(self):
        while not self.stopping:
            try:
                self.work()
                self.done += 1
            except (OSError, smtplib.SMTPException, ValueError):
                time.sleep(0.02)


class Churn(Case):
    def setUp(self):
        super().setUp()
        self.sink = self.keep(Sink(self.folder))
        # Nobody answers for DNS: each session's fact is under way for two seconds.
        self.daemon = self.keep(Daemon(self.folder, BASE.replace("[server]", "[server]\nloops = 4") + f'''
[dns]
servers = ["127.0.0.1:9"]
[[plugin]]
use = "reverse_resolve"
[[plugin]]
use = "static_routes"
routes = {{ "*" = "127.0.0.1:{self.sink.port}" }}
'''))
        self.busy = []
        self.addCleanup(self.end)

    def end(self):
        for one in self.busy:
            one.stopping = True
        for one in self.busy:
            one.join()

    def send(self):
        with smtplib.SMTP("127.0.0.1", self.daemon.port, "client.example", timeout=5) as smtp:
            smtp.sendmail("a@client.example", ["u@dest.example"], "Subject: x\r\n\r\nx\r\n")

    def ask(self):
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(5)
            control.connect(str(self.daemon.control))
            for words in ('"plugins"', '"status"', '"queue", "list"', '"destinations"'):
                control.sendall(b'{"words": [' + words.encode() + b']}\n')
                answer = b""
                while not answer.endswith(b"\n"):
                    answer += control.recv(65536) or b"\n"

    def begin(self):
        self.busy = [Busy(self.send) for _ in range(4)] + [Busy(self.ask) for _ in range(3)]
        wait_for("traffic", lambda: all(one.done > 0 for one in self.busy))

    def test_reloads_among_sessions(self):
        # A session that began under the first configuration outlives it.
        with self.daemon.smtp() as old:
            old.ehlo()
            self.begin()
            for number in range(RELOADS):
                before = self.daemon.output().count('event="reloaded"')
                self.daemon.child.send_signal(signal.SIGHUP)
                wait_for(f"reload {number}",
                         lambda: self.daemon.output().count('event="reloaded"') > before)
            self.end()
            old.sendmail("a@client.example", ["u@dest.example"], "Subject: x\r\n\r\nx\r\n")
        wait_for("an empty queue", lambda: self.daemon.json("status")["queue"]["messages"] == 0)

    def test_stops_among_requests(self):
        for _ in range(2):
            self.begin()
            self.daemon.stop()
            self.assertEqual(self.daemon.child.returncode, 0, self.daemon.output()[-3000:])
            self.end()
            self.daemon.start()


if __name__ == "__main__":
    unittest.main()
