"""CPU of health checks: a worker that has nothing to do but to ask 200 servers, each every 5 seconds
by a new connection with TLS, for autodiscover. Held against one per cent of a core."""

from __future__ import annotations

import time

import cpu
import pairs
import pki
import processes
import report
from settings import CONFIG, BenchError, Settings, free_ports

TITLE = "Health checks"
SERVERS = 200
INTERVAL = 5    # seconds
BOUND = 1.0     # of the yardstick
ONE_PERCENT = 10.0      # milliseconds of CPU per second

PROXY = "127.0.0.1"


def address(number: int) -> str:
    return f"127.2.0.{number + 1}"


def start(run: Settings, name: str, template: str, values: dict[str, object],
          cores: set[int], answers: tuple[str, int]) -> processes.Nginx:
    directory = run.directory(name)
    processes.fill(CONFIG / f"{template}.conf", {**values, **processes.own_values(directory)},
                   directory / "nginx.conf")
    return processes.Nginx(processes.command(run.nginx, directory), directory, cores, answers)


def spend(proxy: processes.Nginx, seconds: float) -> float:
    """Milliseconds of CPU per second, of the master and its worker."""
    pids = proxy.pids()
    before, begin = cpu.cpu_seconds(pids), time.monotonic()
    time.sleep(seconds)
    return (cpu.cpu_seconds(pids) - before) * 1000 / (time.monotonic() - begin)


def checks_made(log: str) -> int:
    return log.count("\n")


def measure(run: Settings) -> list[pairs.Comparison]:
    pki.ensure(run.build / "pki")
    http, https, backend = free_ports(3, [PROXY, *map(address, range(SERVERS))])
    values: dict[str, object] = {
        "PKI": run.build / "pki", "MODULE": run.module, "LISTEN": PROXY, "HTTP": http,
        "HTTPS": https, "POOL_HTTPS": backend, "INTERVAL": INTERVAL,
        "SERVERS": "\n".join(f"server {address(i)};" for i in range(SERVERS)),
        "LISTENS": "\n".join(f"listen {address(i)}:{backend} ssl;" for i in range(SERVERS)),
    }
    # The first checks are whole handshakes, and a minute later each is one again.
    warm_up = 2 * INTERVAL + 1
    seconds = 6 * INTERVAL if run.quick else 26 * INTERVAL
    found: list[pairs.Comparison] = []
    for protocol in ("TLSv1.2", "TLSv1.3"):
        values["PROTOCOL"] = protocol
        comparison = pairs.Comparison(
            f"{SERVERS} servers, each every {INTERVAL} s, {protocol}", "ms/s", BOUND,
            sides=("1 % of a core", "checks"))
        with start(run, "checked", "checked", values, set(run.other_cores),
                   (address(0), backend)) as servers:
            with start(run, "checking", "checking", values, {run.proxy_core},
                       (PROXY, https)) as proxy:
                time.sleep(warm_up)
                log = servers.error_log.parent / "access.log"
                before = checks_made(log.read_text())
                comparison.pairs = [(ONE_PERCENT, spend(proxy, seconds))]
                checks = checks_made(log.read_text()) - before
                if proxy.complaints():
                    raise BenchError(f"{proxy.error_log}: {proxy.complaints()[0]}")
        expected = SERVERS * seconds / INTERVAL
        if not 0.9 * expected < checks < 1.1 * expected:
            raise BenchError(f"{checks} checks in {seconds} s, {expected:.0f} were expected")
        comparison.note = f"{checks} checks in {seconds} s"
        print(report.line(comparison), flush=True)
        found.append(comparison)
    return found
