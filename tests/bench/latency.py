"""The way of a lone message: from its final dot to the 250, and to its arrival at the next hop."""
import contextlib
import os
import socket
import statistics
import threading
import time

from postrider import free_port
from throughput import served

MESSAGE = b"Subject: lone\r\n\r\n" + b"x" * 76 + b"\r\n"


class ClockedSink:
    """A next hop that notes when each final dot arrives."""

    def __init__(self, folder, port=None):
        self.port = port or free_port()
        self.arrivals = []
        self.arrived = threading.Condition()
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as lines, contextlib.suppress(OSError):
            connection.sendall(b"220 sink\r\n")
            for line in lines:
                verb = line[:4].upper().rstrip()
                if verb == b"DATA":
                    connection.sendall(b"354 go\r\n")
                    while lines.readline() not in (b".\r\n", b""):
                        pass
                    with self.arrived:
                        self.arrivals.append(time.monotonic())
                        self.arrived.notify_all()
                    connection.sendall(b"250 ok\r\n")
                elif verb == b"QUIT":
                    connection.sendall(b"221 bye\r\n")
                    return
                else:
                    connection.sendall(b"250 sink\r\n")

    def wait(self, count, seconds=60):
        """When the message number `count` arrived."""
        with self.arrived:
            if not self.arrived.wait_for(lambda: len(self.arrivals) >= count, seconds):
                raise RuntimeError(f"message {count} did not arrive within {seconds} s")
            return self.arrivals[count - 1]

    def stop(self, seconds=None):
        self.listener.close()


class Client:
    """An SMTP client that speaks one command at a time."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.lines = self.socket.makefile("rb")
        self.reply()
        self.say(b"EHLO client.example")

    def reply(self):
        line = self.lines.readline()
        while line[3:4] == b"-":
            line = self.lines.readline()
        if line[:1] not in (b"2", b"3"):
            raise RuntimeError(f"refused: {line!r}")

    def say(self, command):
        self.socket.sendall(command + b"\r\n")
        self.reply()

    def send(self):
        """One message; when the final dot left, and when its 250 came."""
        for command in (b"MAIL FROM:<a@client.example>", b"RCPT TO:<user@dest.example>", b"DATA"):
            self.say(command)
        self.socket.sendall(MESSAGE)
        dot = time.monotonic()
        self.say(b".")
        return dot, time.monotonic()


def one_round(kind, messages):
    """Medians and the 99th percentile in milliseconds, and the flush time of the same disk."""
    with served(kind, sink=ClockedSink) as (server, sink):
        client = Client(server.port)
        replies, arrivals = [], []
        for number in range(messages + 5):
            dot, replied = client.send()
            arrived = sink.wait(number + 1)
            if number >= 5:  # the first ones open connections
                replies.append((replied - dot) * 1e3)
                arrivals.append((arrived - dot) * 1e3)
            time.sleep(0.02)
        return {"dot to 250 ms": statistics.median(replies),
                "dot to next hop ms": statistics.median(arrivals),
                "p99 ms": statistics.quantiles(arrivals, n=100)[98],
                "flush ms": flush_time(server.folder)}


def flush_time(folder, times=200):
    """Median milliseconds of writing 4 KiB over a file that is there and fdatasync."""
    path = folder / "flush"
    path.write_bytes(bytes(4096 * times))
    taken = []
    with open(path, "r+b", buffering=0) as file:
        os.fsync(file)
        for _ in range(times):
            begin = time.monotonic()
            file.write(bytes(4096))
            os.fdatasync(file)
            taken.append((time.monotonic() - begin) * 1e3)
    path.unlink()
    return statistics.median(taken)
