#!/usr/bin/env python3
"""Names that mean harm: after EHLO, in MX records and in the replies of next hops. Whatever is in
them, they get into no header, no report, no log and no terminal but printable, and no mail is lost."""
import email
import email.policy
import os
import socket
import struct
import unittest

from postrider import BASE, Case, Daemon, wait_for
from ndr_test import Peer
from reverse_resolve_test import HOSTILE, ScriptedDns, question

SAID = {
    "control characters": b"evil\x1b[2J\x07\x08name\tX-Injected: yes",
    "quotes": b"\"a\\\" (b\" ' `id` $(id)",
    "8-bit": b"\xff\xfe\xc3\x28.example",
    "a valid name beyond 255": b".".join([b"a" * 60] * 8),
    "1,500 octets": b"a" * 1500,
    "HTML": b"<script>alert(1)</script>",
    "a field": b"x) by mx.evil.example with SMTP id 1; (\\",
}


def is_clean(text):
    """Printable lines; nothing that a terminal obeys."""
    return all(line.isprintable() for line in text.replace("\t", " ").split("\n"))


class Names(Case):
    def daemon(self, more, dns=None):
        servers = f'[dns]\nservers = ["127.0.0.1:{dns.port}"]\n' if dns else ""
        return self.keep(Daemon(self.folder, BASE + f'''
[local]
domains = ["home.example", "mx.test.example"]
{servers}
[[plugin]]
use = "protocol_log"
level = "full"
check_own_name = false
file = "{self.folder}/protocol.log"
[[plugin]]
use = "protocol_log"
id = "json"
level = "full"
format = "json"
check_own_name = false
file = "{self.folder}/protocol.json"
[[plugin]]
use = "maildir"
path = "{self.folder}/mail/{{domain}}/{{local}}"
[[plugin]]
use = "ndr"
[[plugin]]
use = "loopback"
[[plugin]]
use = "route_cache"
{more}
'''))

    def mails(self, local):
        new = self.folder / "mail" / "home.example" / local / "new"
        return [(new / name).read_bytes() for name in sorted(os.listdir(new))] if new.is_dir() else []

    def send(self, daemon, to):
        with daemon.smtp() as smtp:
            smtp.sendmail("alice@home.example", [to], "Subject: x\r\n\r\nx\r\n")

    def expect_clean_outputs(self, daemon):
        """Logs of both formats, and what the tool prints of sessions, queue and routes."""
        for name in ("protocol.log", "protocol.json", "postriderd.log"):
            octets = (self.folder / name).read_bytes()
            self.assertTrue(is_clean(octets.decode("utf-8")), name)
        words = [["trace"], ["queue", "list"], ["routes"], ["destinations"], ["status"]]
        sessions = [line.split()[2] for line in daemon.tool("trace").splitlines() if not line.startswith(" ")]
        self.assertNotEqual(sessions, [])
        words += [["trace", session] for session in sessions]
        for message in daemon.json("queue", "list")["messages"]:
            words += [["why", message["id"]], ["queue", "show", message["id"]]]
        for one in words:
            run = daemon.tool(*one, check=False)
            self.assertTrue(is_clean(run.stdout + run.stderr), (one, run.stdout))

    def test_names_after_ehlo(self):
        daemon = self.daemon("")
        taken = 0
        for what, said in SAID.items():
            with self.subTest(what), socket.create_connection(("127.0.0.1", daemon.port), 30) as client:
                lines = client.makefile("rb")
                lines.readline()
                client.sendall(b"HELO " + said + b"\r\n")
                reply = lines.readline()
                self.assertRegex(reply, rb"^(250|50[01]) ")
                self.assertTrue(reply.decode("ascii").rstrip("\r\n").isprintable(), reply)
                if reply.startswith(b"5"):
                    continue
                taken += 1
                for command in (b"MAIL FROM:<>", b"RCPT TO:<ehlo@home.example>", b"DATA"):
                    client.sendall(command + b"\r\n")
                    self.assertRegex(lines.readline(), rb"^[23]5[04]")
                client.sendall(b"Subject: x\r\n\r\nx\r\n.\r\n")
                self.assertRegex(lines.readline(), rb"^250 2\.0\.0")
        self.assertGreaterEqual(taken, 2)
        wait_for("the mail", lambda: len(self.mails("ehlo")) == taken)
        for octets in self.mails("ehlo"):
            message = email.message_from_bytes(octets, policy=email.policy.compat32)
            self.assertEqual(message.keys(), ["Return-Path", "Delivered-To", "Received", "Subject"])
            self.assertTrue(octets.isascii())
            self.assertTrue(is_clean(octets.decode()))
            self.assertLess(max(map(len, octets.split(b"\n"))), 999)
            self.assertEqual(" ".join(message["Received"].split()).count(" by mx.test.example with SMTP "), 1)
        self.expect_clean_outputs(daemon)

    def test_names_in_mx_records(self):
        names = {f"d{number}.example": rdata for number, (what, rdata) in enumerate(HOSTILE.items())
                 if what != "a compression loop"}

        def reply(query):
            asked = question(query)
            domain = ".".join(filter(None, self.labels(asked)))
            mx = struct.unpack("!H", asked[-4:-2])[0] == 15
            head = query[:2] + struct.pack("!HHHHH", 0x8580, 1, int(mx and domain in names), 0, 0)
            if not mx or domain not in names:
                return head + asked
            rdata = struct.pack("!H", 10) + names[domain]
            return head + asked + b"\xc0\x0c" + struct.pack("!HHIH", 15, 1, 60, len(rdata)) + rdata
        dns = ScriptedDns(reply)
        self.addCleanup(dns.stop)
        daemon = self.daemon("", dns)
        for domain in names:
            self.send(daemon, f"bob@{domain}")
        wait_for("a report of each", lambda: len(self.mails("alice")) == len(names))
        for octets in self.mails("alice"):
            self.assertTrue(octets.isascii())
            self.assertTrue(is_clean(octets.decode()))
            self.assertRegex(octets.decode().replace("\n ", " "),
                             r"no MX record of d\d\.example names a host: |no mail host of d3\.example has an ad")
            report = email.message_from_bytes(octets)
            self.assertNotIn("X-Injected", report)
            self.assertEqual(len(report.get_payload()), 3)
        self.assertIn("names a host", daemon.output())
        self.expect_clean_outputs(daemon)

    @staticmethod
    def labels(asked):
        at = 0
        while asked[at]:
            yield asked[at + 1:at + 1 + asked[at]].decode("latin-1").lower()
            at += 1 + asked[at]

    def test_what_a_next_hop_says(self):
        peer = self.keep(Peer({local: [b"450-4.2.1 " + said, b"450 4.2.1 later"]
                               for local, said in zip("abcdefg", SAID.values())} |
                              {"x": [b"550-5.1.1 " + said for said in SAID.values()] + [b"550 5.1.1 no"]},
                              keywords=list(SAID.values())))
        daemon = self.daemon(f'[[plugin]]\nuse = "static_routes"\n'
                             f'routes = {{ "far.example" = "127.0.0.1:{peer.port}" }}')
        for local in "abcdefg":
            self.send(daemon, f"{local}@far.example")
        wait_for("all to be delayed", lambda: daemon.json("status")["queue"]["delayed"] == 7)
        self.expect_clean_outputs(daemon)
        self.send(daemon, "x@far.example")
        wait_for("the report", lambda: self.mails("alice"))
        octets = self.mails("alice")[0]
        self.assertTrue(octets.isascii())
        self.assertTrue(is_clean(octets.decode()))
        report = email.message_from_bytes(octets)
        self.assertEqual([part.get_content_type() for part in report.get_payload()],
                         ["text/plain", "message/delivery-status", "message/rfc822"])
        self.assertNotIn(b"\nX-Injected", octets)
        self.assertEqual(daemon.json("status")["queue"]["delayed"], 7)


if __name__ == "__main__":
    unittest.main()
