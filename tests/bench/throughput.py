"""One round of load upon one server: how fast it accepts, relays, and what that costs it."""
import contextlib
import pathlib
import shutil
import tempfile
import time

from postrider import Sink, smtp_source

WARM = 200  # messages; their rate says how many make a round of the length asked for
LEAST, MOST = 200, 50_000


@contextlib.contextmanager
def served(kind, held=False, sink=Sink):
    """A server of this kind and its next hop, on disk, until the end of the block."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="postrider-bench-"))
    folder.chmod(0o755)  # some servers work under accounts of their own
    started = []
    try:
        started.append(sink(folder))
        (folder / "server").mkdir()
        started.append(kind(folder / "server", started[0].port, held))
        yield started[1], started[0]
    finally:
        for process in reversed(started):
            with contextlib.suppress(AssertionError):
                process.stop(seconds=20)
        shutil.rmtree(folder, ignore_errors=True)


def drained(server, limit):
    """Wait until the queue is empty or `limit` seconds passed; how many messages are left."""
    end = time.monotonic() + limit
    while (left := server.queued()) and time.monotonic() < end:
        time.sleep(0.02)
    return left


def load(server, messages, sessions, size, to="user@dest.example"):
    """Send over connections that are kept; the seconds it took."""
    begin = time.monotonic()
    smtp_source(server.port, messages, sessions, size, to, options=["-d"])
    return time.monotonic() - begin


def one_round(kind, held, size, sessions, seconds):
    """Figures by name. A server that cannot empty its queue in five times `seconds` is judged by
    what it relayed until then."""
    with served(kind, held) as (server, _):
        warm = load(server, WARM, sessions, size)
        if not held:
            begin = time.monotonic()
            left = drained(server, seconds * 5)
            warm = (warm + time.monotonic() - begin) * WARM / max(WARM - left, 1)
        messages = int(min(MOST, max(LEAST, WARM / warm * seconds)))
        before, queued = server.group.cost(), server.queued()
        took = load(server, messages, sessions, size)
        figures = {"accepted/s": messages / took}
        memory = server.group.memory()
        if not held:
            begin = time.monotonic() - took
            done = messages - max(0, drained(server, seconds * 5) - queued)
            figures["relayed/s"] = done / (time.monotonic() - begin)
        spent = server.group.cost() - before
        figures["CPU ms"] = spent.cpu / messages * 1e3
        figures["KiB to disk"] = spent.written / messages / 1024
        figures["MiB memory"] = memory / 2**20
        return figures
