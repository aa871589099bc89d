#!/usr/bin/env python3
"""Mistakes in the configuration are told, one line each, with their exit code; reloads."""
import os
import signal
import smtplib
import subprocess
import unittest

from postrider import BASE, BUILD, PATIENCE, Case, Daemon, free_port, is_open, wait_for

MODULES = BUILD / "modules"


class Config(Case):
    def run_all(self, text):
        """Exit code and complaints of the daemon, of --check and of the tool; they must agree."""
        port = free_port()
        file = self.folder / "broken.toml"
        file.write_text(text.replace("@PORT@", str(port)).replace("@FOLDER@", str(self.folder)))
        runs = [subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
                for command in ([BUILD / "core" / "postriderd", "--config", file],
                                [BUILD / "core" / "postriderd", "--config", file, "--check"],
                                [BUILD / "core" / "postrider", "check", file])]
        self.assertEqual({run.returncode for run in runs}, {78}, runs)
        self.assertEqual(len({run.stderr for run in runs}), 1, runs)
        self.assertEqual({run.stdout for run in runs}, {""})
        self.assertFalse(is_open(port))
        self.assertFalse((self.folder / "spool").exists(), "a broken configuration touched the spool")
        print(runs[0].stderr, end="")
        return runs[0].stderr.splitlines()

    def only_line(self, text, *words):
        lines = self.run_all(text)
        self.assertEqual(len(lines), 1, lines)
        self.assertTrue(lines[0].startswith(str(self.folder / "broken.toml") + ":"), lines)
        for word in words:
            self.assertIn(word, lines[0])

    def plugin(self, use, more=""):
        return BASE + f'[[plugin]]\nuse = "{use}"\n{more}\n'

    def test_every_mistake_has_one_line(self):
        lines = self.run_all(BASE + '[smtp]\nmax_lin = 3\nmax_errors = 0\ncommand_timeout = "5"\n'
                             '[[plugin]]\nuse = "no_such"\n[[plugin]]\nuse = "protocol_log"\nlevl = 1\n')
        self.assertEqual(len(lines), 5, lines)
        for line, word in zip(lines, ("max_lin", "max_errors", "command_timeout", "no_such", "levl")):
            self.assertIn(word, line)
            self.assertRegex(line, r"^\S+broken\.toml:\d+:\d+: ")
        self.assertIn('did you mean "max_line"', lines[0])

    def test_the_keys_of_plugins_are_checked(self):
        """Each mistake in a plugin's block: file, line, key, what is wrong, what would be right."""
        text = BASE.strip() + """
[[plugin]]
use = "static_routes"
route = { "*" = "smart.example" }
[plugin.routes]
"exa mple" = "smart.example"
"*" = "smart.example:99999"
[[plugin]]
use = "maildir"
on_eror = "defer"
path = "/mail/{domian}"
domains = ["a b"]
[[plugin]]
use = "ndr"
id = "reports"
delay_notice = "4 hours"
postmaster = "nobody@"
[[plugin]]
use = "reverse_resolve"
on_fail = "shrug"
skip = ["10.0.0.1/8", 3]
[[plugin]]
use = "route_cache"
max_ttl = "1m"
min_ttl = "2m"
[[plugin]]
use = "loopback"
action = "return"
also_us = ["300.1.1.1"]
"""
        lines = self.run_all(text)
        first = text.splitlines().index('use = "static_routes"') + 1
        expected = [(first + 1, "static_routes.route: unknown key; did you mean \"routes\"?"),
                    (first + 3, "static_routes.routes.exa mple: this is no domain; write"),
                    (first + 4, "static_routes.routes.*: the port is not 1 to 65535; write"),
                    (first + 7, "maildir.on_eror: unknown key; did you mean \"on_error\"?"),
                    (first + 8, "maildir.path: "),
                    (first + 9, "maildir.domains: \"a b\" is not a domain; write"),
                    (first + 13, "reports.delay_notice: \"4 hours\" is not a duration; write"),
                    (first + 14, "reports.postmaster: \"nobody@\" is not an address: empty domain; write"),
                    (first + 17, "reverse_resolve.on_fail: \"shrug\" is not a choice here; write"),
                    (first + 18, "reverse_resolve.skip: \"10.0.0.1/8\" is not a network: "),
                    (first + 18, "reverse_resolve.skip: expected a text, found the integer 3; write"),
                    (first + 22, "route_cache.min_ttl: is more than max_ttl; write \"1m\" or less"),
                    (first + 25, "loopback.action: \"return\" is not a choice here; write"),
                    (first + 26, "loopback.also_us: \"300.1.1.1\" is no address and no name; write")]
        self.assertEqual(len(lines), len(expected), lines)
        for line, (number, said) in zip(lines, expected):
            self.assertRegex(line, rf"^\S+broken\.toml:{number}:\d+: plugin\.")
            self.assertIn(": plugin." + said, line)

    def explain(self, key, code=0, config=None):
        if config is None:
            config = self.folder / "explain.toml"
            config.write_text(BASE.replace("@FOLDER@", str(self.folder)).replace("@PORT@", "25")
                              + '[[plugin]]\nuse = "ndr"\nid = "reports"\n')
        run = subprocess.run([BUILD / "core" / "postrider", "explain", "--config", config, key],
                             capture_output=True, text=True, timeout=PATIENCE)
        print(run.stdout, run.stderr, end="")
        self.assertEqual(run.returncode, code, run)
        return run.stdout if code == 0 else run.stderr

    def test_explain_knows_the_keys_of_plugins(self):
        for name in ("reverse_resolve", "protocol_log", "route_cache", "loopback", "ndr",
                     "static_routes", "maildir"):
            self.assertIn(f"{name}.", self.explain(name))
        said = self.explain("ndr.delay_notice")
        self.assertEqual(said, "ndr.delay_notice: Tell the sender once when mail has waited so long; "
                               "0s: never\n  type:    duration\n  default: \"4h\"\n")
        self.assertEqual(self.explain("plugin.ndr.delay_notice"), said)
        self.assertEqual(self.explain("reports.delay_notice"), said.replace("ndr.", "reports."))
        self.assertIn('"note", "defer" or "reject"', self.explain("reverse_resolve.on_fail"))
        self.assertIn("next hop", self.explain("static_routes.routes"))
        self.assertIn("default: required", self.explain("plugin.use"))

    def test_explain_names_the_nearest_key(self):
        self.assertIn('did you mean "delay_notice"?', self.explain("ndr.delay_notic", 64))
        self.assertIn('did you mean "loopback"?', self.explain("lopback.action", 64))
        self.assertIn('did you mean "max_line"?', self.explain("smtp.max_lin", 64))
        self.assertIn("static_routes", self.explain("frobnicate", 64))
        self.assertIn("absent.toml", self.explain("ndr", 64, self.folder / "absent.toml"))
        text = self.folder / "broken.so"
        text.write_text("this is no library")
        config = self.folder / "path.toml"
        config.write_text(f'[server]\nplugin_path = ["{self.folder}"]\n')
        self.assertIn("cannot be loaded", self.explain("broken.key", 64, config))

    def test_no_toml(self):
        self.only_line(BASE + "[smtp\n", "broken.toml:")

    def test_plugins_that_are_none(self):
        text = self.folder / "text.so"
        text.write_text("this is no library\n")
        self.only_line(self.plugin("no_such"), "there is no plugin no_such")
        self.only_line(self.plugin(text), "cannot be loaded", "file too short")
        self.only_line(self.plugin(self.folder / "absent.so"), "there is no plugin library")
        self.only_line(self.plugin(MODULES / "wrong_tag.so"), "build both alike")
        self.only_line(self.plugin(MODULES / "wrong_sdk.so"), "was built for SDK")
        self.only_line(self.plugin(MODULES / "wrong_size.so"), "build it again")
        self.only_line(self.plugin(MODULES / "wrong_magic.so"), "is not a Postrider plugin")
        self.only_line(self.plugin(MODULES / "no_entry.so"), "is not a Postrider plugin")
        self.only_line(self.plugin(MODULES / "undefined_symbol.so"), "undefined symbol")
        self.only_line(self.plugin(MODULES / "conduct.so", "steps = 1000"), "steps", "0 to 100")
        self.only_line(self.plugin(MODULES / "conduct.so", 'on_error = "shrug"'), "on_error")

    def start_fails(self, text, code, *words):
        run = subprocess.run([BUILD / "core" / "postriderd", "--config", self.written(text)],
                             capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(run.returncode, code, run)
        complaints = [line for line in run.stderr.splitlines() if line.startswith("postriderd: ")]
        self.assertEqual(len(complaints), 1, run.stderr)
        print(complaints[0])
        for word in words:
            self.assertIn(word, complaints[0])

    def written(self, text):
        file = self.folder / "second.toml"
        file.write_text(text.replace("@FOLDER@", str(self.folder)))
        return file

    def test_plugins_that_do_not_start(self):
        for how, words in (("no-construction", ["conduct", "told not to"]),
                           ("no-start", ["conduct", "told not to"])):
            text = self.plugin(MODULES / "conduct.so", f'how = "{how}"')
            self.start_fails(text.replace("@PORT@", str(free_port())), 78, *words)

    def test_missing_file_and_wrong_arguments(self):
        absent = self.folder / "absent.toml"
        for words, code, said in ((["--config", absent], 78, "absent.toml"),
                                  (["--config", self.folder], 78, str(self.folder)),
                                  (["--frobnicate"], 64, "unknown argument"),
                                  (["--config"], 64, "--config"), (["stray"], 64, "stray")):
            run = subprocess.run([BUILD / "core" / "postriderd", *words], capture_output=True,
                                 text=True, timeout=PATIENCE)
            self.assertEqual(run.returncode, code, run)
            self.assertEqual(run.stderr.count("\n"), 1, run)
            self.assertIn(said, run.stderr)
            print(run.stderr, end="")

    def test_second_daemon(self):
        first = self.keep(Daemon(self.folder, BASE))
        own = BASE.replace("@PORT@", str(free_port()))
        self.start_fails(own, 74, "spool", f"{first.pid}")
        other = BASE.replace("@FOLDER@/spool", "@FOLDER@/other")
        self.start_fails(other.replace("@PORT@", str(first.port)), 69, str(first.port), "in use")
        self.start_fails(other.replace("@PORT@", str(free_port())), 69, "control.sock", "in use")
        with first.smtp() as smtp:
            self.assertEqual(smtp.noop()[0], 250)
        self.assertEqual(first.json("status")["hostname"], "mx.test.example")

    def rcpt(self, smtp, address):
        smtp.ehlo_or_helo_if_needed()
        smtp.mail("a@client.example")
        code = smtp.rcpt(address)[0]
        smtp.rset()
        return code

    def test_reload(self):
        closed = BASE.replace('networks = ["127.0.0.0/8"]', 'domains = ["one.example"]')
        daemon = self.keep(Daemon(self.folder, closed))
        old = daemon.smtp()
        self.addCleanup(old.close)
        self.assertEqual(self.rcpt(old, "u@one.example"), 250)
        self.assertEqual(self.rcpt(old, "u@two.example"), 554)

        daemon.write_config(closed.replace("one.example", "two.example") + "[queue]\ngive_up = '2d'\n")
        said = daemon.tool("reload")
        print(said, end="")
        self.assertIn("in force", said)
        self.assertIn("after a restart only: queue\n", said)
        self.assertIn("after a restart only: queue\n", daemon.tool("reload"), "still so")
        with daemon.smtp() as new:
            self.assertEqual(self.rcpt(new, "u@one.example"), 554)
            self.assertEqual(self.rcpt(new, "u@two.example"), 250)
        self.assertEqual(old.noop()[0], 250)  # the old session goes on
        daemon.write_config(closed.replace("one.example", "two.example"))
        self.assertNotIn("restart", daemon.tool("reload"), "as it runs")

        daemon.write_config(closed + "[smtp]\nmax_lines = 5\n[relai]\n")
        run = daemon.tool("reload", check=False)
        print(run.stderr, end="")
        self.assertEqual(run.returncode, 1)
        self.assertIn("former configuration stays in force", run.stderr)
        self.assertIn("max_lines", run.stderr)
        self.assertIn("relai", run.stderr)

        daemon.write_config(closed.replace("one.example", "three.example"))
        daemon.child.send_signal(signal.SIGHUP)
        wait_for("the third configuration", lambda: self.accepts(daemon, "u@three.example"))
        daemon.write_config(closed + '[[plugin]]\nuse = "gone"\n')
        daemon.child.send_signal(signal.SIGHUP)
        wait_for("the log to say why", lambda: "there is no plugin gone" in daemon.output())
        self.assertTrue(self.accepts(daemon, "u@three.example"))
        os.unlink(daemon.config)
        run = daemon.tool("reload", check=False)
        self.assertEqual(run.returncode, 1)
        self.assertIn("postrider.toml", run.stderr)
        self.assertTrue(self.accepts(daemon, "u@three.example"))

    def test_gaps_that_lose_mail_are_warned_of(self):
        local = BASE + '[local]\ndomains = ["here.example"]\n'
        daemon = self.keep(Daemon(self.folder, local))
        reports, delivers = "no plugin reports failed mail", "no plugin delivers the mail of local.domains"
        wait_for("the warnings", lambda: reports in daemon.output() and delivers in daemon.output())
        daemon.write_config(local + '[[plugin]]\nuse = "ndr"\n[[plugin]]\nuse = "maildir"\n'
                            'path = "@FOLDER@/mail/{local}"\n')
        daemon.tool("reload")
        daemon.tool("reload")
        self.assertEqual(daemon.output().count(reports), 1)
        self.assertEqual(daemon.output().count(delivers), 1)

    def accepts(self, daemon, address):
        with daemon.smtp() as smtp:
            return self.rcpt(smtp, address) == 250

    def test_a_plugin_that_does_not_start_leaves_the_old_configuration(self):
        daemon = self.keep(Daemon(self.folder, BASE))
        daemon.write_config(BASE.replace("mx.test", "new.test") + f'''
[[plugin]]
use = "{MODULES}/conduct.so"
how = "no-start"
''')
        run = daemon.tool("reload", check=False)
        self.assertEqual(run.returncode, 1)
        self.assertIn("told not to", run.stderr)
        for _ in range(8):  # whichever loop answers
            with smtplib.SMTP("127.0.0.1", daemon.port, timeout=PATIENCE) as smtp:
                self.assertIn(b"mx.test.example", smtp.ehlo()[1])
        self.assertEqual(daemon.json("plugins")["plugins"], [])


if __name__ == "__main__":
    unittest.main()
