"""Memory of a proxy for each phone that waits: a pending GET over TLS on both sides, to which
nothing has been answered yet. Beside HAProxy and beside nginx by hand."""

from __future__ import annotations

import shutil

import holding
import pairs
import phones
import report
from settings import HANDWRITTEN, HAPROXY, PUBLISHED, Settings

TITLE = "Waiting phones"
BOUND = {HAPROXY.title: 0.88, HANDWRITTEN.title: None}

def measure(run: Settings) -> list[pairs.Comparison]:
    phones.raise_limit(20000)
    count = 200 if run.quick else 2000
    found = []
    for yardstick in (HAPROXY, HANDWRITTEN):
        if yardstick is HAPROXY and shutil.which("haproxy") is None:
            print("left out: apt-get install haproxy")
            continue
        found.append(holding.compare(run, run.sides(yardstick, PUBLISHED), count,
                                     BOUND[yardstick.title]))
        print(report.line(found[-1]), flush=True)
    return found
