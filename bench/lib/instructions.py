"""Instructions of small requests outside of the kernel, counted by valgrind's callgrind: nearly
the same each time, also on a machine that is busy or has no counters. Most of what a request costs
is in the kernel, which they leave out."""

from __future__ import annotations

import re
import shutil

import pairs
import report
from settings import BenchError, Settings, Side, find
from stage import Stage
from traffic import Kind, Request, chosen

# Two runs of different length: the difference is free of starting and stopping.
FEW, MORE = 20, 400


def instructions(stage: Stage, side: int, request: Request, requests: int) -> int:
    valgrind = (find("valgrind"), "--tool=callgrind", "--callgrind-out-file=/dev/null")
    # One process, so that it isn't a worker, forked from a counted master, that is to be counted.
    with stage.start_proxy(side, valgrind, "-g", "master_process off;") as proxy:
        stage.describe(side, request, requests)
        said = proxy.stop()
    found = re.search(r"Collected : (\d+)", said)
    if found is None:
        raise BenchError(f"valgrind: {said.strip()[-500:]}")
    return int(found.group(1))


def per_request(stage: Stage, side: int, request: Request, few: int) -> float:
    return (instructions(stage, side, request, few + MORE)
            - instructions(stage, side, request, few)) / MORE


def compare(run: Settings, sides: tuple[Side, Side],
            kinds: tuple[Kind, ...], few: int = FEW) -> list[pairs.Comparison]:
    """One comparison for each kind of request; printed as they are made. Without health checks: they
    go by time, of which valgrind takes many times more for each request. After `few` requests
    nothing is new any more."""
    sides = tuple(side.having(side.title, CHECK="off", OFFICE_CHECK="off") for side in sides)
    if shutil.which("valgrind") is None:
        print("instructions are left out: apt-get install valgrind")
        return []
    stage = Stage(run, sides)
    found: list[pairs.Comparison] = []
    with stage.start_servers():
        for kind in chosen(kinds[:2] if run.quick else kinds, run.only):
            comparison = pairs.Comparison(f"{kind.name}, instructions in user space", "",
                                          sides=stage.titles)
            comparison.pairs = [(per_request(stage, 0, kind.request, few),
                                 per_request(stage, 1, kind.request, few))]
            print(report.line(comparison), flush=True)
            found.append(comparison)
    return found
