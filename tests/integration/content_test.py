#!/usr/bin/env python3
"""What goes in comes out, octet for octet: dots, 8 bit, blanks at line ends, large bodies."""
import os
import subprocess
import unittest

from postrider import BASE, Case, Daemon, Sink, wait_for

AWKWARD = (b"Subject: awkward\r\nFrom: <a@client.example>\r\n\r\n"
           b".\x41 line that begins with a dot\r\n..two\r\n...\r\ntrailing blanks   \r\n\t\r\n\r\n"
           b"8 bit: \xc3\xa9\xff\r\nFrom the start\r\n" + b"x" * 900 + b"\r\n.last\r\n")


class Content(Case):
    def setUp(self):
        super().setUp()
        self.sink = self.keep(Sink(self.folder, options=["-d", "%M."]))
        self.daemon = self.keep(Daemon(self.folder, BASE + f'''
[[plugin]]
use = "static_routes"
routes = {{ "*" = "127.0.0.1:{self.sink.port}" }}
'''))

    def arrived(self, count=1):
        wait_for(f"{count} messages at the sink",
                 lambda: len(os.listdir(self.sink.dumps)) >= count)
        wait_for("an empty queue", lambda: self.daemon.json("status")["queue"]["messages"] == 0)
        return [(self.sink.dumps / n).read_bytes() for n in sorted(os.listdir(self.sink.dumps))]

    def send(self, octets, options=()):
        with self.daemon.smtp() as smtp:
            smtp.ehlo()
            smtp.sendmail("a@client.example", ["user@dest.example"], octets, options)

    def test_awkward_lines(self):
        self.send(AWKWARD, ["BODY=8BITMIME"])
        self.assertIn(AWKWARD.replace(b"\r\n", b"\n"), self.arrived()[0])

    def test_large_body_is_streamed(self):
        line = b"0123456789" * 7 + b"\r\n"
        large = b"Subject: large\r\n\r\n" + b".dot\r\n" + line * 60000  # 4.3 MB
        self.send(large)
        self.assertIn(large.replace(b"\r\n", b"\n"), self.arrived()[0])

    def test_swaks_delivers(self):
        run = subprocess.run(
            ["swaks", "--server", f"127.0.0.1:{self.daemon.port}", "--from", "a@client.example",
             "--to", "user@dest.example", "--pipeline", "--header", "Subject: from swaks"],
            capture_output=True, text=True, timeout=60)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertIn("250 2.0.0", run.stdout)
        self.assertIn(b"Subject: from swaks", self.arrived()[0])

    def test_pipelining_in_one_segment(self):
        with self.daemon.smtp() as smtp:
            smtp.ehlo()
            smtp.sock.sendall(b"MAIL FROM:<a@client.example>\r\nRCPT TO:<b@dest.example>\r\nDATA\r\n")
            replies = [smtp.getreply()[0] for _ in range(3)]
            self.assertEqual(replies, [250, 250, 354])
            smtp.sock.sendall(b"Subject: piped\r\n\r\nx\r\n.\r\nMAIL FROM:<>\r\nRSET\r\nQUIT\r\n")
            self.assertEqual([smtp.getreply()[0] for _ in range(4)], [250, 250, 250, 221])
        self.assertIn(b"Subject: piped", self.arrived()[0])


if __name__ == "__main__":
    unittest.main()
