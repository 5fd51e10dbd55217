"""A small HTTP/1.1 server on asyncio, for stand-ins that show what they received.

Unlike http.server it passes on the exact request line, holds thousands of requests open in one
process, streams bodies both ways, and notifies a waiting handler when its client disconnects. It
knows nothing of Lync.

A handler is `async def handler(request) -> Response`.
"""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import email.utils
import http
import itertools
import re
import ssl
import sys
import traceback
from dataclasses import dataclass, field
from typing import AsyncIterator, Awaitable, Callable
from urllib.parse import unquote_to_bytes

HEAD_LIMIT = 256 * 1024     # bytes of a request head; proxies in front allow 64 KB
IDLE_TIMEOUT = 1800         # seconds a kept connection may idle, as IIS behind a balancer
DRAIN_LIMIT = 1024 * 1024   # unread request body we still read to keep the connection

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

_connection_numbers = itertools.count(1)


class BadRequest(Exception):
    """The request can't be parsed; the connection is closed after a 400."""


@dataclass
class Response:
    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | AsyncIterator[bytes] = b""
    length: int | None = None   # of a streamed body; None sends it chunked

    def add(self, name: str, value: str) -> "Response":
        self.headers.append((name, value))
        return self

    def header(self, name: str) -> str | None:
        name = name.lower()
        return next((v for n, v in self.headers if n.lower() == name), None)


@dataclass
class Connection:
    """What outlives a request: its number, how many requests it carried, its TLS session."""

    number: int
    peer: str
    tls: ssl.SSLObject | None
    gone: asyncio.Event
    requests: int = 0
    state: dict = field(default_factory=dict)   # connection-bound authentication lives here


class Request:
    """One request. `raw_line` is as it arrived; `path` is what IIS would look at."""

    def __init__(self, raw_line: str, headers: list[tuple[str, str]], connection: Connection,
                 reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.raw_line = raw_line
        self.headers = headers
        self.connection = connection
        self._reader = reader
        self._writer = writer

        parts = raw_line.split(" ")
        if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
            raise BadRequest("malformed request line")
        self.method, self.target, self.version = parts

        authority, raw_path = "", self.target
        if "://" in raw_path.split("?")[0] and not raw_path.startswith("/"):
            rest = raw_path.split("://", 1)[1]
            end = min((i for i in (rest.find("/"), rest.find("?")) if i >= 0), default=len(rest))
            authority, raw_path = rest[:end], rest[end:]
        self.raw_path, _, self.query = raw_path.partition("?")
        self.path = iis_path(self.raw_path)
        self.host = (authority or self.header("Host") or "").lower()
        self.host_name = self.host.rsplit(":", 1)[0] if ":" in self.host else self.host

        self.chunked = "chunked" in (self.header("Transfer-Encoding") or "").lower()
        length = self.header("Content-Length") or "0"
        if not length.isdigit():
            raise BadRequest("malformed Content-Length")
        self.content_length = int(length)
        self.body_read = not self.chunked and self.content_length == 0
        self._must_continue = "100-continue" in (self.header("Expect") or "").lower()

    def header(self, name: str) -> str | None:
        name = name.lower()
        return next((v for n, v in self.headers if n.lower() == name), None)

    def arguments(self) -> dict[str, str]:
        """The query's arguments, names in lower case, decoded once."""
        return parse_form(self.query)

    @property
    def keep_alive(self) -> bool:
        token = (self.header("Connection") or "").lower()
        if self.version == "HTTP/1.0":
            return "keep-alive" in token
        return "close" not in token

    async def body(self) -> AsyncIterator[bytes]:
        """The request body in pieces, as they arrive."""
        if self.body_read:
            return
        if self._must_continue:
            self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._must_continue = False
        if self.chunked:
            while True:
                line = (await self._reader.readuntil(b"\r\n")).split(b";")[0].strip()
                try:
                    left = int(line, 16)
                except ValueError:
                    raise BadRequest("malformed chunk size") from None
                if left == 0:
                    while await self._reader.readuntil(b"\r\n") != b"\r\n":
                        pass
                    break
                async for piece in self._read(left):
                    yield piece
                if await self._reader.readexactly(2) != b"\r\n":
                    raise BadRequest("malformed chunk")
        else:
            async for piece in self._read(self.content_length):
                yield piece
        self.body_read = True

    async def _read(self, left: int) -> AsyncIterator[bytes]:
        while left:
            piece = await self._reader.read(min(left, 65536))
            if not piece:
                raise asyncio.IncompleteReadError(b"", left)
            left -= len(piece)
            yield piece

    async def whole_body(self, limit: int = 1024 * 1024) -> bytes:
        body = bytearray()
        async for piece in self.body():
            body += piece
            if len(body) > limit:
                raise BadRequest("body too large")
        return bytes(body)

    async def drain(self) -> bool:
        """Read what the handler left unread; False when it's too much to keep the connection."""
        if self.body_read:
            return True
        if self._must_continue or self.content_length > DRAIN_LIMIT:
            return False
        seen = 0
        async for piece in self.body():
            seen += len(piece)
            if seen > DRAIN_LIMIT:
                return False
        return True


def iis_path(raw: str) -> str:
    """Decoded once, `\\` as `/`, dot segments resolved, lower case: how IIS compares paths."""
    path = unquote_to_bytes(raw).decode("utf-8", "replace").replace("\\", "/")
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if kept:
                kept.pop()
        elif part not in ("", "."):
            kept.append(part)
    tail = "/" if path.endswith("/") and kept else ""
    return ("/" + "/".join(kept) + tail).lower()


def parse_form(text: str) -> dict[str, str]:
    found = {}
    for part in text.split("&"):
        name, _, value = part.partition("=")
        if name:
            found[unquote_to_bytes(name).decode("utf-8", "replace").lower()] = \
                unquote_to_bytes(value.replace("+", " ")).decode("utf-8", "replace")
    return found


def printable(text: str) -> str:
    """Safe to put into a header."""
    return "".join(c if 32 <= ord(c) < 127 else "%%%02X" % (ord(c) & 0xFF) for c in text)


Handler = Callable[[Request], Awaitable[Response]]


class _Protocol(asyncio.StreamReaderProtocol):
    """StreamReaderProtocol that also notifies a waiting handler when the client has gone."""

    def __init__(self, reader, connected, loop):
        super().__init__(reader, connected, loop=loop)
        self.gone = asyncio.Event()

    def eof_received(self):
        self.gone.set()
        return super().eof_received()

    def connection_lost(self, exc):
        self.gone.set()
        super().connection_lost(exc)


async def listen(address: str, port: int, tls: ssl.SSLContext | None,
                 handler: Handler, server_header: str) -> asyncio.AbstractServer:
    """Start one listening site."""
    loop = asyncio.get_running_loop()
    # asyncio sets aside 256 KB for every TLS connection, too much for thousands of held ones
    if hasattr(asyncio.sslproto.SSLProtocol, "max_size"):
        asyncio.sslproto.SSLProtocol.max_size = 32 * 1024

    def protocol():
        reader = asyncio.StreamReader(limit=HEAD_LIMIT, loop=loop)

        async def connected(reader, writer):
            await _serve(reader, writer, made.gone, handler, server_header)

        made = _Protocol(reader, connected, loop)
        return made

    return await loop.create_server(protocol, address, port, ssl=tls, backlog=4096,
                                    reuse_address=True)


async def _serve(reader, writer, gone: asyncio.Event, handler: Handler, server_header: str):
    tls = writer.get_extra_info("ssl_object")
    peer = writer.get_extra_info("peername") or ("?",)
    connection = Connection(next(_connection_numbers), peer[0], tls, gone)
    try:
        while await _one(reader, writer, connection, handler, server_header):
            pass
    except (ConnectionError, asyncio.IncompleteReadError, asyncio.TimeoutError, ssl.SSLError):
        pass
    except asyncio.CancelledError:
        pass
    finally:
        try:
            writer.close()
        except (RuntimeError, OSError):
            pass


async def _one(reader, writer, connection, handler, server_header) -> bool:
    """Answer one request; True when the connection may carry another."""
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), IDLE_TIMEOUT)
    except asyncio.LimitOverrunError:
        await _send(writer, Response(431), "GET", False, server_header)
        return False

    connection.requests += 1
    try:
        request = _parse(head, connection, reader, writer)
    except BadRequest as error:
        body = ("400 - %s" % error).encode()
        await _send(writer, Response(400, [("Content-Type", "text/plain")], body),
                    "GET", False, server_header)
        return False

    try:
        response = await handler(request)
    except BadRequest as error:
        response = Response(400, [("Content-Type", "text/plain")], str(error).encode())
    except (ConnectionError, asyncio.IncompleteReadError):
        raise
    except Exception:
        traceback.print_exc(file=sys.stderr)
        response = Response(500)

    keep = request.keep_alive and await request.drain()
    await _send(writer, response, request.method, keep, server_header)
    return keep


def _parse(head: bytes, connection, reader, writer) -> Request:
    lines = head.decode("latin-1").split("\r\n")
    headers = []
    for line in lines[1:]:
        if line:
            name, colon, value = line.partition(":")
            if not colon or not _TOKEN.fullmatch(name):
                raise BadRequest("malformed header name")
            headers.append((name, value.strip()))
    return Request(lines[0], headers, connection, reader, writer)


async def _send(writer, response: Response, method: str, keep: bool, server_header: str):
    streamed = not isinstance(response.body, bytes)
    bodiless = method == "HEAD" or response.status in (204, 304)
    chunked = streamed and response.length is None

    lines = ["HTTP/1.1 %d %s" % (response.status, _reason(response.status))]
    lines += ["%s: %s" % pair for pair in response.headers]
    lines.append("Server: " + server_header)
    lines.append("Date: " + email.utils.formatdate(usegmt=True))
    if chunked:
        lines.append("Transfer-Encoding: chunked")
    elif response.status not in (204, 304):
        length = response.length if streamed else len(response.body)
        lines.append("Content-Length: %d" % length)
    if not keep:
        lines.append("Connection: close")
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace"))

    if not bodiless:
        if not streamed:
            writer.write(response.body)
        else:
            async for piece in response.body:
                writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
                await writer.drain()
            if chunked:
                writer.write(b"0\r\n\r\n")
    await writer.drain()


def _reason(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Status"
