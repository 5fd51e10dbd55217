"""Load: wrk, pinned away from the proxy."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass

from settings import CONFIG, BenchError
from traffic import Request


@dataclass(frozen=True)
class Load:
    requests: int
    seconds: float


def run(wrk: str, request: Request, port: int, seconds: int, cores: list[int]) -> Load:
    """Any failed request makes the measurement worthless, so it raises."""
    url = f"{request.scheme}://{request.host}:{port}{request.path}"
    done = subprocess.run(
        [wrk, "--threads", str(request.connections if request.sign_in or request.morning else 1),
         "--connections", str(request.connections),
         "--duration", f"{seconds}s", "--timeout", "30s",
         "--script", str(CONFIG / "wrk.lua"), url],
        env={**os.environ, "BENCH_BODY": str(request.body),
             "BENCH_SIGN_IN": str(request.sign_in), "BENCH_MORNING": str(int(request.morning)),
             "BENCH_CLOSE": str(int(request.close)),
             "BENCH_AUTHORIZATION": request.authorization}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, set(cores)))
    found = re.search(r"^BENCH (\d+) (\d+) (\d+)$", done.stdout, re.MULTILINE)
    if done.returncode != 0 or found is None:
        raise BenchError(f"wrk failed on {url}: {(done.stderr or done.stdout).strip()}")
    requests, failed, microseconds = (int(found.group(i)) for i in (1, 2, 3))
    if failed or not requests:
        raise BenchError(f"{failed} requests of {requests} failed on {url}")
    return Load(requests, microseconds / 1e6)
