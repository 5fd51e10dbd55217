"""How `nginx -t` grows with what is declared: twice as many servers of a pool, pools, simple URLs, SIP
domains and publications, in CPU and in memory, both without what a publication of one of them costs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cpu
import pairs
import pki
import processes
import report
from settings import CONFIG, PUBLISHED, BenchError, Settings, free_ports

TITLE = "Many of each"
COUNT = 20000
QUICK_COUNT = 1000
FEWER = {"publications": 50}    # times fewer of what takes more than the others
BOUND = 2.4             # 2.0 is linear, 4 a square
PAIRS = 3               # a run takes half a minute, and each differs little from the next


def servers(count: int) -> str:
    lines = (f"server 10.{n >> 16}.{n >> 8 & 255}.{n & 255};" for n in range(1, count + 1))
    return ("pool many.contoso.local { external_web_services many.contoso.com; "
            + "\n".join(lines) + " }")


def each(line: str) -> Callable[[int], str]:
    return lambda count: "\n".join(line.replace("#", str(n)) for n in range(count))


def publications(count: int) -> str:
    """They end the block that they are put into; what follows there is the last one's."""
    block = ("sip_domain p#.example; }\nlync_publish p# { product sfb_2019; "
             "http_listen @LISTEN@:@HTTP@ backlog=4096; "
             "https_listen @LISTEN@:@HTTPS@ backlog=4096; certificate @PKI@/listener.pem @PKI@/listener.key; "
             "trusted_ca @PKI@/internal-ca.pem; pool pool#.contoso.local { server 127.0.0.21; "
             "external_web_services web#.contoso.com; }")
    return each(block)(count)


KINDS: dict[str, Callable[[int], str]] = {
    "servers of a pool": servers,
    "SIP domains": each("sip_domain d#.example;"),
    "publications": publications,
    "pools": each("pool p#.contoso.local { external_web_services web#.contoso.com; "
                  "server 127.0.0.21; }"),
    "simple URLs of one host": each("simple_url meet https://many.contoso.com/m#;"),
    "simple URLs with hosts of their own, alike": each("simple_url meet https://m#.contoso.com;"),
    "simple URLs with hosts of their own": each("simple_url meet https://m#.contoso.com/m#;"),
}


class Publications:
    def __init__(self, run: Settings):
        self.run = run
        self.pki = run.build / "pki"
        pki.ensure(self.pki)
        self.ports = free_ports(2, ["127.0.0.1"])

    def write(self, name: str, directives: str) -> Path:
        directory = self.run.directory(name)
        processes.fill(CONFIG / "published.conf", {
            **processes.own_values(directory), **PUBLISHED.values, "DIRECTIVES": directives,
            "PKI": self.pki, "MODULE": self.run.module, "LISTEN": "127.0.0.1",
            "HTTP": self.ports[0], "HTTPS": self.ports[1],
            "POOL_1": "127.0.0.21", "POOL_2": "127.0.0.22", "OFFICE": "127.0.0.23",
            "POOL_HTTPS": 4443, "POOL_HTTP": 8080, "OFFICE_HTTPS": 443,
            "SIP_DOMAINS": "contoso.com",
        }, directory / "nginx.conf")
        return directory

    def test(self, directory: Path) -> tuple[float, float]:
        """CPU milliseconds and megabytes of `nginx -t`."""
        usage, status, said = cpu.run_for_usage(
            [*processes.command(self.run.nginx, directory), "-t"], self.run.proxy_core)
        if status != 0:
            raise BenchError(f"nginx -t in {directory}: {said.strip()[-2000:]}")
        return (usage.ru_utime + usage.ru_stime) * 1e3, usage.ru_maxrss / 1024


def measure(run: Settings) -> list[pairs.Comparison]:
    written = Publications(run)
    count = QUICK_COUNT if run.quick else COUNT
    base = written.test(written.write("many-none", ""))
    found: list[pairs.Comparison] = []

    for number, (kind, directives) in enumerate(KINDS.items()):
        if run.only not in kind:
            continue
        most = count // FEWER.get(kind, 1)
        directories = [written.write(f"many-{number}-{n}", directives(n))
                       for n in (most // 2, most)]
        used: list[tuple[list[float], list[float]]] = []
        for order in pairs.take_turns(min(run.pairs, PAIRS)):
            half_and_whole: list[tuple[float, float]] = [(0, 0), (0, 0)]
            for side in order:
                half_and_whole[side] = written.test(directories[side])
            used.append(([pair[0] - base[0] for pair in half_and_whole],
                         [pair[1] - base[1] for pair in half_and_whole]))
        for which, unit in enumerate(("ms", "MB")):
            comparison = pairs.Comparison(f"nginx -t, {kind}", unit, None if run.quick else BOUND,
                                          sides=(f"{most // 2:,}", f"{most:,}"),
                                          note="2.0 is linear")
            comparison.pairs = [(pair[which][0], pair[which][1]) for pair in used]
            found.append(comparison)
            print(report.line(comparison), flush=True)
    return found
