"""The world that t/lyncctl/doctor_test shows to lyncctl: a publication played by the lab's stand-ins in
one process, a DNS server, and sockets that misbehave. Every knob is one deliberate fault."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import socket
import ssl
import struct
import subprocess
import warnings
from pathlib import Path

import answers
import httpd
import office
import topology
from httpd import Request, Response
from replies import Here, product_headers

HERE = "127.0.0.1"
ELSEWHERE = "127.0.0.9"     # looks like another machine
SERVER = "127.0.0.77"       # a Front End's own address
OFFICE_SERVER = "127.0.0.78"  # never asked: the farm is reached through the proxy

POOL = dataclasses.replace(
    topology.farm_named("fepool.contoso.local"), external="lyncwebext.contoso.com",
    servers=(topology.Server("fe1.contoso.local", HERE),))
OFFICE = dataclasses.replace(
    topology.farm_named("officewebapps01.contoso.com"), external="wacext.contoso.com")

NAMES = ("lyncdiscover.contoso.com", "lyncwebext.contoso.com", "meet.contoso.com",
         "dialin.contoso.com", "wacext.contoso.com")
DISCOVERY = NAMES[0]
WEB = NAMES[1]

EXTERNAL_TLS = topology.Site("External 4443", 4443, True, True)
INTERNAL_TLS = topology.Site("Internal 443", 443, True, False)
EXTERNAL_HTTP = topology.Site("External 8080", 8080, False, True)
INTERNAL_HTTP = topology.Site("Internal 80", 80, False, False)

warnings.filterwarnings("ignore", category=DeprecationWarning)     # TLS 1.0 and 1.1, on purpose


# -- certificates ----------------------------------------------------------------------------

class Pki:
    """The suites' certificates (t/pki), and a few that only the doctor needs."""

    def __init__(self, directory: Path, source: Path):
        self.directory = directory
        subprocess.run([str(source / "t" / "pki"), str(directory)], check=True)
        every = " ".join(NAMES)
        extra = {
            "doctor-untrusted": ("other-ca", every, ""),
            "doctor-no-meet": ("public-ca", every.replace("meet.contoso.com", ""), ""),
            "doctor-alone": ("other-ca", every,
                             "authorityInfoAccess=caIssuers;URI:http://ca.example.net/ca.crt"),
            "doctor-server-alone": ("other-ca", "fepool.contoso.local",
                                    "authorityInfoAccess=caIssuers;URI:ldap:///CN=CA"),
            "doctor-client-only": ("public-ca", every, "extendedKeyUsage=clientAuth"),
            WEB: ("public-ca", "", "extendedKeyUsage=serverAuth"),      # its common name alone
        }
        for name, (ca, names, extension) in extra.items():
            if not (directory / (name + ".pem")).exists():
                self._issue(ca, name, names.split(), extension)
        if not (directory / "doctor-self-signed.pem").exists():
            self._self_signed("doctor-self-signed", every.split())

    def path(self, name: str) -> str:
        return str(self.directory / (name + ".pem"))

    def key(self, name: str) -> str:
        return str(self.directory / (name + ".key"))

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True,
                       cwd=self.directory)

    def _request(self, name: str) -> None:
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                      "-nodes", "-subj", "/CN=" + name, "-keyout", name + ".key",
                      "-out", name + ".csr")

    def _issue(self, ca: str, name: str, names: list[str], extension: str) -> None:
        self._request(name)
        lines = ["basicConstraints=critical,CA:false",
                 "subjectAltName=" + (",".join("DNS:" + n for n in names) or "IP:127.0.0.1"),
                 extension]
        if "extendedKeyUsage" not in extension:
            lines.append("extendedKeyUsage=serverAuth")
        (self.directory / (name + ".ext")).write_text("\n".join(lines) + "\n")
        self._openssl("x509", "-req", "-in", name + ".csr", "-CA", ca + ".pem",
                      "-CAkey", ca + ".key", "-CAcreateserial", "-days", "3650",
                      "-extfile", name + ".ext", "-out", name + ".pem")

    def _self_signed(self, name: str, names: list[str]) -> None:
        self._request(name)
        (self.directory / (name + ".ext")).write_text(
            "subjectAltName=" + ",".join("DNS:" + n for n in names) + "\n")
        self._openssl("x509", "-req", "-in", name + ".csr", "-signkey", name + ".key",
                      "-days", "3650", "-extfile", name + ".ext", "-out", name + ".pem")


def tls_context(pki: Pki, certificate: str, versions=None, alpn=("http/1.1",)) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The certificates may be weak, the versions old: that is what is shown.
    context.set_ciphers("ALL:@SECLEVEL=0")
    low, high = versions or (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    context.minimum_version, context.maximum_version = low, high
    context.load_cert_chain(pki.path(certificate), pki.key(certificate))
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


# -- a publication, or a server --------------------------------------------------------------

def not_published() -> Response:
    return Response(404, [("Content-Type", "text/html")], b"<title>404 Not Found</title>")


@dataclasses.dataclass
class World:
    """What one case is shown. Healthy as it stands."""

    # what is presented
    certificate: str = "public"
    versions: tuple | None = None
    alpn: tuple = ("http/1.1",)
    internal: bool = False          # the internal web site answers: no port flip

    # what is answered: a fault gets the request and returns a response, or None; a change gets the
    # request and the good response
    fault: object = None
    change: object = None
    http_fault: object = None
    published_on_http: tuple = ()   # lyncdiscover names that travel over plain HTTP

    # sockets in place of the publication's
    https_socket: object = None     # async function(stack) -> port
    http_socket: object = None

    # the DNS: None for the command line's addresses, else name -> answer
    dns: dict | None = None
    resolve: str = ""               # --resolve in the place of both

    # what nginx.conf says
    conf_certificate: str = "public"
    edits: tuple = ()               # (old, new) pairs in it
    office: bool = True             # with an Office Web Apps farm
    server: str = SERVER
    listening: str | None = None    # "http=... https=..."; None: nothing listens there

    # how lyncctl is called
    arguments: tuple = ()
    timeout: float = 8.0

    requests: int = 0               # that came, counted as it is played


async def _publication(request: Request, world: World) -> Response:
    """What a client outside gets over https."""
    if request.path.startswith("/cscp"):
        return not_published()
    here = Here(POOL, POOL.servers[0], INTERNAL_TLS if world.internal else EXTERNAL_TLS)
    return await _served(request, here)


async def _served(request: Request, here: Here) -> Response:
    if request.host_name == OFFICE.external:
        here = Here(OFFICE, OFFICE.servers[0], OFFICE.sites[0])
        response = await office.office_web_apps(request, here)
    else:
        response = await answers.front_end(request, here)
    product_headers(request, here, response)
    return response


async def _plain_publication(request: Request, world: World) -> Response:
    """What a client outside gets over plain HTTP: autodiscover, or the way to https."""
    if request.host_name in world.published_on_http and request.path == "/":
        here = Here(POOL, POOL.servers[0], INTERNAL_HTTP if world.internal else EXTERNAL_HTTP)
        return await _served(request, here)
    return Response(301, [("Location", "https://%s%s" % (request.host_name, request.target))])


def _handler(world: World, serve, fault):
    async def handler(request: Request) -> Response:
        world.requests += 1
        if fault is not None:
            response = fault(request)
            if asyncio.iscoroutine(response):
                response = await response
            if response is not None:
                return response
        response = await serve(request, world)
        if world.change is not None:
            world.change(request, response)
        return response
    return handler


async def start_publication(stack: contextlib.AsyncExitStack, pki: Pki,
                            world: World) -> tuple[int, int]:
    """Ports for 443 and 80."""
    return await _start(stack, pki, world, world.certificate, _publication, _plain_publication)


async def start_server(stack: contextlib.AsyncExitStack, pki: Pki, world: World,
                       certificate: str) -> tuple[int, int]:
    """A Front End: ports for 4443 and 8080."""
    def serve(site):
        async def answer(request: Request, _world: World) -> Response:
            return await _served(request, Here(POOL, POOL.servers[0], site))
        return answer

    tls = INTERNAL_TLS if world.internal else EXTERNAL_TLS
    plain = INTERNAL_HTTP if world.internal else EXTERNAL_HTTP
    return await _start(stack, pki, world, certificate, serve(tls), serve(plain))


async def _start(stack, pki: Pki, world: World, certificate: str, over_tls, plain):
    """Both sockets: those that misbehave, or servers."""
    async def listen(socket, context, serve, fault) -> int:
        if socket is not None:
            return await socket(stack)
        server = await httpd.listen(HERE, 0, context, _handler(world, serve, fault), "nginx")
        stack.callback(server.close)
        return server.sockets[0].getsockname()[1]

    context = tls_context(pki, certificate, world.versions, world.alpn)
    return (await listen(world.https_socket, context, over_tls, world.fault),
            await listen(world.http_socket, None, plain, world.http_fault))


# -- sockets that misbehave ------------------------------------------------------------------

def _bound(stack: contextlib.AsyncExitStack, address: str = HERE) -> socket.socket:
    made = socket.socket()
    made.setblocking(False)
    made.bind((address, 0))
    stack.callback(made.close)
    return made


async def closed_port(stack) -> int:
    """Bound, so that no other program gets it, but not listening: connections are refused."""
    return _bound(stack).getsockname()[1]


async def unanswered_port(stack) -> int:
    """A full queue: the system drops what comes, as a firewall does."""
    listener = _bound(stack)
    listener.listen(0)
    address = listener.getsockname()
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        stack.callback(filler.close)
        with contextlib.suppress(BlockingIOError):
            filler.connect(address)
    await asyncio.sleep(0.05)
    return address[1]


def talker(talk, context=lambda: None):
    """A server that does `talk(reader, writer)` with every connection, or with every request behind a
    good handshake where `context()` gives an SSL context."""
    async def start(stack) -> int:
        tls = context()

        async def connected(reader, writer):
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                if tls is not None:
                    await reader.readuntil(b"\r\n\r\n")
                await talk(reader, writer)
            writer.close()
        server = await asyncio.start_server(connected, HERE, 0, ssl=tls)
        stack.callback(server.close)
        return server.sockets[0].getsockname()[1]
    return start


async def _say_nothing(reader, writer):
    await asyncio.sleep(30)


async def _hang_up(reader, writer):
    await reader.read(1)


async def _plain_http(reader, writer):
    await reader.read(16)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    await writer.drain()


async def _alert(reader, writer):
    await reader.read(16)
    writer.write(b"\x15\x03\x03\x00\x02\x02\x28")     # fatal, handshake_failure
    await writer.drain()


silent = talker(_say_nothing)
alerts = talker(_alert)
hangs_up = talker(_hang_up)
speaks_plain_http = talker(_plain_http)


async def close_at_once(reader, writer):
    pass


async def say_garbage(reader, writer):
    writer.write(b"220 mail.example.net ESMTP\r\n\r\n")
    await writer.drain()


# -- the DNS ---------------------------------------------------------------------------------

NXDOMAIN, SERVFAIL = 3, 2
NO_DATA = ()
SILENCE = None


class Dns(asyncio.DatagramProtocol):
    """Answers from a table: name -> tuple of addresses or "alias TARGET", an rcode, or SILENCE."""

    def __init__(self, table: dict):
        self.table = table

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, client):
        name, end = self._name(data)
        kind = struct.unpack_from("!H", data, end)[0]
        found = self.table.get(name, NXDOMAIN)
        if found is SILENCE:
            return
        records, rcode = [], 0
        if isinstance(found, int):
            rcode = found
        else:
            owner = b"\xc0\x0c"
            for value in found:
                if value.startswith("alias "):
                    target = self._encoded(value[6:])
                    records.append(owner + struct.pack("!HHIH", 5, 1, 60, len(target)) + target)
                    owner = target
                elif kind == 1:
                    records.append(owner + struct.pack("!HHIH", 1, 1, 60, 4)
                                   + socket.inet_aton(value))
        self.transport.sendto(
            data[:2] + struct.pack("!HHHHH", 0x8180 | rcode, 1, len(records), 0, 0)
            + data[12:end + 4] + b"".join(records), client)

    @staticmethod
    def _name(data: bytes) -> tuple[str, int]:
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode("ascii").lower())
            at += 1 + data[at]
        return ".".join(labels), at + 1

    @staticmethod
    def _encoded(name: str) -> bytes:
        return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


async def start_dns(stack: contextlib.AsyncExitStack, table: dict) -> int:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Dns(table), local_addr=(HERE, 0))
    stack.callback(transport.close)
    return transport.get_extra_info("sockname")[1]


def dns_with(**changes) -> dict:
    """Every published name leads here, but for the changes (name with _ for .)."""
    table = {name: (HERE,) for name in NAMES}
    table.update({name.replace("__", "."): value for name, value in changes.items()})
    return table


# -- nginx.conf ------------------------------------------------------------------------------

CONF = """events {}
http {
    lync_publish contoso {
        sip_domain   contoso.com;
        certificate  %(certificate)s %(key)s;
        trusted_ca   %(ca)s;
        # https_listen  127.0.0.1:%(port)s;
        pool fepool.contoso.local {
            server                 %(server)s;
            external_web_services  lyncwebext.contoso.com;
            %(listening)s
        }
        simple_url  meet    https://meet.contoso.com;
        simple_url  dialin  https://dialin.contoso.com;
        %(office)s
    }
}
"""


def conf_of(world: World, pki: Pki, listening: str, with_office: bool) -> str:
    conf = CONF % {
        "certificate": pki.path(world.conf_certificate), "key": pki.key(world.conf_certificate),
        "ca": pki.path("internal-ca"), "server": world.server,
        "port": (listening or "").rpartition("=")[2],
        "listening": "listening_ports %s;" % listening if listening else "",
        "office": "office_web_apps wacext.contoso.com { server %s; }" % OFFICE_SERVER
                  if with_office and world.office else ""}
    for old, new in world.edits:
        assert old in conf, old
        conf = conf.replace(old, new)
    return conf
