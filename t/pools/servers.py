#!/usr/bin/env python3
"""Servers of a pool that do what a test tells them: fall silent, reset, say Internal, present
another certificate, stop listening. All in one process, each on an address and port of its own.

    t/pools/servers.py PKI ADDRESS:PORT[=CERTIFICATE] ...

CERTIFICATE is the name of a pair of files in PKI; without one, the server speaks plain TCP. Each
line of stdin is a JSON object, each line of stdout the reply to one:

    {"server": "127.0.0.11:4443", "check": "internal"}      other behaviour from now on
    {"stats": true}                                         {"127.0.0.11:4443": {...}, ...}
    {"forget": true}                                        counts from zero

Behaviours, by what they are about:

    check        how health checks are answered: external, xml, ucwa, long, internal, ucwa_internal,
                 discovery, healthcheck, garbage, silent, half, reset, close, or a status;
                 {"EWS": ...} says it of paths that begin with /EWS/, others are "healthcheck"
    request      how everything else is answered: fine (200, the body names the server), silent,
                 half, reset, close, or a status; "hold" waits for /release (see below)
    delay        seconds before each answer; "slow" likewise, but to health checks
    keeps        connections: true; false says so in each answer, "once" closes at the second request
    certificate  another name; "" speaks plain TCP
    listens      false: nobody listens; open connections are closed
    resets       true: all connections are reset, and each new one at once
    says         the body of "fine", in place of "from ADDRESS:PORT"

What the query of a request says comes before that:

    hold=SECONDS   the answer comes after that time, if the other side is there still
    drop           closes without a word
    half           breaks off within the head
    status=NNN     that status
    own            sets a cookie MS-WSMAN of its own

Requests of hold: each waits until a request for /release comes to the server, whose answer tells
how many there were. The certificate changes with a new TLS context, as a new process would have it:
earlier sessions aren't resumed.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
import sys
import time
import urllib.parse

CHECKER = b"ngx_lync_module health check"
SELF = "https://%s/Autodiscover/AutodiscoverService.svc/root?originalDomain=contoso.com"

CHECKS = {
    "external": '{"AccessLocation":"External","Root":{"Links":[{"href":"https:\\/\\/x\\/","token":"User"}]}}',
    "internal": '{"AccessLocation":"Internal","Root":{"Links":[]}}',
    "ucwa": '{"_links":{"self":{"href":"%s"}}}' % (SELF % "lyncwebext.contoso.com"),
    "long": " " * 2000000 + '{"AccessLocation":"External"}',
    "ucwa_internal": '{"_links":{"self":{"href":"%s"}}}' % (SELF % "fepool.contoso.local"),
    "xml": '<?xml version="1.0"?><AutodiscoverResponse AccessLocation="External"><Root/>'
           '</AutodiscoverResponse>',
    "discovery": '<?xml version="1.0"?><wopi-discovery><net-zone name="x"/></wopi-discovery>',
    "healthcheck": "200 OK<br/>MAIL.CONTOSO.LOCAL",
    "garbage": "It works!",
}


class Server:
    def __init__(self, pki: str, name: str, certificate: str):
        self.pki, self.name, self.certificate = pki, name, certificate
        self.check, self.request, self.keeps = "external", "fine", True
        self.delay = self.slow = 0.0
        self.says, self.resets = "from " + name, False
        self.answered: set[asyncio.StreamWriter] = set()
        self.listener: asyncio.Server | None = None
        self.open: set[asyncio.StreamWriter] = set()
        self.released = asyncio.Event()
        self.held = self.waiting = 0
        self.forget()

    def forget(self) -> None:
        self.connections = self.heads = 0
        self.requests: list[str] = []
        self.checks: list[tuple[float, str]] = []   # when, what was asked

    def context(self) -> ssl.SSLContext | None:
        if not self.certificate:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        pair = f"{self.pki}/{self.certificate}"
        context.load_cert_chain(pair + ".pem", pair + ".key")
        return context

    async def listen(self) -> None:
        address, port = self.name.rsplit(":", 1)
        self.tls, self.listens = self.context(), True
        self.listener = await asyncio.start_server(
            self.serve, address, int(port), backlog=4096, reuse_address=True, limit=1 << 20)

    async def close(self) -> None:
        self.listens = False
        if self.listener is not None:
            self.listener.close()
            self.listener = None
        for writer in list(self.open):
            writer.transport.abort()

    @staticmethod
    def reset(writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                                   struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open.add(writer)
        try:
            if self.resets or not self.listens:     # accepted, when nobody was to listen any more
                self.reset(writer)
                return
            if self.tls is not None:
                await writer.start_tls(self.tls)
            while await self.exchange(reader, writer):
                pass
        except (OSError, EOFError, asyncio.IncompleteReadError, asyncio.LimitOverrunError,
                ssl.SSLError):
            pass
        finally:
            self.open.discard(writer)
            self.answered.discard(writer)
            writer.close()

    async def waits(self, reader: asyncio.StreamReader, seconds: float) -> bool:
        """Until the time is up; false if the other side goes away before."""
        self.waiting += 1
        try:
            await asyncio.wait_for(reader.read(1), seconds)
            return False
        except asyncio.TimeoutError:
            return True
        finally:
            self.waiting -= 1

    async def exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first = await reader.readexactly(1)
        if first == b"\x16":     # TLS is spoken to a server of plain HTTP
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await writer.drain()
            return False
        head = first + await reader.readuntil(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        method, target = lines[0].decode("latin-1").split(" ")[:2]
        query = dict(urllib.parse.parse_qsl(target.partition("?")[2], keep_blank_values=True))
        fields = {name.lower(): value.strip() for name, _, value in
                  (line.partition(b":") for line in lines[1:] if line)}
        asks = fields.get(b"user-agent") != CHECKER
        self.heads += asks
        await reader.readexactly(int(fields.get(b"content-length", b"0")))
        closes = fields.get(b"connection", b"").lower() == b"close" or not self.keeps

        if not asks:
            self.checks.append((time.monotonic(), target + " " + fields[b"host"].decode()))
            check = self.check if isinstance(self.check, str) else self.check.get(target.split("/")[1], "healthcheck")
            behaviour, body = check, CHECKS.get(check, CHECKS["external"])
        else:
            self.requests.append(target)
            behaviour, body = query.get("status", self.request), "" if method == "HEAD" else self.says
            if target.endswith("/release"):
                behaviour, body = "fine", str(self.held)
                self.released.set()
                self.released = asyncio.Event()
            elif "hold" in query:
                if not await self.waits(reader, float(query["hold"])):
                    return False
            elif "drop" in query:
                return False
            elif "half" in query:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-")
                await writer.drain()
                return False
            elif behaviour == "hold":
                self.held += 1
                await self.released.wait()
                self.held -= 1

        await asyncio.sleep(self.delay + asks * self.slow)
        if behaviour == "reset":
            writer.transport.abort()
            return False
        if behaviour == "close" or self.keeps == "once" and writer in self.answered:
            return False
        self.answered.add(writer)
        if behaviour == "silent":
            await reader.read()     # until the other side has enough of it
            return False

        status = behaviour if behaviour.isdigit() else "200"
        cookie = "Set-Cookie: MS-WSMAN=of-the-server; path=/\r\n" if "own" in query else ""
        writer.write(f"HTTP/1.1 {status} Status\r\n{cookie}Content-Length: {len(body)}\r\n"
                     f"Connection: {'close' if closes else 'keep-alive'}\r\n\r\n".encode())
        if behaviour == "half":
            writer.write(body[:len(body) // 2].encode())
            await writer.drain()
            return False
        writer.write(body.encode())
        await writer.drain()
        return not closes

    async def set(self, changes: dict) -> None:
        for key in ("check", "request", "delay", "slow", "keeps", "says", "resets"):
            if key in changes:
                setattr(self, key, changes[key])
        if self.resets:
            for writer in list(self.open):
                self.reset(writer)
        listens = changes.get("listens", self.listener is not None)
        if "certificate" in changes or not listens:
            self.certificate = changes.get("certificate", self.certificate)
            await self.close()
        if listens and self.listener is None:
            await self.listen()

    def stats(self) -> dict:
        return {"connections": self.connections, "requests": self.requests,
                "checks": self.checks, "held": self.held, "open": len(self.open),
                "heads": self.heads, "waiting": self.waiting}


async def main() -> None:
    servers = {}
    for word in sys.argv[2:]:
        name, _, certificate = word.partition("=")
        servers[name] = Server(sys.argv[1], name, certificate)
        await servers[name].listen()

    loop = asyncio.get_running_loop()
    # What a client does to a handshake is no news.
    loop.set_exception_handler(lambda *_: None)
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    print(json.dumps({"listens": len(servers)}), flush=True)
    while line := await commands.readline():
        command = json.loads(line)
        reply: dict = {"done": True}
        if "server" in command:
            await servers[command["server"]].set(command)
        elif "stats" in command:
            reply = {name: server.stats() for name, server in servers.items()}
        elif "forget" in command:
            for server in servers.values():
                server.forget()
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
