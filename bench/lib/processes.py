"""nginx instances: started from a template, pinned, and stopped by the process that was started."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

from cpu import processes_of
from settings import BenchError

START_TIMEOUT = 120.0     # of 20,000 names under valgrind
STOP_TIMEOUT = 10.0


def fill(template: Path, values: dict[str, object], out: Path) -> None:
    """Writes a template with each @NAME@ replaced, also in values."""
    def value(match: re.Match[str]) -> str:
        if match.group(1) not in values:
            raise BenchError(f"{template.name} has @{match.group(1)}@, which isn't set")
        return replaced(str(values[match.group(1)]))

    def replaced(text: str) -> str:
        return re.sub(r"@([A-Z0-9_]+)@", value, text)

    out.write_text(replaced(template.read_text()))


def own_values(directory: Path) -> dict[str, object]:
    """What every template needs: its directory, and workers that can read it."""
    return {"DIR": directory, "USER": "user root;" if os.geteuid() == 0 else ""}


def command(nginx: str, directory: Path) -> list[str]:
    """How nginx is called with the nginx.conf of a directory."""
    return [nginx, "-p", str(directory), "-c", str(directory / "nginx.conf"),
            "-e", str(directory / "error.log")]


class Nginx:
    """One running nginx, master and worker on the given cores."""

    def __init__(self, argv: list[str], directory: Path, cores: set[int],
                 answers: tuple[str, int]):
        self.error_log = directory / "error.log"
        self._said = (directory / "said").open("w+")
        # A new session: what stops the harness, such as an interrupt, is ours to pass on.
        self._process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=self._said, stderr=self._said,
            start_new_session=True, preexec_fn=lambda: os.sched_setaffinity(0, cores))
        try:
            self._wait_for(answers)
        except BaseException:
            self.stop()
            raise

    def _wait_for(self, answers: tuple[str, int]) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            if self._process.poll() is not None:
                raise BenchError("nginx didn't start: " + self.stop().strip())
            try:
                socket.create_connection(answers, 1.0).close()
                return
            except OSError:
                pass
            if time.monotonic() > deadline:
                raise BenchError("nginx doesn't answer on %s:%d" % answers)
            time.sleep(0.02)

    def pids(self) -> list[int]:
        """The master, if there is one, and its worker."""
        return processes_of(self._process.pid)

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def complaints(self) -> list[str]:
        """Lines of the error log that make a measurement worthless."""
        lines = self.error_log.read_text(errors="replace").splitlines()
        return [line for line in lines if re.search(r"\[(error|crit|alert|emerg)\]", line)]

    def stop(self) -> str:
        """Ends it, if it still runs; returns what it printed."""
        deadline = time.monotonic() + STOP_TIMEOUT
        while self._process.poll() is None:
            # More than once: a single process (without a master) that is just about to wait for
            # events goes on waiting.
            if time.monotonic() < deadline:
                self._process.send_signal(signal.SIGTERM)
            else:
                self._process.kill()
            try:
                self._process.wait(1.0)
            except subprocess.TimeoutExpired:
                pass
        if self._said.closed:
            return ""
        self._said.seek(0)
        said = self._said.read()
        self._said.close()
        return said

    def __enter__(self) -> Nginx:
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop()
