#!/usr/bin/env python3
"""An operator works on 100,000 queued messages while live mail flows through the same daemon: every
answer is right, nothing is lost, and no client waits."""
import re
import smtplib
import threading
import time
import unittest

from postrider import BASE, SANITIZED, Case, Daemon, Sink, free_port, smtp_source, wait_for
from recorder import Recorder

DEAD = 10  # destinations at which nobody listens
MESSAGES = 10_000 if SANITIZED else 100_000
EACH = MESSAGES // DEAD
# Seconds until a client is greeted, and from its final dot to 250: far above what a machine that is
# shared with other tests takes, far below what a client notices.
PATIENT = 20 if SANITIZED else 4
DEAD_ONES = ("--destination", "[127.0.0.2]*")

CONFIG = BASE.replace("[server]\n", "[server]\nloops = 2\n") + '''
[queue]
retry = ["1h"]
[[plugin]]
use = "ndr"
[[plugin]]
use = "static_routes"
routes = {%s}
'''


class Live(threading.Thread):
    """A client that sends one message after the other and remembers each 250."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.postrider = daemon
        self.accepted, self.turned_away, self.trouble = [], 0, None
        self.greeted = self.answered = 0.0  # the longest since look()
        self.ends = False
        self.may_be_closed = False  # the operator's word

    def run(self):
        while not self.ends:
            try:
                self.send(f"live-{len(self.accepted)}-")
            except smtplib.SMTPServerDisconnected as trouble:
                # The 421 is lost where the client was speaking when it came.
                self.go_away(trouble, self.may_be_closed)
            except (smtplib.SMTPException, OSError) as trouble:
                self.go_away(trouble, self.may_be_closed and "4.3.2 No mail is taken" in str(trouble))

    def go_away(self, trouble, is_right):
        if not is_right:
            self.trouble = trouble
            self.ends = True
        self.turned_away += 1
        time.sleep(0.02)

    def send(self, name):
        began = time.monotonic()
        with self.postrider.smtp() as smtp:
            self.greeted = max(self.greeted, time.monotonic() - began)
            smtp.ehlo()
            smtp.mail("live@client.example")
            smtp.rcpt("live@live.example")
            began = time.monotonic()
            code, text = smtp.data(f"Subject: {name}\r\n\r\nbody\r\n")
            self.answered = max(self.answered, time.monotonic() - began)
            if code != 250:
                raise smtplib.SMTPResponseException(code, text)
            self.accepted.append(name)

    def look(self):
        longest = (self.greeted, self.answered)
        self.greeted = self.answered = 0.0
        return longest


class HundredThousand(Case):
    def start(self):
        self.next_hop = self.keep(Recorder())
        home = self.keep(Sink(self.folder))
        routes = {f"dead{n}.example": f"127.0.0.2:{free_port()}" for n in range(DEAD)}
        routes |= {"live.example": f"127.0.0.1:{self.next_hop.port}",
                   "client.example": f"127.0.0.1:{home.port}"}
        table = ", ".join(f'"{name}" = "{to}"' for name, to in routes.items())
        self.daemon = self.keep(Daemon(self.folder, CONFIG % table))
        self.live = Live(self.daemon)
        self.live.start()
        self.addCleanup(self.end_live)

    def end_live(self):
        self.live.ends = True
        self.live.join()

    def fill(self):
        """Mail for hosts that the operator has closed waits untried."""
        def send(which):
            for n in which:
                smtp_source(self.daemon.port, EACH, sessions=25, size=500, to=f"user@dead{n}.example")
        halves = [threading.Thread(target=send, args=(range(half, DEAD, 2),)) for half in (0, 1)]
        for half in halves:
            half.start()
        began = time.monotonic()
        for half in halves:
            half.join()
        print(f"{MESSAGES} messages accepted in {time.monotonic() - began:.1f} s beside {len(self.live.accepted)} live "
              f"ones; longest: greeted after {self.live.greeted:.3f} s, 250 after {self.live.answered:.3f} s")

    def command(self, *words):
        """Runs it beside the live mail, which goes on; its answer."""
        accepted, turned_away = len(self.live.accepted), self.live.turned_away
        self.live.look()
        began = time.monotonic()
        answer = self.daemon.json(*words)
        took = time.monotonic() - began
        wait_for("live mail to go on", lambda: self.live.trouble or len(self.live.accepted) > accepted + 1
                 or self.live.turned_away > turned_away)
        greeted, answered = self.live.look()
        print(f"{took:6.2f} s  {' '.join(words):66.66} {len(self.live.accepted) - accepted:5} accepted; longest: "
              f"greeted after {greeted * 1000:4.0f} ms, 250 after {answered * 1000:4.0f} ms", flush=True)
        self.assertIsNone(self.live.trouble)
        self.assertLess(max(greeted, answered), PATIENT, words)
        return answer

    def table(self):
        """Of the dead ones: recipients of all states, and how many each destination has."""
        answer = self.command("queue", "count", *DEAD_ONES)
        return answer["all"], [group["recipients"] for group in answer["groups"]]

    def listed(self, *filters):
        return len(self.command("queue", "list", *filters, "--limit", str(MESSAGES))["messages"])

    def changed(self, verb, *words):
        return self.command("queue", verb, *words)["changed"]

    def destinations(self):
        return [one for one in self.daemon.json("destinations")["destinations"]
                if one["destination"].startswith("[127.0.0.2]")]

    def look_at_them(self):
        states, by_destination = self.table()
        self.assertEqual(by_destination, [EACH] * DEAD)
        self.assertEqual((states["queued"], states["recipients"]), (MESSAGES, MESSAGES))
        self.assertEqual(self.command("queue", "count", "--by", "recipient", *DEAD_ONES)["groups_in_all"], DEAD)
        self.assertEqual(self.listed("--recipient", "user@dead3.example"), EACH)
        self.assertEqual(self.listed(*DEAD_ONES, "--state", "held"), 0)
        self.assertEqual(self.listed(*DEAD_ONES, "--older-than", "1d"), 0)
        self.assertEqual(self.listed(*DEAD_ONES, "--larger-than", "1MB"), 0)
        some = self.command("queue", "list", *DEAD_ONES, "--limit", "7")
        self.assertEqual((len(some["messages"]), some["more"]), (7, True))

    def change_them(self):
        self.assertEqual(self.changed("hold", *DEAD_ONES), MESSAGES)
        self.assertEqual(self.table()[0]["held"], MESSAGES)
        self.assertEqual(self.changed("release", *DEAD_ONES), MESSAGES)
        self.assertEqual(self.table()[0]["queued"], MESSAGES)
        self.assertEqual(self.changed("retry", *DEAD_ONES), MESSAGES)
        self.command("destination", "resume", "*")
        wait_for("each dead host to be tried", lambda: all(one["failures"] for one in self.destinations()))
        # What is just being settled is left alone.
        self.assertGreater(self.changed("retry", *DEAD_ONES), MESSAGES - 1000)
        self.assertEqual(self.changed("give-up", *DEAD_ONES, "--after", "3d"), MESSAGES)

    def return_a_part(self):
        self.command("destination", "suspend", "[127.0.0.2]*", "--text", "for a while")
        wait_for("attempts to end", lambda: not any(one["active"] for one in self.destinations()))
        answer = self.command("queue", "bounce", "--recipient", "user@dead3.example", "--text", "sorry")
        self.assertEqual((answer["changed"], answer["reported"]), (EACH, True))
        wait_for("the reports to leave", lambda: self.daemon.json(
            "queue", "count", "--sender", "*", "--recipient", "sender@client.example")["messages"] == 0)
        states, by_destination = self.table()
        self.assertEqual((states["recipients"], by_destination), (MESSAGES - EACH, [EACH] * (DEAD - 1)))
        self.assertEqual(states["failed"] + states["held"], 0)

    def change_the_mode(self):
        self.live.may_be_closed = True
        for mode in ("inbound-only", "outbound-only", "none", "inbound-outbound"):
            self.assertEqual(self.command("mode", mode)["mode"], mode)
        self.assertGreater(self.live.turned_away, 0)
        draining = self.command("drain")
        self.assertGreaterEqual(draining["queue"]["queued"] + draining["queue"]["delayed"], MESSAGES - EACH)
        self.assertIsNone(self.command("drain", "--cancel")["draining_since"])

    def test_every_command_while_mail_flows(self):
        self.start()
        self.command("destination", "suspend", "[127.0.0.2]*")
        self.fill()
        self.look_at_them()
        self.change_them()
        self.return_a_part()
        self.change_the_mode()
        self.assertEqual(self.changed("remove", *DEAD_ONES), MESSAGES - EACH)
        self.assertEqual(self.table()[0]["recipients"], 0)
        self.end_live()
        wait_for("the queue to be empty", lambda: self.daemon.json("status")["queue"]["messages"] == 0)
        status = self.daemon.json("status")["queue"]
        self.assertEqual(status["delivered_since_start"], len(self.live.accepted) + EACH)
        arrived = [re.search(rb"Subject: (\S+)", one.content)[1].decode() for one in self.next_hop.arrivals]
        self.assertEqual(sorted(arrived), sorted(self.live.accepted))


if __name__ == "__main__":
    unittest.main()
