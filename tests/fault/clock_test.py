#!/usr/bin/env python3
"""The calendar jumps a day forwards and a day back under the daemon: waits are measured by time that
passes, so nothing is given up early, no retry stops, no session and no cache entry ends."""
import signal
import time
import unittest

from interposer import FaultyDaemon
from postrider import BASE, Case, free_port, wait_for
from recorder import Recorder
from scripted import A, MX, Dns, Peer

DAY = 86_400
QUEUE = '''
[queue]
retry = ["1s"]
retry_jitter = 0
give_up = "12h"
[[plugin]]
use = "static_routes"
routes = { "*" = "127.0.0.1:%d" }
[[plugin]]
use = "ndr"
'''
CACHE = '''
[dns]
servers = ["127.0.0.1:%d"]
[deliver]
port = %d
idle_connection = "100ms"
[[plugin]]
use = "route_cache"
prefetch = false
'''


def send(daemon, recipient):
    with daemon.smtp() as smtp:
        smtp.sendmail("sender@client.example", [recipient], "Subject: t\r\n\r\ntext\r\n")


class Clock(Case):
    def attempts(self, daemon):
        [recipient] = [recipient for message in daemon.json("queue", "list")["messages"]
                       for recipient in message["recipients"] if recipient["address"] == "wait@dest.example"]
        self.assertIn(recipient["state"], ("delayed", "active"), recipient)
        return recipient["attempts"]

    def goes_on(self, daemon, sink):
        """Retries every second, and other mail goes through at once."""
        before = self.attempts(daemon)
        wait_for("retries", lambda: self.attempts(daemon) >= before + 3, 15)
        count = len(sink.arrivals)
        send(daemon, "user@dest.example")
        wait_for("new mail to go out", lambda: len(sink.arrivals) > count, 5)

    def test_mail_waits_by_time_that_passes(self):
        for jump in (DAY, -DAY):
            with self.subTest(jump=jump):
                folder = self.folder / str(jump)
                folder.mkdir()
                sink = Recorder()
                self.addCleanup(sink.stop)
                daemon = self.keep(FaultyDaemon(folder, BASE + QUEUE % sink.port))
                send(daemon, "wait@dest.example")
                self.goes_on(daemon, sink)
                with daemon.smtp() as session:
                    session.ehlo()
                    daemon.interposer.shift_calendar(jump)
                    self.goes_on(daemon, sink)
                    self.assertEqual(session.noop()[0], 250)
                self.assertRegex(daemon.output(),
                                 f'the calendar jumped; the times of waiting mail move with it" by_s={jump} messages=')
                self.assertNotIn("delay=-", daemon.output())
                daemon.stop(signal.SIGKILL)
                daemon.start()
                self.goes_on(daemon, sink)
                daemon.interposer.shift_calendar(-jump)  # somebody puts it right
                self.goes_on(daemon, sink)
                sink.full = False
                wait_for("it to be delivered", lambda: daemon.json("status")["queue"]["messages"] == 0)
                # A delay may be told early: its age counts from the arrival, by the calendar of then.
                self.assertFalse([a for a in sink.arrivals if a.sender == "" and b"Action: failed" in a.content])
                self.assertEqual(sum(a.recipients == ("wait@dest.example",) for a in sink.arrivals), 1)

    def test_routes_are_kept_for_their_ttl(self):
        ttl = 3
        port = free_port()
        peer = Peer("127.0.0.2", port)
        self.addCleanup(peer.stop)
        names = Dns({("dest.example", MX): (ttl, ["10 mx.dest.example"]), ("mx.dest.example", A): (ttl, ["127.0.0.2"])})
        self.addCleanup(names.stop)
        daemon = self.keep(FaultyDaemon(self.folder, BASE.replace("[server]\n", "[server]\nloops = 1\n") +
                                        CACHE % (names.port, port)))

        def asked():
            send(daemon, "user@dest.example")
            time.sleep(0.05)
            return names.count("dest.example", MX)
        for number, jump in enumerate((DAY, -2 * DAY, DAY)):
            wait_for("the route to be asked for", lambda n=number: asked() > 2 * n)
            daemon.interposer.shift_calendar(jump)
            wait_for("the next question", lambda n=number: asked() > 2 * n + 1)
        times = names.times("dest.example", MX)
        gaps = [after - before for before, after in zip(times, times[1:])]
        print(f"TTL {ttl} s, asked again after", ", ".join(f"{gap:.2f} s" for gap in gaps))
        for gap in gaps:
            self.assertGreater(gap, ttl - 0.1)
            self.assertLess(gap, ttl + 3)
        wait_for("all to arrive", lambda: daemon.json("status")["queue"]["messages"] == 0)


if __name__ == "__main__":
    unittest.main()
