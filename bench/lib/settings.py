"""Where things are, which cores do what, and which ports are free."""

from __future__ import annotations

import os
import shutil
import socket
from dataclasses import dataclass, field
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
PROJECT = BENCH.parent
CONFIG = BENCH / "config"

# Below the range that the system takes outgoing ports from: with a new connection for each
# request, any port of that range is soon in use.
FIRST_PORT, LAST_PORT = 20000, 30000


class BenchError(Exception):
    """Something the user can mend; the text is the whole message."""


@dataclass(frozen=True)
class Side:
    """A configuration that is compared: a template of bench/config, and what is put into it."""

    title: str
    template: str
    values: dict[str, object] = field(default_factory=dict)
    program: str = "nginx"

    def having(self, title: str, **values: object) -> Side:
        """The same with other values."""
        return Side(title, self.template, {**self.values, **values}, self.program)


# The two that most scenarios compare, or variants of them: `having`.
HANDWRITTEN = Side("hand-written", "handwritten", {"POOL_KEEPALIVE": ""})
PUBLISHED = Side("module", "published", {"DIRECTIVES": "", "STATUS": "return 404;",
                                         "CHECK": "autodiscover", "OFFICE_CHECK": "discovery"})
HAPROXY = Side("HAProxy, http-reuse never", "haproxy", program="haproxy")
SQUID = Side("squid", "squid", program="squid")
APACHE = Side("Apache", "apache2", program="apache2")
CADDY = Side("Caddy", "caddy", program="caddy")


@dataclass
class Settings:
    build: Path         # everything that is generated is below it
    nginx: str
    module: Path
    quick: bool
    pairs: int          # of each comparison
    seconds: int        # of load in each half of a pair
    proxy_core: int     # the proxies alone run here
    other_cores: list[int]
    null: bool          # each yardstick against itself
    only: str           # kinds of requests with this in their name

    def sides(self, yardstick: Side, candidate: Side) -> tuple[Side, Side]:
        """What a scenario compares: the two, or with --null the first with itself."""
        return (yardstick, yardstick if self.null else candidate)

    def directory(self, name: str) -> Path:
        """An empty directory under build/bench."""
        path = self.build / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path


def find(command: str, variable: str = "") -> str:
    """The path of a program: from the environment variable, or where it is installed."""
    wanted = os.environ.get(variable) if variable else None
    for candidate in [wanted] if wanted else [command, "/usr/sbin/" + command]:
        found = shutil.which(candidate)
        if found:
            return found
    raise BenchError(f'no "{wanted or command}": apt-get install {command}'
                     + (f", or set {variable}" if variable else ""))


def cores() -> tuple[int, list[int]]:
    """The core of the proxies, and those of load and servers."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise BenchError("two cores are needed: one for the proxy, one for load and servers")
    return allowed[0], allowed[1:]


def free_ports(count: int, addresses: list[str]) -> list[int]:
    """Ports that are free on all of these addresses; in different places for runs side by side."""
    found: list[int] = []
    first = FIRST_PORT + os.getpid() * 16 % (LAST_PORT - FIRST_PORT)
    for port in [*range(first, LAST_PORT), *range(FIRST_PORT, first)]:
        if len(found) == count:
            break
        if all(_is_free(address, port) for address in addresses):
            found.append(port)
    if len(found) < count:
        raise BenchError(f"no free ports from {FIRST_PORT} to {LAST_PORT}")
    return found


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen(1)
        except OSError:
            return False
    return True
