"""Memory of a proxy for each phone that waits: a pending GET over TLS on both sides, to which
nothing has been answered yet. Beside HAProxy and beside nginx by hand."""

from __future__ import annotations

import shutil
import time

import phones
import pairs
import report
from processes import Nginx
from settings import HANDWRITTEN, HAPROXY, PUBLISHED, BenchError, Settings, Side
from stage import Stage

TITLE = "Waiting phones"
BOUND = {HAPROXY.title: 0.88, HANDWRITTEN.title: None}
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
            deadline = time.monotonic() + 30
            while silent.held() < at_first + number:
                if time.monotonic() > deadline:
                    raise BenchError(f"{silent.held()} of {at_first + number} requests arrived")
                time.sleep(0.05)
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


def measure(run: Settings) -> list[pairs.Comparison]:
    phones.raise_limit(20000)
    count = 200 if run.quick else 2000
    found = []
    for yardstick in (HAPROXY, HANDWRITTEN):
        if yardstick is HAPROXY and shutil.which("haproxy") is None:
            print("left out: apt-get install haproxy")
            continue
        found.append(compare(run, run.sides(yardstick, PUBLISHED), count,
                             BOUND[yardstick.title]))
        print(report.line(found[-1]), flush=True)
    return found


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
