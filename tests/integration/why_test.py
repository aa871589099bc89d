#!/usr/bin/env python3
"""postrider why: one answer to "why does it not go?", with and without the plugins that know most."""
import re
import time
import unittest

from postrider import BASE, Case, Daemon, NameServer, Sink, free_port, wait_for

ZONE = {"grey.example": "@ IN MX 10 mx\nmx IN A 127.0.0.1",
        "dead.example": "@ IN MX 10 one\n@ IN MX 20 two\none IN A 127.0.0.2\ntwo IN A 127.0.0.3",
        "fine.example": "@ IN MX 10 mx\nmx IN A 127.0.0.1"}
PLUGINS = '''
[[plugin]]
use = "protocol_log"
level = "off"
check_own_name = false
file = "@FOLDER@/protocol.log"
[[plugin]]
use = "route_cache"
'''
PHASE = {"grey": ["-r", "rcpt", "-b", "451 4.7.1 Greylisted, come back"],
         "no": ["-f", "rcpt", "-B", "550 5.1.1 No Such User"], "fine": []}


def now():
    """As the daemon writes times."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Why(Case):
    def daemon(self, hop="grey", plugins=PLUGINS, more="", loops=2):
        dns = self.keep(NameServer(self.folder, ZONE)).port
        port = self.keep(Sink(self.folder, options=PHASE[hop])).port
        base = BASE.replace("[server]", f"[server]\nloops = {loops}")
        return self.keep(Daemon(self.folder, base + f'''
[dns]
servers = ["127.0.0.1:{dns}"]
[deliver]
port = {port}
ipv6 = "off"
{more}
''' + plugins))

    def put(self, daemon, *recipients, sender="a@client.example"):
        """A message; its id."""
        with daemon.smtp() as smtp:
            smtp.ehlo()
            smtp.mail(sender)
            for recipient in recipients:
                self.assertEqual(smtp.rcpt(recipient)[0], 250)
            return smtp.data("Subject: x\r\n\r\nx\r\n")[1].decode().split()[-1]

    def wait(self, daemon, id, *states):
        def reached():
            found = daemon.json("why", id)
            return found if [r["state"] for r in found["recipients"]] == list(states) else None
        return wait_for(f"{id} to be {states}", reached)

    def show(self, daemon, id):
        text = daemon.tool("why", id)
        print("\n" + text)
        return text

    def test_a_greylisted_message(self):
        daemon = self.daemon()
        id = self.put(daemon, "user@grey.example")
        why = self.wait(daemon, id, "delayed")
        [recipient], [place] = why["recipients"], why["destinations"]
        self.assertEqual(recipient["next"]["set_by"], "retry schedule")
        self.assertRegex(recipient["next"]["text"], "^attempt 2, as queue.retry says$")
        self.assertEqual(recipient["next"]["at"], recipient["next_attempt"])
        self.assertIn("451 4.7.1 Greylisted", recipient["reason"])
        health = place["health"]
        self.assertEqual((place["destination"], health["failures"], health["back_off_s"]),
                         ("grey.example", 0, 0))
        self.assertEqual((health["last_success"], health["last_failure"]), (None, None))
        self.assertRegex(health["last_answer"], "^2")
        self.assertEqual((health["delayed"], health["limit"]), (1, 5))
        [route] = place["route"]["routes"]
        self.assertEqual((route["origin"], route["ttl"]), ("mx", 60))
        self.assertLessEqual(route["ttl_left"], 60)
        [session] = place["last_attempt"]["sessions"]
        said = [(line["kind"], line["text"]) for line in session["lines"]]
        self.assertEqual(said[0][0], "connected")
        self.assertTrue(said[0][1].startswith("mx.grey.example "), said)
        self.assertIn(("C:", "RCPT TO:<user@grey.example>"), [(k, t[:27]) for k, t in said])
        self.assertIn(("S:", "451 4.7.1 Greylisted, come back"), said)
        self.assertTrue([t for k, t in said if k == "outcome" and t.startswith(id)], said)
        text = self.show(daemon, id)
        for words in ("user@grey.example: delayed after 1 attempt\n", "451 4.7.1 Greylisted",
                      "attempt 2, as queue.retry says (set by: retry schedule)", "answers; ",
                      "last answer without success", "TTL 60 s", "10 mx.grey.example port",
                      ": 127.0.0.1\n", "S: 451 4.7.1 Greylisted, come back\n"):
            self.assertIn(words, text)

    def test_a_dead_host_backs_off_and_tells_all_that_was_tried(self):
        daemon = self.daemon()
        id = self.put(daemon, "user@dead.example")
        why = self.wait(daemon, id, "delayed")
        [recipient], [place] = why["recipients"], why["destinations"]
        self.assertEqual(recipient["next"]["set_by"], "retry schedule")
        self.assertIn("sooner if its destination takes other mail", recipient["next"]["text"])
        self.assertEqual(place["health"]["failures"], 1)
        self.assertGreater(place["health"]["back_off_s"], 30)
        self.assertIn("refused", place["health"]["trouble"])
        self.assertRegex(place["health"]["last_failure"], "^2")
        # One attempt, two hosts: both are told.
        hosts = [session["remote"].split(":")[0] for session in place["last_attempt"]["sessions"]]
        self.assertEqual(hosts, ["127.0.0.2", "127.0.0.3"])
        text = self.show(daemon, id)
        self.assertRegex(text, r"failed 1 time in a row, left alone for \d+ s; 0 of 1 connection; deliveries: 0 ready, 1")
        self.assertIn("its trouble: ", text)
        self.assertEqual(text.count(" unreached " + id), 2)
        # Mail that comes now was never tried: the back-off decides when it is.
        second = self.put(daemon, "other@dead.example")
        why = self.wait(daemon, second, "queued")
        self.assertEqual(why["recipients"][0]["next"]["set_by"], "back-off")
        self.assertRegex(why["recipients"][0]["next"]["at"], "^2")
        self.assertEqual(why["destinations"][0]["last_attempt"],
                         {"unavailable": "there was no attempt yet"})
        text = self.show(daemon, second)
        self.assertIn("queued, not tried yet", text)
        self.assertIn(f"now with: postrider queue retry {second} (set by: back-off)", text)
        # The operator ends the back-off; only the last attempt is told.
        for attempt in (1, 2):
            daemon.tool("queue", "retry", second)
            wait_for(f"attempt {attempt}",
                     lambda: daemon.json("why", second)["recipients"][0]["attempts"] == attempt)
            [place] = self.wait(daemon, second, "delayed")["destinations"]
            self.assertEqual(place["health"]["failures"], attempt + 1)
            self.assertEqual(len(place["last_attempt"]["sessions"]), 2)

    def test_the_list_tells_the_same_next_attempt(self):
        daemon = self.daemon(more='[[destination]]\nmatch = ["dead.example"]\nback_off = ["10m", "50m"]\n')
        first = self.put(daemon, "user@dead.example")
        before = self.wait(daemon, first, "delayed")["recipients"][0]["next_attempt"]
        # Another message moves the end of the back-off; what the first stored is no longer true.
        second = self.put(daemon, "other@dead.example")
        daemon.tool("queue", "retry", second)
        self.wait(daemon, second, "delayed")
        whys = {id: daemon.json("why", id)["recipients"][0] for id in (first, second)}
        listed = {message["id"]: message["recipients"][0] for message in daemon.json("queue", "list")["messages"]}
        for id in (first, second):
            self.assertEqual(listed[id]["next_attempt"], whys[id]["next_attempt"])
            self.assertEqual(daemon.json("queue", "show", id)["recipients"][0]["next_attempt"],
                             whys[id]["next_attempt"])
        self.assertGreater(listed[first]["next_attempt"], before)
        # Due at once, but closed: neither names a time, both the reason.
        daemon.tool("destination", "suspend", "dead.example")
        daemon.tool("queue", "retry", first)
        for shown in (daemon.json("why", first), *daemon.json("queue", "list", "--limit", "1")["messages"]):
            self.assertIsNone(shown["recipients"][0]["next_attempt"])
            self.assertIn("suspended by the operator", shown["recipients"][0]["reason"])
        self.assertIn("delayed, waits\n", daemon.tool("queue", "list", "--limit", "1"))

    def test_the_operator_suspended_the_destination(self):
        daemon = self.daemon()
        id = self.put(daemon, "user@grey.example")
        self.wait(daemon, id, "delayed")
        began = now()
        daemon.tool("destination", "suspend", "*grey.example", "--text", "their upgrade")
        why = self.wait(daemon, id, "delayed")
        next, [place] = why["recipients"][0]["next"], why["destinations"]
        self.assertEqual((next["at"], next["set_by"]), (None, "operator"))
        said = re.match("its destination is suspended by the operator: their upgrade, since (.*); "
                        "until: postrider destination resume '(.*)'$", next["text"])
        self.assertTrue(said, next)
        self.assertTrue(began <= said[1] <= now(), said)
        health = place["health"]
        self.assertEqual(health["closed"], "its destination is suspended by the operator: their upgrade")
        self.assertEqual((health["closed_since"], health["closed_until"]),
                         (said[1], "postrider destination resume '*grey.example'"))
        self.assertIn("waits: its destination is suspended by the operator: their upgrade; before: ",
                      why["recipients"][0]["reason"])
        self.assertIn("set by: operator", self.show(daemon, id))
        self.assertIn("until: postrider destination resume '*grey.example'\n", daemon.tool("destinations"))
        # Mail that comes meanwhile says the same, and so does a daemon that was started again.
        second = self.put(daemon, "other@grey.example")
        self.assertEqual(self.wait(daemon, second, "queued")["recipients"][0]["next"], next)
        daemon.stop()
        daemon.start()
        self.assertEqual(self.wait(daemon, id, "delayed")["recipients"][0]["next"], next)
        # What it says to do is what helps.
        daemon.tool("destination", "resume", said[2])
        self.wait(daemon, second, "delayed")
        self.assertEqual(daemon.json("why", id)["recipients"][0]["next"]["set_by"], "retry schedule")

    def test_the_mode_lets_nothing_be_tried(self):
        daemon = self.daemon()
        daemon.tool("mode", "inbound-only")
        id = self.put(daemon, "user@grey.example")
        next = self.wait(daemon, id, "queued")["recipients"][0]["next"]
        self.assertEqual(next["set_by"], "operator")
        self.assertRegex(next["text"], "^the mode is inbound-only: nothing is tried, since .*Z; "
                                       "until: postrider mode inbound-outbound$")
        daemon.tool("mode", "inbound-outbound")
        self.wait(daemon, id, "delayed")

    def test_held_and_released(self):
        daemon = self.daemon()
        id = self.put(daemon, "user@grey.example")
        self.wait(daemon, id, "delayed")
        daemon.tool("queue", "hold", id)
        why = self.wait(daemon, id, "held")
        self.assertEqual(why["recipients"][0]["next"],
                         {"at": None, "set_by": "operator",
                          "text": f"nothing is tried until: postrider queue release {id}"})
        text = self.show(daemon, id)
        self.assertIn("held by the operator; before: ", text)
        self.assertIn("S: 451 4.7.1 Greylisted", text)  # what was tried before is told still
        daemon.tool("queue", "release", id)
        why = self.wait(daemon, id, "delayed")
        self.assertEqual(why["recipients"][0]["attempts"], 2)

    def test_two_destinations_on_two_loops_and_many_recipients(self):
        daemon = self.daemon()
        users = [f"u{i}@grey.example" for i in range(8)]
        id = self.put(daemon, *users, "user@dead.example")
        why = self.wait(daemon, id, *["delayed"] * 9)
        self.assertEqual([place["destination"] for place in why["destinations"]],
                         ["grey.example", "dead.example"])
        for place in why["destinations"]:
            self.assertTrue(place["route"]["routes"], place)
            self.assertTrue(place["last_attempt"]["sessions"], place)
        self.assertEqual([r["next"]["set_by"] for r in why["recipients"]], ["retry schedule"] * 9)
        text = self.show(daemon, id)
        self.assertIn("u0@grey.example, u1@grey.example, u2@grey.example, u3@grey.example, "
                      "u4@grey.example and 3 more: delayed after 1 attempt\n", text)
        self.assertIn("user@dead.example: delayed after 1 attempt\n", text)
        # Another message on the same connection is no part of the answer.
        other = self.put(daemon, "other@grey.example")
        self.wait(daemon, other, "delayed")
        self.assertNotIn("u0@grey.example", self.show(daemon, other))
        traced = daemon.tool("trace", "--message", other)
        self.assertIn("accepted " + other, traced)  # how it came in, too
        self.assertIn("RCPT TO:<other@grey.example>", traced)
        self.assertNotIn("u0@grey.example", traced)

    def test_refused_for_good_without_reports(self):
        daemon = self.daemon(hop="no")
        id = self.put(daemon, "nobody@grey.example")
        why = self.wait(daemon, id, "failed")
        self.assertEqual(why["recipients"][0]["next"]["set_by"], "remote")
        text = self.show(daemon, id)
        self.assertIn("S: 550 5.1.1 No Such User", text)
        self.assertIn(f"postrider queue remove {id}", text)

    def test_without_plugins_each_missing_part_says_why(self):
        daemon = self.daemon(plugins="", loops=1)
        id = self.put(daemon, "user@grey.example")
        [place] = self.wait(daemon, id, "delayed")["destinations"]
        self.assertEqual(place["last_attempt"],
                         {"unavailable": "the plugin protocol_log is not enabled"})
        self.assertIn("route_cache is not enabled", place["route"]["unavailable"])
        self.assertEqual(place["health"]["failures"], 0)
        text = self.show(daemon, id)
        self.assertIn("transcript  the plugin protocol_log is not enabled\n", text)
        literal = self.put(daemon, "user@[127.0.0.1]")
        [place] = self.wait(daemon, literal, "delayed")["destinations"]
        self.assertEqual(place["route"]["unavailable"], "it is an address: nothing is looked up")

    def test_what_the_recorder_and_the_cache_have_no_more(self):
        daemon = self.daemon(plugins=PLUGINS.replace("check_own", "recorder = 1\ncheck_own"))
        id = self.put(daemon, "user@grey.example")
        self.wait(daemon, id, "delayed")
        daemon.json("routes", "--flush")
        for _ in range(4):  # each loop remembers one
            daemon.smtp().quit()
        def forgotten():
            [place] = daemon.json("why", id)["destinations"]
            daemon.smtp().quit()
            return place if "unavailable" in place["last_attempt"] else None
        place = wait_for("the recorder to forget", forgotten)
        self.assertIn("protocol_log has it no more: it remembers the last 2 sessions",
                      place["last_attempt"]["unavailable"])
        self.assertEqual(place["route"]["unavailable"],
                         "not cached: it is looked up at the next attempt")
        self.show(daemon, id)
        daemon.write_config(daemon.config.read_text().replace("recorder = 1", "recorder = 0"))
        daemon.tool("reload")
        self.assertIn("recorder = 0", self.show(daemon, id))

    def test_after_a_restart(self):
        daemon = self.daemon()
        id = self.put(daemon, "user@grey.example")
        before = self.wait(daemon, id, "delayed")["recipients"][0]
        daemon.stop()
        daemon.start()
        why = self.wait(daemon, id, "delayed")
        self.assertEqual(why["recipients"][0]["next"]["set_by"], "retry schedule")
        self.assertEqual(why["recipients"][0]["next_attempt"], before["next_attempt"])
        self.assertIn("none from before a restart",
                      why["destinations"][0]["last_attempt"]["unavailable"])
        self.assertIn("not tried yet", self.show(daemon, id))

    def test_an_unknown_id(self):
        daemon = self.daemon()
        run = daemon.tool("why", "0000000000000", check=False)
        self.assertEqual(run.returncode, 1)
        self.assertTrue(re.match("postrider: no message 0000000000000", run.stderr), run.stderr)


if __name__ == "__main__":
    unittest.main()
