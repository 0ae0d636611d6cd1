"""The machine: what it is, whether somebody else is using it, and an agreement with those who share it."""
import contextlib
import fcntl
import os
import platform
import time


def describe():
    model = platform.machine()
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        fields = dict(line.split(":", 1) for line in file if ":" in line)
        fields = {name.strip(): value.strip() for name, value in fields.items()}
        model = fields.get("model name", model)
        if "cpu family" in fields:
            model += f" (family {fields['cpu family']}, model {fields.get('model', '?')})"
    with open("/proc/meminfo") as file:
        memory = int(file.readline().split()[1]) // 1024
    return {"cpu": model, "cores": len(os.sched_getaffinity(0)), "memory_mb": memory, "kernel": platform.release(),
            "load_before": os.getloadavg()[0]}


def _ticks():
    with open("/proc/stat") as file:
        values = [int(word) for word in file.readline().split()[1:9]]
    user, nice, system, idle, waiting, interrupts, soft, stolen = values
    return user + nice + system + interrupts + soft + stolen, idle + waiting


def busy_cores(seconds):
    """How many cores others keep busy (or the host takes away) while we sleep."""
    before = _ticks()
    time.sleep(seconds)
    after = _ticks()
    busy, idle = after[0] - before[0], after[1] - before[1]
    return os.cpu_count() * busy / max(busy + idle, 1)


class Lock:
    """Lock files by which users of one machine keep out of each other's way: whoever measures holds them alone, whoever
    computes holds the last one together with others. Those before the last are gates: they are kept while measuring, so that
    nobody new enters, but not for longer than `patience` seconds while others finish. Once held the lock is kept from case to
    case for `lease` seconds, then others have their turn."""

    def __init__(self, paths, patience=120.0, lease=45.0):
        self._paths, self._patience, self._lease = paths, patience, lease
        self._files, self._since = [], 0.0

    def take(self):
        """Holds the lock alone from here on, unless it is held already and the lease has not run out."""
        if self._files and time.monotonic() - self._since < self._lease:
            return
        self.give()
        files = [open(path, "a") for path in self._paths]
        while files and not self._try(files):
            time.sleep(2.0)
        self._files, self._since = files, time.monotonic()

    def give(self):
        for file in self._files:
            file.close()
        self._files = []

    def _try(self, files):
        for gate in files[:-1]:
            fcntl.flock(gate, fcntl.LOCK_EX)
        end = time.monotonic() + self._patience
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(files[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            if time.monotonic() > end:
                for gate in files[:-1]:
                    fcntl.flock(gate, fcntl.LOCK_UN)
                return False
            time.sleep(0.05)
