"""CPU per request of two proxies that do the same work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cpu
import load
import pairs
import report
from processes import Nginx
from settings import BenchError, Settings, Side, find
from stage import Stage
from traffic import Kind, Request, chosen

WARM_UP = 50    # requests


@dataclass
class Sample:
    microseconds: float         # of CPU, per request
    instructions: float | None  # per request; None where they can't be counted
    rate: float                 # requests per second


class Measurement:
    def __init__(self, stage: Stage, bound: float | None, check: Callable[[Request], None]):
        self.run = stage.run
        self.check = check
        self.stage = stage
        self.bound = bound
        self.wrk = find("wrk")
        self.counts_instructions = cpu.Instructions.available()

    def _drive(self, kind: Kind, side: int) -> load.Load:
        return load.run(self.wrk, kind.request, self.stage.port(side, kind.request),
                        self.run.seconds, self.run.other_cores)

    def sample(self, kind: Kind, side: int, proxy: Nginx) -> Sample:
        pids = proxy.pids()
        counter = cpu.Instructions(pids) if self.counts_instructions else None
        before = cpu.cpu_seconds(pids)
        if counter is not None:
            with counter:
                done = self._drive(kind, side)
        else:
            done = self._drive(kind, side)
        spent = cpu.cpu_seconds(pids) - before

        counted = counter.count if counter is not None else None
        return Sample(spent / done.requests * 1e6,
                      None if counted is None else counted / done.requests,
                      done.requests / done.seconds)

    def pair(self, kind: Kind, order: tuple[int, int]) -> tuple[Sample, Sample]:
        # Fresh processes for each pair: where memory happens to lie makes a difference of
        # several per cent, which no number of samples from one process would average out.
        with self.stage.start_proxy(0) as first, self.stage.start_proxy(1) as second:
            self.check(kind.request)
            for side in order:
                self.stage.describe(side, kind.request, WARM_UP)
            samples = {side: self.sample(kind, side, (first, second)[side]) for side in order}
            for proxy in (first, second):
                if proxy.complaints():
                    raise BenchError(f"{proxy.error_log}: {proxy.complaints()[0]}")
        return samples[0], samples[1]

    def compare(self, kind: Kind) -> list[pairs.Comparison]:
        taken = [self.pair(kind, order) for order in pairs.take_turns(self.run.pairs)]

        time = pairs.Comparison(kind.name, "us", self.bound, sides=self.stage.titles)
        time.pairs = [(first.microseconds, second.microseconds) for first, second in taken]
        time.note = "{:,.0f} and {:,.0f} requests/s".format(
            *(sum(pair[side].rate for pair in taken) / len(taken) for side in (0, 1)))

        instructions = pairs.Comparison(f"{kind.name}, instructions", "", sides=time.sides)
        instructions.pairs = [(first.instructions, second.instructions) for first, second in taken
                              if first.instructions is not None
                              and second.instructions is not None]
        return [time, instructions] if instructions.pairs else [time]


def compare(run: Settings, sides: tuple[Side, Side], kinds: tuple[Kind, ...],
            bound: float | None, alike: bool = False) -> list[pairs.Comparison]:
    """One comparison for each kind of request; printed as they are made. The sides do exactly the same
    work, or `alike`: other programs have other headers and other ways."""
    stage = Stage(run, sides)
    found: list[pairs.Comparison] = []
    with stage.start_servers():
        measurement = Measurement(stage, bound, stage.check_alike if alike else stage.check_equal)
        for kind in chosen(kinds, run.only):
            for comparison in measurement.compare(kind):
                print(report.line(comparison), flush=True)
                found.append(comparison)
    return found
