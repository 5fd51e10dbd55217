"""Instructions of small requests outside of the kernel, counted by valgrind's callgrind: nearly
the same each time, also on a machine that is busy or has no counters. They tell what the module
adds; most of what a request costs is in the kernel and in the other scenarios."""

from __future__ import annotations

import re
import shutil

import pairs
import report
from settings import HANDWRITTEN, PUBLISHED, BenchError, Settings, find
from stage import Stage
from traffic import SMALL_KINDS, Request, chosen

TITLE = "Instructions in user space"

# Two runs of different length: the difference is free of starting and stopping.
FEW, MANY = 20, 420


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


def per_request(stage: Stage, side: int, request: Request) -> float:
    return (instructions(stage, side, request, MANY)
            - instructions(stage, side, request, FEW)) / (MANY - FEW)


def measure(run: Settings) -> list[pairs.Comparison]:
    if shutil.which("valgrind") is None:
        print("left out: apt-get install valgrind")
        return []
    sharing = HANDWRITTEN.having("hand-written, keepalive", POOL_KEEPALIVE="keepalive 64;")
    stage = Stage(run, run.sides(sharing, PUBLISHED))
    found: list[pairs.Comparison] = []
    with stage.start_servers():
        for kind in chosen(SMALL_KINDS[:2] if run.quick else SMALL_KINDS, run.only):
            comparison = pairs.Comparison(kind.name, "", sides=stage.titles)
            comparison.pairs = [(per_request(stage, 0, kind.request),
                                 per_request(stage, 1, kind.request))]
            print(report.line(comparison), flush=True)
            found.append(comparison)
    return found
