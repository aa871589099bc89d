"""A name server and a next hop from a script, for tests that change what they say and look at when
they were asked."""
import socket
import socketserver
import struct
import threading
import time

A, SOA, MX, AAAA = 1, 6, 15, 28


class Peer:
    """A next hop on an address of its own that notes when each message came, and when its MAIL did."""

    def __init__(self, address, port):
        peer = self
        self.arrivals = []
        self.letters = []  # (time of MAIL, recipient)

        class Session(socketserver.StreamRequestHandler):
            disable_nagle_algorithm = True

            def handle(self):
                self.wfile.write(b"220 peer.example\r\n")
                began, recipient = 0.0, ""
                for line in self.rfile:
                    verb = line[:4].upper()
                    if verb == b"MAIL":
                        began = time.monotonic()
                    elif verb == b"RCPT":
                        recipient = line[line.index(b"<") + 1:line.index(b">")].decode()
                    elif verb == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        while self.rfile.readline() not in (b".\r\n", b""):
                            pass
                        peer.arrivals.append(time.monotonic())
                        peer.letters.append((began, recipient))
                    self.wfile.write({b"QUIT": b"221 bye\r\n",
                                      b"EHLO": b"250-peer.example\r\n250 PIPELINING\r\n"}.get(
                                          verb, b"250 ok\r\n"))
                    if verb == b"QUIT":
                        return

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 1024

        self.server = Server((address, port), Session)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


class Dns:
    """A name server from a script, {(name, type): (ttl, [data])}, that notes each question. Names
    without an entry do not exist; `hold` makes every answer wait, `twist(name, kind, octets)` spoils
    them."""

    def __init__(self, records):
        self.records = records
        self.asked = []  # (time, name, type)
        self.answered = []  # (time, name, type, data)
        self.hold = threading.Event()
        self.hold.set()
        self.twist = lambda name, kind, octets: octets
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def stop(self):
        self.hold.set()
        self.socket.sendto(b"", ("127.0.0.1", self.port))  # wakes the thread, which then ends
        self.thread.join()
        self.socket.close()

    def times(self, name, kind):
        return [at for at, asked, asked_kind in list(self.asked) if (asked, asked_kind) == (name, kind)]

    def count(self, name, kind):
        return len(self.times(name, kind))

    def serve(self):
        while True:
            packet, client = self.socket.recvfrom(4096)
            if not packet:
                return
            name, at = "", 12
            while packet[at]:
                name += "." + packet[at + 1:at + 1 + packet[at]].decode()
                at += 1 + packet[at]
            name, kind = name[1:].lower(), struct.unpack("!H", packet[at + 1:at + 3])[0]
            self.asked.append((time.monotonic(), name, kind))
            self.hold.wait()
            ttl, data = self.records.get((name, kind), (0, []))
            self.answered.append((time.monotonic(), name, kind, data))
            answer = self.answer(packet, at + 5, name, kind, ttl, data)
            self.socket.sendto(self.twist(name, kind, answer), client)

    def answer(self, packet, end, name, kind, ttl, data):
        exists = any(known == name for known, _ in self.records)
        sections = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, ttl, len(one)) + one
                            for one in map(lambda d: self.rdata(kind, d), data))
        soa = b""
        if not data:
            body = wire("ns.example") + wire("root.example") + struct.pack("!5I", 1, 60, 60, 60, 3)
            soa = b"\0" + struct.pack("!HHIH", SOA, 1, 3, len(body)) + body
        flags = 0x8580 | (0 if exists else 3)
        head = packet[:2] + struct.pack("!5H", flags, 1, len(data), 0 if data else 1, 0)
        return head + packet[12:end] + sections + soa

    @staticmethod
    def rdata(kind, data):
        if kind == A:
            return socket.inet_aton(data)
        preference, host = data.split(" ")
        return struct.pack("!H", int(preference)) + wire(host)
