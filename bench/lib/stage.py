"""The stage of every scenario with traffic: servers in the back, two proxies side by side."""

from __future__ import annotations

from pathlib import Path

import pki
import probes
import processes
from settings import CONFIG, BenchError, Settings, Side, find, free_ports
from traffic import MEGABYTE, PEER_KINDS, SMALL_ANSWER, Request


class Stage:
    """Where everything listens. Side 0 is the yardstick, side 1 what is held against it."""

    PROXY = "127.0.0.1"
    POOL = ("127.0.0.21", "127.0.0.22", "127.0.0.24")
    OFFICE = "127.0.0.23"
    MANY = tuple(f"127.0.1.{number}" for number in range(1, 201))    # more servers of the pool

    def __init__(self, run: Settings, sides: tuple[Side, Side]):
        self.run = run
        self.sides = sides
        self.pki = run.build / "pki"
        pki.ensure(self.pki)
        ports = free_ports(7, [self.PROXY, *self.POOL, *self.MANY, self.OFFICE])
        self._listen = ({"HTTP": ports[0], "HTTPS": ports[1]},
                        {"HTTP": ports[2], "HTTPS": ports[3]})
        self._pool_http = ports[4]
        self._values: dict[str, object] = {
            "PKI": self.pki, "MODULE": run.module, "SMALL": SMALL_ANSWER, "LISTEN": self.PROXY,
            "POOL_1": self.POOL[0], "POOL_2": self.POOL[1], "POOL_3": self.POOL[2],
            "OFFICE": self.OFFICE,
            "POOL_HTTP": ports[4], "POOL_HTTPS": ports[5], "OFFICE_HTTPS": ports[6],
            "SIP_DOMAINS": "contoso.com", "LYNCDISCOVER_NAMES": "lyncdiscover.contoso.com",
            "MANY_LISTEN": "\n".join(f"listen  {address}:{ports[5]} ssl backlog=4096;"
                                     for address in self.MANY),
            "HASH_MAX_SIZE": 512, "HASH_BUCKET_SIZE": 64,   # few names: nginx's own values
        }

    def start_servers(self) -> processes.Nginx:
        directory = self.run.directory("servers")
        (directory / "files/CollabContent").mkdir(parents=True)
        for name, size in (("megabyte", MEGABYTE), ("page", 350 << 10), ("photograph", 30 << 10)):
            (directory / f"files/CollabContent/{name}").write_bytes(bytes(range(256)) * (size // 256))
        self._write("backend", directory, {})
        return processes.Nginx(processes.command(self.run.nginx, directory), directory,
                               set(self.run.other_cores), (self.POOL[0], self._pool_http))

    def start_proxy(self, side: int, under: tuple[str, ...] = (), *options: str) -> processes.Nginx:
        """Optionally under another program, and with further options of nginx's."""
        directory = self.run.directory(f"proxy{side + 1}")
        self._write(self.sides[side].template, directory,
                    {**self.sides[side].values, **self._listen[side]})
        command = self._command(self.sides[side].program, directory)
        return processes.Nginx([*under, *command, *options], directory,
                               {self.run.proxy_core}, (self.PROXY, self._listen[side]["HTTP"]))

    def _command(self, program: str, directory: Path) -> list[str]:
        """In the foreground, with the configuration that was written."""
        configuration = str(directory / "nginx.conf")
        if program == "nginx":
            return processes.command(self.run.nginx, directory)
        # HAProxy takes certificate and key from one file.
        (directory / "listener.pem").write_bytes((self.pki / "listener.pem").read_bytes()
                                                 + (self.pki / "listener.key").read_bytes())
        (directory / "error.log").touch()
        directory.chmod(0o777)  # squid takes another user
        return {
            "haproxy": ["haproxy", "-q", "-db", "-f", configuration],
            "squid": ["squid", "-N", "-f", configuration],
            "apache2": ["apache2", "-DFOREGROUND", "-d", str(directory), "-f", configuration],
            "caddy": ["env", "GOMAXPROCS=1", f"XDG_DATA_HOME={directory}", f"XDG_CONFIG_HOME={directory}",
                      "caddy", "run", "--adapter", "caddyfile", "--config", configuration],
        }[program]

    def _write(self, template: str, directory: Path, values: dict[str, object]) -> None:
        processes.fill(CONFIG / f"{template}.conf",
                       {**self._values, **values, **processes.own_values(directory)},
                       directory / "nginx.conf")

    @property
    def titles(self) -> tuple[str, str]:
        return (self.sides[0].title, self.sides[1].title)

    def port(self, side: int, request: Request) -> int:
        return self._listen[side][request.scheme.upper()]

    def https(self, side: int) -> int:
        return self._listen[side]["HTTPS"]

    def describe(self, side: int, request: Request, times: int = 6) -> dict[str, str]:
        return probes.describe(request, (self.PROXY, self.port(side, request)),
                               str(self.pki / "public-ca.pem"), times)

    def check_alike(self, request: Request) -> None:
        """Refuses to compare what isn't the same to clients and servers; how they get it may differ."""
        for side, title in enumerate(self.titles):
            # HAProxy 2.6 leaves the end of a large answer in OpenSSL's buffer if it comes with the first
            # request after a full handshake, and waits for more: small requests make these.
            self.describe(side, PEER_KINDS[0].request)
            facts = self.describe(side, request)
            seen = f"{'POST' if request.body else 'GET'} {request.path} HTTP/1.1 host={request.host}"
            if facts["status"] != "200" or not facts["header seen-request"].startswith(seen):
                raise BenchError(f"{title}: {request.host}{request.path} answers {facts['status']}, "
                                 f"the server saw {facts['header seen-request']}")

    def check_equal(self, request: Request) -> None:
        """Refuses to compare proxies that do different work."""
        seen = [self.describe(side, request) for side in (0, 1)]
        where = request.host + request.path
        for facts in seen:
            if facts["status"] != "200":
                raise BenchError(f"{where} answers {facts['status']}")
            if not probes.resumed(facts):
                raise BenchError(f"{where}: a TLS session with a server wasn't resumed")
        if unlike := probes.differences(*seen):
            raise BenchError(f"the sides differ at {where}: " + "; ".join(unlike))
