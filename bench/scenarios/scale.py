"""What a small request costs where much is declared, beside the same publication with one of it: servers
of a pool, pools, SIP domains, names. Then 10,000 phones that wait on one worker: memory, what they
cost while nothing happens, a reload, and all answers at once."""

from __future__ import annotations

from dataclasses import replace

import holding
import instructions
import pairs
import phones
import report
from settings import PUBLISHED, Settings, Side
from stage import Stage
from traffic import SMALL_KINDS

TITLE = "Scale"


def each(count: int, line: str) -> str:
    return "\n".join(line.replace("#", str(number)) for number in range(count))


def pool(title: str, servers: tuple[str, ...], affinity: str) -> Side:
    lines = "\n".join(f"server {address};" for address in servers)
    return Side(title, "pools", {"SERVERS": lines, "CHECK": "off", "AFFINITY": affinity})


def sides() -> list[tuple[Side, Side]]:
    one = PUBLISHED.having("one of each")
    return [
        (one, PUBLISHED.having("50 pools", DIRECTIVES=each(
            50, "pool p#.contoso.local { external_web_services web#.contoso.com; server 127.0.0.21; }"))),
        (one, PUBLISHED.having("20,000 SIP domains", SIP_DOMAINS="contoso.com " + each(20000, "d#.example"))),
        (one, PUBLISHED.having("5,000 more names", DIRECTIVES=each(
            5000, "simple_url meet https://m#.contoso.com;"))),
    ]


def measure(run: Settings) -> list[pairs.Comparison]:
    found: list[pairs.Comparison] = []
    kinds = SMALL_KINDS[:1]
    for affinity in ("none", "source"):
        few, many = (pool(title, servers, affinity) for title, servers in (
            ("one server", Stage.POOL[:1]), (f"200 servers, affinity {affinity}", Stage.MANY)))
        if run.only in many.title: # instructions, once there is a connection to each of them
            found += instructions.compare(replace(run, only=""), run.sides(few, many), kinds, few=1000)
    for first, second in sides():
        if run.only in second.title:
            found += instructions.compare(replace(run, only=""), run.sides(first, second), kinds)
    if run.only in "phones":
        # A phone is two files of a proxy: of 20,000 that a process may have open, 9,750 phones.
        most = 1000 if run.quick else min(10000, phones.raise_limit(21000) // 2 - 250)
        found.append(holding.grow(run, PUBLISHED, most // 5, most))
        print(report.line(found[-1]), flush=True)
    return found
