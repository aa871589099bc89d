#!/usr/bin/env python3
"""server.user: the daemon runs under its account, owns its files, and still opens a low port."""
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import unittest

from postrider import BASE, BUILD, Case, Daemon


def free_low_port():
    for port in range(1023, 600, -1):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no free port below 1024")


class User(Case):
    CONFIG = BASE.replace("[server]\n", '[server]\nuser = "nobody"\n')

    def test_an_unknown_account_is_a_clear_mistake(self):
        daemon = Daemon(self.folder, self.CONFIG.replace("nobody", "no-such-account"), start=False)
        run = subprocess.run([BUILD / "core" / "postriderd", "--config", daemon.config],
                             capture_output=True, text=True)
        self.assertEqual(run.returncode, 78)
        self.assertIn('server.user: no account "no-such-account"', run.stderr)

    def test_runs_under_its_account(self):
        daemon = Daemon(self.folder, self.CONFIG, start=False)
        if os.getuid() != 0:  # only root may become another account, and is told so
            run = subprocess.run([BUILD / "core" / "postriderd", "--config", daemon.config],
                                 capture_output=True, text=True)
            self.assertEqual(run.returncode, 78)
            self.assertIn("cannot become", run.stderr)
            return
        daemon.port = free_low_port()
        daemon.write_config(self.CONFIG)
        shutil.chown(self.folder, "nobody")
        self.keep(daemon.start())
        status = pathlib.Path(f"/proc/{daemon.pid}/status").read_text()
        nobody = str(pwd.getpwnam("nobody").pw_uid)
        self.assertIn("Uid:\t" + "\t".join([nobody] * 4), status)
        with daemon.smtp() as smtp:
            smtp.sendmail("a@client.example", ["user@[127.0.0.9]"], "Subject: x\r\n\r\nx\r\n")
        self.assertEqual(daemon.json("status")["queue"]["messages"], 1)
        owners = {path.stat().st_uid for path in daemon.spool.rglob("*")}
        self.assertEqual(owners, {int(nobody)})


if __name__ == "__main__":
    unittest.main()
