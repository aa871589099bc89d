#!/usr/bin/env python3
"""postrider probe: what it says of healthy, slow, silent, closing and refusing servers."""
import json
import socket
import subprocess
import threading
import time
import unittest

from postrider import BASE, BUILD, PATIENCE, BlackHole, Case, Daemon, NameServer, free_port


class Scripted:
    """A server on loopback that handles each connection with `serve(connection)`."""

    def __init__(self, serve):
        self.serve = serve
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                try:
                    self.serve(connection)
                except OSError:
                    pass

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(PATIENCE)


def dialog(*replies, delay=0.0):
    """The banner after `delay`, then a reply for each line that comes."""
    def serve(connection):
        time.sleep(delay)
        connection.sendall(replies[0])
        for reply in replies[1:]:
            if not connection.recv(1000):
                return
            connection.sendall(reply)
        while connection.recv(1000):
            pass
    return serve


class Probe(Case):
    def probe(self, *words):
        run = subprocess.run([BUILD / "core" / "postrider", "--json", "probe", *words],
                             capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(run.stderr, "")
        answer = json.loads(run.stdout)
        self.assertEqual(run.returncode, {"fine": 0, "slow or odd": 1, "not usable": 2}[answer["result"]])
        return answer

    def scripted(self, serve, *words):
        server = self.keep(Scripted(serve))
        return self.probe(f"127.0.0.1:{server.port}", *words)

    def phase(self, answer, name):
        return next(phase for phase in answer["phases"] if phase["phase"] == name)

    def test_the_daemon_is_fine(self):
        daemon = self.keep(Daemon(self.folder, BASE))
        answer = self.probe(f"127.0.0.1:{daemon.port}", "--slow", "20s")
        self.assertEqual(answer["result"], "fine", answer)
        self.assertEqual([p["phase"] for p in answer["phases"]], ["connect", "banner", "ehlo"])
        self.assertTrue(all(p["ms"] >= 0 for p in answer["phases"]))
        self.assertIn("PIPELINING", answer["keywords"])
        self.assertFalse(answer["starttls_offered"])
        self.assertEqual(answer["peer"], f"127.0.0.1:{daemon.port}")

    def test_a_name_is_looked_up_with_the_name_server_given(self):
        daemon = self.keep(Daemon(self.folder, BASE))
        dns = self.keep(NameServer(self.folder, {"test.example": "mx IN A 127.0.0.1"}))
        answer = self.probe(f"mx.test.example:{daemon.port}", "--dns", f"127.0.0.1:{dns.port}",
                            "--slow", "20s")
        self.assertEqual(answer["result"], "fine", answer)
        self.assertEqual(self.phase(answer, "lookup")["detail"], "127.0.0.1")
        gone = self.probe("gone.test.example", "--dns", f"127.0.0.1:{dns.port}")
        self.assertEqual(gone["result"], "not usable")
        self.assertIn("has no address", gone["sentence"])

    def test_dead_dns_is_named(self):
        hole = self.keep(BlackHole())
        answer = self.probe("mx.test.example", "--dns", f"127.0.0.1:{hole.port}", "--timeout", "1s")
        self.assertIn("check our name servers", answer["sentence"])
        self.assertEqual(self.phase(answer, "lookup")["result"], "no dns")

    def test_a_slow_banner_is_measured_and_explained(self):
        answer = self.scripted(dialog(b"220 slow.test\r\n", b"250 slow.test\r\n", delay=2), "--slow", "500ms")
        self.assertEqual(answer["result"], "slow or odd")
        self.assertGreaterEqual(self.phase(answer, "banner")["ms"], 1900)
        self.assertIn("looks up our PTR before it greets (Q258745)", answer["sentence"])

    def test_one_that_never_speaks(self):
        answer = self.scripted(lambda connection: connection.recv(1), "--timeout", "1s")
        self.assertEqual(self.phase(answer, "banner")["result"], "silent")
        self.assertIn("no banner in 1", answer["sentence"])

    def test_one_that_closes_at_once(self):
        answer = self.scripted(lambda connection: None)
        self.assertEqual(answer["result"], "not usable")
        self.assertIn("before its banner", answer["sentence"])
        self.assertIn("Q190026", answer["sentence"])

    def test_a_closed_port(self):
        answer = self.probe(f"127.0.0.1:{free_port()}")
        self.assertEqual(answer["result"], "not usable")
        self.assertIn("refuses connections", answer["sentence"])

    def test_a_banner_that_refuses_is_quoted(self):
        for banner in ("554 5.7.1 your address is listed", "421 4.3.2 try later"):
            answer = self.scripted(dialog(banner.encode() + b"\r\n"))
            self.assertEqual(answer["result"], "not usable")
            self.assertIn(f'"{banner}"', answer["sentence"])
            self.assertEqual(self.phase(answer, "banner")["code"], int(banner[:3]))

    def test_ehlo_refused_is_odd_and_both_refused_is_not_usable(self):
        odd = self.scripted(dialog(b"220 x\r\n", b"502 no\r\n", b"250 x\r\n"), "--slow", "20s")
        self.assertEqual(odd["result"], "slow or odd")
        self.assertIn('EHLO was refused, "502 no", HELO was not', odd["sentence"])
        both = self.scripted(dialog(b"220 x\r\n", b"502 no\r\n", b"550 never\r\n"))
        self.assertEqual(both["result"], "not usable")
        self.assertIn('refuses HELO: "550 never"', both["sentence"])

    def test_starttls_is_seen(self):
        answer = self.scripted(dialog(b"220 x\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go ahead\r\n"))
        self.assertTrue(answer["starttls_offered"])
        self.assertEqual(self.phase(answer, "starttls")["detail"], "220 go ahead")
        self.assertEqual(answer["result"], "fine")

    def test_hostile_octets_come_out_printable(self):
        answer = self.scripted(dialog(b"554 \xff\xfe\x1b[31m\r\n"))
        self.assertIn("554 ", answer["sentence"])
        self.assertNotIn("\x1b", answer["sentence"])

    def test_text_has_a_sentence_and_a_line_for_each_phase(self):
        server = self.keep(Scripted(dialog(b"220 x\r\n", b"250-x\r\n250 SIZE 10\r\n")))
        run = subprocess.run([BUILD / "core" / "postrider", "probe", "--slow", "20s",
                              f"127.0.0.1:{server.port}"], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(run.returncode, 0, run.stderr)
        lines = run.stdout.splitlines()
        self.assertIn(" is fine: ready for mail after ", lines[0])
        self.assertEqual([line.split()[0] for line in lines[1:]], ["connect", "banner", "ehlo", "starttls"])
        self.assertTrue(lines[-1].endswith("not offered"))

    def test_wrong_arguments_have_a_code_of_their_own(self):
        for words in (["a b"], ["x:0"], ["x", "--timeout", "soon"], ["x", "--dns", "ns.example"]):
            run = subprocess.run([BUILD / "core" / "postrider", "probe", *words], capture_output=True,
                                 text=True, timeout=PATIENCE)
            self.assertEqual(run.returncode, 64, words)
            self.assertNotEqual(run.stderr, "")


if __name__ == "__main__":
    unittest.main()
