#!/usr/bin/env python3
"""Reports to senders: from the next hop's refusal to the sender's Maildir, read by two parsers.

Python's email package reads their structure; Sisimai, a bounce parser by others, has to find the
recipient, the status and the reason.
"""
import email
import email.policy
import json
import os
import re
import socketserver
import subprocess
import threading
import time
import unittest

from postrider import BASE, Case, Daemon, ROOT, SANITIZED, wait_for

GOLDEN = ROOT / "tests" / "golden" / "ndr"
OPENING = "Your message did not reach some or all of the intended recipients."
SISIMAI = r"""
use strict; use warnings; use Sisimai; use JSON::PP;
my @found;
for my $file (@ARGV) {
  my $list = Sisimai->make($file, delivered => 1) || [];
  push @found, map { { file => $file, recipient => $_->recipient->address, action => $_->action,
    status => $_->deliverystatus, reason => $_->reason } } @$list;
}
print JSON::PP->new->canonical->encode(\@found);
"""


def sisimai(folder, reports):
    """What Sisimai finds in each of the reports (octets), as one list for each."""
    folder.mkdir(exist_ok=True)
    names = []
    for number, octets in enumerate(reports):
        names.append(str(folder / f"{number}.eml"))
        with open(names[-1], "wb") as out:
            out.write(b"From MAILER-DAEMON Sat Nov 21 00:00:00 2026\n" + octets.replace(b"\r\n", b"\n"))
    run = subprocess.run(["perl", "-e", SISIMAI, *names], capture_output=True, text=True, check=True)
    found = json.loads(run.stdout)
    return [[one for one in found if one["file"] == name] for name in names]


def parts(octets):
    """The report as email package objects: whole, text, message fields, recipient blocks, original."""
    report = email.message_from_bytes(octets, policy=email.policy.default)
    if report.defects or report.get_content_type() != "multipart/report":
        raise AssertionError(f"no sound report: {report.defects} {report.get_content_type()}")
    text, _, *rest = report.iter_parts()
    # The package knows the blocks of message/delivery-status, not those of its international twin.
    raw = octets.replace(b"\r\n", b"\n").split(b"\n--" + report.get_boundary().encode())[2]
    _, *raw_blocks = raw.decode().strip().split("\n\n")
    blocks = [email.message_from_string(block, policy=email.policy.default) for block in raw_blocks]
    return report, text.get_content(), blocks[0], blocks[1:], rest[0] if rest else None


class Peer(socketserver.ThreadingTCPServer):
    """A next hop: `refuse` maps the local part of a recipient to the reply it gets."""
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, refuse, keywords=()):
        super().__init__(("127.0.0.1", 0), Hop)
        self.port = self.server_address[1]
        self.refuse, self.keywords = refuse, keywords
        self.commands = []
        self.thread = threading.Thread(target=self.serve_forever, args=(0.05,))
        self.thread.start()

    def stop(self):
        self.shutdown()
        self.thread.join()
        self.server_close()
        return 0


class Hop(socketserver.StreamRequestHandler):
    def say(self, *lines):
        self.wfile.write(b"".join(line + b"\r\n" for line in lines))

    def handle(self):
        try:
            self.serve()
        except ConnectionError:
            pass  # the daemon was killed

    def serve(self):
        self.say(b"220 hop.example ESMTP")
        for line in self.rfile:
            command = line.decode("latin-1").rstrip("\r\n")
            self.server.commands.append(command)
            verb = command.split(" ")[0].upper()
            if verb == "EHLO":
                words = [b"hop.example", *self.server.keywords]
                self.say(*[b"250-" + w for w in words[:-1]], b"250 " + words[-1])
            elif verb == "RCPT":
                local = re.search("<([^@>]*)", command).group(1)
                self.say(*self.server.refuse.get(local, [b"250 2.1.5 OK"]))
            elif verb == "DATA":
                self.say(b"354 Go on")
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
                self.say(b"250 2.0.0 Taken as 4711")
            elif verb == "QUIT":
                return self.say(b"221 Bye")
            else:
                self.say(b"250 OK")


class Reports(Case):
    def start(self, peer, settings="", with_ndr=True):
        ndr = f'[[plugin]]\nuse = "ndr"\n{settings}\n' if with_ndr else ""
        return self.keep(Daemon(self.folder, BASE + f'''
[local]
domains = ["home.example", "mx.test.example"]
[[plugin]]
use = "maildir"
path = "{self.folder}/mail/{{domain}}/{{local}}"
[[plugin]]
use = "static_routes"
routes = {{ "far.example" = "127.0.0.1:{peer.port}" }}
{ndr}'''))

    def mail(self, local, domain="home.example"):
        new = self.folder / "mail" / domain / local / "new"
        return [(new / name).read_bytes() for name in sorted(os.listdir(new))] if new.is_dir() else []

    def one_report(self, local="alice", domain="home.example"):
        wait_for("the report", lambda: self.mail(local, domain))
        return self.mail(local, domain)[0]

    def send(self, daemon, to, sender="alice@home.example", mail=(), rcpt=(), text=None):
        text = text or ("From: alice@home.example\r\nSubject: Hello\r\nMessage-ID: <m1@home.example>\r\n"
                        "\r\nA line.\r\n")
        with daemon.smtp() as client:
            client.ehlo()
            client.sendmail(sender, to, text, mail_options=list(mail), rcpt_options=list(rcpt))

    def is_empty(self, daemon):
        return daemon.json("status")["queue"]["messages"] == 0

    def test_a_refusal_is_reported_with_reason_reply_and_remedy(self):
        peer = self.keep(Peer({"nobody": [b"550-5.1.1 --=_000000000000000000000000--",
                                          b"550-5.1.1 Final-Recipient: rfc822; forged@far.example",
                                          b"550-5.1.1 \xff\xfe 8 bits \x07",
                                          b"550 5.1.1 No such user"]}))
        daemon = self.start(peer)
        self.send(daemon, ["nobody@far.example", "bob@far.example"], mail=["ENVID=e+2B1", "RET=HDRS"],
                  rcpt=["NOTIFY=FAILURE", "ORCPT=rfc822;first+2Bchoice@far.example"])
        octets = self.one_report()
        report, text, message, recipients, original = parts(octets)
        self.assertEqual(report["Return-Path"], "<>")
        self.assertEqual(report["To"], "alice@home.example")
        self.assertEqual(report["From"], "Mail Delivery System <MAILER-DAEMON@mx.test.example>")
        self.assertEqual(report["Auto-Submitted"], "auto-replied")
        self.assertEqual(report["In-Reply-To"], "<m1@home.example>")
        self.assertEqual(report.get_param("report-type"), "delivery-status")
        self.assertTrue(text.startswith(OPENING + "\n"), text)
        for part in ("<nobody@far.example>", "There is no mailbox of this name", "What you can do: ",
                     "550 5.1.1 ", "No such user"):
            self.assertIn(part, text)
        self.assertEqual(message["Reporting-MTA"], "dns; mx.test.example")
        self.assertEqual(message["Original-Envelope-Id"], "e+1")
        self.assertEqual(len(recipients), 1)
        self.assertEqual(recipients[0]["Final-Recipient"], "rfc822; nobody@far.example")
        self.assertEqual(recipients[0]["Original-Recipient"], "rfc822; first+choice@far.example")
        self.assertEqual(recipients[0]["Action"], "failed")
        self.assertEqual(recipients[0]["Status"], "5.1.1")
        self.assertTrue(recipients[0]["Diagnostic-Code"].startswith("smtp; 550 5.1.1"))
        self.assertEqual(original.get_content_type(), "text/rfc822-headers")
        self.assertIn("Subject: Hello", str(original.get_payload()))
        found = sisimai(self.folder / "sisimai", [octets])[0]
        self.assertEqual([(one["recipient"], one["status"], one["action"]) for one in found],
                         [("nobody@far.example", "5.1.1", "failed")])
        wait_for("the queue to be empty", lambda: self.is_empty(daemon))
        self.assertEqual(len(self.mail("alice")), 1)

    def test_success_is_reported_as_asked(self):
        peer = self.keep(Peer({}))
        daemon = self.start(peer)
        self.send(daemon, ["bob@far.example"], rcpt=["NOTIFY=SUCCESS"])
        relayed = self.one_report()
        self.assertEqual(parts(relayed)[3][0]["Action"], "relayed")
        self.send(daemon, ["carol@home.example"], sender="dave@home.example", rcpt=["NOTIFY=SUCCESS"])
        delivered = self.one_report("dave")
        self.assertEqual(parts(delivered)[3][0]["Action"], "delivered")
        self.assertEqual(len(self.mail("carol")), 1)
        self.assertFalse([c for c in peer.commands if "NOTIFY" in c])
        self.assertEqual([one[0]["action"] for one in
                          sisimai(self.folder / "sisimai", [relayed, delivered])],
                         ["relayed", "delivered"])

    def test_a_next_hop_with_dsn_gets_the_parameters_and_the_duty(self):
        peer = self.keep(Peer({"nobody": [b"550 5.1.1 No such user"]}, [b"DSN"]))
        daemon = self.start(peer)
        self.send(daemon, ["bob@far.example"], mail=["RET=FULL", "ENVID=e1"],
                  rcpt=["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;b+2Bb@far.example"])
        wait_for("the queue to be empty", lambda: self.is_empty(daemon))
        self.assertIn("MAIL FROM:<alice@home.example> RET=FULL ENVID=e1", peer.commands)
        self.assertIn("RCPT TO:<bob@far.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b+2Bb@far.example",
                      peer.commands)
        self.send(daemon, ["nobody@far.example"], rcpt=["NOTIFY=NEVER"])
        wait_for("the queue to be empty", lambda: self.is_empty(daemon))
        self.assertEqual(self.mail("alice"), [])

    def test_a_delay_is_told_once_and_then_the_failure(self):
        peer = self.keep(Peer({"busy": [b"450 4.2.0 Busy"]}))
        daemon = self.start(peer, 'delay_notice = "1s"')
        self.send(daemon, ["busy@far.example"])
        report, text, _, recipients, _ = parts(self.one_report())
        self.assertTrue(text.startswith("Your message has not been delivered yet."), text)
        self.assertEqual(recipients[0]["Action"], "delayed")
        self.assertEqual(recipients[0]["Status"], "4.2.0")
        self.assertEqual(recipients[0]["Diagnostic-Code"], "smtp; 450 4.2.0 Busy")
        self.assertIsNotNone(recipients[0]["Will-Retry-Until"])
        wait_for("the notice to leave the queue",
                 lambda: daemon.json("status")["queue"]["messages"] == 1)
        daemon.kill()
        daemon.start()
        time.sleep(2)  # twice the time after which a delay is told: it was, before the restart
        peer.refuse["busy"] = [b"550 5.2.1 Closed for ever"]
        daemon.tool("queue", "retry", "--recipient", "busy@far.example")
        wait_for("the queue to be empty", lambda: self.is_empty(daemon))
        told = [parts(octets)[3][0] for octets in self.mail("alice")]
        self.assertEqual(sorted((block["Action"], block["Status"]) for block in told),
                         [("delayed", "4.2.0"), ("failed", "5.2.1")])

    def test_the_postmaster_hears_of_a_report_that_fails(self):
        peer = self.keep(Peer({"nobody": [b"550 5.1.1 No such user"]}))
        daemon = self.start(peer)
        self.send(daemon, ["nobody@far.example"], sender="nobody@far.example")
        octets = self.one_report("postmaster", "mx.test.example")
        _, text, _, recipients, original = parts(octets)
        self.assertIn("null reverse-path", text)
        self.assertEqual(recipients[0]["Final-Recipient"], "rfc822; nobody@far.example")
        self.assertEqual(original.get_content_type(), "message/rfc822")
        wait_for("the queue to be empty", lambda: self.is_empty(daemon))

    def test_dsn_is_offered_only_where_reports_are_written(self):
        peer = self.keep(Peer({"nobody": [b"550 5.1.1 No such user"]}))
        daemon = self.start(peer, with_ndr=False)
        with daemon.smtp() as client:
            client.ehlo()
            self.assertFalse(client.has_extn("dsn"))
        self.send(daemon, ["nobody@far.example"])
        failed = wait_for("the failure to be visible",
                          lambda: daemon.json("status")["queue"].get("failed", 0))
        self.assertEqual(failed, 1)
        self.assertEqual(self.mail("alice"), [])

    def test_killed_at_any_time_each_failure_has_one_report(self):
        peer = self.keep(Peer({"nobody": [b"550 5.1.1 No such user"]}))
        daemon = self.start(peer)
        count = 60 if SANITIZED else 200
        for number in range(count):
            text = f"Subject: {number}\r\nMessage-ID: <m{number}@home.example>\r\n\r\nA line.\r\n"
            self.send(daemon, ["nobody@far.example"], text=text)
            if number % 50 == 25:
                daemon.kill()
                daemon.start()
        wait_for("the queue to be empty", lambda: self.is_empty(daemon))
        reports = {}
        for octets in self.mail("alice"):
            report = email.message_from_bytes(octets)
            reports.setdefault(report["In-Reply-To"], set()).add(report["Message-ID"])
        self.assertEqual(set(reports), {f"<m{n}@home.example>" for n in range(count)})
        self.assertEqual({len(ids) for ids in reports.values()}, {1})


class Golden(Case):
    """The reports that the unit tests compare octet for octet, read by parsers of others."""

    def test_the_email_package_reads_every_one(self):
        for path in sorted(GOLDEN.glob("*.ref")):
            with self.subTest(path.stem):
                report, text, message, recipients, original = parts(path.read_bytes())
                self.assertTrue(text.startswith("Your message "), text)
                self.assertEqual(message["Reporting-MTA"], "dns; mx.example.org")
                self.assertGreaterEqual(len(recipients), 1)
                for block in recipients:
                    self.assertIn(block["Action"], ("failed", "delayed", "relayed", "delivered"))
                    self.assertRegex(block["Status"], r"^[245]\.\d+\.\d+$")
                self.assertIn("Lunch on Friday", original.as_string() + text)

    def test_sisimai_finds_recipient_status_and_reason(self):
        paths = sorted(GOLDEN.glob("*.ref"))
        self.assertGreaterEqual(len(paths), 12)
        every = sisimai(self.folder / "sisimai", [path.read_bytes() for path in paths])
        for path, found in zip(paths, every):
            with self.subTest(path.stem):
                by_address = {one["recipient"]: one for one in found}
                for block in parts(path.read_bytes())[3]:
                    address = block["Final-Recipient"].split("; ")[1]
                    if not address.isascii():
                        continue  # Sisimai knows no international addresses
                    one = by_address[address]
                    # Of a message that expired it tells the status of the last reply.
                    self.assertIn(one["status"], block["Status"] + " " + block["Diagnostic-Code"]
                                  if block["Diagnostic-Code"] else block["Status"])
                    self.assertNotIn(one["reason"], ("", "undefined"))
                    self.assertEqual(one["action"], block["Action"])


if __name__ == "__main__":
    unittest.main()
