#!/usr/bin/env python3
"""10,000 messages arrive at the next hop byte for byte, none lost, none twice; 1,000 in a Maildir."""
import collections
import email
import os
import unittest

from postrider import BASE, Case, Daemon, SANITIZED, Sink, smtp_source, wait_for


class Relay(Case):
    MESSAGES = 2000 if SANITIZED else 10000

    def test_ten_thousand_messages_arrive_once_and_whole(self):
        sink = self.keep(Sink(self.folder, options=["-d", "%M."]))
        daemon = self.keep(Daemon(self.folder, BASE + f'''
[[plugin]]
use = "static_routes"
routes = {{ "*" = "127.0.0.1:{sink.port}" }}
'''))
        smtp_source(daemon.port, self.MESSAGES)
        wait_for("all messages to arrive",
                 lambda: len(os.listdir(sink.dumps)) >= self.MESSAGES, 240)
        wait_for("the queue to be empty",
                 lambda: daemon.json("status")["queue"]["messages"] == 0)
        seen = collections.Counter()
        bodies = set()
        for name in os.listdir(sink.dumps):
            message = email.message_from_bytes((sink.dumps / name).read_bytes())
            seen[message["Message-Id"]] += 1
            bodies.add(message.get_payload())
            ours = [f for f in message.get_all("Received") if "by mx.test.example" in f]
            self.assertEqual(len(ours), 1, name)
        self.assertEqual(len(seen), self.MESSAGES)
        self.assertEqual(set(seen.values()), {1})
        self.assertEqual(bodies, {self.body_without_us()})

    def body_without_us(self):
        """The body when smtp-source talks to smtp-sink with nothing between."""
        sink = self.keep(Sink(self.folder / "direct", options=["-d", "%M."]))
        smtp_source(sink.port, 1, sessions=1)
        wait_for("the direct message", lambda: os.listdir(sink.dumps))
        direct = (sink.dumps / os.listdir(sink.dumps)[0]).read_bytes()
        return email.message_from_bytes(direct).get_payload()

    def test_a_thousand_messages_into_a_maildir(self):
        daemon = self.keep(Daemon(self.folder, BASE + f'''
[local]
domains = ["dest.example"]
[[plugin]]
use = "maildir"
path = "{self.folder}/mail/{{domain}}/{{local}}"
'''))
        count = 200 if SANITIZED else 1000
        smtp_source(daemon.port, count)
        new = self.folder / "mail" / "dest.example" / "user" / "new"
        wait_for("all messages in the Maildir",
                 lambda: new.is_dir() and len(os.listdir(new)) >= count, 240)
        ids = set()
        for name in os.listdir(new):
            text = (new / name).read_bytes()
            self.assertNotIn(b"\r", text)
            message = email.message_from_bytes(text)
            self.assertEqual(message["Return-Path"], "<sender@client.example>")
            ids.add(message["Message-Id"])
        self.assertEqual(len(ids), count)
        self.assertEqual(os.listdir(new.parent / "tmp"), [])


if __name__ == "__main__":
    unittest.main()
