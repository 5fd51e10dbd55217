"""Memory of a proxy for each pending GET over TLS on both sides, to which nothing has been answered
yet."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Callable

import cpu
import pairs
import phones
from processes import Nginx
from settings import BenchError, Settings, Side
from stage import Stage

HOST = "lyncwebext.contoso.com"

# What a process keeps for good is there before the count begins.
WARM_UP = 64
SETTLE = 3.0    # seconds, until what is given back after a while has been


def hold(stage: Stage, side: int, proxy: Nginx, silent: phones.SilentServer, count: int) -> float:
    """KiB for each of `count` held requests."""
    waiting = phones.Phones((stage.PROXY, stage.https(side)), HOST,
                         str(stage.pki / "public-ca.pem"))
    try:
        before = 0
        for number in (WARM_UP, count):
            at_first = silent.held()
            waiting.ask(number)
            wait_until(lambda: silent.held() == at_first + number, f"{at_first + number} requests")
            time.sleep(SETTLE)
            memory = phones.pss(proxy.pids())
            if number == WARM_UP:
                before = memory
        silent.answer()
        if waiting.answered() != WARM_UP + count:
            raise BenchError("a held request wasn't answered")
        return (memory - before) / count / 1024
    finally:
        waiting.close()


def compare(run: Settings, sides: tuple[Side, Side], count: int,
            bound: float | None) -> pairs.Comparison:
    stage = Stage(run, sides)
    made = pairs.Comparison(f"{count:,} held GETs, memory of each", "KiB", bound,
                            sides=stage.titles)
    with stage.start_servers():
        silent = phones.SilentServer(run.build / "servers/held.sock")
        try:
            def one(side: int) -> float:
                with stage.start_proxy(side) as proxy:
                    return hold(stage, side, proxy, silent, count)
            made.pairs = pairs.measure_pairs(min(run.pairs, 5), one)
        finally:
            silent.close()
    return made


def kernel_memory(port: int) -> int:
    """Bytes that the kernel holds for the sockets of a port, both ends of them."""
    said = subprocess.run(["ss", "-tmn", "state", "established", f"( sport = :{port} or dport = :{port} )"],
                          capture_output=True, text=True, check=True).stdout
    return sum(int(size) for size in re.findall(r"\b(?:r|t|f|w|o|bl)(\d+)", said))


def grow(run: Settings, side: Side, few: int, many: int) -> pairs.Comparison:
    """Memory for each of a few and of many held requests, in one process. Meanwhile, as the comparison's
    note: CPU while nothing happens, a reload, and all answers at once."""
    stage = Stage(run, (side, side))
    found = pairs.Comparison("phone that waits", "KiB", 1.03, sides=(f"{few:,} of them", f"{many:,}"))
    with stage.start_servers():
        silent = phones.SilentServer(run.build / "servers/held.sock")
        try:
            with stage.start_proxy(0) as proxy:
                waiting = phones.Phones((stage.PROXY, stage.https(0)), HOST, str(stage.pki / "public-ca.pem"))
                memory, count = [], 0
                for number in (WARM_UP, few, many - few):
                    waiting.ask(number)
                    count += number
                    wait_until(lambda: silent.held() == count, f"{count} requests arrived")
                    time.sleep(SETTLE)
                    memory.append(phones.pss(proxy.pids()))
                found.pairs = [((memory[1] - memory[0]) / few / 1024, (memory[2] - memory[0]) / many / 1024)]
                idle = cpu.cpu_seconds(proxy.pids())
                time.sleep(10.0)
                idle = (cpu.cpu_seconds(proxy.pids()) - idle) / 10
                kernel = kernel_memory(stage.https(0)) / count / 1024
                old = set(proxy.pids())
                proxy.signal(signal.SIGHUP)
                wait_until(lambda: len(set(proxy.pids()) - old) == 1, "a new worker")
                started = time.monotonic()
                silent.answer()
                good = waiting.answered()
                took = time.monotonic() - started
                waiting.close()
                found.note = (f"{idle * 100:.2f} % of a core while nothing happens; the kernel's sockets of "
                              f"clients {kernel:.1f} KiB each; after a reload {good:,} of {count:,} answered, "
                              f"all at once in {took:.1f} s")
        finally:
            silent.close()
    return found


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        if time.monotonic() > deadline:
            raise BenchError(f"not in time: {what}")
        time.sleep(0.05)
