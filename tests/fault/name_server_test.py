#!/usr/bin/env python3
"""The name server falls silent, dies, and comes back while mail flows: mail waits, nobody is turned
away, nothing is lost or returned, and greetings are as fast as ever."""
import os
import pathlib
import signal
import smtplib
import socket
import threading
import time
import unittest

from postrider import BASE, SANITIZED, Case, Daemon, NameServer, Process, free_port, is_open, wait_for
from scripted import Peer

DOMAINS = 8
PHASE = 4  # seconds
CONFIG = BASE + '''
[smtp]
max_sessions_per_client = 1000
[dns]
servers = ["127.0.0.1:%d"]
attempt_timeout = "500ms"
attempts = 1
[deliver]
port = %d
idle_connection = "100ms"
[queue]
retry = ["1s"]
[[destination]]
match = ["*"]
back_off = ["1s"]
[[plugin]]
use = "reverse_resolve"
[[plugin]]
use = "ndr"
'''


class Sender(threading.Thread):
    """Sends until told to stop, each message to the next domain; remembers each 250 and each wait for
    a greeting."""

    def __init__(self, port, name):
        super().__init__(daemon=True)
        self.port, self.label = port, name
        self.acknowledged, self.greetings, self.trouble = [], [], []
        self.stopping = False

    def run(self):
        while not self.stopping:
            recipient = f"{self.label}-{len(self.acknowledged)}@d{len(self.acknowledged) % DOMAINS}.example"
            try:
                began = time.monotonic()
                with socket.create_connection(("127.0.0.1", self.port), timeout=20) as greeted:
                    greeted.recv(200)
                    self.greetings.append(time.monotonic() - began)
                with smtplib.SMTP("127.0.0.1", self.port, "client.example", timeout=20) as smtp:
                    smtp.sendmail("sender@client.example", [recipient], "Subject: t\r\n\r\ntext\r\n")
                self.acknowledged.append(recipient)
            except (OSError, smtplib.SMTPException) as turned_away:
                self.trouble.append(turned_away)
            time.sleep(0.02)


def family(pid):
    """A process and its children: nsd answers in one of them."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


class DeadNameServer(Case):
    def test_it_falls_silent_dies_and_returns(self):
        peers = free_port()
        hosts = [Peer(f"127.0.0.{2 + i}", peers) for i in range(2)]
        for host in hosts:
            self.addCleanup(host.stop)
        zones = {f"d{i}.example": f"@ 1 IN MX 10 mx\nmx 1 IN A 127.0.0.{2 + i % 2}" for i in range(DOMAINS)}
        zones["127.in-addr.arpa"] = "1.0.0 1 IN PTR localhost."
        names = self.keep(NameServer(self.folder, zones))
        daemon = self.keep(Daemon(self.folder, CONFIG % (names.port, peers)))

        def arrived():
            return [recipient for host in hosts for _, recipient in list(host.letters)]

        senders = [Sender(daemon.port, f"s{i}") for i in range(8)]
        for sender in senders:
            sender.start()
        wait_for("mail to flow", lambda: len(arrived()) > 10)
        processes = family(names.pid)
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)  # questions go unanswered
        time.sleep(PHASE)
        for pid in processes:
            os.kill(pid, signal.SIGKILL)  # questions come back: nobody is there
        names.child.wait()
        names.log.close()
        time.sleep(PHASE)
        queue = daemon.json("status")["queue"]
        waiting = queue["queued"] + queue["delayed"] + queue["active"]
        during = sorted(one for sender in senders for one in list(sender.greetings))
        print(f"{sum(len(sender.acknowledged) for sender in senders)} taken, {waiting} wait, slowest greeting "
              f"{max(during) * 1000:.1f} ms, median {during[len(during) // 2] * 1000:.2f} ms")
        self.assertGreater(waiting, 20)
        self.assertEqual(queue["failed"], 0)
        Process.__init__(names, ["/usr/sbin/nsd", "-d", "-c", names.folder / "nsd.conf"], self.folder / "nsd.log")
        wait_for("nsd to listen", lambda: is_open(names.port))
        returned = time.monotonic()
        for sender in senders:
            sender.stopping = True
        for sender in senders:
            sender.join()
        acknowledged = [recipient for sender in senders for recipient in sender.acknowledged]
        wait_for("all to arrive", lambda: set(arrived()) >= set(acknowledged))
        print(f"all {len(acknowledged)} arrived {time.monotonic() - returned:.1f} s after it came back, "
              f"{len(arrived())} arrivals")
        self.assertEqual([trouble for sender in senders for trouble in sender.trouble], [])
        self.assertEqual(sorted(arrived()), sorted(acknowledged), "each once, and no report")
        wait_for("the queue to be empty", lambda: daemon.json("status")["queue"]["messages"] == 0)
        self.assertLess(during[len(during) * 95 // 100], 0.5 if SANITIZED else 0.1)
        self.assertNotIn("returned", daemon.output())


if __name__ == "__main__":
    unittest.main()
