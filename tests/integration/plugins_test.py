#!/usr/bin/env python3
"""Plugins that throw, hang or answer nonsense: the client gets 451, the daemon lives."""
import smtplib
import socket
import time
import unittest

from postrider import BASE, BUILD, SANITIZED, Case, Daemon, wait_for

CONDUCT = BUILD / "modules" / "conduct.so"


def block(how, id="", steps=0, **more):
    lines = [f'[[plugin]]\nuse = "{CONDUCT}"\nhow = "{how}"\nsteps = {steps}']
    if id:
        lines.append(f'id = "{id}"')
    lines += [f'{key} = "{value}"' for key, value in more.items()]
    return "\n".join(lines) + "\n"


class Plugins(Case):
    def start(self, *blocks, name="d", base=BASE):
        folder = self.folder / name
        folder.mkdir()
        self.daemon = self.keep(Daemon(folder, base + "".join(blocks)))
        return self.daemon

    def walk(self):
        """The codes of greeting, RCPT and message, up to the first refusal, and the last text."""
        try:
            smtp = self.daemon.smtp()
        except smtplib.SMTPConnectError as refused:
            return [refused.smtp_code], refused.smtp_error.decode()
        with smtp:
            codes = [220]
            smtp.ehlo()
            smtp.mail("a@client.example")
            code, text = smtp.rcpt("u@[127.0.0.9]")
            codes.append(code)
            if code == 250:
                code, text = smtp.data("Subject: x\r\n\r\nx\r\n")
                codes.append(code)
            return codes, text.decode()

    def serve(self, expected, clients=3):
        """Client after client meets the same; the daemon lives and answers its operator."""
        for _ in range(clients):
            codes, text = self.walk()
            self.assertEqual(codes, expected, text)
        self.assertTrue(self.daemon.is_running())
        self.daemon.json("status")
        print(f"{self.id().split('.')[-1]}: {codes} {text}")
        return text

    def test_throwing_and_nonsense_at_connect(self):
        for how in ("throw", "throw-int", "late-throw", "garbage", "garbage-action"):
            with self.subTest(how):
                self.start(block(how), name=how)
                text = self.serve([421])
                self.assertNotIn("thrown", text)  # what went wrong inside is not for the client
                wait_for("the log", lambda: "event=" in self.daemon.output()
                         and "conduct" in self.daemon.output())
                self.assertIn("hook=connect", self.daemon.output())

    def test_hanging_at_connect_by_policy(self):
        for policy, expected in (("defer", [421]), ("reject", [554])):
            with self.subTest(policy):
                self.start(block("hang", hook_timeout="200ms", on_timeout=policy), name=policy)
                begin = time.monotonic()
                self.serve(expected, clients=1)
                self.assertLess(time.monotonic() - begin, 30 if SANITIZED else 5)

    def test_hanging_clients_hold_up_nobody(self):
        """A hook that hangs for one client is no reason for another to wait."""
        base = BASE.replace("[server]", '[server]\ndrain_timeout = "500ms"')
        daemon = self.start(block("hang", hook_timeout="1m", on_timeout="pass"), base=base)
        hanging = [socket.create_connection(("127.0.0.1", daemon.port)) for _ in range(20)]
        self.addCleanup(lambda: [client.close() for client in hanging])
        wait_for("20 sessions", lambda: daemon.json("status")["sessions"]["now"] >= 20)
        begin = time.monotonic()
        daemon.write_config(base)
        daemon.tool("reload")
        self.serve([220, 250, 250], clients=2)
        self.assertLess(time.monotonic() - begin, 30 if SANITIZED else 5)

    def test_errors_may_pass(self):
        self.start(block("throw", on_error="pass"))
        self.serve([220, 250, 250])
        [plugin] = self.daemon.json("plugins")["plugins"]
        errors = {hook["hook"]: hook["errors"] for hook in plugin["hooks"]}
        self.assertGreaterEqual(errors["connect"], 3)

    def test_errors_may_reject(self):
        self.start(block("throw", on_error="reject"))
        self.serve([554])

    def test_at_rcpt_and_message(self):
        for hook, expected in (("rcpt", [220, 451]), ("message", [220, 250, 451])):
            for how in ("throw", "late-throw", "hang", "garbage"):
                with self.subTest(hook=hook, how=how):
                    self.start(block(how, hook_timeout="200ms", only=hook), name=f"{hook}-{how}")
                    self.serve(expected, clients=2)

    def test_the_same_plugin_twice_and_the_order_of_blocks(self):
        for order in (["one", "two"], ["two", "one"]):
            with self.subTest(order):
                daemon = self.start(*(block("pass", id=id) for id in order), name="-".join(order))
                self.serve([220, 250, 250], clients=1)
                views = daemon.json("plugins")["plugins"]
                self.assertEqual([one["id"] for one in views], order)
                chain = daemon.tool("plugins", "--order", "message")
                print(chain, end="")
                self.assertLess(chain.index(order[0]), chain.index(order[1]))
                [message] = daemon.json("queue", "list")["messages"]
                header = daemon.json("queue", "show", message["id"])["headers"]
                # Each puts its field on top: the one that was asked last stands first.
                fields = [line.split(": ")[1] for line in header.splitlines()
                          if line.startswith("X-Conduct")]
                self.assertEqual(fields, order[::-1])

    def test_the_first_refusal_decides(self):
        self.start(block("pass", id="a"), block("reject", id="b", only="rcpt"),
                   block("defer", id="c", only="rcpt"))
        self.assertIn("Not here", self.serve([220, 550]))
        calls = {one["id"]: {h["hook"]: h["calls"] for h in one["hooks"]}
                 for one in self.daemon.json("plugins")["plugins"]}
        self.assertGreater(calls["b"]["rcpt"], 0)
        self.assertEqual(calls["c"]["rcpt"], 0)

    def test_shadow_logs_and_applies_nothing(self):
        self.start(block("reject", id="watcher", mode="shadow"))
        self.serve([220, 250, 250])
        self.assertIn("550 5.7.1 Not here", self.daemon.output())
        self.assertIn("[shadow]", self.daemon.tool("plugins"))
        [message] = self.daemon.json("queue", "list")["messages"][:1]
        self.assertNotIn("X-Conduct", self.daemon.json("queue", "show", message["id"])["headers"])

    def test_hold_and_discard_by_verdict(self):
        self.start(block("hold", only="message"))
        self.serve([220, 250, 250], clients=1)
        [message] = self.daemon.json("queue", "list")["messages"]
        self.assertEqual(message["recipients"][0]["state"], "held")

    def test_twice_without_ids(self):
        daemon = self.start(block("pass"), block("pass"))
        ids = [one["id"] for one in daemon.json("plugins")["plugins"]]
        print(ids)
        self.assertEqual(len(set(ids)), 2)


if __name__ == "__main__":
    unittest.main()
