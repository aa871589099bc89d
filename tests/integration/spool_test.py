#!/usr/bin/env python3
"""postrider spool: check, repair and export a spool that no daemon serves."""
import hashlib
import json
import pathlib
import subprocess
import unittest

from postrider import BASE, BUILD, PATIENCE, Case, Daemon, free_port, wait_for

ROUTES = '[[plugin]]\nuse = "static_routes"\nroutes = { "*" = "127.0.0.1:%d" }\n'
LARGE = "\r\n".join(["y" * 70] * 5000)  # a file of its own in big/


class Spool(Case):
    def setUp(self):
        super().setUp()
        self.spool = self.folder / "spool"

    def tool(self, *words):
        return subprocess.run([BUILD / "core" / "postrider", *words], capture_output=True, text=True,
                              timeout=PATIENCE)

    def queue_of(self, **bodies):
        """A stopped daemon whose spool has a message per subject; their queue ids by subject."""
        daemon = self.keep(Daemon(self.folder, BASE + ROUTES % free_port()))
        ids = {}
        for subject, body in bodies.items():
            with daemon.smtp() as smtp:
                smtp.sendmail("a@client.example", ["u@dest.example", "v@dest.example"],
                              f"Subject: {subject}\r\n\r\n{body}\r\n")
            known = set(ids.values())
            found = [one["id"] for one in daemon.json("queue", "list")["messages"]]
            ids[subject] = next(one for one in found if one not in known)
        self.assertEqual(daemon.stop(), 0)
        return daemon, ids

    def digest(self):
        return {str(path.relative_to(self.spool)): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in sorted(self.spool.rglob("*")) if path.is_file()}

    def damage(self, words, path=None):
        """Change one octet behind `words` in the log, or in the file given."""
        files = [path] if path else sorted((self.spool / "log").glob("*.log"))
        for file in files:
            octets = bytearray(file.read_bytes())
            if (at := octets.find(words)) >= 0:
                octets[at + len(words)] ^= 1
                file.write_bytes(octets)
                return
        self.fail(f"{words} is nowhere in the spool")

    def test_sound(self):
        self.queue_of(small="few words", large=LARGE)
        before = self.digest()
        run = self.tool("spool", "check", self.spool)
        self.assertEqual(run.returncode, 0, run)
        self.assertIn("2 messages", run.stdout)
        self.assertIn("all sound", run.stdout)
        self.assertEqual(self.digest(), before, "check wrote something")

    def test_export(self):
        _, ids = self.queue_of(small="few words", large=LARGE)
        before = self.digest()
        target = self.folder / "out"
        run = self.tool("--json", "spool", "export", self.spool, "--to", target)
        self.assertEqual(run.returncode, 0, run)
        self.assertEqual(json.loads(run.stdout)["messages"], 2)
        self.assertEqual({path.name for path in target.iterdir()},
                         {f"{one}.{kind}" for one in ids.values() for kind in ("eml", "json")})
        small = (target / f"{ids['small']}.eml").read_bytes()
        self.assertTrue(small.endswith(b"Subject: small\r\n\r\nfew words\r\n"), small)
        large = (target / f"{ids['large']}.eml").read_bytes()
        self.assertTrue(large.endswith(f"Subject: large\r\n\r\n{LARGE}\r\n".encode()), large[:400])
        envelope = json.loads((target / f"{ids['small']}.json").read_text())
        self.assertEqual(envelope["reverse_path"], "a@client.example")
        self.assertEqual([one["address"] for one in envelope["recipients"]],
                         ["u@dest.example", "v@dest.example"])
        self.assertEqual(self.digest(), before, "export wrote to the spool")
        again = self.tool("spool", "export", self.spool, "--to", target)
        self.assertEqual(again.returncode, 1, again)
        self.assertIn("File exists", again.stdout)

    def test_export_of_one(self):
        _, ids = self.queue_of(one="1", two="2")
        target = self.folder / "out"
        run = self.tool("spool", "export", self.spool, "--to", target, ids["two"])
        self.assertEqual(run.returncode, 0, run)
        self.assertEqual(sorted(path.name for path in target.iterdir()),
                         [f"{ids['two']}.eml", f"{ids['two']}.json"])
        run = self.tool("spool", "export", self.spool, "--to", target, "0000000000000")
        self.assertEqual(run.returncode, 1, run)
        self.assertIn("not in this spool", run.stdout)

    def test_damage_is_named_and_repaired(self):
        daemon, ids = self.queue_of(good="stays", small="few words", large=LARGE)
        self.damage(b"few wor")
        self.damage(b"Subject: lar", next((self.spool / "big").glob("*.eml")))
        run = self.tool("spool", "check", self.spool)
        self.assertEqual(run.returncode, 1, run)
        self.assertIn(ids["small"], run.stdout)
        self.assertIn(ids["large"], run.stdout)
        self.assertNotIn(ids["good"], run.stdout)
        self.assertIn("postrider spool repair", run.stdout)
        run = self.tool("spool", "repair", self.spool)
        self.assertEqual(run.returncode, 1, run)
        set_aside = {path.name for path in (self.spool / "corrupt").iterdir()}
        self.assertEqual(set_aside, {ids[subject] + ending for subject, ending in (
            ("small", ".record"), ("small", ".record.why"), ("large", ".record"),
            ("large", ".record.why"), ("large", ".eml"), ("large", ".eml.why"))})
        corrupt = self.spool / "corrupt"
        self.assertIn(b"few wor", (corrupt / f"{ids['small']}.record").read_bytes())
        self.assertIn(b"y" * 70, (corrupt / f"{ids['large']}.eml").read_bytes())
        for subject, why in ("small", "is damaged"), ("large", "other octets than were accepted"):
            self.assertIn(ids[subject], run.stdout)
            self.assertIn(why, (corrupt / f"{ids[subject]}.record.why").read_text())
        run = self.tool("spool", "check", self.spool)
        self.assertEqual(run.returncode, 0, run)
        self.assertIn("1 message,", run.stdout)
        daemon.start()
        self.assertEqual([one["id"] for one in daemon.json("queue", "list")["messages"]],
                         [ids["good"]])

    def test_damaged_state(self):
        daemon = self.keep(Daemon(self.folder, BASE + ROUTES % free_port()))
        for recipient in "first@one.example", "second@two.example":
            with daemon.smtp() as smtp:
                smtp.sendmail("a@client.example", [recipient], "Subject: one\r\n\r\nWords\r\n")
            wait_for("the first to be tried", lambda:
                     daemon.json("queue", "list", "--state", "delayed")["messages"])
        first, second = [message["id"] for message in daemon.json("queue", "list")["messages"]]
        self.assertEqual(daemon.stop(), 0)
        self.damage(b"connection")
        run = self.tool("spool", "check", self.spool)
        self.assertEqual(run.returncode, 1, run)
        self.assertIn(f"{first}  segment", run.stdout)
        self.assertNotIn(second, run.stdout)
        target = self.folder / "out"
        run = self.tool("spool", "export", self.spool, "--to", target)
        self.assertEqual(run.returncode, 1, run)
        self.assertTrue((target / f"{first}.eml").read_bytes().endswith(b"\r\nWords\r\n"))
        [recipient] = json.loads((target / f"{first}.json").read_text())["recipients"]
        self.assertEqual(recipient, {"address": "first@one.example"})
        [recipient] = json.loads((target / f"{second}.json").read_text())["recipients"]
        self.assertEqual(recipient["address"], "second@two.example")
        self.assertIn("state", recipient)
        self.assertEqual(self.tool("spool", "repair", self.spool).returncode, 1)
        self.assertTrue((self.spool / "corrupt" / f"{first}.record").exists())
        run = self.tool("spool", "check", self.spool)
        self.assertEqual(run.returncode, 0, run)
        self.assertIn("1 message,", run.stdout)

    def test_without_checkpoints(self):
        """The whole log is read instead; a repair writes a checkpoint again."""
        self.queue_of(one="1", two="2")
        for path in self.spool.glob("CHECKPOINT.*"):
            path.write_bytes(b"nothing")
        before = self.digest()
        run = self.tool("--json", "spool", "check", self.spool)
        self.assertEqual(run.returncode, 1, run)
        self.assertEqual(json.loads(run.stdout)["messages"], 2)
        self.assertIn("no valid CHECKPOINT", run.stdout)
        self.assertEqual(self.digest(), before, "check wrote something")
        self.assertEqual(self.tool("spool", "repair", self.spool).returncode, 1)
        run = self.tool("spool", "check", self.spool)
        self.assertEqual(run.returncode, 0, run)
        self.assertIn("2 messages", run.stdout)

    def test_after_a_kill(self):
        daemon = self.keep(Daemon(self.folder, BASE + ROUTES % free_port()))
        with daemon.smtp() as smtp:
            smtp.sendmail("a@client.example", ["u@dest.example"], "Subject: one\r\n\r\nWords\r\n")
        daemon.kill()
        before = self.digest()
        run = self.tool("spool", "check", self.spool)
        self.assertEqual(run.returncode, 0, run)
        self.assertIn("1 message,", run.stdout)
        self.assertEqual(self.digest(), before, "check wrote something")

    def test_newer_format(self):
        self.queue_of(one="1")
        for path in self.spool.glob("CHECKPOINT.*"):
            path.write_bytes(path.read_bytes().replace(b" 1\n", b" 9\n", 1))
        before = self.digest()
        for action in (["check"], ["repair"], ["export", "--to", self.folder / "out"]):
            run = self.tool("spool", action[0], self.spool, *action[1:])
            self.assertEqual(run.returncode, 74, run)
            self.assertIn("newer", run.stderr)
        self.assertEqual(self.digest(), before)
        self.assertFalse((self.folder / "out").exists())

    def test_refusals(self):
        daemon = self.keep(Daemon(self.folder, BASE + ROUTES % free_port()))
        for action in (["check"], ["repair"], ["export", "--to", self.folder / "out"]):
            run = self.tool("spool", action[0], self.spool, *action[1:])
            self.assertEqual(run.returncode, 74, run)
            self.assertIn(f"pid {daemon.pid}", run.stderr)
        empty = self.folder / "empty"
        empty.mkdir()
        for folder in (empty, self.folder / "nowhere"):
            for action in ("check", "repair"):
                run = self.tool("spool", action, folder)
                self.assertEqual(run.returncode, 74, run)
                self.assertIn("no spool", run.stderr)
        self.assertEqual(list(empty.iterdir()), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
