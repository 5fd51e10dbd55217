"""CPU of `nginx -t` with many SIP domains, beside a hand-written configuration with the same
names, and how it grows with their number."""

from __future__ import annotations

import random
import re
import textwrap
from pathlib import Path

import cpu
import pairs
import pki
import processes
import report
from settings import CONFIG, HANDWRITTEN, PUBLISHED, BenchError, Settings, free_ports

TITLE = "nginx -t"
BOUND = 2.0             # at the number of domains in JUDGED
JUDGED = 20000
COUNTS = (5000, 10000, 20000, 40000)
QUICK_COUNTS = (1000, 2000)

# What twice as many domains may cost, without what one domain costs. Linear is 2; n log n from
# 20,000 to 40,000 is 2.14; a quadratic part would make it 4.
DOUBLING_BOUND = 2.4

# The hand-written side's hashes, tuned: the fastest of buckets of 128, 256, 512, 1024 and 4096
# bytes and of n, 2n, n + 1000, 2n + 1000 and 11000 of them (docs/benchmarks.md).
BUCKET_SIZE = 1024


def hash_max_size(names: int) -> int:
    return max(11000, names + 1000)


def sip_domains(count: int) -> list[str]:
    """Domains as a hoster's customers have them, of 8 to 43 characters; the same ones each time."""
    words = ("contoso fabrikam northwind adventure works litware wingtip toys tailspin proseware "
             "lucerne publishing margie travel woodgrove bank coho vineyard alpine ski house "
             "graphic design institute humongous insurance fourth coffee trey research").split()
    endings = ("com", "net", "org", "de", "co.uk", "example", "com.br", "ca", "fr", "info")
    chance = random.Random(2)
    made: dict[str, None] = {}
    while len(made) < count:
        name = "-".join(chance.sample(words, chance.randint(1, 3)))
        made[f"{name}{chance.randint(1, 99999)}.{chance.choice(endings)}"] = None
    return list(made)


def argument_lines(words: list[str]) -> str:
    return textwrap.fill(" ".join(words), 96, initial_indent="", subsequent_indent=" " * 12,
                         break_long_words=False, break_on_hyphens=False)


class Configurations:
    """Both sides with a number of domains."""

    def __init__(self, run: Settings):
        self.run = run
        self.sides = run.sides(HANDWRITTEN, PUBLISHED)
        self.pki = run.build / "pki"
        pki.ensure(self.pki)
        self.ports = free_ports(2, ["127.0.0.1"])

    def write(self, side: int, count: int) -> Path:
        domains = sip_domains(count)
        names = ["lyncdiscover." + domain for domain in domains]
        directory = self.run.directory(f"names{side + 1}-{count}")
        processes.fill(CONFIG / f"{self.sides[side].template}.conf", {
            **processes.own_values(directory), **self.sides[side].values,
            "PKI": self.pki, "MODULE": self.run.module, "LISTEN": "127.0.0.1",
            "HTTP": self.ports[0], "HTTPS": self.ports[1],
            "POOL_1": "127.0.0.21", "POOL_2": "127.0.0.22", "OFFICE": "127.0.0.23",
            "POOL_HTTPS": 4443, "POOL_HTTP": 8080, "OFFICE_HTTPS": 443,
            "HASH_MAX_SIZE": hash_max_size(count),
            "HASH_BUCKET_SIZE": BUCKET_SIZE,
            "SIP_DOMAINS": argument_lines(domains), "LYNCDISCOVER_NAMES": argument_lines(names),
        }, directory / "nginx.conf")
        return directory

    def _nginx(self, directory: Path, option: str) -> tuple[float, int, str]:
        return cpu.run_for_cpu([*processes.command(self.run.nginx, directory), option],
                               self.run.proxy_core)

    def test(self, directory: Path) -> float:
        """CPU milliseconds of `nginx -t`."""
        seconds, status, said = self._nginx(directory, "-t")
        if status != 0 or "could not build optimal" in said:
            raise BenchError(f"nginx -t in {directory}: {said.strip()[-2000:]}")
        return seconds * 1e3

    def server_names(self, directory: Path) -> set[str]:
        """The names that nginx serves, from `nginx -T`; of a generated part, what it generated."""
        _, status, said = self._nginx(directory, "-T")
        if status != 0:
            raise BenchError(f"nginx -T in {directory}: {said.strip()[-2000:]}")
        return {name for names in re.findall(r"^\s*server_name\s+([^;]+);", said, re.MULTILINE)
                for name in names.split() if name != '""'}


def check_equal(both: Configurations, directories: list[Path]) -> None:
    first, second = (both.server_names(directory) for directory in directories)
    if first != second:
        some = sorted(first ^ second)[:3]
        raise BenchError(f"the sides serve different names, such as {', '.join(some)}")


def measure(run: Settings) -> list[pairs.Comparison]:
    both = Configurations(run)
    counts = QUICK_COUNTS if run.quick else COUNTS
    judged = counts[-1] if run.quick else JUDGED
    found: list[pairs.Comparison] = []
    published: dict[int, Path] = {}

    for count in (1, *counts):
        directories = [both.write(side, count) for side in (0, 1)]
        published[count] = directories[1]
        check_equal(both, directories)
        comparison = pairs.Comparison(f"nginx -t, SIP domains: {count:,}", "ms",
                                      BOUND if count == judged else None,
                                      sides=(both.sides[0].title, both.sides[1].title))
        comparison.pairs = pairs.measure_pairs(
            run.pairs, lambda side: both.test(directories[side]))
        found.append(comparison)
        print(report.line(comparison), flush=True)

    base = found[0].medians[1]
    found.append(growth(both, published[counts[-2]], published[counts[-1]], base))
    found[-1].sides = (f"{counts[-2]:,}", f"{counts[-1]:,}")
    if run.quick:
        found[-1].bound = None  # too few domains to tell their cost from noise
    print(report.line(found[-1]), flush=True)
    return found


def growth(both: Configurations, half: Path, whole: Path, base: float) -> pairs.Comparison:
    """The publication alone: what many domains cost beside half as many, both without `base`, what
    a publication of one domain costs."""
    comparison = pairs.Comparison("nginx -t, twice as many SIP domains", "ms", DOUBLING_BOUND,
                                  note="2.0 is linear")
    comparison.pairs = pairs.measure_pairs(
        both.run.pairs, lambda side: both.test((half, whole)[side]) - base)
    return comparison
