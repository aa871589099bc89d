#!/usr/bin/env python3
"""loopback: a mail host that is this very daemon is found by its address and port; the recipient
fails at once with the reason, later senders are told at RCPT, and "send" ends by the count of
Received fields (Q146126)."""
import smtplib
import socket
import threading
import unittest

from postrider import BASE, Case, Daemon, NameServer, Sink, wait_for

ZONE = """@ IN MX 10 mx
mx IN A 127.0.0.1
"""


class Forward:
    """A port forward, as a NAT does it: what connects to it talks to `target`."""

    def __init__(self):
        self.target = None
        self.socket = socket.create_server(("127.0.0.2", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self.copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def copy(source, sink):
        try:
            while octets := source.recv(65536):
                sink.sendall(octets)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


class Loopback(Case):
    def daemon(self, keys="", config="", zone=ZONE):
        dns = self.keep(NameServer(self.folder, {"loop.example": zone}))
        return self.keep(Daemon(self.folder, BASE + config + f'''
[dns]
servers = ["127.0.0.1:{dns.port}"]
[deliver]
port = @PORT@
[[plugin]]
use = "loopback"
{keys}
[[plugin]]
use = "route_cache"
'''))

    def send(self, daemon, to="user@loop.example"):
        with daemon.smtp() as client:
            client.sendmail("sender@client.example", [to], "Subject: test\r\n\r\ntext\r\n")

    def refusal(self, daemon, to="user@loop.example"):
        with self.assertRaises(smtplib.SMTPRecipientsRefused) as caught:
            self.send(daemon, to)
        code, text = caught.exception.recipients[to]
        return code, text.decode()

    def failed(self, daemon):
        def found():
            recipients = [one for message in daemon.json("queue", "list")["messages"]
                          for one in message["recipients"] if one["state"] == "failed"]
            return recipients
        return wait_for("the recipient to fail", found)[0]

    def proof(self, daemon):
        return f"127.0.0.1:{daemon.port} is our listener 127.0.0.1:{daemon.port}"

    def test_fails_at_once_and_says_why_then_refuses_at_rcpt(self):
        daemon = self.daemon()
        self.send(daemon)
        recipient = self.failed(daemon)
        self.assertEqual(recipient["status"], "5.4.6")
        self.assertEqual(recipient["attempts"], 1)
        self.assertIn(self.proof(daemon), recipient["reason"])
        self.assertIn("action of [[plugin]] loopback", recipient["reason"])
        code, text = self.refusal(daemon)
        self.assertEqual(code, 550)
        self.assertTrue(text.startswith("5.4.6 Mail for loop.example loops back"), text)

    def test_refused_at_rcpt_when_asked_to_look(self):
        daemon = self.daemon("check_at_rcpt = true")
        code, text = self.refusal(daemon)
        self.assertEqual((code, text[:5]), (550, "5.4.6"))
        self.assertIn(self.proof(daemon), text)
        code, text = self.refusal(daemon, "user@[127.0.0.1]")
        self.assertEqual((code, text[:5]), (550, "5.4.6"))
        self.assertEqual(daemon.json("queue", "list")["messages"], [])

    def test_sent_out_it_ends_by_the_count_of_received_fields(self):
        daemon = self.daemon('action = "send"', '[smtp]\nmax_received = 10\n')
        self.send(daemon)
        recipient = self.failed(daemon)
        self.assertIn("5.4.6", recipient["status"] + recipient["reason"])
        self.assertNotIn("is our listener", recipient["reason"])
        wait_for("nothing but the failed message to be left",
                 lambda: daemon.json("status")["queue"]["messages"] == 1)

    def test_a_local_smart_host_on_another_port_is_no_loop(self):
        sink = self.keep(Sink(self.folder, options=["-d", "%M."]))
        daemon = self.daemon(
            f'[[plugin]]\nuse = "static_routes"\nroutes = {{ "sink.example" = "127.0.0.1:{sink.port}" }}\n')
        self.send(daemon, "user@sink.example")
        wait_for("a local program on another port to get its mail", lambda: any(sink.dumps.iterdir()))

    def test_our_token_shows_us_behind_a_port_forward(self):
        forward = Forward()
        self.addCleanup(forward.stop)
        daemon = self.daemon(f'[[plugin]]\nuse = "static_routes"\n'
                             f'routes = {{ "*" = "127.0.0.2:{forward.port}" }}\n')
        forward.target = daemon.port
        self.send(daemon, "user@dest.example")
        recipient = self.failed(daemon)
        self.assertEqual((recipient["status"], recipient["attempts"]), ("5.4.6", 1))
        self.assertIn("shows our own EHLO token", recipient["reason"])
        with daemon.smtp() as client:
            client.ehlo()
            self.assertIn(b"X-POSTRIDER-", client.ehlo_resp)
        code, text = self.refusal(daemon, "user@dest.example")
        self.assertEqual((code, text[:5]), (550, "5.4.6"))


if __name__ == "__main__":
    unittest.main()
