#!/usr/bin/env python3
"""The operator's hand: counts, returned mail, give-up times, suspended destinations, modes, drain."""
import smtplib
import subprocess
import unittest

from postrider import BASE, BUILD, PATIENCE, Case, Daemon, Sink, free_port, wait_for

ROUTES = '''
[[plugin]]
use = "static_routes"
routes = { "slow.example" = "127.0.0.1:%d", "shut.example" = "127.0.0.1:%d", "client.example" = "127.0.0.1:%d" }
'''
NDR = '[[plugin]]\nuse = "ndr"\n'
MESSAGE = "Subject: hello\r\n\r\nbody\r\n"


class Operators(Case):
    def daemon(self, more="", server=""):
        self.slow, self.shut, self.home = free_port(), free_port(), free_port()
        config = BASE.replace("[server]\n", "[server]\n" + server)
        self.assertTrue(not server or server in config, BASE)
        return self.keep(Daemon(self.folder, config + more + ROUTES % (self.slow, self.shut, self.home)))

    def put(self, daemon, *recipients, sender="a@client.example", message=MESSAGE):
        with daemon.smtp() as smtp:
            smtp.sendmail(sender, recipients, message)

    def states(self, daemon, *options):
        return sorted(one["state"] for message in daemon.json("queue", "list", *options)["messages"]
                      for one in message["recipients"])

    def wait_states(self, daemon, *states):
        wait_for(f"{states}", lambda: self.states(daemon) == sorted(states))

    def fails(self, daemon, *words):
        run = daemon.tool(*words, check=False)
        self.assertEqual(run.returncode, 1, run)
        self.assertEqual(run.stderr.count("\n"), 1, run.stderr)
        return run.stderr

    def turned_away(self, daemon):
        try:
            with daemon.smtp():
                return False
        except (smtplib.SMTPConnectError, smtplib.SMTPServerDisconnected) as refused:
            self.assertIn("421", str(refused))
            return True

    def test_counts_and_filters(self):
        daemon = self.daemon()
        self.put(daemon, "u1@slow.example", "u2@slow.example", "u3@shut.example")
        self.wait_states(daemon, "delayed", "delayed", "delayed")
        self.put(daemon, "u4@shut.example", sender="b@other.example", message="X: " + "y" * 900 + "\r\n\r\n")
        table = daemon.json("queue", "count")
        self.assertEqual((table["messages"], table["groups_in_all"], table["all"]["recipients"]), (2, 2, 4))
        self.assertEqual({one["name"]: one["recipients"] for one in table["groups"]},
                         {f"[127.0.0.1]:{self.slow}": 2, f"[127.0.0.1]:{self.shut}": 2})
        self.assertEqual(sum(table["all"]["ages"]), 4)
        text = daemon.tool("queue", "count")
        print(text)
        self.assertRegex(text, r"TOTAL +4 +1 +0 +3 +0 +0  2")
        self.assertRegex(daemon.tool("queue", "count", "--ages"), r"TOTAL +4 +4 +0")
        self.assertIn("and 1 more", daemon.tool("queue", "count", "--limit", "1"))
        senders = daemon.json("queue", "count", "--by", "sender")["groups"]
        self.assertEqual([one["name"] for one in senders], ["client.example", "other.example"])
        self.assertEqual(self.states(daemon, "--larger-than", "1KB"), ["queued"])
        self.assertEqual(self.states(daemon, "--older-than", "1h"), [])
        self.assertEqual(len(self.states(daemon, "--younger-than", "1h")), 4)
        self.assertEqual(len(daemon.json("queue", "list", "--reason", "refused")["messages"]), 1)
        self.assertEqual(len(daemon.json("queue", "list", "--attempts", "1")["messages"]), 1)
        self.assertTrue(daemon.json("queue", "list", "--limit", "1")["more"])
        self.assertIn("There is more", daemon.tool("queue", "list", "--limit", "1"))
        self.assertEqual(daemon.tool("queue", "list", "--attempts", "9"), "No such message in the queue.\n")
        self.assertEqual(daemon.json("queue", "hold", "--reason", "refused", "--recipient", "u1*")["changed"], 1)
        self.assertIn("older_than", self.fails(daemon, "queue", "count", "--older-than", "soon"))
        self.assertIn("is none of destination, sender and recipient", self.fails(daemon, "queue", "count", "--by", "colour"))
        self.assertIn("say which", self.fails(daemon, "queue", "bounce"))

    def test_the_whole_message_to_standard_output(self):
        daemon = self.daemon()
        body = "".join(f"{n:06} " + "\u00e9x" * 30 + "\r\n" for n in range(6000))
        self.put(daemon, "u@shut.example", message=("Subject: large\r\n\r\n" + body).encode("latin-1"))
        self.wait_states(daemon, "delayed")
        [message] = daemon.json("queue", "list")["messages"]
        raw = subprocess.run([BUILD / "core" / "postrider", "--control", daemon.control,
                              "queue", "show", message["id"], "--body"], capture_output=True, check=True).stdout
        self.assertEqual(len(raw), message["size"])
        self.assertTrue(raw.endswith(body.encode("latin-1")))
        self.assertIn("no queue id", self.fails(daemon, "queue", "show", "?", "--body"))

    def test_mail_is_returned_with_the_reason(self):
        daemon = self.daemon(more=NDR)
        home = self.keep(Sink(self.folder, port=self.home))
        self.put(daemon, "u1@slow.example", "u3@shut.example")
        self.wait_states(daemon, "delayed", "delayed")
        answer = daemon.tool("queue", "bounce", "--sender", "*", "--text", "sent by mistake")
        self.assertEqual(answer, "2 recipients returned\n")
        wait_for("the report to leave", lambda: daemon.json("status")["queue"]["messages"] == 0)
        self.assertEqual(daemon.json("status")["queue"]["delivered_since_start"], 1)
        self.assertIn("returned by the operator: sent by mistake", daemon.output())
        self.assertTrue(home.is_running())

    def test_without_a_reporter_the_answer_says_so(self):
        daemon = self.daemon()
        self.put(daemon, "u3@shut.example")
        self.wait_states(daemon, "delayed")
        self.assertIn("No plugin reports it", daemon.tool("queue", "bounce", "--sender", "*"))
        self.wait_states(daemon, "failed")

    def test_another_give_up_time_outlives_a_restart(self):
        daemon = self.daemon()
        self.put(daemon, "u3@shut.example")
        self.wait_states(daemon, "delayed")
        self.assertEqual(daemon.tool("queue", "give-up", "--sender", "*", "--at", "2031-01-02T03:04:05Z"),
                         "1 message given another time\n")
        self.assertEqual(daemon.json("queue", "list")["messages"][0]["give_up_at"], "2031-01-02T03:04:05Z")
        wait_for("the commit", lambda: daemon.json("status")["store"]["commits"] >= 3)
        daemon.stop()
        daemon.start()
        wait_for("the control socket", lambda: daemon.tool("status", check=False).returncode == 0)
        [message] = daemon.json("queue", "list")["messages"]
        self.assertEqual(message["give_up_at"], "2031-01-02T03:04:05Z")
        self.assertEqual(daemon.json("queue", "give-up", message["id"], "--after", "0s")["changed"], 1)
        self.wait_states(daemon, "failed")
        self.assertIn("not a time", self.fails(daemon, "queue", "give-up", message["id"], "--at", "noon"))
        self.assertIn("has passed; postrider queue bounce", self.fails(
            daemon, "queue", "give-up", message["id"], "--at", "2020-01-01T00:00:00Z"))

    def test_filters_that_say_nothing_select_nothing(self):
        daemon = self.daemon()
        self.put(daemon, "u1@shut.example", sender="")
        self.put(daemon, "u2@shut.example")
        for option in ("sender", "recipient", "destination", "reason", "state", "older-than"):
            said = self.fails(daemon, "queue", "remove", "--larger-than", "1B", f"--{option}", "")
            self.assertIn(option.replace("-", "_") + ": ", said)
        self.assertEqual(len(daemon.json("queue", "list")["messages"]), 2)
        listed = daemon.json("queue", "list", "--sender", "<>")["messages"]
        self.assertEqual([one["recipients"][0]["address"] for one in listed], ["u1@shut.example"])
        listed = daemon.json("queue", "list", "--recipient", "<u2@shut.example>")["messages"]
        self.assertEqual([one["sender"] for one in listed], ["a@client.example"])

    def test_several_messages_by_their_ids_and_the_log_keeps_it(self):
        daemon = self.daemon()
        for user in ("u1", "u2", "u3"):
            self.put(daemon, f"{user}@shut.example")
        wait_for("the last to wait", lambda: not daemon.json("status")["queue"]["active"])
        ids = [one["id"] for one in daemon.json("queue", "list")["messages"]]
        self.assertEqual(daemon.tool("queue", "remove", ids[0], ids[2]), "1 recipient removed\n" * 2)
        wait_for("the removal", lambda: [
            one["id"] for one in daemon.json("queue", "list")["messages"]] == [ids[1]])
        run = daemon.tool("queue", "hold", ids[0], ids[1], check=False)
        self.assertEqual((run.returncode, run.stdout), (1, "1 recipient held\n"))
        self.assertIn(f"no message {ids[0]}", run.stderr)
        for change, which in (("remove", ids[0]), ("remove", ids[2]), ("hold", ids[1])):
            wait_for(f"the log to name {change}", lambda: f'event="changed by the operator" '
                     f"change={change} which=\"id={which}\" changed=1" in daemon.output())

    def test_a_suspension_that_fits_nothing_is_told(self):
        daemon = self.daemon()
        self.put(daemon, "u3@shut.example")
        self.wait_states(daemon, "delayed")
        said = daemon.tool("destination", "suspend", "shut.example")
        print(said)
        self.assertIn("No destination of that name has mail now.", said)
        [destination] = daemon.json("destinations")["destinations"]
        said = daemon.tool("destination", "suspend", destination["destination"])
        self.assertNotIn("No destination", said)
        shown = daemon.tool("destinations", destination["destination"])
        self.assertNotIn("suspended: shut.example", shown)
        self.assertIn(f"suspended: {destination['destination']} since", shown)

    def test_a_suspended_destination_over_a_restart(self):
        daemon = self.daemon()
        sink = self.keep(Sink(self.folder, port=self.slow))
        print(daemon.tool("destination", "suspend", f"*:{self.slow}", "--text", "upgrade till ten"))
        self.put(daemon, "u1@slow.example")
        daemon.stop()
        daemon.start()
        self.put(daemon, "u2@slow.example")
        self.assertEqual(self.states(daemon), ["queued", "queued"])
        why = daemon.tool("queue", "list")
        print(why)
        self.assertEqual(why.count("suspended by the operator: upgrade till ten"), 2)
        status, destinations = daemon.tool("status"), daemon.tool("destinations")
        print(status, destinations)
        self.assertIn(f"suspended  *:{self.slow}\n", status)
        self.assertIn("nothing is tried: its destination is suspended", destinations)
        self.assertIn("is not suspended", self.fails(daemon, "destination", "resume", "other.example"))
        self.assertNotIn("suspended", daemon.tool("destination", "resume", "*"))
        wait_for("both to go", lambda: daemon.json("status")["queue"]["delivered_since_start"] == 2)
        self.assertTrue(sink.is_running())

    def test_modes(self):
        daemon = self.daemon(server='mode = "inbound-only"\n')
        self.keep(Sink(self.folder, port=self.slow))
        self.put(daemon, "u1@slow.example")
        self.assertEqual(self.states(daemon), ["queued"])
        self.assertIn("the mode is inbound-only: nothing is tried", daemon.tool("queue", "list"))
        self.assertIn("mode       inbound-only: mail is taken and queued, nothing is tried\n", daemon.tool("status"))
        print(daemon.tool("mode", "none"))
        self.assertTrue(self.turned_away(daemon))
        daemon.stop()
        daemon.start()
        self.assertTrue(self.turned_away(daemon), "a restart forgot the mode")
        text = daemon.tool("mode", "outbound-only")
        print(text)
        self.assertIn("server.mode is inbound-only", text)
        wait_for("the mail to go", lambda: daemon.json("status")["queue"]["delivered_since_start"] == 1)
        self.assertTrue(self.turned_away(daemon))
        self.assertEqual(daemon.json("mode", "configured")["mode"], "inbound-only")
        self.put(daemon, "u2@slow.example")
        self.assertEqual(self.states(daemon), ["queued"])
        config = (self.folder / "postrider.toml")
        config.write_text(config.read_text().replace('mode = "inbound-only"', 'mode = "inbound-outbound"'))
        self.assertEqual(daemon.json("reload")["restart"], [])
        wait_for("the rest to go", lambda: daemon.json("status")["queue"]["delivered_since_start"] == 2)
        self.assertNotIn("mode", daemon.tool("status"))
        self.assertIn("no mode", self.fails(daemon, "mode", "asleep"))

    def test_drain_then_stop_and_drain_taken_back(self):
        daemon = self.daemon()
        self.put(daemon, "u1@slow.example")
        self.wait_states(daemon, "delayed")
        print(daemon.tool("drain"))
        self.assertTrue(self.turned_away(daemon))
        self.assertIn("draining since", daemon.tool("status"))
        daemon.tool("drain", "--cancel")
        self.assertFalse(self.turned_away(daemon))
        self.assertIn("not being drained", self.fails(daemon, "drain", "--cancel"))
        answer = daemon.tool("drain", "--stop")
        print(answer)
        self.assertIn("stops when no mail waits", answer)
        self.assertRegex(answer, r"1 delayed")
        self.assertTrue(daemon.is_running())
        self.keep(Sink(self.folder, port=self.slow))
        daemon.tool("queue", "retry")
        wait_for("the daemon to stop", lambda: not daemon.is_running())
        daemon.expect_good_end()
        daemon.start()
        self.assertFalse(self.turned_away(daemon), "a restart ends the draining")

    def test_orders_that_make_no_sense_keep_it_from_starting(self):
        daemon = self.daemon()
        daemon.tool("mode", "none")
        daemon.stop()
        [orders] = list(self.folder.glob("**/orders"))
        orders.write_text("orders 1\nmode asl")
        run = subprocess.run([BUILD / "core" / "postriderd", "--config", daemon.config],
                             capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(run.returncode, 74, run)
        self.assertIn("orders: line 2 makes no sense: mode asl; without the file all is open", run.stderr)


if __name__ == "__main__":
    unittest.main()
