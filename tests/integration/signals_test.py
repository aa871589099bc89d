#!/usr/bin/env python3
"""Signals: SIGTERM drains, a second one stops at once, SIGUSR1 reopens log files."""
import signal
import socket
import time
import unittest

from postrider import BASE, PATIENCE, SANITIZED, Case, Daemon, Sink, wait_for

PROMPT = 15 if SANITIZED else 3  # seconds for a stop with nothing under way


class Client:
    """A bare SMTP client, for what smtplib would not do."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.file = self.socket.makefile("rb")

    def reply(self):
        while True:
            line = self.file.readline()
            if line[3:4] != b"-":
                return line.decode()

    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.reply()

    def greet(self):
        assert self.reply().startswith("220 ")
        assert self.say("EHLO client.example").startswith("250 ")
        return self

    def begin_data(self):
        assert self.say("MAIL FROM:<a@client.example>").startswith("250 ")
        assert self.say("RCPT TO:<user@dest.example>").startswith("250 ")
        assert self.say("DATA").startswith("354 ")
        return self

    def close(self):
        self.file.close()
        self.socket.close()


class Signals(Case):
    def client(self, daemon):
        client = Client(daemon.port)
        self.addCleanup(client.close)
        return client

    def wait_end(self, daemon, begin, limit=PROMPT):
        wait_for("the daemon to end", lambda: not daemon.is_running())
        took = time.monotonic() - begin
        print(f"stopped after {took:.2f} s")
        self.assertLess(took, limit, daemon.output())
        self.assertEqual(daemon.child.returncode, 0, daemon.output())

    def test_idle_sessions_get_421_and_data_is_finished(self):
        for stop in ("signal", "tool"):
            with self.subTest(stop):
                folder = self.folder / stop
                folder.mkdir()
                # Two loops: all must drain at once, not one after the other.
                daemon = self.keep(Daemon(folder, BASE.replace("[server]", "[server]\nloops = 2")))
                idle = [self.client(daemon).greet() for _ in range(8)]
                silent = self.client(daemon)
                self.assertTrue(silent.reply().startswith("220 "))
                busy = self.client(daemon).greet().begin_data()
                busy.socket.sendall(b"Subject: half\r\n\r\nfirst half\r\n")
                if stop == "signal":
                    daemon.child.send_signal(signal.SIGTERM)
                else:
                    daemon.tool("stop")
                for one in [*idle, silent]:
                    self.assertRegex(one.reply(), r"^421 4\.3\.2 ")
                    self.assertEqual(one.file.read(), b"")
                with self.assertRaises(OSError):
                    socket.create_connection(("127.0.0.1", daemon.port), timeout=PATIENCE)
                self.assertTrue(daemon.is_running())
                begin = time.monotonic()
                self.assertRegex(busy.say("second half\r\n."), r"^250 2\.0\.0 Accepted")
                self.assertTrue(busy.reply().startswith("421 "))
                self.wait_end(daemon, begin)
                daemon.start()
                kept = daemon.json("queue", "list")["messages"]
                self.assertEqual([m["recipients"][0]["address"] for m in kept], ["user@dest.example"])

    def test_idle_daemon_stops_promptly(self):
        daemon = self.keep(Daemon(self.folder, BASE))
        begin = time.monotonic()
        daemon.child.send_signal(signal.SIGTERM)
        self.wait_end(daemon, begin)

    def test_an_idle_connection_to_a_next_hop_delays_no_stop(self):
        sink = self.keep(Sink(self.folder))
        daemon = self.keep(Daemon(self.folder, BASE + f'''
[deliver]
idle_connection = "1m"
[[plugin]]
use = "static_routes"
routes = {{ "*" = "127.0.0.1:{sink.port}" }}
'''))
        with daemon.smtp() as smtp:
            smtp.sendmail("a@client.example", ["u@dest.example"], "Subject: x\r\n\r\nx\r\n")
        wait_for("the delivery", lambda: daemon.json("status")["queue"]["delivered_since_start"] == 1)
        begin = time.monotonic()
        daemon.child.send_signal(signal.SIGTERM)
        self.wait_end(daemon, begin)

    def test_the_drain_has_its_limit(self):
        daemon = self.keep(Daemon(self.folder, BASE.replace(
            "[server]", '[server]\nloops = 2\ndrain_timeout = "1s"')))
        stuck = [self.client(daemon).greet().begin_data() for _ in range(6)]
        begin = time.monotonic()
        daemon.child.send_signal(signal.SIGTERM)
        self.wait_end(daemon, begin, 1 + PROMPT)
        self.assertIn("server.drain_timeout passed", daemon.output())
        self.assertEqual(stuck[0].file.read()[:3], b"")

    def test_a_second_signal_stops_at_once(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            folder = self.folder / number.name
            folder.mkdir()
            daemon = self.keep(Daemon(folder, BASE))
            busy = self.client(daemon).greet().begin_data()
            daemon.child.send_signal(signal.SIGTERM)
            wait_for("the drain", lambda: 'event="draining"' in daemon.output())
            self.assertTrue(daemon.is_running())
            begin = time.monotonic()
            daemon.child.send_signal(number)
            self.wait_end(daemon, begin)
            busy.close()

    def test_sigusr1_reopens_the_files(self):
        log, protocol = self.folder / "daemon.log", self.folder / "protocol.log"
        daemon = self.keep(Daemon(self.folder, BASE + f'''
[log]
file = "{log}"
[[plugin]]
use = "protocol_log"
level = "full"
file = "{protocol}"
'''))
        with daemon.smtp() as smtp:
            smtp.noop()
        wait_for("the first lines", lambda: log.exists() and "serving" in log.read_text()
                 and protocol.exists() and "NOOP" in protocol.read_text().upper())
        for file in (log, protocol):
            file.rename(f"{file}.1")
        daemon.child.send_signal(signal.SIGUSR1)
        wait_for("new files", lambda: log.exists() and protocol.exists())
        with daemon.smtp() as smtp:
            smtp.docmd("VRFY", "new-file")
        wait_for("new lines", lambda: "new-file" in protocol.read_text())
        self.assertNotIn("new-file", (self.folder / "protocol.log.1").read_text())
        daemon.tool("reload")
        wait_for("a new line", lambda: "reloaded" in log.read_text())
        self.assertNotIn("reloaded", (self.folder / "daemon.log.1").read_text())


if __name__ == "__main__":
    unittest.main()
