"""The daemon with tests/modules/interposer.cpp in front of its C library: which calls on files of its
spool fail, and how far its calendar is off, is decided here while it runs."""
import collections
import errno
import mmap
import os
import struct

from postrider import BUILD, Daemon

KINDS = ("create", "write", "sync", "allocate", "rename", "link", "unlink", "mkdir", "read")
PLACES = ("elsewhere", "spool", "log", "big", "corrupt", "CHECKPOINT")
SHORT_WRITE = -1
FOR_EVER = (1 << 63) - 1
GATE = 5  # words: calls, first, last, error, faults
WRITES, READS = 0, GATE
CALENDAR, TRUSTED_AGAIN, SEEN = 2 * GATE, 2 * GATE + 1, 2 * GATE + 2
FAILED = SEEN + len(KINDS) * len(PLACES)
SPOOL = 8 * (FAILED + len(KINDS) * len(PLACES))


class Interposer:
    """What the daemon's calls meet. It outlives the daemon: a restart goes on counting."""

    def __init__(self, folder, spool):
        self.path = folder / "interposer"
        self.path.write_bytes(bytes(4096))
        with open(self.path, "r+b") as file:
            self.words = mmap.mmap(file.fileno(), 4096)
        octets = os.fsencode(spool)
        self.words[SPOOL:SPOOL + len(octets)] = octets

    def word(self, index):
        return struct.unpack_from("q", self.words, 8 * index)[0]

    def put(self, index, value):
        struct.pack_into("q", self.words, 8 * index, value)

    def fail(self, first, last, error, gate=WRITES):
        """The calls with these numbers, counted from the start of the first daemon."""
        self.put(gate + 1, 0)
        self.put(gate + 2, last)
        self.put(gate + 3, error)
        self.put(gate + 1, first)

    def fail_from_now(self, error, gate=WRITES):
        self.fail(1, FOR_EVER, error, gate)

    def heal(self, gate=WRITES):
        self.put(gate + 1, 0)

    def calls(self, gate=WRITES):
        return self.word(gate)

    def faults(self, gate=WRITES):
        return self.word(gate + 4)

    def trusted_again(self):
        return self.word(TRUSTED_AGAIN)

    def shift_calendar(self, seconds):
        self.put(CALENDAR, self.word(CALENDAR) + round(seconds * 1_000_000_000))

    def by_kind(self, table=SEEN):
        """{"write log": 12, ...}; with FAILED those that were made to fail."""
        names = [f"{kind} {place}" for kind in KINDS for place in PLACES]
        counts = collections.Counter({name: self.word(table + i) for i, name in enumerate(names)})
        return +counts


class FaultyDaemon(Daemon):
    """A daemon with an Interposer."""

    def __init__(self, folder, config, **how):
        self.interposer = Interposer(folder, folder / "spool")
        super().__init__(folder, config, **how)

    def environment(self):
        return {**os.environ, "LD_PRELOAD": str(BUILD / "modules" / "interposer.so"),
                "POSTRIDER_INTERPOSER": str(self.interposer.path)}


def name_of(error):
    return "short write" if error == SHORT_WRITE else errno.errorcode[error]
