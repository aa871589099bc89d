"""What mail for a host that refuses every connection does to the mail for one that does not.

Two servers of a kind, one with the dead host's mail and one without, relay in turn: a rate before
and a rate after would tell as much of what the machine did meanwhile.
"""
import statistics
import time

from latency import Client, ClockedSink
from throughput import WARM, load, served

CHUNK = 1000
PAIRS = 5


def live_rate(server, seconds, waiting):
    """Messages relayed a second while `waiting` others stay in the queue."""
    begin = time.monotonic()
    load(server, WARM, 20, 10240)
    settle(server, waiting, seconds * 5)
    messages = int(max(WARM, WARM / (time.monotonic() - begin) * seconds))
    begin = time.monotonic()
    load(server, messages, 20, 10240)
    left = settle(server, waiting, seconds * 5)
    return (messages - left) / (time.monotonic() - begin)


def settle(server, waiting, limit):
    end = time.monotonic() + limit
    while (left := server.queued() - waiting) > 0 and time.monotonic() < end:
        time.sleep(0.02)
    return max(left, 0)


def in_turn(without, beside, seconds):
    """The medians of both servers' live rates."""
    waiting = beside.queued()
    rates = [(live_rate(without, seconds, 0), live_rate(beside, seconds, waiting))
             for _ in range(PAIRS)]
    return [statistics.median(rate) for rate in zip(*rates)]


def one_round(kind, messages, seconds):
    """`messages` for the dead host, or as many as are taken within a minute."""
    with served(kind) as (without, _), served(kind) as (server, sink):
        took = sent = 0
        while sent < messages and took < 60:
            took += load(server, CHUNK, 20, 10240, to="user@dead.example")
            sent += CHUNK
        time.sleep(3)  # until the destination is known to be dead
        alone, beside = in_turn(without, server, seconds)
        port = sink.port
        sink.stop()
        clocked = ClockedSink(None, port)
        try:
            server.stop()
            begin = time.monotonic()
            server.begin()
            Client(server.port).send()
            first = clocked.wait(1) - begin
        finally:
            clocked.stop()
        return {"dead queued": sent, "dead accepted/s": sent / took, "live/s without": alone,
                "live/s beside": beside, "beside / without": beside / alone,
                "start to first s": first}
