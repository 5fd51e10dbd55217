"""Files: upload and download of meeting content, the address book, device updates.

Uploads are counted and hashed as they stream in, never stored. `GET /CollabContent/any?bytes=N`
streams N bytes; `&chunked=1` without a length, `&pause=S` with S seconds between chunks of 64 KB,
which shows whether a proxy passes them on as they arrive.
"""

from __future__ import annotations

import asyncio
import hashlib

import windows_auth
from httpd import Request, Response, printable
from replies import Here, json
from signin import user_of_web_ticket

PIECE = bytes(range(256)) * 256     # 64 KB


async def collab_content(request: Request, here: Here) -> Response:
    if request.method in ("PUT", "POST"):
        count, pieces, digest = 0, 0, hashlib.sha256()
        async for piece in request.body():
            count += len(piece)
            pieces += 1
            digest.update(piece)
        return json({"bytes": count, "sha256": digest.hexdigest(), "pieces": pieces,
                     "chunked": request.chunked}, 201)
    if request.method not in ("GET", "HEAD"):
        return Response(405).add("Allow", "GET, HEAD, PUT, POST")

    arguments = request.arguments()
    try:
        size = int(arguments.get("bytes", "1048576"))
        pause = float(arguments.get("pause", "0"))
    except ValueError:
        return Response(400)
    chunked = arguments.get("chunked") == "1"
    return Response(200, [("Content-Type", "application/octet-stream")],
                    _stream(size, pause), None if chunked else size)


async def _stream(size: int, pause: float):
    while size > 0:
        piece = PIECE[:min(size, len(PIECE))]
        size -= len(piece)
        yield piece
        if pause and size:
            await asyncio.sleep(pause)


async def address_book(request: Request, here: Here) -> Response:
    """/abs: Windows authentication, or a web ticket."""
    user: str | Response = printable(user_of_web_ticket(request) or "") or \
        windows_auth.authenticate(request, here.server.name)
    if isinstance(user, Response):
        return user
    return Response(200, [("Content-Type", "application/octet-stream"), ("X-Lab-User", user)],
                    b"address book of " + user.encode() + b"\n")


async def device_update(request: Request, here: Here) -> Response:
    if request.path.startswith("/requesthandlerext/files/"):
        return Response(200, [("Content-Type", "application/octet-stream")],
                        _stream(1048576, 0), 1048576)
    await request.whole_body()
    who = windows_auth.authenticate(request, here.server.name)
    return who if isinstance(who, Response) else Response(200, [("X-Lab-User", who)])


async def fonts(request: Request, here: Here) -> Response:
    return Response(200, [("Content-Type", "font/woff"), ("Cache-Control", "max-age=86400")],
                    b"wOFF" + bytes(60))
