"""Instructions of small requests outside of the kernel, counted by valgrind's callgrind, also on a
machine that is busy or has no counters. Most of what a request costs is in the kernel, which they
leave out. Each time nearly the same, but for malloc's and free's: those go by the pieces that the
start has left in the heap, so the notes show what they leave."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pairs
import report
from settings import BenchError, Settings, Side, find
from stage import Stage
from traffic import Kind, Request, chosen

# Two runs of different length: the difference is free of starting and stopping.
FEW, MORE = 20, 400

ALLOCATOR = re.compile(r"(_int_|_mid_|posix_)?(malloc|free|calloc|realloc|memalign)\b"
                       r"|unlink_chunk|malloc_consolidate|(alloc|free)_perturb|sysmalloc|systrim")


def instructions(stage: Stage, side: int, request: Request, requests: int) -> tuple[int, int]:
    """All, and those of the allocator."""
    out = stage.run.build / "callgrind.out"
    out.unlink(missing_ok=True)
    valgrind = (find("valgrind"), "--tool=callgrind", f"--callgrind-out-file={out}")
    # One process, so that it isn't a worker, forked from a counted master, that is to be counted.
    with stage.start_proxy(side, valgrind, "-g", "master_process off;") as proxy:
        stage.describe(side, request, requests)
        said = proxy.stop()
    if not out.exists():
        raise BenchError(f"valgrind: {said.strip()[-500:]}")
    return count(out)


def count(out: Path) -> tuple[int, int]:
    """Adds up a callgrind file: each function is followed by lines of what it took itself, and after
    "calls=" by one of what the called function took."""
    names: dict[str, str] = {}
    found, of_allocator = [0, 0], False
    lines = iter(out.open())
    for line in lines:
        if line.startswith(("fn=", "cfn=")):
            number, _, name = line.strip().partition("=")[2].partition(" ")
            name = names.setdefault(number, name)
            of_allocator = ALLOCATOR.match(name) is not None if line[0] == "f" else of_allocator
        elif line.startswith("calls="):
            next(lines)
        elif line[0] in "0123456789+-*":
            found[of_allocator] += int(line.split()[1])
    return sum(found), found[True]


def per_request(stage: Stage, side: int, request: Request, few: int) -> tuple[float, float]:
    """All, and without the allocator's."""
    more, fewer = (instructions(stage, side, request, number) for number in (few + MORE, few))
    total, allocator = ((more[i] - fewer[i]) / MORE for i in (0, 1))
    return total, total - allocator


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
            first, second = (per_request(stage, side, kind.request, few) for side in (0, 1))
            comparison.pairs = [(first[0], second[0])]
            comparison.note = (f"without malloc's and free's {second[1] / first[1]:.3f}, "
                               f"{first[1]:,.0f} -> {second[1]:,.0f}")
            print(report.line(comparison), flush=True)
            found.append(comparison)
    return found
