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


if __name__ == "__main__":
    unittest.main()
