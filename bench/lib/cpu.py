"""What processes cost: nanoseconds on a core, and instructions where the machine counts them."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
from pathlib import Path


def processes_of(pid: int) -> list[int]:
    """A process and its children, the master and its workers."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(int(child) for child in children)]


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of these processes so far.

    The scheduler's own account, in nanoseconds; the clock ticks of /proc/PID/stat (10 ms) would
    be too coarse for a few seconds.
    """
    total = 0
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            total += int((thread / "schedstat").read_text().split()[0])
    return total / 1e9


def run_for_cpu(argv: list[str], core: int) -> tuple[float, int, str]:
    """Runs a command on one core: its CPU seconds, exit status, and what it said."""
    usage, status, said = run_for_usage(argv, core)
    return usage.ru_utime + usage.ru_stime, status, said


def run_for_usage(argv: list[str], core: int) -> tuple[resource.struct_rusage, int, str]:
    """The same with all that it used."""
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace",
                          preexec_fn=lambda: os.sched_setaffinity(0, {core})) as child:
        assert child.stdout is not None
        said = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    return usage, child.returncode, said


class Instructions:
    """Counts the instructions of processes while a block runs; None where that isn't possible.

    Virtual machines often have no counters, and a kernel may forbid them.
    """

    def __init__(self, pids: list[int]):
        self.count: int | None = None
        self._pids = pids
        self._perf: subprocess.Popen[str] | None = None

    @staticmethod
    def available() -> bool:
        if shutil.which("perf") is None:
            return False
        done = subprocess.run(["perf", "stat", "-x;", "-e", "instructions", "true"],
                              capture_output=True, text=True, check=False)
        return done.returncode == 0 and read_count(done.stderr) is not None

    def __enter__(self) -> Instructions:
        self._perf = subprocess.Popen(
            ["perf", "stat", "-x;", "-e", "instructions", "-p", ",".join(map(str, self._pids))],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *failure: object) -> None:
        assert self._perf is not None
        self._perf.send_signal(signal.SIGINT)   # perf's way of being told to report
        _, said = self._perf.communicate()
        self.count = read_count(said)


def read_count(said: str) -> int | None:
    """The number in `perf stat -x;`: "81234;;instructions;..." or "<not supported>;;..."."""
    found = re.search(r"^(\d+);[^;]*;instructions", said, re.MULTILINE)
    return int(found.group(1)) if found else None
