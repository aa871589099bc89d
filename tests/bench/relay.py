#!/usr/bin/env python3
"""Postrider and Postfix side by side: messages relayed per second and CPU per message.

Both accept from smtp-source on loopback, are durable before the 250, and relay everything to one
smtp-sink; rounds alternate, and the table has medians. Needs root (Postfix's master wants it), the
packages of tests/packages, and a release build. Ratios of one run travel; absolute figures do not.

  tests/bench/relay.py [--messages N] [--size OCTETS] [--sessions N] [--rounds N] [--only NAME]
"""
import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from postrider import (BASE, POSTFIX, Daemon, Process, Sink, free_port, is_open,  # noqa: E402
                       postfix_env, smtp_source, wait_for)

TICK = os.sysconf("SC_CLK_TCK")


def cpu_of(pid):
    """User and system seconds of a process and of its children, ended ones included."""
    total = 0
    for child in [pid, *children(pid)]:
        try:
            fields = pathlib.Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += sum(int(fields[i]) for i in (11, 12, 13, 14))
    return total / TICK


def children(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *children(child)]
    return found


class Postfix(Process):
    """Debian's Postfix, unpacked, with a queue of its own; master.cf as shipped, without chroot."""

    def __init__(self, folder, sink_port):
        self.port = free_port()
        self.folder = pathlib.Path(folder)
        conf, queue, data = (self.folder / name for name in ("conf", "queue", "data"))
        for made in (conf, queue, data):
            made.mkdir()
        self.folder.chmod(0o755)
        for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming",
                     "private", "saved", "trace"):
            (queue / name).mkdir(mode=0o700)
            shutil.chown(queue / name, "mail")
        for name, mode in (("maildrop", 0o730), ("public", 0o710)):
            (queue / name).mkdir()
            (queue / name).chmod(mode)
            shutil.chown(queue / name, "mail", "games")
        (queue / "pid").mkdir()
        shutil.chown(data, "mail")
        self.queue = queue
        (conf / "master.cf").write_text(self.master_cf())
        (conf / "main.cf").write_text(f"""
compatibility_level = 3.6
queue_directory = {queue}
data_directory = {data}
daemon_directory = {POSTFIX}/usr/lib/postfix/sbin
command_directory = {POSTFIX}/usr/sbin
shlib_directory = {POSTFIX}/usr/lib/postfix
meta_directory = {POSTFIX}/etc/postfix
mail_owner = mail
setgid_group = games
default_privs = nobody
myhostname = mx.test.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
relayhost = [127.0.0.1]:{sink_port}
smtp_host_lookup = native
smtpd_peername_lookup = no
smtp_tls_security_level = none
smtpd_tls_security_level = none
maillog_file = /dev/stdout
maillog_file_prefixes = /dev/stdout
import_environment = LD_LIBRARY_PATH MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ
alias_maps =
smtputf8_enable = no
default_process_limit = 120
""")
        super().__init__([POSTFIX / "usr/lib/postfix/sbin/master", "-c", conf, "-s"],
                         self.folder / "postfix.log", env=postfix_env())
        wait_for("postfix to listen", lambda: not self.is_running() or is_open(self.port), 20)
        if not self.is_running():
            raise RuntimeError(self.output())

    def master_cf(self):
        services = ["cleanup unix n - n - 0 cleanup", "qmgr unix n - n 300 1 qmgr",
                    "rewrite unix - - n - - trivial-rewrite", "bounce unix - - n - 0 bounce",
                    "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce",
                    "smtp unix - - n - - smtp", "relay unix - - n - - smtp",
                    "error unix - - n - - error", "retry unix - - n - - error",
                    "anvil unix - - n - 1 anvil", "scache unix - - n - 1 scache",
                    "postlog unix-dgram n - n - 1 postlogd", "tlsmgr unix - - n 1000? 1 tlsmgr",
                    "proxymap unix - - n - - proxymap", "verify unix - - n - 1 verify",
                    "flush unix n - n 1000? 0 flush"]
        return "\n".join([f"127.0.0.1:{self.port} inet n - n - - smtpd", *services]) + "\n"

    def is_empty(self):
        return not any(any((self.queue / name).rglob("*")) for name in ("incoming", "active", "deferred"))


class Postrider(Daemon):
    def __init__(self, folder, sink_port):
        super().__init__(folder, BASE + f'''
[[plugin]]
use = "static_routes"
routes = {{ "*" = "127.0.0.1:{sink_port}" }}
''')

    def is_empty(self):
        return self.json("status")["queue"]["messages"] == 0


def one_round(kind, options):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="postrider-bench-"))
    folder.chmod(0o755)  # Postfix works under accounts of its own
    sink = server = None
    try:
        sink = Sink(folder)
        server = kind(make(folder / "server"), sink.port)
        smtp_source(server.port, 200, options.sessions, options.size, options=["-d"])  # warm
        wait_for("the warm-up to drain", server.is_empty, 60)
        cpu, begin = cpu_of(server.pid), time.monotonic()
        smtp_source(server.port, options.messages, options.sessions, options.size, options=["-d"])
        accepted = time.monotonic() - begin
        wait_for("the queue to drain", server.is_empty, 600)
        relayed = time.monotonic() - begin
        used = cpu_of(server.pid) - cpu
        return (options.messages / accepted, options.messages / relayed,
                used / options.messages * 1e3)
    finally:
        for process in (server, sink):
            if process:
                try:
                    process.stop()
                finally:
                    process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def make(folder):
    folder.mkdir()
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--size", type=int, default=10240)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["postrider", "postfix"])
    options = parser.parse_args()
    kinds = {"postfix": Postfix, "postrider": Postrider}
    if options.only:
        kinds = {options.only: kinds[options.only]}
    results = {name: [] for name in kinds}
    for number in range(options.rounds):
        for name, kind in kinds.items():
            results[name].append(one_round(kind, options))
            print(f"round {number + 1} {name}: accepted %.0f/s, relayed %.0f/s, CPU %.3f ms/message"
                  % results[name][-1], flush=True)
    medians = {name: [statistics.median(column) for column in zip(*rows)]
               for name, rows in results.items()}
    print(f"\n{options.messages} messages of {options.size} octets, {options.sessions} sessions kept, "
          f"median of {options.rounds}")
    print(f"{'':12}{'accepted/s':>12}{'relayed/s':>12}{'CPU ms/msg':>12}")
    for name, (accepted, relayed, cpu) in medians.items():
        print(f"{name:12}{accepted:12.0f}{relayed:12.0f}{cpu:12.3f}")
    if len(medians) == 2:
        ours, theirs = medians["postrider"], medians["postfix"]
        print(f"{'ratio':12}{ours[0] / theirs[0]:12.2f}{ours[1] / theirs[1]:12.2f}"
              f"{ours[2] / theirs[2]:12.3f}")


if __name__ == "__main__":
    main()
