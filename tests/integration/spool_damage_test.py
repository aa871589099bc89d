#!/usr/bin/env python3
"""A damaged spool: what is hit is set aside and named, everything else is served."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import unittest

from postrider import BASE, BUILD, PATIENCE, Case, Daemon, Sink, free_port, wait_for

ROUTES = '[[plugin]]\nuse = "static_routes"\nroutes = { "*" = "127.0.0.1:%d" }\n'
LARGE = 300_000  # octets: a file of its own
BLOCK = 4096


class SpoolDamage(Case):
    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.daemon = self.keep(Daemon(self.folder, BASE + ROUTES % self.port))
        self.ids = {}

    def put(self, subject, size=100):
        with self.daemon.smtp() as smtp:
            smtp.ehlo()
            smtp.mail("a@client.example")
            smtp.rcpt("u@dest.example")
            code, text = smtp.data(f"Subject: {subject}\r\n\r\n" + "x" * 70 + "\r\n" * (size // 2))
            self.assertEqual(code, 250, text)

    def commits(self):
        return self.daemon.json("status")["store"]["commits"]

    def fill(self, *subjects, crash=False, tried=True):
        """Messages that wait, of which those named large... are large, in a spool that rests: stopped, or
        after a crash, so that the log itself is read again. Untried: all but the first, which has a newer
        state before the second message is in the log."""
        for number, subject in enumerate(subjects):
            self.put(subject, LARGE if subject.startswith("large") else 100)
            if number == 0:
                wait_for("the first delay", lambda: self.commits() >= 2)
        if tried:
            # A destination in back-off is probed by one message at a time: ask until each had its turn.
            wait_for("attempts", lambda: self.daemon.tool("queue", "retry") is not None and all(
                recipient["attempts"] > 0 and recipient["state"] == "delayed"
                for message in self.daemon.json("queue", "list")["messages"]
                for recipient in message["recipients"]))
            wait_for("states", lambda: self.commits() >= 2 * len(subjects))
        for message in self.daemon.json("queue", "list")["messages"]:
            headers = self.daemon.json("queue", "show", message["id"])["headers"]
            self.ids[re.search(r"Subject: (\S+)", headers)[1]] = message["id"]
        self.assertEqual(len(self.ids), len(subjects))
        if crash:
            self.put("last")  # whatever is last in the log may be torn: it is not what we damage
            self.daemon.stop(signal.SIGKILL)
        else:
            self.assertEqual(self.daemon.stop(), 0)

    def segment(self, text):
        [path] = [path for path in (self.daemon.spool / "log").glob("*.log") if text in path.read_bytes()]
        return path

    def change(self, path, text, by):
        octets = path.read_bytes()
        place = octets.index(text)
        with open(path, "r+b") as file:
            file.seek(place)
            file.write(by)
        return place

    def header_of(self, path, subject, kind=b"P"):
        """Where the last record of this kind of a message begins."""
        octets = path.read_bytes()
        number = b"%016x" % self.number(subject)
        return max(match.start() for match in re.finditer(b"Q1 " + kind + b" [0-9a-f]{8} [0-9a-f]{12} " + number,
                                                          octets))

    def number(self, subject):
        digits = "0123456789abcdefghjkmnpqrstvwxyz"
        value = 0
        for digit in self.ids[subject]:
            value = value * 32 + digits.index(digit)
        return value

    def big(self, subject):
        return self.daemon.spool / "big" / f"{self.number(subject):016x}.eml"

    def corrupt(self):
        return sorted(path.name for path in (self.daemon.spool / "corrupt").iterdir())

    def subjects(self, sink):
        texts = [(sink.dumps / name).read_text() for name in os.listdir(sink.dumps)]
        return sorted(match[1] for text in texts if (match := re.search(r"^Subject: (\S+)", text, re.M)))

    def serves(self, *subjects):
        """Starts again and delivers these, and nothing else."""
        sink = self.keep(Sink(self.folder, port=self.port, options=["-d", "%M."]))
        self.daemon.start()
        self.daemon.tool("queue", "retry")
        wait_for(f"{subjects} to arrive", lambda: set(subjects) <= set(self.subjects(sink)))
        wait_for("rest", lambda: self.daemon.json("status")["queue"]["active"] == 0)
        self.assertEqual(self.subjects(sink), sorted(subjects))
        return sink

    def names(self, *words, damaged=1):
        """Log and status say what was hit."""
        status = self.daemon.tool("status")
        store = self.daemon.json("status")["store"]
        self.assertEqual(store["damaged_since_start"], damaged)
        for word in words:
            self.assertIn(word, self.daemon.output())
            self.assertIn(word, status)

    def test_an_envelope(self):
        self.fill("one", "two", "three")
        path = self.segment(b"Subject: two")
        at = self.header_of(path, "two")
        with open(path, "r+b") as file:
            file.seek(at + 100)
            file.write(b"#")
        self.serves("one", "three")
        self.names(self.ids["two"])
        record = self.daemon.spool / "corrupt" / f"{self.ids['two']}.record"
        self.assertIn(b"Subject: two", record.read_bytes())
        self.assertIn("damaged", record.with_name(record.name + ".why").read_text())
        self.daemon.stop()
        self.daemon.start()  # it stays known, and is found once
        self.assertIn(self.ids["two"], self.daemon.tool("status"))
        self.names(damaged=0)

    def test_a_state(self):
        """Who knows what was delivered: the message is held."""
        for crash in (False, True):
            with self.subTest(crash=crash):
                self.fill("one", "two", "three", crash=crash)
                path = self.segment(b"Subject: two")
                at = self.header_of(path, "two", b"U")
                with open(path, "r+b") as file:
                    file.seek(at + 100)
                    file.write(b"\0")
                sink = self.serves("one", "three", *(["last"] if crash else []))
                [held] = self.daemon.json("queue", "list")["messages"]
                self.assertEqual(held["id"], self.ids["two"])
                self.assertEqual(held["recipients"][0]["state"], "held")
                self.assertIn("damaged", held["recipients"][0]["reason"])
                self.daemon.tool("queue", "release", self.ids["two"])
                wait_for("it to go", lambda: "two" in self.subjects(sink))
                self.daemon.stop()
                sink.stop()
                shutil.rmtree(self.daemon.spool)
                shutil.rmtree(sink.dumps)
                self.ids = {}
                self.daemon.start()

    def test_a_body(self):
        self.fill("one", "two", "three")
        path = self.segment(b"Subject: two")
        self.change(path, b"Subject: two", b"Subject: tvo")
        self.serves("one", "three")
        self.names(self.ids["two"])
        [held] = self.daemon.json("queue", "list")["messages"]
        self.assertEqual((held["id"], held["recipients"][0]["state"]), (self.ids["two"], "held"))
        self.assertIn("damaged", held["recipients"][0]["reason"])
        self.assertIn("held", self.daemon.tool("why", self.ids["two"]))
        [destination] = self.daemon.json("destinations")["destinations"]
        self.assertEqual((destination["failures"], destination["back_off_s"]), (0, 0))
        self.daemon.tool("queue", "remove", self.ids["two"])
        wait_for("it to be gone", lambda: not self.daemon.json("queue", "list")["messages"])

    def test_large_bodies(self):
        """One octet changed, one file cut short, one gone."""
        self.fill("large1", "large2", "large3", "large4", "one")
        with open(self.big("large1"), "r+b") as file:
            file.seek(250_000)
            file.write(b"!")
        os.truncate(self.big("large2"), 200_000)
        self.big("large3").unlink()
        self.serves("large4", "one")
        self.names(self.ids["large1"], self.ids["large2"], self.ids["large3"], damaged=3)
        held = {message["id"]: message["recipients"][0] for message in self.daemon.json("queue", "list")["messages"]}
        self.assertEqual(set(held), {self.ids["large1"], self.ids["large2"]})
        for recipient in held.values():
            self.assertEqual(recipient["state"], "held")
            self.assertIn("damaged", recipient["reason"])
        self.assertIn(f"{self.ids['large1']}.eml", self.corrupt())
        self.assertIn(f"{self.ids['large3']}.record", self.corrupt())

    def test_a_record_in_the_log_after_a_crash(self):
        """Also its large body is kept for the operator, though no record names it any more."""
        self.fill("one", "large1", "three", crash=True)
        path = self.segment(b"Subject: one")
        at = self.header_of(path, "large1", b"F")
        with open(path, "r+b") as file:
            file.seek(at + 100)
            file.write(b"#")
        self.serves("one", "three", "last")
        self.names(self.ids["large1"], damaged=2)
        self.assertIn(f"{self.ids['large1']}.record", self.corrupt())
        self.assertGreater((self.daemon.spool / "corrupt" / f"{self.ids['large1']}.eml").stat().st_size, 100_000)

    def test_a_batch_header_after_a_crash(self):
        self.fill("one", "two", "three", crash=True)
        path = self.segment(b"Subject: two")
        at = self.header_of(path, "two")
        with open(path, "r+b") as file:
            file.seek(at + 5)
            file.write(b"zzzz")
        self.serves("one", "three", "last")
        self.names(self.ids["two"])

    def test_block_zero(self):
        """The name of a segment: with a checkpoint it is not needed."""
        self.fill("one", "two")
        path = self.segment(b"Subject: two")
        with open(path, "r+b") as file:
            file.write(b"\0" * BLOCK)
        self.serves("one", "two")
        self.names(damaged=0)

    def test_a_segment_cut_short(self):
        """The checkpoint knows who is missing."""
        self.fill("one", "two", "three", tried=False)
        path = self.segment(b"Subject: three")
        os.truncate(path, self.header_of(path, "two"))
        self.serves("one")
        self.names(self.ids["two"], self.ids["three"], damaged=2)

    def test_a_segment_zeroed_in_the_middle_after_a_crash(self):
        self.fill("one", "two", "three", crash=True, tried=False)
        path = self.segment(b"Subject: two")
        at = self.header_of(path, "two")
        end = self.header_of(path, "three")
        with open(path, "r+b") as file:
            file.seek(at)
            file.write(b"\0" * (end - at))
        self.serves("one", "three", "last")
        self.assertIn("damaged from", self.daemon.output())
        self.assertEqual(self.daemon.json("status")["store"]["damaged_since_start"], 1)

    def test_foreign_files(self):
        self.fill("one", "large1")
        log, big = self.daemon.spool / "log", self.daemon.spool / "big"
        for path in (log / "notes.txt", log / "00000000.log", log / "fffffff0.log", big / "letter.eml"):
            path.write_text("somebody else's\n" * 400)
        self.serves("one", "large1")
        self.names("00000000.log", "fffffff0.log", damaged=2)
        for path in (log / "notes.txt", big / "letter.eml"):
            self.assertEqual(path.read_text()[:9], "somebody ")
            self.assertIn(f"{path} is not ours", self.daemon.output())

    def test_both_checkpoints(self):
        """All that the log says is served; who was removed may be back, and the log says so."""
        self.fill("one", "large1", "two")
        self.daemon.start()
        self.daemon.tool("queue", "remove", self.ids["two"])
        wait_for("it to be gone", lambda: self.daemon.json("status")["queue"]["messages"] == 2)
        self.daemon.stop()
        for path in self.daemon.spool.glob("CHECKPOINT.*"):
            os.truncate(path, 100)  # what is at the end may be the rest of an older, longer one
        self.serves("one", "large1")
        self.assertIn("no valid CHECKPOINT: the whole log was read", self.daemon.output())

    def test_one_checkpoint(self):
        """The other one, and the log behind it, say the same."""
        self.fill("one", "large1", "two")
        newest = max(self.daemon.spool.glob("CHECKPOINT.*"), key=lambda path: path.stat().st_mtime_ns)
        with open(newest, "r+b") as file:
            file.seek(60)
            file.write(b"#")
        self.serves("one", "large1", "two")
        self.names(damaged=0)

    def test_a_segment_is_gone(self):
        """Who was in it is named, and the daemon serves."""
        self.fill("one", "two", "large1")
        path = self.segment(b"Subject: two")
        path.unlink()
        self.serves()
        for subject in ("one", "two", "large1"):
            self.assertIn(f"message {self.ids[subject]} is lost with it", self.daemon.output())
        self.names(damaged=4)  # the body of the large one is kept for the operator
        self.assertIn(f"{self.ids['large1']}.eml", self.corrupt())
        self.put("new")
        self.assertEqual(len(self.daemon.json("queue", "list")["messages"]) <= 1, True)

    def everything(self):
        """Every octet of the spool, and when each file was last written."""
        return {str(path): (path.stat().st_mtime_ns, path.is_file() and path.read_bytes())
                for path in sorted(self.daemon.spool.rglob("*"))}

    def is_refused_and_untouched(self):
        before = self.everything()
        daemon = [BUILD / "core" / "postriderd", "--config", self.daemon.config]
        tool = [BUILD / "core" / "postrider", "spool"]
        out = self.folder / "exported"
        for command in (daemon, [*tool, "check", self.daemon.spool], [*tool, "repair", self.daemon.spool],
                        [*tool, "export", "--to", out, self.daemon.spool]):
            run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
            self.assertNotEqual(run.returncode, 0, command)
            self.assertRegex(run.stderr + run.stdout, "format 99, newer than .*: left alone", command)
        self.assertEqual(self.everything(), before)

    def test_a_newer_version(self):
        """Refused by the daemon and by the tools, and not an octet of it changes."""
        self.fill("one", "large1")
        for path in self.daemon.spool.glob("CHECKPOINT.*"):
            text = path.read_bytes()
            first = text.split(b"\n")[0]
            path.write_bytes(text.replace(first, re.sub(rb"\d+", b"99", first, count=1), 1))
        self.is_refused_and_untouched()

    def test_a_newer_version_without_a_checkpoint(self):
        self.fill("one", "large1")
        for path in self.daemon.spool.glob("CHECKPOINT.*"):
            os.truncate(path, 0)
        for path in (self.daemon.spool / "log").glob("*.log"):
            octets = bytearray(path.read_bytes())
            for place in (0, BLOCK // 2):
                octets[place + 6:place + 10] = b"0063"
            path.write_bytes(octets)
        self.is_refused_and_untouched()

    def test_two_daemons(self):
        self.fill("one")
        self.daemon.start()
        other = self.folder / "other.toml"
        other.write_text(self.daemon.config.read_text().replace(str(self.daemon.port), str(free_port()))
                         .replace("control.sock", "other.sock"))
        run = subprocess.run([BUILD / "core" / "postriderd", "--config", other], capture_output=True, text=True,
                             timeout=PATIENCE)
        self.assertEqual(run.returncode, 74)
        self.assertIn(f"locked by another process: pid {self.daemon.pid}", run.stderr)
        self.assertFalse((self.folder / "other.sock").exists())
        self.assertEqual(self.daemon.json("status")["queue"]["messages"], 1)
        self.put("two")


if __name__ == "__main__":
    unittest.main()
