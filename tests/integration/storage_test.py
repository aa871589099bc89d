#!/usr/bin/env python3
"""The spool: full disk, folder without rights, damaged record, a format from the future."""
import hashlib
import os
import pathlib
import re
import smtplib
import subprocess
import unittest

from postrider import (BASE, BUILD, PATIENCE, Case, Daemon, Process, Sink, SmallDiskDaemon, free_port,
                       is_open, wait_for)

ROUTES = '[[plugin]]\nuse = "static_routes"\nroutes = { "*" = "127.0.0.1:%d" }\n'


class Storage(Case):
    def put(self, daemon, subject, size=100):
        with daemon.smtp() as smtp:
            smtp.ehlo()
            for step in (lambda: smtp.mail("a@client.example"), lambda: smtp.rcpt("u@dest.example"),
                         lambda: smtp.data(f"Subject: {subject}\r\n\r\n" + "x" * 70 + "\r\n" * (size // 2))):
                code, text = step()
                if code >= 400:
                    return code, text.decode()
            return code, text.decode()

    def test_full_disk(self):
        port = free_port()
        daemon = self.keep(SmallDiskDaemon(self.folder, BASE + ROUTES % port))
        accepted = []
        code = text = None
        for number in range(20_000):
            code, text = self.put(daemon, f"m{number}", 100_000)
            if code != 250:
                break
            accepted.append(f"m{number}")
        print(f"{len(accepted)} messages on {daemon.SIZE}, then: {code} {text}")
        self.assertEqual((code, text[:5]), (452, "4.3.1"))
        self.assertGreater(len(accepted), 10)
        for size in (100, 20_000, 400_000):
            code, text = self.put(daemon, "over", size)
            self.assertEqual((code, text[:5]), (452, "4.3.1"), size)
        status = daemon.tool("status")
        print(status)
        self.assertIn("NOT ACCEPTING", status)
        self.assertEqual(daemon.json("status")["queue"]["messages"], len(accepted))
        # The next hop comes back: what was acknowledged goes out, and makes room.
        sink = self.keep(Sink(self.folder, port=port, options=["-d", "%M."]))
        daemon.tool("queue", "retry")
        wait_for("everything acknowledged to be delivered",
                 lambda: daemon.json("status")["queue"]["messages"] == 0)
        self.assertEqual(self.subjects(sink), sorted(accepted))
        wait_for("mail to be taken again", lambda: self.put(daemon, "after", 20_000)[0] == 250)
        wait_for("it to arrive", lambda: "after" in self.subjects(sink))

    def test_full_disk_by_others(self):
        """Somebody else fills the disk, then cleans up."""
        daemon = self.keep(SmallDiskDaemon(self.folder, BASE + ROUTES % free_port()))
        self.assertEqual(self.put(daemon, "before")[0], 250)
        hog = daemon.disk() / "hog"
        with open(hog, "wb", buffering=0) as file:
            try:
                while file.write(b"\0" * 4096):
                    pass
            except OSError as full:
                print(full)
        self.assertEqual(self.put(daemon, "large", 400_000)[0], 452)
        known = 1
        for number in range(20_000):  # the daemon may have space set apart; it must end in 452
            code, text = self.put(daemon, f"full{number}", 100_000)
            if code != 250:
                break
            known += 1
        print(f"{known} messages kept, then: {code} {text}")
        self.assertEqual((code, text[:5]), (452, "4.3.1"))
        hog.unlink()
        wait_for("mail to be taken again", lambda: self.put(daemon, "after", 20_000)[0] == 250)
        self.assertEqual(daemon.json("status")["queue"]["messages"], known + 1)

    def subjects(self, sink):
        texts = [(sink.dumps / name).read_text() for name in os.listdir(sink.dumps)]
        return sorted(match[1] for text in texts if (match := re.search(r"^Subject: (\S+)", text, re.M)))

    def refuses(self, code, *words):
        run = subprocess.run([BUILD / "core" / "postriderd", "--config", self.folder / "postrider.toml"],
                             capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(run.returncode, code, run)
        print(run.stderr, end="")
        for word in words:
            self.assertIn(word, run.stderr)

    def digest(self):
        spool = self.folder / "spool"
        return {str(path.relative_to(spool)): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in sorted(spool.rglob("*")) if path.is_file() and path.name != "LOCK"}

    def queue_of(self, *subjects, port=None, size=100):
        """A stopped daemon with these messages delayed in its spool."""
        daemon = self.keep(Daemon(self.folder, BASE + ROUTES % (port or free_port())))
        for subject in subjects:
            self.assertEqual(self.put(daemon, subject, size)[0], 250)
        wait_for("delays", lambda: daemon.json("status")["queue"]["active"] == 0)
        self.ids = [message["id"] for message in daemon.json("queue", "list")["messages"]]
        self.assertEqual(daemon.stop(), 0)
        return daemon

    def test_a_spool_that_is_no_folder(self):
        Daemon(self.folder, BASE, start=False)
        (self.folder / "spool").write_text("a file\n")
        self.refuses(74, "server.spool", str(self.folder / "spool"))
        self.assertEqual((self.folder / "spool").read_text(), "a file\n")

    def test_a_spool_without_rights(self):
        """As another user, since root may everything."""
        daemon = self.queue_of("kept")
        before = self.digest()
        config = daemon.config
        os.chmod(self.folder, 0o755)
        other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
        for mode in ((0o000,) if not other else (0o700, 0o755)):
            daemon.spool.chmod(mode)
            self.addCleanup(daemon.spool.chmod, 0o700)
            run = subprocess.run([*other, BUILD / "core" / "postriderd", "--config", config],
                                 capture_output=True, text=True, timeout=PATIENCE)
            print(run.stderr, end="")
            self.assertEqual(run.returncode, 74, run)
            self.assertEqual(run.stderr.count("\n"), 1)
            self.assertIn("ermission denied", run.stderr)
            self.assertIn(str(daemon.spool), run.stderr)
        daemon.spool.chmod(0o700)
        self.assertEqual(self.digest(), before)
        daemon.start()
        self.assertEqual(daemon.json("status")["queue"]["messages"], 1)

    def test_a_damaged_record_is_set_aside_and_named(self):
        port = free_port()
        daemon = self.queue_of("first", "victim", "third", port=port)
        [segment] = [path for path in (daemon.spool / "log").iterdir()
                     if b"Subject: victim" in path.read_bytes()]
        octets = bytearray(segment.read_bytes())
        place = octets.index(b"Subject: victim")
        octets[place:place + 15] = b"Subject: forged"
        segment.write_bytes(octets)
        sink = self.keep(Sink(self.folder, port=port, options=["-d", "%M."]))
        daemon.start()
        daemon.tool("queue", "retry")
        wait_for("the others to arrive", lambda: self.subjects(sink) == ["first", "third"])
        print(daemon.output()[-1500:], daemon.tool("queue", "list"),
              sorted(path.name for path in (daemon.spool / "corrupt").iterdir()))
        listed = daemon.json("queue", "list")["messages"]
        self.assertTrue(any(self.ids[1] == message["id"] for message in listed)
                        or self.ids[1] in daemon.output(), "the damaged message is not named")
        self.assertIn("damaged", daemon.output())

    def test_a_format_from_the_future_is_left_alone(self):
        daemon = self.queue_of("kept")
        for checkpoint in daemon.spool.glob("CHECKPOINT.*"):
            text = checkpoint.read_bytes()
            first = text.split(b"\n")[0]
            print(first)
            checkpoint.write_bytes(text.replace(first, re.sub(rb"(\d+)", b"99", first, count=1), 1))
        before = self.digest()
        self.refuses(74, "newer", "left alone")
        self.assertEqual(self.digest(), before)


if __name__ == "__main__":
    unittest.main()
