"""CPU per request of a pool with three servers whose health is checked, beside the same publication
with one server and no check: what choosing a server, counting over all workers and checking cost.
Then the instructions in user space of the same without checks, which also a busy machine counts
well."""

from __future__ import annotations

import instructions
import pairs
import proxies
from settings import Settings, Side
from stage import Stage
from traffic import POOL_KINDS

TITLE = "Pools: three servers, checked, beside one"
BOUND = 1.03


def side(title: str, servers: int, check: str, affinity: str) -> Side:
    lines = "\n".join(f"            server                 {address};"
                      for address in Stage.POOL[:servers])
    return Side(title, "pools", {"SERVERS": lines, "CHECK": check, "AFFINITY": affinity})


ONE = side("one server", 1, "off", "none")
CHECKED = "autodiscover"


def measure(run: Settings) -> list[pairs.Comparison]:
    found = []
    for affinity in ("none", "source"):
        three = side(f"three servers, affinity {affinity}", 3, CHECKED, affinity)
        print(f"affinity {affinity}:")
        found += proxies.compare(run, run.sides(ONE, three), POOL_KINDS, BOUND)
        found += instructions.compare(run, run.sides(ONE, three), POOL_KINDS[:1])
    return found
