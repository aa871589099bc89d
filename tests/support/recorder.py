"""A next hop that remembers each arrival: when its final dot came, when the 250 went out.

It refuses recipients whose local part begins with "bad" (550) and defers those that begin with
"slow" the first time they are asked for a message (451), so that mail fails, waits and succeeds;
"wait" as long as `full` is true.
"""
import collections
import random
import socket
import threading
import time

Arrival = collections.namedtuple("Arrival", "sender recipients content dot answered")


class Recorder:
    """answered is None when the client was gone before the reply could be sent."""

    def __init__(self, slow_answers=0.0, port=0, seed=1):
        self.slow_answers = slow_answers  # share of final replies that take up to 0.2 s
        self.random = random.Random(seed)
        self.arrivals = []
        self.deferred = set()
        self.full = True
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", port), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.connections = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with connection, connection.makefile("rb") as lines:
                self._converse(connection, lines)
        except OSError:
            pass
        finally:
            with self.lock:
                self.connections.discard(connection)

    def _converse(self, connection, lines):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(b"220 recorder.example ESMTP\r\n")
        sender, recipients = "", []
        for line in lines:
            verb = line[:4].upper()
            reply = b"250 2.0.0 ok\r\n"
            if verb == b"EHLO":
                reply = b"250-recorder.example\r\n250-8BITMIME\r\n250-PIPELINING\r\n250 SIZE\r\n"
            elif verb == b"MAIL":
                sender, recipients = self._path(line), []
            elif verb == b"RCPT":
                reply = self._judge(self._path(line), sender, recipients)
            elif verb == b"DATA":
                if recipients:
                    connection.sendall(b"354 go on\r\n")
                    if not self._take(connection, lines, sender, recipients):
                        return
                    continue
                reply = b"554 5.5.1 no recipients\r\n"
            elif verb == b"QUIT":
                connection.sendall(b"221 2.0.0 bye\r\n")
                return
            connection.sendall(reply)

    @staticmethod
    def _path(line):
        return line[line.index(b"<") + 1:line.index(b">")].decode()

    def _judge(self, address, sender, recipients):
        if address.startswith("bad"):
            return b"550 5.1.1 nobody of that name\r\n"
        if address.startswith("slow") and (sender, address) not in self.deferred:
            self.deferred.add((sender, address))
            return b"451 4.2.1 later\r\n"
        if address.startswith("wait") and self.full:
            return b"452 4.2.2 mailbox full\r\n"
        recipients.append(address)
        return b"250 2.1.5 ok\r\n"

    def _take(self, connection, lines, sender, recipients):
        content = []
        for line in lines:
            if line == b".\r\n":
                break
            content.append(line[1:] if line.startswith(b".") else line)
        else:
            return False  # cut before the dot: nothing arrived
        dot = time.monotonic()
        if self.random.random() < self.slow_answers:
            time.sleep(self.random.random() * 0.2)
        answered = None
        try:
            # Counted before it is sent: the client may have it before we are back.
            answered = time.monotonic()
            connection.sendall(b"250 2.0.0 taken\r\n")
        except OSError:
            answered = None
        with self.lock:
            self.arrivals.append(
                Arrival(sender, tuple(recipients), b"".join(content), dot, answered))
        return answered is not None

    def hang_up(self):
        """Cut every connection, as a host that dies does."""
        with self.lock:
            for connection in self.connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def stop(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.hang_up()
