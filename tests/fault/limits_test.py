#!/usr/bin/env python3
"""The process runs out: of descriptors, of memory. Who is served stays served; nothing is lost."""
import os
import pathlib
import re
import resource
import smtplib
import socket
import threading
import time
import unittest

from postrider import BASE, SANITIZED, Case, Daemon, wait_for
from recorder import Recorder

ROUTES = '''
[queue]
retry = ["1s"]
[[plugin]]
use = "static_routes"
routes = { "*" = "127.0.0.1:%d" }
'''


HEADROOM = (600 if SANITIZED else 6) << 20  # too little for what the tests do


class LimitedDaemon(Daemon):
    """Its resource limits are set once it serves."""

    def limit(self, what, value):
        resource.prlimit(self.pid, what, (value, resource.prlimit(self.pid, what)[1]))

    def used_cpu(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))


def send(smtp, subject, size=100, to="u@dest.example"):
    return smtp.sendmail("a@client.example", [to], f"Subject: {subject}\r\n\r\n" + "x" * 70 + "\r\n" * (size // 2))


def subjects(sink):
    return {arrival.content.split(b"\r\nSubject: ")[1].split(b"\r\n")[0].decode() for arrival in list(sink.arrivals)}


def is_greeted(daemon):
    with socket.create_connection(("127.0.0.1", daemon.port)) as client:
        return client.recv(200).startswith(b"220")


class Limits(Case):
    def test_no_descriptors_left(self):
        sink = Recorder()
        self.addCleanup(sink.stop)
        limits = "[smtp]\nmax_sessions_per_client = 10000\n"
        daemon = self.keep(LimitedDaemon(self.folder, BASE + limits + ROUTES % sink.port))
        good = daemon.smtp()
        good.ehlo()
        daemon.limit(resource.RLIMIT_NOFILE, daemon.descriptors() + 40)
        crowd = []
        for _ in range(300):
            client = socket.create_connection(("127.0.0.1", daemon.port))
            client.setblocking(False)
            crowd.append(client)
        wait_for("the descriptors to be used up",
                 lambda: daemon.descriptors() >= resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)[0] - 1)
        before, began = daemon.used_cpu(), time.monotonic()
        time.sleep(3)
        share = (daemon.used_cpu() - before) / (time.monotonic() - began)
        print(f"CPU while nothing can be accepted: {share:.1%}")
        self.assertLess(share, 0.05)
        # The session that is there is served, and what it sends is on disk.
        for number in range(20):
            send(good, f"during{number}", 3000)
        self.assertEqual(good.noop()[0], 250)
        for client in crowd:
            client.close()
        with daemon.smtp() as again:
            send(again, "after")
        good.quit()
        wanted = {f"during{number}" for number in range(20)} | {"after"}
        daemon.tool("queue", "retry")
        wait_for("all to arrive", lambda: subjects(sink) >= wanted, 150)
        self.assertEqual(daemon.json("status")["standing"], [])

    def capped(self, daemon):
        status = pathlib.Path(f"/proc/{daemon.pid}/status").read_text()
        size = int(re.search(r"VmData:\s+(\d+)", status)[1]) * 1024
        daemon.limit(resource.RLIMIT_DATA, size + HEADROOM)

    @unittest.skipIf(SANITIZED, "a sanitizer's operator new ends the process, it asks no new handler")
    def test_more_sessions_than_memory(self):
        """Idle sessions fill the memory: the others are told 421, those that are there are served."""
        limits = "[smtp]\nmax_sessions = 100000\nmax_sessions_per_client = 100000\n"
        daemon = self.keep(LimitedDaemon(self.folder, BASE + limits + ROUTES % 9))
        good = daemon.smtp()
        good.ehlo()
        self.capped(daemon)
        crowd, told = [], b""
        while b"421" not in told and len(crowd) < 15_000:
            client = socket.create_connection(("127.0.0.1", daemon.port))
            client.sendall(b"EHLO client.example\r\n")
            crowd.append(client)
            told = client.recv(200)
        print(f"after {len(crowd)} sessions: {told.decode().strip()}")
        self.assertIn(b"421 4.3.2 Out of resources", told)
        self.assertEqual(good.noop()[0], 250)
        self.assertIn(good.mail("a@client.example")[0], (250, 452))
        wait_for("the log to tell it", lambda: "memory is short" in daemon.output())
        daemon.tool("status")
        for client in crowd:
            client.close()

        def taken():
            with daemon.smtp() as smtp:
                smtp.ehlo()
                return smtp.mail("a@client.example")[0] == 250
        wait_for("mail to be taken again", lambda: is_greeted(daemon) and taken())
        wait_for("the log to tell it", lambda: "there is memory again" in daemon.output())
        good.quit()

    def test_a_cap_on_memory(self):
        """Little more data than is in use: it refuses, or it dies and has lost nothing."""
        sink = Recorder()
        self.addCleanup(sink.stop)
        limits = "[smtp]\nmax_sessions_per_client = 10000\n"
        daemon = self.keep(LimitedDaemon(self.folder, BASE + limits + ROUTES % sink.port))
        with daemon.smtp() as smtp:
            send(smtp, "first")
        self.capped(daemon)
        acknowledged, lock, refused = {"first"}, threading.Lock(), []

        def talk(number):
            try:
                with daemon.smtp(timeout=20) as smtp:
                    for turn in range(8):
                        subject = f"m{number}-{turn}"
                        send(smtp, subject, 100_000)
                        with lock:
                            acknowledged.add(subject)
            except (OSError, smtplib.SMTPException) as gone:
                refused.append(gone)

        crowd = [socket.create_connection(("127.0.0.1", daemon.port)) for _ in range(500)]
        clients = [threading.Thread(target=talk, args=(number,)) for number in range(60)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        for client in crowd:
            client.close()
        alive = daemon.is_running()
        print(f"{len(acknowledged)} acknowledged, {len(refused)} clients turned away, "
              f"the daemon {'lives' if alive else f'ended with {daemon.child.returncode}'}")
        if alive:
            daemon.limit(resource.RLIMIT_DATA, resource.RLIM_INFINITY)
        else:
            daemon.child.returncode = 0
            daemon.start()
        daemon.tool("queue", "retry")
        wait_for("all that was acknowledged to arrive", lambda: subjects(sink) >= acknowledged, 150)


class NextHops(Case):
    def test_the_next_hop_dies_in_the_middle_and_returns(self):
        sink = Recorder(slow_answers=1.0)
        self.addCleanup(sink.stop)
        daemon = self.keep(Daemon(self.folder, BASE + ROUTES % sink.port))
        with daemon.smtp() as smtp:
            for number in range(60):
                send(smtp, f"m{number}", 3000)
                if number % 15 == 14:
                    sink.hang_up()
        wanted = {f"m{number}" for number in range(60)}

        def all_there():
            daemon.tool("queue", "retry")
            return subjects(sink) >= wanted
        wait_for("all to arrive", all_there, 150)
        wait_for("the queue to be empty", lambda: daemon.json("status")["queue"]["messages"] == 0)
        unanswered = sum(arrival.answered is None for arrival in sink.arrivals)
        print(f"60 messages, {len(sink.arrivals)} arrivals, {unanswered} with a reply that could not be sent")


if __name__ == "__main__":
    unittest.main()
