"""What a server costs: the CPU and memory of all its processes, and what reaches the disk.

The processes are held together by a cgroup (version 2, which counts CPU without any controller),
for some servers fork away from their parents and nobody waits for what they forked.
"""
import dataclasses
import os
import pathlib
import signal
import time


@dataclasses.dataclass
class Cost:
    cpu: float  # user and system seconds
    written: int  # octets that reached the disk, whoever wrote them: keep the machine idle

    def __sub__(self, before):
        return Cost(self.cpu - before.cpu, self.written - before.written)


class Group:
    """The processes of one server, and the disk under its folder."""

    def __init__(self, folder):
        device = os.stat(folder).st_dev
        self.disk = pathlib.Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")
        self.path = hierarchy() / f"postrider-bench-{os.getpid()}-{time.monotonic_ns()}"
        self.path.mkdir()

    def join(self):
        """Called in the child, before it becomes the server."""
        (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def processes(self):
        return [int(line) for line in (self.path / "cgroup.procs").read_text().split()]

    def cost(self):
        usage = dict(line.split() for line in (self.path / "cpu.stat").read_text().splitlines())
        # On a file system in memory there is no disk.
        sectors = int(self.disk.read_text().split()[6]) if self.disk.exists() else 0
        return Cost(int(usage["usage_usec"]) / 1e6, sectors * 512)

    def memory(self):
        """Octets, pages shared by several processes counted once (PSS)."""
        total = 0
        for process in self.processes():
            try:
                text = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text()
            except OSError:
                continue
            total += sum(int(line.split()[1]) * 1024 for line in text.splitlines()
                         if line.startswith("Pss:"))
        return total

    def end(self):
        """End what the server left behind."""
        deadline = time.monotonic() + 10
        while remaining := self.processes():
            over = time.monotonic() > deadline
            for process in remaining:
                try:
                    os.kill(process, signal.SIGKILL if over else signal.SIGTERM)
                except ProcessLookupError:
                    pass
            time.sleep(0.05)
        self.path.rmdir()


def hierarchy():
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        _, path, kind, *_ = line.split()
        if kind == "cgroup2":
            return pathlib.Path(path)
    raise RuntimeError("no cgroup2 is mounted; mount -t cgroup2 none /sys/fs/cgroup")
