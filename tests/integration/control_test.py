#!/usr/bin/env python3
"""What an operator asks and does: every command of the tool, as text and as JSON."""
import re
import socket
import subprocess
import unittest

from postrider import BASE, BUILD, PATIENCE, Case, Daemon, Sink, free_port, wait_for

ROUTES = '''
[[plugin]]
use = "static_routes"
routes = { "slow.example" = "127.0.0.1:%d", "shut.example" = "127.0.0.1:%d" }
'''
MESSAGE = "Subject: hello\r\n\r\nbody\r\n"


def tool(*words, text=None):
    """The tool without a daemon of the test's own."""
    return subprocess.run([BUILD / "core" / "postrider", *words], input=text, capture_output=True,
                          text=True, timeout=PATIENCE)


class Control(Case):
    def daemon(self, slow=None, more=""):
        """A daemon whose next hop for slow.example is on port `slow`, for shut.example closed."""
        self.slow = slow or free_port()
        return self.keep(Daemon(self.folder, BASE + more + ROUTES % (self.slow, free_port())))

    def put(self, daemon, *recipients, sender="a@client.example"):
        with daemon.smtp() as smtp:
            smtp.sendmail(sender, recipients, MESSAGE)

    def recipients(self, daemon, *options):
        return [one for message in daemon.json("queue", "list", *options)["messages"]
                for one in message["recipients"]]

    def wait_state(self, daemon, state, count):
        wait_for(f"{count} recipients to be {state}", lambda: [
            one["state"] for one in self.recipients(daemon)].count(state) == count)

    def fails(self, daemon, *words, code=1):
        run = daemon.tool(*words, check=False)
        self.assertEqual(run.returncode, code, run)
        self.assertTrue(run.stderr.startswith("postrider: "), run.stderr)
        self.assertEqual(run.stderr.count("\n"), 1, run.stderr)
        return run.stderr

    def test_delayed_mail_says_why_and_when_and_goes_by_retry(self):
        daemon = self.daemon()
        self.put(daemon, "u1@slow.example", "u2@slow.example")
        self.put(daemon, "u3@shut.example", sender="b@client.example")
        self.wait_state(daemon, "delayed", 3)
        for one in self.recipients(daemon):
            self.assertRegex(one["next_attempt"], r"^2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            self.assertRegex(one["status"], r"^4\.4\.\d$")
            self.assertIn("127.0.0.1", one["reason"])
            self.assertIn("refused", one["reason"])
            self.assertEqual(one["attempts"], 1)
        listed = daemon.tool("queue", "list")
        print(listed)
        self.assertEqual(len(re.findall(r"delayed, next attempt \S+Z \(in \d min\)", listed)), 3)
        destinations = daemon.tool("destinations")
        print(destinations)
        self.assertIn(f"[127.0.0.1]:{self.slow}", destinations)
        self.assertIn("failed 1 time", destinations)
        self.keep(Sink(self.folder, port=self.slow))
        done = daemon.tool("queue", "retry", "--destination", f"*:{self.slow}")
        print(done)
        self.assertEqual(done, "2 recipients tried now\n")
        self.wait_state(daemon, "delayed", 1)
        wait_for("slow.example to be delivered",
                 lambda: daemon.json("status")["queue"]["delivered_since_start"] == 2)
        status = daemon.tool("status")
        print(status)
        self.assertIn("1 delayed", status)
        self.assertIn("accepting", status)

    def test_hold_release_remove_with_wildcards(self):
        daemon = self.daemon()
        self.put(daemon, "one@slow.example", "two@shut.example")
        self.wait_state(daemon, "delayed", 2)
        # Mail for a destination in back-off was never tried; it says what it waits for all the same.
        self.put(daemon, "three@slow.example", sender="b@other.example")
        [queued] = [one for one in self.recipients(daemon) if one["state"] == "queued"]
        self.assertEqual((queued["attempts"], queued["reason"]),
                         (0, "waits: its destination failed 1 time"))
        self.assertRegex(queued["next_attempt"], r"^2\d{3}-")
        listed = daemon.tool("queue", "list")
        print(listed)
        self.assertEqual(listed.count("next attempt 2"), 3)
        self.assertEqual(daemon.json("queue", "hold", "--recipient", "*@slow.example")["changed"], 2)
        self.assertEqual(sorted(r["state"] for r in self.recipients(daemon)),
                         ["delayed", "held", "held"])
        held = self.recipients(daemon, "--state", "held")
        self.assertTrue(all(r["reason"].startswith("held by the operator") for r in held
                            if r["state"] == "held"))
        self.assertIn("postrider queue release", daemon.tool("queue", "list", "--state", "held"))
        self.assertEqual(daemon.tool("queue", "release", "--sender", "*@other.example"),
                         "1 recipient released\n")
        self.wait_state(daemon, "held", 1)
        self.assertEqual(daemon.json("queue", "remove", "--sender", "*@client.example")["changed"], 2)
        wait_for("the removal", lambda: daemon.json("status")["queue"]["messages"] == 1)
        self.assertEqual(daemon.json("queue", "remove", "--sender", "*")["changed"], 1)
        wait_for("the queue to be empty", lambda: daemon.json("status")["queue"]["messages"] == 0)
        self.assertEqual(daemon.tool("queue", "list"), "The queue is empty.\n")
        for change in ("hold", "release", "remove"):  # never all by accident
            self.assertIn("say which", self.fails(daemon, "queue", change))

    def test_why_tells_who_refused_in_which_phase_with_the_reply(self):
        refusing = self.keep(Sink(self.folder, options=["-f", "rcpt", "-B", "550 5.1.1 No Such User"]))
        daemon = self.daemon(slow=refusing.port)
        self.put(daemon, "nobody@slow.example", sender="")
        self.put(daemon, "nobody@slow.example")
        wait_for("both to fail", lambda: daemon.json("status")["queue"]["failed_since_start"] == 2)
        for message in daemon.json("queue", "list")["messages"]:
            why = daemon.tool("why", message["id"])
            print(why)
            self.assertIn("failed", why)
            self.assertIn("5.1.1", why)
            self.assertIn(f"[127.0.0.1]:{refusing.port}", why)
            self.assertIn("refused the recipient", why)
            self.assertIn("No Such User", why)
            one = daemon.json("why", message["id"])["recipients"][0]
            self.assertEqual((one["state"], one["status"], one["attempts"]), ("failed", "5.1.1", 1))
            self.assertIn("127.0.0.1", one["remote"])

    def test_a_next_hop_that_puts_off_or_hangs_up(self):
        for name, options, words in (
                ("later", ["-r", "data", "-b", "451 4.7.1 Come Back Later"], ["4.7.1", "Come Back Later"]),
                ("gone", ["-q", "rcpt"], ["4.4.2", "closed"])):
            with self.subTest(name):
                folder = self.folder / name
                folder.mkdir()
                sink = self.keep(Sink(folder, options=options))
                daemon = self.keep(Daemon(folder, BASE + ROUTES % (sink.port, sink.port)))
                self.put(daemon, "user@slow.example")
                self.wait_state(daemon, "delayed", 1)
                why = daemon.tool("why", daemon.json("queue", "list")["messages"][0]["id"])
                print(why)
                for word in words:
                    self.assertIn(word, why)

    def test_show_has_the_header_and_unknown_ids_are_errors(self):
        daemon = self.daemon()
        self.put(daemon, "user@shut.example")
        self.wait_state(daemon, "delayed", 1)
        id = daemon.json("queue", "list")["messages"][0]["id"]
        shown = daemon.tool("queue", "show", id)
        self.assertIn("Subject: hello\n", shown)
        self.assertIn("Received: from client.example", shown)
        self.assertNotIn("\r", shown)
        for words in (["why"], ["queue", "show"], ["queue", "retry"], ["queue", "hold"],
                      ["queue", "release"], ["queue", "remove"]):
            for unknown in ("0000000000000", "rubbish", "*", "../x"):
                self.assertIn(f"no message {unknown} in the queue",
                              self.fails(daemon, *words, unknown))
        print(self.fails(daemon, "queue", "release", id))
        self.assertIn("its recipients are delayed", self.fails(daemon, "queue", "release", id))
        self.assertIn("no state", self.fails(daemon, "queue", "list", "--state", "asleep"))

    def test_plugins_and_their_order(self):
        daemon = self.daemon(more=f'''
[[plugin]]
use = "reverse_resolve"
[[plugin]]
use = "protocol_log"
file = "{self.folder}/protocol.log"
''')
        listed = daemon.tool("plugins")
        print(listed)
        self.assertIn("reverse_resolve", listed)
        names = [one["id"] for one in daemon.json("plugins")["plugins"]]
        self.assertEqual(names, ["reverse_resolve", "protocol_log", "static_routes"])
        self.assertTrue(daemon.tool("plugins", "--order", "route").startswith("1. static_routes"))
        self.assertEqual(daemon.tool("plugins", "--order", "message"),
                         "No plugin takes part in message.\n")
        run = daemon.tool("plugins", "--order", "nonsense", check=False)
        self.assertEqual(run.returncode, 64)
        self.assertIn("rcpt", run.stderr)

    def test_send_check_explain(self):
        daemon = self.daemon()
        sent = tool("send", "--server", f"127.0.0.1:{daemon.port}", "--from", "me@client.example",
                    "--to", "you@shut.example", text="Subject: x\n\n.dot\nGrüße\n")
        self.assertEqual(sent.returncode, 0, sent)
        self.assertRegex(sent.stdout, r"^250 2\.0\.0 Accepted as \w{13}\n$")
        self.wait_state(daemon, "delayed", 1)
        refused = tool("send", "--server", f"127.0.0.1:{free_port()}", "--to", "x@y.example", text="x")
        self.assertEqual(refused.returncode, 69)
        self.assertIn("cannot connect", refused.stderr)
        self.assertEqual(tool("send", "--server", "nowhere", "--to", "x@y.example").returncode, 64)
        self.assertEqual(tool("check", str(daemon.config)).returncode, 0)
        explained = tool("explain", "queue.retry")
        self.assertEqual(explained.returncode, 0)
        self.assertIn("5m", explained.stdout)
        self.assertEqual(tool("explain", "no.such.key").returncode, 64)
        self.assertEqual(tool("--help").returncode, 0)
        self.assertRegex(tool("--version").stdout, r"^postrider \d+\.\d+\.\d+\n$")

    def test_wrong_arguments_are_named_in_one_line(self):
        for words, said in (
                ([], "a command is missing: status, why,"),
                (["queue", "lst"], 'no command "lst"; did you mean "list"? See postrider queue --help'),
                (["nonsense"], 'there is no command "nonsense"; known here: status,'),
                (["--nonsense"], 'there is no option "--nonsense"'),
                (["queue"], "a command is missing: list, count,"),
                (["queue", "show"], "id is required; see postrider queue show --help"),
                (["queue", "list", "--limit", "0"], '"0" is not a number from 1 to 4294967295'),
                (["queue", "list", "--attempts", "many"], '"many" is not a number'),
                (["trace", "--direction", "up"], "--direction: up not in {in,out}"),
                (["status", "now"], "not expected: now; see postrider status --help")):
            run = tool(*words)
            self.assertEqual((run.returncode, run.stdout), (64, ""), words)
            self.assertTrue(run.stderr.startswith("postrider: "), run.stderr)
            self.assertEqual(run.stderr.count("\n"), 1, run.stderr)
            self.assertIn(said, run.stderr)

    def test_the_daemon_names_a_missing_value(self):
        run = subprocess.run([BUILD / "core" / "postriderd", "--config"], capture_output=True, text=True)
        self.assertEqual((run.returncode, run.stderr),
                         (64, "postriderd: --config needs a FILE; see postriderd --help\n"))

    def test_the_way_on_is_named(self):
        daemon = self.daemon()
        self.put(daemon, "u3@shut.example")
        self.wait_state(daemon, "delayed", 1)
        [message] = daemon.json("queue", "list")["messages"]
        daemon.tool("queue", "hold", message["id"])
        self.assertIn(f"postrider queue release {message['id']}", self.fails(daemon, "queue", "retry", message["id"]))
        daemon.tool("queue", "bounce", message["id"])
        self.wait_state(daemon, "failed", 1)
        self.assertIn(f"postrider queue retry --state failed {message['id']}",
                      self.fails(daemon, "queue", "retry", message["id"]))
        daemon.tool("queue", "remove", message["id"])
        wait_for("the removal", lambda: not self.recipients(daemon))
        self.assertIn(f"postrider trace --message {message['id']}",
                      self.fails(daemon, "queue", "show", message["id"]))

    def test_one_is_not_many(self):
        daemon = self.daemon()
        self.put(daemon, "u3@shut.example")
        self.wait_state(daemon, "delayed", 1)
        status = daemon.tool("status")
        self.assertIn(" in all, 1 message, 0 refusals\n", status)
        self.assertIn("queue      1 message; recipients: 0 queued", status)
        self.assertIn("0 of 1 connection;", daemon.tool("destinations"))
        counted = daemon.tool("queue", "count")
        self.assertTrue(counted.endswith("octets\n") and "\n1 message, " in counted, counted)
        self.assertIn("given up    ", daemon.tool("why", daemon.json("queue", "list")["messages"][0]["id"]))
        self.assertIn("(in 5 days)", daemon.tool("queue", "show", daemon.json("queue", "list")["messages"][0]["id"]))

    def test_no_daemon(self):
        run = tool("--control", str(self.folder / "none.sock"), "status")
        self.assertEqual((run.returncode, run.stdout), (69, ""))
        print(run.stderr)
        self.assertIn("is postriderd running", run.stderr)

    def test_the_socket_takes_what_is_no_request(self):
        daemon = self.daemon()
        for request, words in ((b"nonsense\n", b"one line of JSON"), (b"{}\n", b"one line of JSON"),
                               (b"[" * 60000 + b"\n", b"one line of JSON"),
                               (b'{"words":[]}\n', b"no command"),
                               (b'{"words":["fly"]}\n', b"unknown command"),
                               (b'{"words":["queue","list"],"options":{"limit":"x"}}\n', b"whole number"),
                               (b'{"words":["queue","list"],"options":{"sender":7}}\n', b"wrong type"),
                               (b'{"words":["queue","list"],"options":7}\n', b"wrong type"),
                               (b"\xff\xfe\n", b"one line of JSON"), (b"x" * 70000, b"")):
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(PATIENCE)
                client.connect(str(daemon.control))
                client.sendall(request)
                answer = b""
                while not answer.endswith(b"\n"):
                    try:
                        chunk = client.recv(4096)
                    except ConnectionResetError:
                        break
                    if not chunk:
                        break
                    answer += chunk
                self.assertIn(words, answer, request[:80])
        self.assertEqual(daemon.control.stat().st_mode & 0o777, 0o600)
        self.assertEqual(daemon.json("status")["hostname"], "mx.test.example")

    def test_stop_answers_and_stops(self):
        daemon = self.daemon()
        self.assertIn("then stops", daemon.tool("stop"))
        wait_for("the daemon to end", lambda: not daemon.is_running())
        self.assertEqual(daemon.child.returncode, 0)
        self.assertFalse(daemon.control.exists())


if __name__ == "__main__":
    unittest.main()
