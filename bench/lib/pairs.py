"""Comparisons of two sides that take turns: the ratio of each pair, their median and spread."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field


@dataclass
class Comparison:
    """Pairs of (yardstick, candidate), measured side by side in time."""

    name: str
    unit: str                   # of both numbers: "us", "ms", or "" where they are counts
    bound: float | None = None  # of the median ratio, candidate to yardstick
    pairs: list[tuple[float, float]] = field(default_factory=list)
    note: str = ""
    sides: tuple[str, str] = ("hand-written", "module")

    def ratios(self) -> list[float]:
        return sorted(candidate / yardstick for yardstick, candidate in self.pairs)

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios())

    @property
    def spread(self) -> tuple[float, float]:
        """Where the true median lies with a confidence of 95 % or more, from the ranks of the
        pairs' ratios: no assumption about how they are distributed. All of them, if few."""
        ratios = self.ratios()
        low = confident_rank(len(ratios))
        return ratios[low], ratios[-1 - low]

    @property
    def medians(self) -> tuple[float, float]:
        return (statistics.median(pair[0] for pair in self.pairs),
                statistics.median(pair[1] for pair in self.pairs))

    @property
    def holds(self) -> bool:
        return self.bound is None or self.ratio <= self.bound

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "ratio": self.ratio, "spread": self.spread, "holds": self.holds}


def confident_rank(count: int) -> int:
    """How many of the smallest and of the largest of `count` samples can be left out so that the
    rest still spans the median with a confidence of 95 % (of a binomial distribution)."""
    outside, ways = 0.0, 1
    for rank in range(count // 2):
        outside += 2 * ways / 2 ** count
        if outside > 0.05:
            return max(0, rank - 1)
        ways = ways * (count - rank) // (rank + 1)
    return max(0, count // 2 - 1)


def take_turns(count: int) -> Iterator[tuple[int, int]]:
    """Which side goes first and second, pair by pair: A B, B A, A B, ..."""
    for number in range(count):
        yield (0, 1) if number % 2 == 0 else (1, 0)


def measure_pairs(count: int, measure: Callable[[int], float]) -> list[tuple[float, float]]:
    """Measures side 0 and side 1 in turns."""
    pairs = []
    for order in take_turns(count):
        values = [0.0, 0.0]
        for side in order:
            values[side] = measure(side)
        pairs.append((values[0], values[1]))
    return pairs
