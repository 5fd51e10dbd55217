"""What was found: lines for a terminal, a table for docs/benchmarks.md, JSON for programs."""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
import shlex
import subprocess
import sys
from pathlib import Path

from pairs import Comparison
from settings import Settings


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}"


def quantity(value: float, comparison: Comparison) -> str:
    return f"{number(value)} {comparison.unit}".strip()


def line(comparison: Comparison) -> str:
    low, high = comparison.spread
    first, second = comparison.medians
    bound = "" if comparison.bound is None else \
        f"  {'within' if comparison.holds else 'ABOVE'} {comparison.bound:.2f}"
    note = f"  ({comparison.note})" if comparison.note else ""
    spread = f" [{low:.3f}, {high:.3f}]" if len(comparison.pairs) > 1 else ""
    return (f"{comparison.name}\n    ratio {comparison.ratio:.3f}{spread}{bound}  "
            + " -> ".join(f"{side}: {quantity(value, comparison)}"
                          for side, value in zip(comparison.sides, (first, second)))
            + f", {len(comparison.pairs)} pairs{note}")


def versions(run: Settings) -> list[tuple[str, str]]:
    """What the numbers depend on."""
    nginx = _said([run.nginx, "-V"])
    facts = [
        ("date", datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")),
        ("command", " ".join(["bench/run", *map(shlex.quote, sys.argv[1:])])),
        ("module", _revision()),
        ("nginx", _find(r"nginx version: nginx/(.*)", nginx)),
        ("OpenSSL of nginx", _find(r"(?:built|running) with (OpenSSL [^\n]*)", nginx)),
        ("load", _find(r"wrk (\S+)", _said(["wrk", "-v"]), "wrk ")),
        ("system", f"{_system()}, Linux {platform.release()}"),
        ("processor", f"{_processor()}, {os.cpu_count()} cores"),
        ("cores", f"proxy on {run.proxy_core}, servers and load on "
                  + ",".join(map(str, run.other_cores))),
        ("load average at the end", "%.1f" % os.getloadavg()[0]),
    ]
    return facts


def markdown(run: Settings, parts: list[tuple[str, list[Comparison]]]) -> str:
    text = "".join(f"    {name + ':':26}{value}\n" for name, value in versions(run))
    for title, comparisons in parts:
        text += f"\n### {title}\n"
        sides = None
        for found in comparisons:
            if found.sides != sides:
                sides = found.sides
                text += f"\n| | {sides[0]} | {sides[1]} | ratio | 95 % | bound |\n"
                text += "|---|--:|--:|--:|---|---|\n"
            text += row(found)
    return text


def row(found: Comparison) -> str:
    low, high = found.spread
    spread = f"{low:.3f} to {high:.3f}" if len(found.pairs) > 1 else ""
    bound = "" if found.bound is None else f"{found.bound:.2f}"
    first, second = (quantity(value, found) for value in found.medians)
    return f"| {found.name} | {first} | {second} | {found.ratio:.3f} | {spread} | {bound} |\n"


def write(run: Settings, parts: list[tuple[str, list[Comparison]]]) -> list[Path]:
    out = run.build / "results"
    table = out.with_suffix(".md")
    table.write_text(markdown(run, parts))
    data = out.with_suffix(".json")
    data.write_text(json.dumps({
        "versions": dict(versions(run)),
        "parts": {title: [found.as_json() for found in comparisons]
                  for title, comparisons in parts},
    }, indent=1) + "\n")
    return [table, data]


def _said(argv: list[str]) -> str:
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)
    except OSError:
        return ""
    return done.stdout + done.stderr


def _find(pattern: str, text: str, before: str = "") -> str:
    found = re.search(pattern, text)
    return before + found.group(1).strip() if found else "unknown"


def _revision() -> str:
    here = str(Path(__file__).parent)
    revision = _said(["git", "-C", here, "rev-parse", "--short", "HEAD"]).strip()
    if not re.fullmatch(r"[0-9a-f]+", revision):
        return "not committed"
    changed = _said(["git", "-C", here, "status", "--porcelain", "-uno", "--", "../../src",
                     "../../ngx_lync_module.c"]).strip()
    return revision + (" and changes" if changed else "")


def _system() -> str:
    try:
        return _find(r'PRETTY_NAME="([^"]+)"', Path("/etc/os-release").read_text())
    except OSError:
        return platform.system()


def _processor() -> str:
    facts = Path("/proc/cpuinfo").read_text()
    vendor = _find(r"vendor_id\s*: (.*)", facts)
    name = _find(r"model name\s*: (.*)", facts)
    return name if not re.fullmatch(r"\d+|unknown", name) else f"{vendor} model {name}"
