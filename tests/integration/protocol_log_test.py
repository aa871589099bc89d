#!/usr/bin/env python3
"""The protocol log tells what happened, whatever peers, disks and operators do (Q190026, Q286375)."""
import json
import re
import socket
import subprocess
import threading
import unittest

from postrider import (BASE, BUILD, Case, Daemon, NameServer, Sink, SmallDiskDaemon, free_port,
                       wait_for)

HOSTILE = [b"EHLO \x1b[2J\x07\x00bell\r\n", b'EHLO "quoted\\" <b>html</b>\r\n',
           b"EHLO \xff\xfe\x80\xc3\x28\r\n", b"EHLO " + b"a" * 300 + b"\r\n",
           b"AUTH PLAIN AGpvZQBzZWNyZXQ=\r\n"]


class Greeter:
    """A next hop that takes connections and closes them without a word."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(50)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                self.socket.accept()[0].close()
            except OSError:
                return

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class SmallLogDisk(SmallDiskDaemon):
    DISK = "log"
    SIZE = "2m"


class ProtocolLog(Case):
    def daemon(self, plugin, more="", port=None):
        self.file = self.folder / "protocol.log"
        route = f'routes = {{ "*" = "127.0.0.1:{port or free_port()}" }}'
        return self.keep(Daemon(self.folder, self.config(plugin, more, route)))

    def config(self, plugin, more, route):
        return BASE.replace("[server]", "[server]\nloops = 2") + f'''
{more}
[[plugin]]
use = "static_routes"
{route}
[[plugin]]
use = "protocol_log"
file = "{self.folder}/protocol.log"
{plugin}
'''

    def send(self, daemon, subject="x"):
        with daemon.smtp() as smtp:
            smtp.sendmail("a@client.example", ["user@dest.example"],
                          f"Subject: {subject}\r\n\r\nthe secret content\r\n")

    def text(self):
        return self.file.read_text() if self.file.exists() else ""

    def test_hostile_peers_give_whole_lines_of_strict_json(self):
        daemon = self.daemon('level = "full"\nformat = "json"', port=self.keep(Sink(self.folder)).port)
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=30) as client:
            client.recv(512)
            for line in HOSTILE:
                client.sendall(line)
                client.recv(4096)
        self.send(daemon)
        wait_for("both sides", lambda: "the client said QUIT" in self.text() and
                 " delivered " in self.text())
        daemon.stop()
        records = [json.loads(line) for line in self.file.read_bytes().decode("utf-8").splitlines()]
        for record in records:
            self.assertEqual({"time", "id", "side", "local", "remote", "ms", "kind", "text"},
                             set(record) - {"recorded"})
            self.assertTrue(record["text"].isprintable(), record)
        everything = self.text()
        self.assertNotIn("AGpvZQ", everything)
        self.assertNotIn("secret content", everything)
        self.assertIn("<b>html</b>", everything)
        self.assertIn("a" * 300, everything)
        verdicts = [r["text"] for r in records if r["kind"] == "verdict"]
        self.assertTrue(any("the client closed" in v and "banner=" in v for v in verdicts), verdicts)
        for side in ("in", "out"):
            self.assertIn(side, {r["side"] for r in records if r["kind"] == "verdict"})

    def test_level_and_filters_change_at_reload_under_traffic(self):
        port = self.keep(Sink(self.folder)).port
        daemon = self.daemon('level = "off"', port=port)
        with daemon.smtp() as under_way:
            under_way.ehlo()
            route = f'routes = {{ "*" = "127.0.0.1:{port}" }}'
            daemon.write_config(self.config('level = "full"\ndirection = "in"', "", route))
            daemon.tool("reload")
            self.send(daemon)
            under_way.noop()
        wait_for("the verdict", lambda: " verdict the client said QUIT" in self.text())
        lines = self.text().splitlines()
        self.assertIn("[level=full direction=in networks=all]", lines[0])
        self.assertNotIn("NOOP", self.text())
        self.assertTrue(all(" in " in line for line in lines))
        for line in lines:
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT[\d:.]+Z \S+ in \S+ \S+ \+\d+ms \S+ ")

    def test_disks_that_fail_stop_nothing(self):
        for number, (file, reason) in enumerate([("/dev/full", "No space left on device"),
                                                 ("/nonexistent/log", "No such file or directory"),
                                                 ("/proc/version/log", "Not a directory")]):
            folder = self.folder / str(number)
            folder.mkdir()
            daemon = self.keep(Daemon(folder, BASE + f'''
[[plugin]]
use = "protocol_log"
level = "full"
file = "{file}"
'''))
            with daemon.smtp() as smtp:
                smtp.sendmail("a@client.example", ["user@[127.0.0.9]"], "Subject: x\r\n\r\nx\r\n")

            def is_said():
                with daemon.smtp() as smtp:
                    smtp.noop()
                return reason in daemon.output()
            wait_for("a line in the daemon's log", is_said)

    def test_a_full_disk_stops_nothing_and_what_is_lost_is_counted(self):
        sink = self.keep(Sink(self.folder))
        daemon = self.keep(SmallLogDisk(self.folder, BASE + f'''
[[plugin]]
use = "static_routes"
routes = {{ "*" = "127.0.0.1:{sink.port}" }}
[[plugin]]
use = "protocol_log"
level = "full"
direction = "in"
file = "{self.folder}/log/protocol.log"
'''))
        ballast = daemon.disk() / "ballast"
        with self.assertRaises(OSError), open(ballast, "wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass
        for _ in range(30):
            self.send(daemon)
        wait_for("all to be delivered", lambda: daemon.json("status")["queue"]["messages"] == 0)

        def is_told(text):
            with daemon.smtp() as smtp:
                smtp.noop()
            return f"log/protocol.log {text}" in daemon.output()
        wait_for("a warning", lambda: is_told("cannot be written: No space left on device"))
        ballast.unlink()
        wait_for("the end of it", lambda: is_told("is written again"))
        text = (daemon.disk() / "protocol.log").read_text()
        dropped = [int(n) for n in re.findall(r" dropped (\d+) lines were dropped\n", text)]
        self.assertGreater(sum(dropped), 0, text)
        for line in text.splitlines():
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT[\d:.]+Z \S+ in \S+ \S+ \+\d+ms \S+ ")

    def test_a_next_hop_that_closes_at_once_is_explained_with_our_ptr(self):
        zone = {"127.in-addr.arpa": "1.0.0 IN PTR other.test.example.",
                "test.example": "other IN A 127.0.0.1"}
        names = self.keep(NameServer(self.folder, zone))
        hop = Greeter()
        self.addCleanup(hop.stop)
        daemon = self.daemon('level = "connections"', port=hop.port,
                             more=f'[dns]\nservers = ["127.0.0.1:{names.port}"]')
        self.send(daemon)
        wait_for("a verdict", lambda: "likely: the remote closed without a greeting" in self.text())
        queued = daemon.json("queue", "list")["messages"][0]["id"]
        self.assertIn(f"attempt {queued} [127.0.0.1]:{hop.port} from=<a@client.example>", self.text())

        def is_explained():
            daemon.tool("queue", "retry", queued)
            return ("our own address 127.0.0.1 has the name other.test.example, but we call "
                    "ourselves mx.test.example") in self.text()
        wait_for("our PTR as evidence", is_explained)
        recipient = daemon.json("queue", "list")["messages"][0]["recipients"][0]
        self.assertNotEqual(recipient["reason"], "")

    def test_a_next_hop_that_refuses_the_connection_is_recorded(self):
        daemon = self.daemon('level = "connections"')
        self.send(daemon)
        wait_for("the attempt", lambda: " unreached " in self.text())
        self.assertRegex(self.text(), r"unreached \S+ \[127\.0\.0\.1\]:\d+ from=<a@client\.example> "
                                      r"to=<user@dest\.example>; .*refused")
        wait_for("the outcome", lambda: " outcome " in self.text())

    def test_trace_lists_shows_and_follows(self):
        daemon = self.daemon('level = "off"', port=self.keep(Sink(self.folder)).port)
        tool = [BUILD / "core" / "postrider", "--control", daemon.control, "trace", "--follow",
                "--direction", "in", "--sender", "client.example"]
        follower = subprocess.Popen([str(word) for word in tool], stdout=subprocess.PIPE, text=True)
        self.addCleanup(follower.wait)
        self.addCleanup(follower.stdout.close)
        self.addCleanup(follower.terminate)
        found = []
        reader = threading.Thread(target=lambda: found.extend(iter(follower.stdout.readline, "")),
                                  daemon=True)
        reader.start()

        def is_followed():
            self.send(daemon)
            return any("C: mail FROM:<a@client.example>" in line for line in found)
        wait_for("a line to follow", is_followed)
        self.assertFalse(any(" out " in line for line in found), found)
        listed = daemon.json("trace", "--direction", "in")["sessions"]
        ended = next(one for one in listed if not one["open"] and not one["failure"])
        shown = daemon.tool("trace", ended["id"])
        self.assertIn("C: rcpt TO:<user@dest.example>", shown)
        self.assertIn("S: 354", shown)
        self.assertNotIn("secret content", shown)
        self.assertIn("the client said QUIT", shown)
        self.assertFalse(self.file.exists())
        missing = daemon.tool("trace", "nosuch", check=False)
        self.assertIn("no session nosuch is recorded", missing.stderr)

    def test_a_failure_leaves_its_whole_transcript(self):
        daemon = self.daemon('level = "connections"')
        with daemon.smtp() as smtp:
            smtp.ehlo()
            smtp.docmd("MAIL FROM:<a@client.example>")
            self.assertEqual(smtp.docmd("RCPT TO:<nobody>")[0] // 100, 5)
        wait_for("the transcript", lambda: "| verdict" in self.text())
        self.assertIn("| C: RCPT TO:<nobody>", self.text())
        self.assertIn("recorder transcript of", self.text())


if __name__ == "__main__":
    unittest.main()
