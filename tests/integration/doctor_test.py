#!/usr/bin/env python3
"""postrider doctor: the five steps of Q190026 against zones on loopback, with the daemon running."""
import json
import subprocess
import unittest

from postrider import BASE, BUILD, PATIENCE, BlackHole, Case, Daemon, NameServer, free_port

ADDRESS = "198.51.100.25"
REVERSE = "100.51.198.in-addr.arpa"
GOOD = {"test.example": f"@ IN MX 10 mx\nmx IN A {ADDRESS}",
        REVERSE: "25 IN PTR mx.test.example."}


class Doctor(Case):
    def daemon(self, zones, extra=""):
        dns = self.keep(NameServer(self.folder, zones))
        return self.keep(Daemon(self.folder, BASE + f'''
[smtp]
max_sessions = 100
[dns]
servers = ["127.0.0.1:{dns.port}"]
{extra}'''))

    def doctor(self, config, *words):
        run = subprocess.run([BUILD / "core" / "postrider", "--json", "doctor", "--config", config,
                              "--public", ADDRESS, *words], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(run.stderr, "")
        answer = json.loads(run.stdout)
        self.assertEqual(run.returncode, {"ok": 0, "warning": 1, "wrong": 2}[answer["result"]], answer)
        return answer

    def bad(self, answer):
        """What is not ok, but for the speed of this machine."""
        return {finding["check"]: finding for finding in answer["findings"]
                if finding["grade"] != "ok" and finding["check"] not in ("spool.flush", "spool.room")}

    def checks(self, answer):
        return {finding["check"] for finding in answer["findings"]}

    def test_all_is_well(self):
        daemon = self.daemon(GOOD)
        answer = self.doctor(daemon.config)
        self.assertEqual(self.bad(answer), {})
        self.assertEqual(self.checks(answer), {
            "configuration", "names.mx", "names.address", "names.ptr", "names.agree", "names.seen",
            "host.name", "host.address", "host.descriptors", "host.clock", "relay.networks",
            "dns.server", "listeners", "spool.folder", "spool.room", "spool.flush"})
        seen = next(f for f in answer["findings"] if f["check"] == "names.seen")
        self.assertEqual(seen["text"], f"a remote host sees mx.test.example [{ADDRESS}] say EHLO "
                                       "mx.test.example: all agree")

    def test_ptr_missing(self):
        daemon = self.daemon({**GOOD, REVERSE: ""})
        finding = self.bad(self.doctor(daemon.config))["names.ptr"]
        self.assertEqual(finding["grade"], "wrong")
        self.assertIn("has no PTR; remote hosts may drop our connections (Q190026)", finding["text"])
        self.assertIn('"25.100.51.198.in-addr.arpa. IN PTR mx.test.example."', finding["advice"])

    def test_ptr_pointing_elsewhere(self):
        daemon = self.daemon({"test.example": GOOD["test.example"] + "\nold IN A 203.0.113.9",
                              REVERSE: "25 IN PTR old.test.example."})
        bad = self.bad(self.doctor(daemon.config))
        self.assertEqual(set(bad), {"names.agree"})
        self.assertEqual(bad["names.agree"]["grade"], "wrong")
        self.assertIn("old.test.example has address 203.0.113.9", bad["names.agree"]["text"])

    def test_mx_missing(self):
        daemon = self.daemon({**GOOD, "test.example": f"mx IN A {ADDRESS}\n@ IN A {ADDRESS}"})
        finding = self.bad(self.doctor(daemon.config))["names.mx"]
        self.assertEqual(finding["grade"], "warning")
        self.assertIn('"test.example. IN MX 10 mx.test.example."', finding["advice"])

    def test_mx_to_cname(self):
        daemon = self.daemon({**GOOD, "test.example": GOOD["test.example"].replace("10 mx", "10 mail")
                              + "\nmail IN CNAME mx"})
        bad = self.bad(self.doctor(daemon.config))
        self.assertEqual(set(bad), {"names.address"})
        self.assertIn("the MX mail.test.example is an alias (CNAME)", bad["names.address"]["text"])

    def test_another_domain_can_be_asked_for(self):
        daemon = self.daemon(GOOD)
        finding = self.bad(self.doctor(daemon.config, "gone.test.example"))["names.mx"]
        self.assertIn("the domain gone.test.example does not exist", finding["text"])

    def test_no_daemon_no_dns_open_relay(self):
        hole = self.keep(BlackHole())
        config = self.folder / "postrider.toml"
        config.write_text(f'''hostname = "mx.test.example"
[server]
spool = "{self.folder}/none/spool"
[[listen]]
address = "127.0.0.1:{free_port()}"
[relay]
networks = ["0.0.0.0/0"]
[dns]
servers = ["127.0.0.1:{hole.port}"]
attempt_timeout = "200ms"
attempts = 1
''')
        bad = self.bad(self.doctor(config))
        for check in ("names.mx", "dns.server", "listeners", "relay.networks", "spool.folder"):
            self.assertEqual(bad[check]["grade"], "wrong", check)
            self.assertNotEqual(bad[check]["advice"], "", check)
        self.assertIn("an open relay", bad["relay.networks"]["text"])

    def test_a_configuration_with_mistakes_is_told_and_the_rest_examined(self):
        daemon = self.daemon(GOOD)
        wrong = self.folder / "wrong.toml"
        wrong.write_text(daemon.config.read_text() + "max_lines = 3\n")
        bad = self.bad(self.doctor(wrong))
        self.assertEqual(set(bad), {"configuration"})
        missing = self.doctor(self.folder / "missing.toml")
        self.assertEqual(self.checks(missing), {"configuration"})
        self.assertEqual(missing["result"], "wrong")

    def test_text_marks_each_line_and_says_what_to_do(self):
        daemon = self.daemon({**GOOD, REVERSE: ""})
        run = subprocess.run([BUILD / "core" / "postrider", "doctor", "--config", daemon.config,
                              "--public", ADDRESS], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(run.returncode, 2)
        for line in run.stdout.splitlines():
            self.assertRegex(line, r"^(ok|warning|wrong) +[a-z.]+ |^ +-> ")


if __name__ == "__main__":
    unittest.main()
