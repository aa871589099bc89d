#!/usr/bin/env python3
"""route_cache: mail follows the DNS exactly at the end of the TTL, with one question a name and TTL,
many messages share one lookup, and the operator reads and flushes what is kept (Q285023)."""
import signal
import struct
import time
import unittest

from postrider import BASE, Case, Daemon, NameServer, free_port, wait_for
from scripted import A, AAAA, MX, Dns, Peer

LATE = 5  # seconds that a slow machine may add

CONFIG = BASE + '''
[dns]
servers = ["127.0.0.1:@DNS@"]
attempt_timeout = "@PATIENCE@"
[deliver]
port = @PEERS@
idle_connection = "100ms"
'''
CACHE = '''
[[plugin]]
use = "route_cache"
'''


class RouteCache(Case):
    def setUp(self):
        super().setUp()
        self.peers = free_port()
        self.old = Peer("127.0.0.2", self.peers)
        self.addCleanup(self.old.stop)
        self.new = Peer("127.0.0.3", self.peers)
        self.addCleanup(self.new.stop)

    def daemon(self, dns, keys="", loops=1, attempt="2s", deliver=""):
        config = CONFIG.replace("@DNS@", str(dns.port)).replace("@PEERS@", str(self.peers))
        config = config.replace("[server]", f"[server]\nloops = {loops}").replace("@PATIENCE@", attempt)
        config = config.replace("[deliver]\n", "[deliver]\n" + deliver)
        return self.keep(Daemon(self.folder, config + CACHE + keys))

    def scripted(self, records):
        dns = Dns(records)
        self.addCleanup(dns.stop)
        return dns

    def send(self, daemon, recipient="user@dest.example"):
        with daemon.smtp() as client:
            client.sendmail("sender@client.example", [recipient], "Subject: test\r\n\r\ntext\r\n")

    def send_until(self, daemon, what, condition):
        """A message every 100 ms until the condition holds."""
        def one_more():
            self.send(daemon)
            time.sleep(0.1)
            return condition()
        wait_for(what, one_more)

    def arrivals(self):
        return len(self.old.arrivals) + len(self.new.arrivals)

    def test_mail_follows_a_changed_zone_at_the_end_of_the_ttl(self):
        ttl = 6
        zone = f"@ {ttl} IN MX 10 mx\nmx {ttl} IN A 127.0.0."
        dns = self.keep(NameServer(self.folder, {"dest.example": zone + "2"}))
        daemon = self.daemon(dns, "prefetch = false\n")
        before = time.monotonic()
        self.send(daemon)
        wait_for("the first message", lambda: self.old.arrivals)
        looked_up = self.old.arrivals[0]  # at the latest
        (self.folder / "nsd" / "dest.example.zone").write_text(
            dns.zone_text("dest.example", zone + "3").replace(" 1 3600 ", " 2 3600 "))
        dns.child.send_signal(signal.SIGHUP)
        self.send_until(daemon, "mail to go to the new host", lambda: self.new.arrivals)
        self.assertGreaterEqual(self.new.arrivals[0], before + ttl, "never earlier")
        self.assertLess(self.new.arrivals[0], looked_up + ttl + LATE, "never later")
        self.assertLess(self.old.arrivals[-1], looked_up + ttl + LATE)
        self.assertGreater(len(self.old.arrivals), 3, "the kept route was used meanwhile")

    def test_one_question_a_name_and_ttl(self):
        ttl = 4
        dns = self.scripted({("dest.example", MX): (ttl, ["10 mx.dest.example"]),
                             ("mx.dest.example", A): (ttl, ["127.0.0.2"])})
        daemon = self.daemon(dns, "prefetch = false\n")
        self.send_until(daemon, "the second lookup", lambda: dns.count("dest.example", MX) >= 2)
        dns.records[("mx.dest.example", A)] = (ttl, ["127.0.0.3"])
        self.send_until(daemon, "the third lookup", lambda: dns.count("dest.example", MX) >= 3)
        self.send_until(daemon, "the new host", lambda: self.new.arrivals)
        for name, kind in (("dest.example", MX), ("mx.dest.example", A), ("mx.dest.example", AAAA)):
            times = dns.times(name, kind)
            for first, second in zip(times, times[1:]):
                self.assertGreaterEqual(second - first, ttl - 0.5, f"{name} {kind}")
        self.assertGreater(self.arrivals(), 20)

    def test_equal_hosts_share_the_mail_with_a_warm_cache(self):
        dns = self.scripted({("dest.example", MX): (300, ["10 a.example", "10 b.example"]),
                             ("a.example", A): (300, ["127.0.0.2"]),
                             ("b.example", A): (300, ["127.0.0.3"])})
        config = 'max_messages_per_connection = 1\n'
        daemon = self.daemon(dns, deliver=config)
        total = 400
        with daemon.smtp() as client:
            for number in range(total):
                client.sendmail("sender@client.example", [f"{number}@dest.example"], "Subject: x\r\n\r\nx\r\n")
        wait_for("all messages", lambda: self.arrivals() == total)
        self.assertEqual(dns.count("dest.example", MX), 1)
        old, new = len(self.old.arrivals), len(self.new.arrivals)
        chi_square = (old - new) ** 2 / total
        print(f"{old} and {new} messages, chi-square {chi_square:.2f} with one degree of freedom")
        self.assertLess(chi_square, 30, "by chance once in twenty million runs")

    def test_many_messages_share_one_lookup(self):
        dns = self.scripted({("dest.example", MX): (300, ["10 mx.dest.example"]),
                             ("mx.dest.example", A): (300, ["127.0.0.2"])})
        daemon = self.daemon(dns)
        dns.hold.clear()
        for number in range(30):
            self.send(daemon, f"user{number}@dest.example")
        wait_for("the question", lambda: dns.asked)
        looking = wait_for("the lookup to show", lambda: daemon.json("routes")["looking_up"])
        self.assertEqual([one["destination"] for one in looking], ["dest.example"])
        dns.hold.set()
        wait_for("all messages", lambda: self.arrivals() >= 30)
        self.assertEqual(dns.count("mx.dest.example", A), 1)

    def test_smart_hosts_follow_their_ttl_too(self):
        dns = self.scripted({("relay.example", A): (2, ["127.0.0.2"])})
        daemon = self.daemon(dns, '[[plugin]]\nuse = "static_routes"\n'
                                  'routes = { "*" = "relay.example" }\n')
        self.send(daemon)
        wait_for("the first message", lambda: self.old.arrivals)
        dns.records[("relay.example", A)] = (2, ["127.0.0.3"])
        self.send_until(daemon, "mail to go to the new host", lambda: self.new.arrivals)

    def test_hostile_answers_are_told_and_lose_nothing(self):
        """Each domain's MX answer lies in another way; then the server tells the truth."""
        def question_end(octets):
            return octets.index(0, 12) + 5

        def other_class(octets):
            end = question_end(octets)
            return octets[:end - 2] + b"\0\3" + octets[end:]

        def pointer_loop(octets):
            at = question_end(octets)  # the owner of the record becomes a pointer to itself
            return octets[:at] + struct.pack("!H", 0xc000 | at) + octets[at + 2:]

        lies = {"id": (lambda octets: bytes([octets[0] ^ 1]) + octets[1:],
                       "fit no question and were ignored"),
                "name": (lambda octets: octets.replace(b"\4name", b"\4nome"),
                         "fit no question and were ignored"),
                "class": (other_class, "fit no question and were ignored"),
                "loop": (pointer_loop, "a malformed answer (broken records"),
                "short": (lambda octets: octets[:-3], "a malformed answer (broken records")}
        records = {("mx.example", A): (300, ["127.0.0.2"])}
        for lie in lies:
            records[(f"{lie}.example", MX)] = (300, ["10 mx.example"])
        records[("zero.example", MX)] = (0, ["10 mx.example"])
        records[("huge.example", MX)] = (1 << 31, ["10 mx.example"])
        dns = self.scripted(records)
        dns.twist = lambda name, kind, octets: (
            lies[name[:-8]][0](octets) if kind == MX and name[:-8] in lies else octets)
        daemon = self.daemon(dns, 'failure_ttl = "0s"\n', attempt="300ms")
        for domain in [*(f"{lie}.example" for lie in lies), *["zero.example", "huge.example"] * 2]:
            self.send(daemon, f"user@{domain}")
        wait_for("what is odd but no lie to arrive", lambda: self.arrivals() == 4)
        self.assertEqual([dns.count(name, MX) for name in ("zero.example", "huge.example")], [2, 2],
                         "TTL 0, and as good as 0 (RFC 2181 section 8), are not kept")
        for lie, (_, words) in lies.items():
            def told():
                return [one["reason"] for message in daemon.json("queue", "list")["messages"]
                        for one in message["recipients"]
                        if one["address"] == f"user@{lie}.example" and one["status"] == "4.4.3"]
            reason = wait_for(f"the reason of {lie}", told)[0]
            self.assertIn(words, reason)
            line = f"event=\"no route\" plugin=route_cache destination={lie}.example"
            wait_for(line, lambda: line in daemon.output())  # the log may take some milliseconds
        dns.twist = lambda name, kind, octets: octets
        daemon.tool("queue", "retry", "--recipient", "*")
        wait_for("all messages", lambda: self.arrivals() == 4 + len(lies))

    def test_the_operator_reads_and_flushes_over_all_loops(self):
        names = [f"d{number}.example" for number in range(8)]
        records = {(name, MX): (300, ["10 mx.example"]) for name in names}
        records[("mx.example", A)] = (300, ["127.0.0.2"])
        dns = self.scripted(records)
        daemon = self.daemon(dns, loops=2)
        for name in names:
            self.send(daemon, f"user@{name}")
        wait_for("all messages", lambda: self.arrivals() == len(names))
        seen = daemon.json("routes")
        self.assertEqual(sorted(one["destination"] for one in seen["routes"]), names)
        self.assertEqual({one["loop"] for one in seen["routes"]}, {0, 1}, "of both loops")
        self.assertEqual(seen["kept"], len(names))
        one = daemon.json("routes", "D3.example")["routes"][0]
        self.assertEqual((one["origin"], one["ttl"]), ("mx", 300))
        self.assertEqual(one["hosts"], [{"host": "mx.example", "preference": 10, "port": self.peers,
                                         "addresses": ["127.0.0.2"]}])
        self.assertLessEqual(one["ttl_left"], 300)
        text = daemon.tool("routes", "d3.example")
        self.assertIn("d3.example  from mx, ", text)
        self.assertIn("10 mx.example port", text)
        self.assertIn("d9.example is not kept", daemon.tool("routes", "d9.example"))
        self.assertEqual(daemon.json("routes", "--flush", "d3.example"), {"flushed": 1})
        self.assertEqual(daemon.json("routes")["kept"], len(names) - 1)
        self.assertIn("7 routes flushed", daemon.tool("routes", "--flush"))
        self.assertEqual(daemon.json("routes")["routes"], [])
        wait_for("idle connections, which keep their route, to be closed", lambda: not any(
            one["couriers"] for one in daemon.json("destinations")["destinations"]))
        before = dns.count("d3.example", MX)
        self.send(daemon, "user@d3.example")
        wait_for("a new lookup", lambda: dns.count("d3.example", MX) > before)

    def test_without_the_plugin_the_tool_says_what_is_missing(self):
        config = BASE
        daemon = self.keep(Daemon(self.folder, config))
        run = daemon.tool("routes", check=False)
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("[[plugin]]", run.stderr)


if __name__ == "__main__":
    unittest.main()
