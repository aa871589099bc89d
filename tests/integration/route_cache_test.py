#!/usr/bin/env python3
"""route_cache: mail follows the DNS exactly at the end of the TTL, with one question a name and TTL,
many messages share one lookup, and the operator reads and flushes what is kept (Q285023)."""
import signal
import socket
import socketserver
import struct
import threading
import time
import unittest

from postrider import BASE, Case, Daemon, NameServer, free_port, wait_for

A, SOA, MX, AAAA = 1, 6, 15, 28
LATE = 5  # seconds that a slow machine may add


class Peer:
    """A next hop on an address of its own that notes when each message came."""

    def __init__(self, address, port):
        peer = self
        self.arrivals = []

        class Session(socketserver.StreamRequestHandler):
            def handle(self):
                self.wfile.write(b"220 peer.example\r\n")
                for line in self.rfile:
                    verb = line[:4].upper()
                    if verb == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        while self.rfile.readline() not in (b".\r\n", b""):
                            pass
                        peer.arrivals.append(time.monotonic())
                    self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
                    if verb == b"QUIT":
                        return

        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self.server = socketserver.ThreadingTCPServer((address, port), Session)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


class Dns:
    """A name server from a script, {(name, type): (ttl, [data])}, that notes each question. Names
    without an entry do not exist; `hold` makes every answer wait."""

    def __init__(self, records):
        self.records = records
        self.asked = []  # (time, name, type)
        self.hold = threading.Event()
        self.hold.set()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def stop(self):
        self.hold.set()
        self.socket.sendto(b"", ("127.0.0.1", self.port))  # wakes the thread, which then ends
        self.thread.join()
        self.socket.close()

    def count(self, name, kind):
        return sum(1 for _, asked, asked_kind in list(self.asked) if (asked, asked_kind) == (name, kind))

    def serve(self):
        while True:
            packet, client = self.socket.recvfrom(4096)
            if not packet:
                return
            name, at = "", 12
            while packet[at]:
                name += "." + packet[at + 1:at + 1 + packet[at]].decode()
                at += 1 + packet[at]
            name, kind = name[1:].lower(), struct.unpack("!H", packet[at + 1:at + 3])[0]
            self.asked.append((time.monotonic(), name, kind))
            self.hold.wait()
            self.socket.sendto(self.answer(packet, at + 5, name, kind), client)

    def answer(self, packet, end, name, kind):
        ttl, data = self.records.get((name, kind), (0, []))
        exists = any(known == name for known, _ in self.records)
        sections = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, ttl, len(one)) + one
                            for one in map(lambda d: self.rdata(kind, d), data))
        soa = b""
        if not data:
            body = wire("ns.example") + wire("root.example") + struct.pack("!5I", 1, 60, 60, 60, 3)
            soa = b"\0" + struct.pack("!HHIH", SOA, 1, 3, len(body)) + body
        flags = 0x8580 | (0 if exists else 3)
        head = packet[:2] + struct.pack("!5H", flags, 1, len(data), 0 if data else 1, 0)
        return head + packet[12:end] + sections + soa

    @staticmethod
    def rdata(kind, data):
        if kind == A:
            return socket.inet_aton(data)
        preference, host = data.split(" ")
        return struct.pack("!H", int(preference)) + wire(host)


CONFIG = BASE + '''
[dns]
servers = ["127.0.0.1:@DNS@"]
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

    def daemon(self, dns, keys="", loops=1):
        config = CONFIG.replace("@DNS@", str(dns.port)).replace("@PEERS@", str(self.peers))
        config = config.replace("[server]", f"[server]\nloops = {loops}")
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
            times = [at for at, asked, asked_kind in dns.asked if (asked, asked_kind) == (name, kind)]
            for first, second in zip(times, times[1:]):
                self.assertGreaterEqual(second - first, ttl - 0.5, f"{name} {kind}")
        self.assertGreater(self.arrivals(), 20)

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
        self.assertIn("7 flushed", daemon.tool("routes", "--flush"))
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
