#!/usr/bin/env python3
"""Reverse names from DNS servers that lie, break off, refuse or say nothing (Q258745)."""
import socket
import struct
import threading
import time
import unittest

from postrider import BASE, Case, Daemon, wait_for


class ScriptedDns:
    """A UDP name server whose every answer is made by reply(query) -> packet or None."""

    def __init__(self, reply):
        self.reply = reply
        self.asked = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.stopping = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.stopping:
            query, client = self.socket.recvfrom(4096)
            self.asked += 1
            packet = None if self.stopping else self.reply(query)
            if packet:
                self.socket.sendto(packet, client)

    def stop(self):
        self.stopping = True
        self.socket.sendto(b"x", ("127.0.0.1", self.port))
        self.thread.join()
        self.socket.close()


def question(query):
    end = query.index(b"\0", 12) + 5
    return query[12:end]


def answer(query, rdata, rcode=0, flip=0):
    number = struct.unpack("!H", query[:2])[0] ^ flip
    asked = question(query)
    count = 1 if rdata is not None else 0
    head = struct.pack("!HHHHHH", number, 0x8580 | rcode, 1, count, 0, 0)
    record = b"" if rdata is None else b"\xc0\x0c" + struct.pack("!HHIH", 12, 1, 60, len(rdata)) + rdata
    return head + asked + record


def name(*labels):
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


HOSTILE = {
    "control characters": name(b"evil\r\nX-Injected: yes\x1b[2J", b"example"),
    "quotes": name(b'"a\\" b"', b"example"),
    "8-bit": name(b"\xff\xfe\xc3\x28", b"example"),
    "255 octets": name(b"a" * 63, b"b" * 63, b"c" * 63, b"d" * 61),
    "HTML": name(b"<script>alert(1)</script>", b"example"),
    "NUL": name(b"a\0b", b"example"),
    "a compression loop": b"\xc0" + bytes([0]),  # pointed at itself below
}


class ReverseResolve(Case):
    def daemon(self, dns_port, label, more="", rest=""):
        folder = self.folder / label
        folder.mkdir()
        return self.keep(Daemon(folder, BASE + f'''
[smtp]
max_sessions = 5000
max_sessions_per_client = 5000
[dns]
servers = ["127.0.0.1:{dns_port}"]
[[plugin]]
use = "reverse_resolve"
{more}
[[plugin]]
use = "protocol_log"
level = "full"
check_own_name = false
file = "{folder}/protocol.log"
{rest}
'''))

    def received(self, daemon):
        with daemon.smtp() as smtp:
            smtp.sendmail("a@client.example", ["user@[127.0.0.9]"], "Subject: x\r\n\r\nx\r\n")
        shown = daemon.json("queue", "show", daemon.json("queue", "list")["messages"][0]["id"])
        return shown["headers"]

    def server(self, reply):
        server = ScriptedDns(reply)
        self.addCleanup(server.stop)
        return server

    def test_hostile_names_get_nowhere_but_printable_into_the_log(self):
        for number, (what, rdata) in enumerate(HOSTILE.items()):
            def reply(query, rdata=rdata):
                if rdata.startswith(b"\xc0"):
                    rdata = struct.pack("!H", 0xc000 | (12 + len(question(query)) + 12))
                return answer(query, rdata)
            with self.subTest(what):
                daemon = self.daemon(self.server(reply).port, str(number))
                headers = self.received(daemon)
                self.assertIn("from client.example (unknown [127.0.0.1])", " ".join(headers.split()))
                self.assertNotIn("X-Injected", headers)
                if what not in ("a compression loop", "255 octets"):
                    wait_for("the log line", lambda: "reverse name is no host name" in daemon.output())
                for line in daemon.output().splitlines():
                    self.assertTrue(line.isprintable(), line)

    def test_wrong_ids_refusals_and_late_answers_cost_no_mail(self):
        def late(query):
            time.sleep(10)
            return answer(query, name(b"late", b"example"))
        servers = {"wrong id": lambda query: answer(query, name(b"forged", b"example"), flip=1),
                   "refused": lambda query: answer(query, None, rcode=5),
                   "garbage": lambda query: query[:2] + b"\x85\x80garbage",
                   "late": late}
        for number, (what, reply) in enumerate(servers.items()):
            with self.subTest(what):
                daemon = self.daemon(self.server(reply).port, f"s{number}", 'on_fail = "note"')
                began = time.monotonic()
                headers = " ".join(self.received(daemon).split())
                self.assertIn("(unknown [127.0.0.1])", headers)
                self.assertLess(time.monotonic() - began, 8)

    def test_a_dns_error_defers_and_never_rejects(self):
        refusing = self.server(lambda query: answer(query, None, rcode=5))
        daemon = self.daemon(refusing.port, "strict", 'on_fail = "reject"\ntimeout = "1s"')
        with daemon.smtp() as smtp:
            smtp.ehlo()
            smtp.docmd("MAIL FROM:<a@client.example>")
            self.assertEqual(smtp.docmd("RCPT TO:<user@[127.0.0.9]>")[0], 450)

    def test_skipped_clients_cause_no_question(self):
        server = self.server(lambda query: answer(query, name(b"client", b"example")))
        daemon = self.daemon(server.port, "skip", 'skip = ["127.0.0.0/8"]')
        self.assertIn("from client.example ([127.0.0.1])", " ".join(self.received(daemon).split()))
        self.assertEqual(server.asked, 0)


if __name__ == "__main__":
    unittest.main()
