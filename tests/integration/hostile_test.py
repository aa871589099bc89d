#!/usr/bin/env python3
"""Clients that mean harm, over real sockets. After each, a good client is served at once."""
import os
import pathlib
import socket
import struct
import time
import unittest

from postrider import BASE, PATIENCE, SANITIZED, Case, Daemon, wait_for

SOON = 10 if SANITIZED else 2  # seconds within which a good client has its mail accepted


class Hostile(Case):
    def setUp(self):
        super().setUp()
        self.daemon = self.keep(Daemon(self.folder, BASE + '[smtp]\nmax_errors = 10\n'))

    def tearDown(self):
        self.good_client()

    def good_client(self):
        begin = time.monotonic()
        with self.daemon.smtp() as smtp:
            smtp.sendmail("a@client.example", ["u@[127.0.0.9]"], "Subject: good\r\n\r\nx\r\n")
        took = time.monotonic() - begin
        self.assertLess(took, SOON, "the good client had to wait")
        return took

    def connect(self, **buffers):
        client = socket.socket()
        self.addCleanup(client.close)
        client.settimeout(PATIENCE)
        if "receive" in buffers:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffers["receive"])
        client.connect(("127.0.0.1", self.daemon.port))
        return client

    def read_to_end(self, client):
        octets = b""
        try:
            while chunk := client.recv(65536):
                octets += chunk
        except ConnectionResetError:
            pass
        return octets

    def push(self, client, octets):
        """Send until the server has had enough; how much went."""
        sent = 0
        try:
            while sent < len(octets):
                sent += client.send(octets[sent:sent + 65536])
        except OSError:
            pass
        return sent

    def memory(self):
        for line in pathlib.Path(f"/proc/{self.daemon.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) // 1024
        raise AssertionError("no VmRSS")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.daemon.pid}/fd"))

    def test_binary_rubbish_ends_after_a_bounded_number_of_errors(self):
        for name, rubbish in (("random", os.urandom(65536)), ("nul", bytes(65536)),
                              ("line ends", b"\n\r" * 32768), ("high", b"\xff\r\n" * 20000),
                              ("tls", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(512)
                               + b"\r\n" * 50)):
            client = self.connect()
            self.push(client, rubbish + b"\r\n" * 20)
            replies = self.read_to_end(client).split(b"\r\n")[1:-1]
            print(f"{name}: {len(replies)} replies, the last: {replies[-1:]}")
            self.assertLessEqual(len(replies), 11)
            if replies:  # a reset may take the last ones
                self.assertTrue(all(r[:1] in b"45" for r in replies), replies)
        client = self.connect()
        client.sendall(b"\x00\xff\x01\r\n" * 10)
        self.assertIn(b"\r\n421 4.7.0 Too many errors\r\n", self.read_to_end(client))

    def test_a_megabyte_without_line_end(self):
        before = self.memory()
        client = self.connect()
        client.recv(512)
        self.push(client, b"EHLO " + b"x" * 1_000_000)
        self.assertLess(self.memory() - before, 64 if SANITIZED else 8)
        self.good_client()
        self.push(client, b"\r\nQUIT\r\n")
        replies = self.read_to_end(client)
        print(replies)
        self.assertTrue(replies.startswith(b"500 5.5.2 "), replies)
        self.assertIn(b"221 2.0.0", replies)

    def test_a_hundred_thousand_noops_from_one_who_does_not_read(self):
        before = self.memory()
        client = self.connect(receive=4096)
        client.setblocking(False)
        noops = b"NOOP\r\n" * 100_000
        sent = 0
        end = time.monotonic() + PATIENCE
        stalled = 0
        while sent < len(noops) and stalled < 50 and time.monotonic() < end:
            try:
                sent += client.send(noops[sent:])
                stalled = 0
            except BlockingIOError:
                self.good_client()  # others are served while this one blocks
                stalled += 1
        grown = self.memory() - before
        print(f"{sent} of {len(noops)} octets taken, memory grew by {grown} MiB")
        self.assertLess(grown, 96 if SANITIZED else 16)
        client.settimeout(PATIENCE)
        client.shutdown(socket.SHUT_WR)
        replies = self.read_to_end(client)
        print(f"{replies.count(b'250 ')} replies once it reads")
        self.assertGreaterEqual(replies.count(b"250 "), sent // 6 - 1)

    def test_connect_and_reset_500_times(self):
        before = self.descriptors()
        for step in range(500):
            client = socket.create_connection(("127.0.0.1", self.daemon.port), timeout=PATIENCE)
            if step % 3 == 1:
                client.sendall(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\n")
            elif step % 3 == 2:
                client.recv(512)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        wait_for("the sessions to be gone",
                 lambda: self.daemon.json("status")["sessions"]["now"] == 0)
        # The store opens a few segments of its own meanwhile; a leak would be hundreds.
        wait_for("the descriptors to be closed", lambda: self.descriptors() <= before + 20)
        print(self.daemon.json("status")["sessions"])

    def test_slow_senders_hold_up_nobody(self):
        slow = [self.connect() for _ in range(50)]
        for octet in b"EHLO client.example\r\n":
            for client in slow:
                client.sendall(bytes([octet]))
        took = max(self.good_client() for _ in range(5))
        print(f"with 50 slow senders: {took * 1e3:.0f} ms for a whole good session")
        for client in slow:
            answer = b""
            while b"\r\n250 " not in answer:
                chunk = client.recv(4096)
                self.assertTrue(chunk)
                answer += chunk
        one = slow[0]
        for line in (b"MAIL FROM:<a@client.example>", b"RCPT TO:<u@[127.0.0.9]>", b"DATA",
                     b"Subject: slow\r\n\r\n.."b"dot\r\n."):
            for octet in line + b"\r\n":
                one.sendall(bytes([octet]))
            self.assertRegex(one.recv(4096), rb"^[23]5\d ")

    def test_too_many_sessions_of_one_client(self):
        wait_for("the end of former sessions",
                 lambda: self.daemon.json("status")["sessions"]["now"] == 0)
        many = [self.connect() for _ in range(120)]
        greetings = [client.recv(512)[:3] for client in many]
        print({code: greetings.count(code) for code in set(greetings)})
        self.assertEqual(greetings.count(b"220"), 100)
        self.assertEqual(greetings.count(b"421"), 20)
        for client in many:
            client.close()
        wait_for("places", lambda: self.daemon.json("status")["sessions"]["now"] == 0)

    SMUGGLING = [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\r.\n", b"\n.\r",
                 b"\r\r\n.\r\r\n", b"\r\n.\r\r\n", b"\r\n\x00.\r\n", b"\r\n.\x00\r\n", b"\n\n.\n\n",
                 b"\n\r.\n\r"]

    def test_smuggling_is_refused_and_the_rest_is_never_run(self):
        for sequence in self.SMUGGLING:
            with self.subTest(sequence):
                client = self.connect()
                client.recv(512)
                for line in (b"EHLO c.example", b"MAIL FROM:<a@client.example>",
                             b"RCPT TO:<u@[127.0.0.9]>", b"DATA"):
                    client.sendall(line + b"\r\n")
                    client.recv(4096)
                client.sendall(b"Subject: outer\r\n\r\nbody" + sequence
                               + b"MAIL FROM:<admin@client.example>\r\nRCPT TO:<evil@[127.0.0.9]>\r\n"
                                 b"DATA\r\nSubject: smuggled\r\n\r\nevil\r\n.\r\nQUIT\r\n")
                replies = self.read_to_end(client).split(b"\r\n")[:-1]
                print(sequence, replies)
                self.assertEqual([r[:3] for r in replies], [b"550", b"221"])
        self.assertEqual(self.daemon.json("status")["queue"]["messages"], 0)

    def test_other_line_separators_are_text(self):
        text = b"Subject: x\r\n\r\na\x0b.\x0bb\x0c.\x0cc\xc2\x85.\xc2\x85d\xe2\x80\xa8.\xe2\x80\xa8e\r\n"
        with self.daemon.smtp() as smtp:
            smtp.sendmail("a@client.example", ["u@[127.0.0.9]"], text, ["BODY=8BITMIME"])
        self.assertEqual(self.daemon.json("status")["sessions"]["messages"], 1)

    def test_http(self):
        for request in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\n"
                        b"EHLO x\r\nMAIL FROM:<a@b.example>\r\n"):
            client = self.connect()
            client.recv(512)
            client.sendall(request)
            reply = self.read_to_end(client)
            self.assertEqual(reply.count(b"\r\n"), 1, reply)
            self.assertTrue(reply.startswith(b"554 "), reply)


if __name__ == "__main__":
    unittest.main()
