"""Passes a request from the Front End it reached to another one in the pool.

UCWA needs no affinity because the servers do this themselves: any of them passes the request on
to the user's home server. Responses are buffered; they are small documents.
"""

from __future__ import annotations

import asyncio
import ssl

import topology
from httpd import Request, Response

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect",
              "server"}


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False      # within the pool, within the lab
    context.verify_mode = ssl.CERT_NONE
    return context


async def pass_on(request: Request, server: topology.Server) -> Response | None:
    """The other server's answer; None when it can't be reached or the client has gone."""
    body = await request.whole_body()
    answer = asyncio.ensure_future(_ask(request, server, body))
    gone = asyncio.ensure_future(request.connection.gone.wait())
    try:
        await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
    if not answer.done():
        answer.cancel()     # closes the connection, so the other server stops waiting too
        return None
    try:
        return answer.result()
    except (OSError, ssl.SSLError, asyncio.IncompleteReadError):
        return None


async def _ask(request: Request, server: topology.Server, body: bytes) -> Response:
    reader, writer = await asyncio.open_connection(server.address, topology.EXTERNAL_HTTPS,
                                                   ssl=_context())
    try:
        lines = [request.raw_line]
        lines += ["%s: %s" % (n, v) for n, v in request.headers if n.lower() not in HOP_BY_HOP]
        lines += ["Content-Length: %d" % len(body), "Connection: close"]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body)

        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        response = Response(int(head[0].split(" ")[1]))
        length = 0
        for line in head[1:]:
            name, colon, value = line.partition(":")
            if name.lower() == "content-length":
                length = int(value)
            elif colon and name.lower() not in HOP_BY_HOP and not name.startswith("X-Lab-"):
                response.add(name, value.strip())
        response.body = await reader.readexactly(length)
        return response.add("X-Lab-Passed-On-To", server.name)
    finally:
        writer.close()
