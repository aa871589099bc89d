"""The four servers of the bench, each durable as shipped, relaying all for 127/8 to one next hop.

Each takes the same arguments: a folder of its own; the port of the next hop; `held`: accept, but
deliver nothing. Mail for dead.example goes to a port that refuses connections. Exim and OpenSMTPD
run unpacked, in a mount namespace in which their packages lie over /usr: this needs root.
"""
import contextlib
import os
import pathlib
import shutil
import subprocess

from cost import Group
from postrider import (BASE, BUILD, POSTFIX, ROOT, Process, free_port, is_open, postfix_env,
                       status, wait_for)

FETCH = pathlib.Path(__file__).with_name("fetch-servers")
UNPACKED = ROOT / "build" / "servers"


class Server(Process):
    """A server whose processes are counted together."""

    def launch(self, command, env=None):
        self.group = Group(self.folder)
        Process.__init__(self, command, self.folder / "server.log", env, preexec=self.group.join)
        wait_for(f"{self.name} to listen; its log:\n{self.output()}",
                 lambda: not self.is_running() or is_open(self.port), 30)
        if not self.is_running():
            raise RuntimeError(f"{self.name} ended:\n{self.output()}")

    def stop(self, *arguments, **options):
        try:
            super().stop(*arguments, **options)
        finally:
            self.group.end()


class Postrider(Server):
    """One process; the protocol log off."""

    name = "postrider"
    store = "log"
    extra = ""

    def __init__(self, folder, next_hop, held=False):
        self.folder, self.port = pathlib.Path(folder), free_port()
        mode = "inbound-only" if held else "inbound-outbound"
        server = f'[server]\nstore = "{self.store}"\nmode = "{mode}"\n'
        text = BASE.replace("[server]\n", server) + f"""
[[plugin]]
use = "static_routes"
routes = {{ "dead.example" = "127.0.0.1:{free_port()}", "*" = "127.0.0.1:{next_hop}" }}
{self.extra}"""
        text = text.replace("@PORT@", str(self.port)).replace("@FOLDER@", str(self.folder))
        (self.folder / "postrider.toml").write_text(text)
        self.begin()

    def begin(self):
        self.launch([BUILD / "core" / "postriderd", "--config", self.folder / "postrider.toml"])

    def queued(self):
        return status(self.folder / "control.sock")["queue"]["messages"]


class InMemory(Postrider):
    """The same with its queue in memory: what the disk costs. No server to use."""

    name = "postrider in memory"
    store = "memory"


class Postfix(Server):
    """Debian's Postfix; master.cf as shipped, without chroot, 120 processes."""

    name = "postfix"

    def __init__(self, folder, next_hop, held=False):
        self.folder, self.port = pathlib.Path(folder), free_port()
        self.queue = self.folder / "queue"
        self.make_folders()
        (self.folder / "conf" / "master.cf").write_text(self.master_cf())
        (self.folder / "conf" / "transport").write_text(
            f"dead.example smtp:[127.0.0.1]:{free_port()}\n")
        held_lines = ("smtpd_data_restrictions = check_client_access static:HOLD\n"
                      "in_flow_delay = 0\n") if held else ""
        (self.folder / "conf" / "main.cf").write_text(self.main_cf(next_hop) + held_lines)
        self.begin()

    def begin(self):
        self.launch([POSTFIX / "usr/lib/postfix/sbin/master", "-c", self.folder / "conf", "-s"],
                    postfix_env())

    def make_folders(self):
        self.folder.chmod(0o755)
        data = self.folder / "data"
        for made in (self.folder / "conf", self.queue, data):
            made.mkdir()
        for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold",
                     "incoming", "private", "saved", "trace"):
            (self.queue / name).mkdir(mode=0o700)
            shutil.chown(self.queue / name, "mail")
        for name, mode in (("maildrop", 0o730), ("public", 0o710)):
            (self.queue / name).mkdir()
            (self.queue / name).chmod(mode)
            shutil.chown(self.queue / name, "mail", "games")
        (self.queue / "pid").mkdir()
        shutil.chown(data, "mail")

    def main_cf(self, next_hop):
        return f"""
compatibility_level = 3.6
queue_directory = {self.queue}
data_directory = {self.folder}/data
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
relayhost = [127.0.0.1]:{next_hop}
transport_maps = texthash:{self.folder}/conf/transport
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
"""

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

    def queued(self):
        return sum(files_in(self.queue / name)
                   for name in ("incoming", "active", "deferred", "hold"))


class Unpacked(Server):
    """A server whose packages are unpacked in build/servers."""

    def prepare(self, folder):
        subprocess.run([FETCH, UNPACKED], check=True)
        self.folder, self.port = pathlib.Path(folder), free_port()
        self.folder.chmod(0o755)
        for name in ("etc/exim4", "spool/exim4", "spool/smtpd", "run", "lib/opensmtpd/empty"):
            (self.folder / name).mkdir(parents=True)
        os.chown(self.folder / "spool/exim4", 901, 901)
        (self.folder / "spool/smtpd").chmod(0o711)
        accounts = {"Debian-exim": 901, "opensmtpd": 902, "opensmtpq": 903}
        for name, line in (("passwd", "{0}:x:{1}:{1}::/var/lib/opensmtpd/empty:/bin/false\n"),
                           ("group", "{0}:x:{1}:\n")):
            own = "".join(line.format(*account) for account in accounts.items())
            (self.folder / "etc" / name).write_text(pathlib.Path("/etc", name).read_text() + own)

    def launch_inside(self, *command):
        script = (f"mount -t overlay -o lowerdir={UNPACKED}/usr:/usr none /usr && "
                  f"mount -t overlay -o lowerdir={self.folder}/etc:/etc none /etc && "
                  f"mount --bind {self.folder}/spool /var/spool && "
                  f"mount --bind {self.folder}/lib /var/lib && "
                  f"mount --bind {self.folder}/run /run && exec \"$@\"")
        self.launch(["unshare", "--mount", "sh", "-c", script, "sh", *command])


class Exim(Unpacked):
    """Debian's Exim (light); limits on sessions and messages per connection lifted."""

    name = "exim"

    def __init__(self, folder, next_hop, held=False):
        self.prepare(folder)
        (self.folder / "etc/exim4/exim4.conf").write_text(f"""
primary_hostname = mx.test.example
spool_directory = /var/spool/exim4
log_file_path = /var/spool/exim4/log/%slog
keep_environment =
daemon_smtp_ports = {self.port}
local_interfaces = 127.0.0.1
tls_advertise_hosts =
smtp_accept_max = 0
smtp_accept_queue_per_connection = 0
smtp_accept_max_per_connection = 0
smtp_connect_backlog = 128
acl_smtp_rcpt = accept
{"queue_only" if held else ""}
begin acl
begin routers
smart:
  driver = manualroute
  route_list = dead.example 127.0.0.1::{free_port()} ; * 127.0.0.1::{next_hop}
  self = send
  transport = smtp
begin transports
smtp:
  driver = smtp
begin retry
* * F,2h,15m
""")
        self.begin()

    def begin(self):
        self.launch_inside("/usr/sbin/exim4", "-bdf", "-q30m")

    def queued(self):
        return files_in(self.folder / "spool/exim4/input", lambda name: name.endswith("-H"))


class OpenSmtpd(Unpacked):
    """Debian's OpenSMTPD. It flushes nothing before its 250, so its rates are no durable ones.

    Its defaults (a new connection every 5 s, 100 messages each) are lifted, or it would not move."""

    name = "opensmtpd"

    def __init__(self, folder, next_hop, held=False):
        self.prepare(folder)
        limits = [f"max-conn-per-{what} 20" for what in ("host", "route", "domain")]
        limits += [f"conn-delay-{what} 0" for what in ("host", "source", "relay", "domain")]
        limits += ["session-mail-max 100000", "session-transaction-delay 0"]
        (self.folder / "etc/smtpd.conf").write_text(
            "smtp limit max-mails 1000000\n" + "".join(f"mta limit {one}\n" for one in limits) + f"""
listen on 127.0.0.1 port {self.port}
action "dead" relay host smtp://127.0.0.1:{free_port()}
action "relay" relay host smtp://127.0.0.1:{next_hop}
match from any for domain "dead.example" action "dead"
match from any for any action "relay"
""")
        self.held = held
        self.begin()

    def begin(self):
        # -P: the transfer agent is paused from the start.
        self.launch_inside("/usr/sbin/smtpd", "-d", *(["-P", "mta"] if self.held else []))

    def queued(self):
        return files_in(self.folder / "spool/smtpd/queue", lambda name: name != "message")


SERVERS = {kind.name: kind for kind in (Postrider, Postfix, Exim, OpenSmtpd)}


def files_in(folder, wanted=lambda name: True):
    """How many files there are below a folder that changes meanwhile."""
    count = 0
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(folder):
            count += files_in(entry, wanted) if entry.is_dir() else wanted(entry.name)
    return count
