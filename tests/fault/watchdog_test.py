#!/usr/bin/env python3
"""A plugin that blocks its loop, a process that was stopped, an end that does not come."""
import os
import re
import signal
import smtplib
import socket
import threading
import time
import unittest

from postrider import BASE, BUILD, Case, Daemon, wait_for

CONDUCT = BUILD / "modules" / "conduct.so"


def config(seconds, server=""):
    loops = BASE.replace("[server]\n", f"[server]\nloops = 2\n{server}")
    return loops + f'''
[local]
domains = ["dest.example"]
[[plugin]]
use = "{CONDUCT}"
id = "blocker"
how = "stall"
seconds = {seconds}
only = "rcpt"
'''


class Watchdog(Case):
    def stall(self, daemon):
        """A client whose RCPT makes its loop stand still; it waits for the answer elsewhere."""
        def talk():
            try:
                with daemon.smtp() as smtp:
                    smtp.ehlo()
                    smtp.mail("a@client.example")
                    smtp.rcpt("user@dest.example")
            except (OSError, smtplib.SMTPException):
                pass
        client = threading.Thread(target=talk, daemon=True)
        client.start()
        return client

    def greeted_elsewhere(self, daemon):
        """The kernel spreads connections over the loops: one of some goes to the one that turns."""
        for _ in range(40):
            with socket.create_connection(("127.0.0.1", daemon.port), timeout=0.3) as client:
                try:
                    return client.recv(100).startswith(b"220")
                except TimeoutError:
                    continue
        return False

    def test_a_plugin_that_blocks_is_named_and_the_others_are_served(self):
        daemon = self.keep(Daemon(self.folder, config(9)))
        client = self.stall(daemon)
        wait_for("the log to name it", lambda: "a loop stands still" in daemon.output())
        line = next(line for line in daemon.output().splitlines() if "stands still" in line)
        print(line)
        self.assertRegex(line, r"loop=[01].*in=\"?blocker/rcpt")
        shown = daemon.tool("status")
        print(shown)
        self.assertRegex(shown, r"loop [01] +STANDS STILL for \d+ s in blocker/rcpt")
        [standing] = daemon.json("status")["standing"]
        self.assertEqual(standing["in"], "blocker/rcpt")
        self.assertTrue(self.greeted_elsewhere(daemon))
        client.join()
        wait_for("it to turn again", lambda: "a loop turns again" in daemon.output())
        self.assertEqual(daemon.json("status")["standing"], [])
        self.assertTrue(re.search("plugin held the loop.*hook=rcpt", daemon.output()))

    def test_a_plugin_that_blocks_for_ever_ends_the_daemon(self):
        daemon = self.keep(Daemon(self.folder, config(300, 'stall_limit = "10s"\n')))
        self.stall(daemon)
        wait_for("the end", lambda: not daemon.is_running())
        self.assertEqual(daemon.child.returncode, -signal.SIGABRT)
        self.assertRegex(daemon.output(),
                         "the watchdog ends the process.*stands still for .* in blocker/rcpt")
        daemon.child.returncode = 0  # as it should
        daemon.start()
        self.assertTrue(self.greeted_elsewhere(daemon))

    def test_a_stop_comes_to_its_end_beside_a_plugin_that_blocks(self):
        daemon = self.keep(Daemon(self.folder, config(300, 'drain_timeout = "1s"\n')))
        self.stall(daemon)
        wait_for("the log to name it", lambda: "a loop stands still" in daemon.output())
        daemon.child.send_signal(signal.SIGTERM)
        began = time.monotonic()
        wait_for("the end", lambda: not daemon.is_running(), 60)
        print(f"ended {time.monotonic() - began:.1f} s after SIGTERM with {daemon.child.returncode}")
        self.assertIn("the end takes too long", daemon.output())
        daemon.child.returncode = 0

    def test_systemd_hears_that_we_live(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.settimeout(20)
            systemd.bind(str(self.folder / "notify"))
            os.environ["NOTIFY_SOCKET"] = str(self.folder / "notify")
            self.addCleanup(os.environ.pop, "NOTIFY_SOCKET")
            self.keep(Daemon(self.folder, BASE))
            heard = {systemd.recv(200) for _ in range(3)}
        self.assertEqual(heard, {b"READY=1", b"WATCHDOG=1"})

    def test_a_stopped_process_goes_on_where_it_was(self):
        """SIGSTOP for longer than the watchdog's patience: nobody is blamed, nothing is lost."""
        daemon = self.keep(Daemon(self.folder, config(0)))
        with daemon.smtp() as smtp:
            smtp.ehlo()
            os.kill(daemon.pid, signal.SIGSTOP)
            time.sleep(7)
            os.kill(daemon.pid, signal.SIGCONT)
            self.assertEqual(smtp.noop()[0], 250)
            self.assertEqual(smtp.mail("a@client.example")[0], 250)
        wait_for("the log to tell it", lambda: "the process did not run" in daemon.output())
        self.assertNotIn("stands still", daemon.output())
        self.assertEqual(daemon.json("status")["standing"], [])


if __name__ == "__main__":
    unittest.main()
