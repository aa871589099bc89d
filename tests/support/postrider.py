"""What integration tests share: the daemon, real peers from Debian packages, free loopback ports.

Everything a test starts it stops, by process id. Traffic goes to loopback addresses only.
"""
import json
import os
import pathlib
import random
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("POSTRIDER_BUILD", ROOT / "build" / "release"))
POSTFIX = pathlib.Path(os.environ.get("POSTRIDER_POSTFIX", ROOT / "build" / "postfix"))
SANITIZED = os.environ.get("POSTRIDER_SANITIZED", "") != ""
COMPLAINTS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer",
              "runtime error: ")
PATIENCE = 120 if SANITIZED else 40  # seconds a test waits for what must happen


def free_port():
    """A port nobody has, over TCP and UDP; below those that the kernel gives to connections, so that
    it is still free when the server of a test opens it."""
    while True:
        port = random.randint(12000, 32000)
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def wait_for(what, condition, seconds=PATIENCE):
    """Poll until condition() is true; fail by name if it never is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s for: {what}")


def is_open(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers(control):
    """Is somebody behind the operator's socket?"""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        return probe.connect_ex(str(control)) == 0


def status(control):
    """What the daemon says of itself. Not by the tool: a process for each question would be load."""
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(str(control))
        asked.sendall(b'{"words":["status"]}\n')
        with asked.makefile("rb") as answer:
            return json.loads(answer.readline())


class Process:
    """A child that is ended with the test, whatever happens."""

    def __init__(self, command, log, env=None, cwd=None, preexec=None):
        self.log_path = pathlib.Path(log)
        self.log = open(self.log_path, "ab")
        self.child = subprocess.Popen([str(c) for c in command], stdout=self.log, stderr=self.log,
                                      stdin=subprocess.DEVNULL, env=env, cwd=cwd,
                                      preexec_fn=preexec)

    @property
    def pid(self):
        return self.child.pid

    def is_running(self):
        return self.child.poll() is None

    def output(self):
        return self.log_path.read_text(errors="replace")

    def stop(self, sig=signal.SIGTERM, seconds=PATIENCE):
        if self.is_running():
            self.child.send_signal(sig)
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
                raise AssertionError(f"{self.child.args[0]} did not stop within {seconds} s")
            finally:
                self.log.close()
        return self.child.returncode

    def kill(self):
        if self.is_running():
            self.child.kill()
            self.child.wait()


class Daemon(Process):
    """postriderd with a configuration of its own, in a folder of its own."""

    def __init__(self, folder, config, start=True, ready=True):
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.spool = self.folder / "spool"
        self.control = self.folder / "control.sock"
        self.config = self.folder / "postrider.toml"
        self.write_config(config)
        if start:
            self.start(ready)

    def write_config(self, config):
        base = config.replace("@PORT@", str(self.port)).replace("@FOLDER@", str(self.folder))
        self.config.write_text(base)

    def start(self, ready=True):
        if hasattr(self, "child"):
            self.expect_good_end()
        super().__init__([BUILD / "core" / "postriderd", "--config", self.config],
                         self.folder / "postriderd.log", env=self.environment())
        if ready:
            wait_for(f"postriderd to listen on {self.port}; its log:\n{self.output()}",
                     lambda: not self.is_running() or is_open(self.port) and answers(self.control))
            if not self.is_running():
                raise AssertionError(f"postriderd ended with {self.child.returncode}:\n{self.output()}")
        return self

    def environment(self):
        """None: the test's own."""
        return None

    def expect_good_end(self):
        """It stopped as asked or was killed by the test, and no sanitizer complained meanwhile."""
        text = self.output()
        complaint = next((text.index(word) for word in COMPLAINTS if word in text), None)
        if complaint is not None:
            raise AssertionError(f"a sanitizer complains:\n{text[complaint:complaint + 6000]}")
        if self.child.returncode not in (0, -signal.SIGKILL):
            raise AssertionError(f"postriderd ended with {self.child.returncode}:\n{text[-6000:]}")

    def smtp(self, timeout=PATIENCE):
        return smtplib.SMTP("127.0.0.1", self.port, local_hostname="client.example", timeout=timeout)

    def tool(self, *words, check=True):
        """Run the operator's tool; its standard output."""
        run = subprocess.run([BUILD / "core" / "postrider", "--control", self.control, *words],
                             capture_output=True, text=True, timeout=PATIENCE)
        if check and run.returncode != 0:
            raise AssertionError(f"postrider {' '.join(words)} ended with {run.returncode}:\n"
                                 f"{run.stdout}{run.stderr}")
        return run.stdout if check else run

    def json(self, *words):
        return json.loads(self.tool("--json", *words))


class SmallDiskDaemon(Daemon):
    """A daemon with a small tmpfs as its folder DISK, in a mount namespace of its own."""

    DISK = "spool"
    SIZE = "384m"  # a spool: three segments of 64 MiB, and as much that is kept free

    def start(self, ready=True):
        disk = self.folder / self.DISK
        disk.mkdir(exist_ok=True)
        script = f'mount -t tmpfs -o size={self.SIZE} none "$1" && exec "$2" --config "$3"'
        Process.__init__(self, ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh",
                                disk, BUILD / "core" / "postriderd", self.config],
                         self.folder / "postriderd.log")
        wait_for("postriderd to listen", lambda: not self.is_running() or is_open(self.port))
        if not self.is_running():
            raise AssertionError(f"postriderd ended with {self.child.returncode}:\n{self.output()}")
        return self

    def disk(self):
        return pathlib.Path(f"/proc/{self.pid}/root{self.folder / self.DISK}")


class Sink(Process):
    """Postfix's smtp-sink: takes every message, optionally keeps each in a file."""

    def __init__(self, folder, port=None, options=()):
        self.port = port or free_port()
        self.folder = pathlib.Path(folder)
        self.dumps = self.folder / "sink"
        self.dumps.mkdir(parents=True, exist_ok=True)
        as_user = ["-u", "root"] if os.getuid() == 0 else []
        super().__init__([POSTFIX / "usr/sbin/smtp-sink", *as_user, *options, f"127.0.0.1:{self.port}", "1024"],
                         self.folder / "smtp-sink.log", env=postfix_env(), cwd=self.dumps)
        wait_for("smtp-sink to listen", lambda: is_open(self.port))


class NameServer(Process):
    """NSD with the given zones, {name: zone text}, on a free loopback port."""

    def __init__(self, folder, zones):
        self.folder = pathlib.Path(folder) / "nsd"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        lines = ["server:", f"  ip-address: 127.0.0.1@{self.port}", f'  zonesdir: "{self.folder}"',
                 f'  pidfile: "{self.folder}/nsd.pid"', '  username: ""', '  chroot: ""',
                 f'  xfrdfile: "{self.folder}/xfrd.state"', f'  zonelistfile: "{self.folder}/zone.list"',
                 '  database: ""', "  rrl-ratelimit: 0", "remote-control:", "  control-enable: no"]
        for name, text in zones.items():
            (self.folder / f"{name}.zone").write_text(self.zone_text(name, text))
            lines += ["zone:", f"  name: {name}", f"  zonefile: {name}.zone"]
        config = self.folder / "nsd.conf"
        config.write_text("\n".join(lines) + "\n")
        super().__init__(["/usr/sbin/nsd", "-d", "-c", config], self.folder / "nsd.log")
        wait_for("nsd to listen", lambda: not self.is_running() or is_open(self.port))
        if not self.is_running():
            raise AssertionError(f"nsd ended:\n{self.output()}")

    @staticmethod
    def zone_text(name, text):
        return (f"$ORIGIN {name}.\n$TTL 60\n@ IN SOA ns.{name}. root.{name}. 1 3600 600 86400 60\n"
                f"@ IN NS ns.{name}.\nns IN A 127.0.0.1\n{text}\n")


class BlackHole:
    """A DNS server that takes every question and never answers."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def stop(self):
        self.socket.close()


def postfix_env():
    return {**os.environ, "LD_LIBRARY_PATH": f"{POSTFIX}/usr/lib/postfix"}


def smtp_source(port, messages, sessions=20, size=5120, to="user@dest.example", options=(),
                check=True):
    """Run smtp-source to its end; returns the finished process."""
    run = subprocess.run(
        [POSTFIX / "usr/sbin/smtp-source", "-s", str(sessions), "-m", str(messages), "-l", str(size),
         "-f", "sender@client.example", "-t", to, *options, f"127.0.0.1:{port}"],
        capture_output=True, text=True, env=postfix_env(), timeout=600)
    if check and run.returncode != 0:
        raise AssertionError(f"smtp-source ended with {run.returncode}: {run.stdout}{run.stderr}")
    return run


class Case(unittest.TestCase):
    """A test with a folder of its own, whose processes end with it."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="postrider-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def keep(self, process):
        self.addCleanup(self._end, process)
        return process

    def _end(self, process):
        try:
            process.stop()
            if isinstance(process, Daemon):
                process.expect_good_end()
        finally:
            if isinstance(process, Process):
                process.kill()


BASE = """
hostname = "mx.test.example"
[server]
spool = "@FOLDER@/spool"
control = "@FOLDER@/control.sock"
plugin_path = ["%s"]
[[listen]]
address = "127.0.0.1:@PORT@"
[relay]
networks = ["127.0.0.0/8"]
""" % (BUILD / "plugins")
