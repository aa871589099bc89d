#!/usr/bin/env python3
"""A [[destination]] block: its limits hold, are shown with their origin, and change at a reload."""
import unittest

from postrider import BASE, Case, Daemon, Sink, wait_for


class DestinationsTest(Case):
    def test_a_rate_holds_is_shown_and_ends_at_a_reload(self):
        sink = self.keep(Sink(self.folder))
        plain = BASE + f"""
[[plugin]]
use = "static_routes"
routes = {{ "*" = "127.0.0.1:{sink.port}" }}
"""
        block = f"""
[[destination]]
match = ["*:{sink.port}"]
max_rate = "1/h"
max_connections = 2
retry = ["7m"]
"""
        daemon = self.keep(Daemon(self.folder, plain + block))

        def counts():
            return daemon.json("status")["queue"]

        with daemon.smtp() as client:
            for number in range(3):
                client.sendmail("a@client.example", [f"u{number}@dest.example"], "Subject: x\r\n")
        wait_for("the first to be delivered", lambda: counts()["delivered_since_start"] == 1)
        self.assertEqual(counts()["queued"], 2)

        name = f"[127.0.0.1]:{sink.port}"
        shown = daemon.tool("destinations", name)
        print(shown)
        self.assertIn("2 ready", shown)
        for line in ("max_rate = 1/h", "max_connections = 2", "retry = 7m"):
            self.assertIn(f"    {line}  from [[destination]] 1\n", shown)
        self.assertEqual(daemon.tool("destinations", "nobody.example"),
                         'No destination "nobody.example" has mail.\n')
        waiting = daemon.json("queue", "list")["messages"][0]["id"]
        why = daemon.tool("why", waiting)
        print(why)
        self.assertIn("[[destination]] 1 in the configuration", why)

        daemon.write_config(plain)
        daemon.tool("reload")
        wait_for("the others to be delivered", lambda: counts()["delivered_since_start"] == 3)
        self.assertIn("    max_connections = 20  from [queue]\n", daemon.tool("destinations", name))

    def test_times_and_connections_hold_are_shown_and_end_at_a_reload(self):
        sink = self.keep(Sink(self.folder))
        plain = BASE + f"""
[[plugin]]
use = "static_routes"
routes = {{ "*" = "127.0.0.1:{sink.port}" }}
"""
        limits = {"max_connection_rate": "1/h", "give_up": "2h", "greeting_timeout": "20s",
                  "data_end_timeout": "40s", "idle_connection": "100ms"}
        block = f'[[destination]]\nmatch = ["*:{sink.port}"]\nmax_messages_per_connection = 2\n'
        block += "".join(f'{key} = "{value}"\n' for key, value in limits.items())
        daemon = self.keep(Daemon(self.folder, plain + block))
        delivered = lambda: daemon.json("status")["queue"]["delivered_since_start"]

        for number in range(2):
            with daemon.smtp() as client:
                client.sendmail("a@client.example", [f"u{number}@dest.example"], "Subject: x\r\n")
            wait_for("the first to be delivered", lambda: delivered() == 1)
            wait_for("its connection to be closed",
                     lambda: "0 of" in daemon.tool("destinations", f"*:{sink.port}"))
        shown = daemon.tool("destinations", f"[127.0.0.1]:{sink.port}")
        print(shown)
        for key, value in limits.items():
            self.assertIn(f"    {key} = {value}  from [[destination]] 1\n", shown)
            self.assertIn(f"destination.{key}: ", daemon.tool("explain", f"destination.{key}"))
        message = daemon.json("queue", "list")["messages"][0]
        self.assertIn("give_up_at", message["recipients"][0])
        why = daemon.tool("why", message["id"])
        print(why)
        self.assertIn("set by: max_connection_rate", why)
        self.assertRegex(why, r"given up +\S+ \(in (2 h|1\d\d min)\)")
        self.assertRegex(daemon.tool("queue", "show", message["id"]), r"given up \S+ \(in ")

        daemon.write_config(plain + "[[destination]]\nmatch = []\n")
        refused = daemon.tool("reload", check=False)
        self.assertIn("destination.match: is empty", refused.stdout + refused.stderr)
        self.assertEqual(delivered(), 1)
        daemon.write_config(plain)
        daemon.tool("reload")
        wait_for("the other to be delivered", lambda: delivered() == 2)

    def test_the_memory_of_messages_that_come_in_is_shown_and_changes_at_a_reload(self):
        daemon = self.keep(Daemon(self.folder, BASE))
        self.assertEqual(daemon.json("status")["memory"]["incoming_limit"], 128 << 20)
        with daemon.smtp() as client:
            client.ehlo()
            client.mail("a@client.example")
            client.rcpt("u@dest.example")
            client.docmd("DATA")
            client.send("Subject: x\r\n\r\n" + 1000 * ("x" * 70 + "\r\n"))
            wait_for("it to be counted",
                     lambda: daemon.json("status")["memory"]["incoming"] > 70_000)
            daemon.write_config(BASE + '[smtp]\nmemory = "0B"\n')
            daemon.tool("reload")
            client.send(2000 * ("x" * 70 + "\r\n"))
            wait_for("it to be written", lambda: daemon.json("status")["memory"]["incoming"] == 0)
            client.send("\r\n.\r\n")
            self.assertEqual(client.getreply()[0], 250)
        print(daemon.tool("status"))
        self.assertIn("0 of 0 octets for mail coming in", daemon.tool("status"))


if __name__ == "__main__":
    unittest.main()
