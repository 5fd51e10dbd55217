"""The server side of Windows authentication over HTTP: NTLM, plain or inside Negotiate.

It authenticates a connection, not a request. The second and third message of the handshake must
use the same connection, and from then on every request on it is the user's, without an
Authorization header. A proxy that mixes connections shows here: either the handshake fails
(`X-Lab-NTLM: no challenge on this connection`) or one user's requests are answered as another's
(`X-Lab-User`). Passwords are not checked.
"""

from __future__ import annotations

import base64
import secrets
import struct

from httpd import Request, Response, printable

SIGNATURE = b"NTLMSSP\0"
NEGOTIATE, CHALLENGE, AUTHENTICATE = 1, 2, 3

# unicode, request target, NTLM, always sign, target is a domain, extended session security,
# target information, 128 bit: [MS-NLMP] 2.2.2.5
FLAGS = 0x00000001 | 0x4 | 0x200 | 0x8000 | 0x10000 | 0x80000 | 0x800000 | 0x20000000

DENIED = (b"<html><head><title>401 - Unauthorized</title></head><body><h2>401 - Unauthorized: "
          b"Access is denied due to invalid credentials.</h2></body></html>\n")


def challenge(note: str = "") -> Response:
    """401 with both schemes, as a virtual directory with Windows authentication answers."""
    response = Response(401, [("Content-Type", "text/html")], DENIED)
    if note:
        response.add("X-Lab-NTLM", note)
    return response.add("WWW-Authenticate", "Negotiate").add("WWW-Authenticate", "NTLM")


def authenticate(request: Request, server: str) -> str | Response:
    """The connection's user ("CONTOSO\\kenmyer"), or the 401 to answer with."""
    state = request.connection.state
    value = request.header("Authorization") or ""
    scheme, _, text = value.partition(" ")
    if scheme.lower() not in ("ntlm", "negotiate"):
        return state.get("user") or challenge()
    try:
        message = base64.b64decode(text.strip(), validate=True)
        kind = struct.unpack_from("<I", message, 8)[0]
    except (ValueError, struct.error):
        return challenge("unreadable")
    if not message.startswith(SIGNATURE):
        return challenge("no NTLM inside Negotiate")

    if kind == NEGOTIATE:
        state.pop("user", None)
        state["challenged"] = True
        token = base64.b64encode(_challenge_message(server)).decode()
        return Response(401, [("WWW-Authenticate", "%s %s" % (scheme, token)),
                              ("Content-Type", "text/html")], DENIED)
    if kind != AUTHENTICATE or not state.pop("challenged", False):
        return challenge("no challenge on this connection")
    try:
        domain, user = _field(message, 28), _field(message, 36)
    except (struct.error, UnicodeDecodeError):
        return challenge("unreadable")
    if not user:
        return challenge("anonymous")
    state["user"] = printable("%s\\%s" % (domain, user) if domain else user)
    return state["user"]


def _field(message: bytes, at: int) -> str:
    length, _, offset = struct.unpack_from("<HHI", message, at)
    unicode = struct.unpack_from("<I", message, 60)[0] & 1 if len(message) >= 64 else 1
    return message[offset:offset + length].decode("utf-16-le" if unicode else "latin-1")


def _challenge_message(server: str) -> bytes:
    host, _, domain = server.partition(".")
    netbios = domain.split(".")[0].upper().encode("utf-16-le")
    pairs = b"".join(struct.pack("<HH", kind, len(value)) + value for kind, value in (
        (2, netbios), (1, host.upper().encode("utf-16-le")), (4, domain.encode("utf-16-le")),
        (3, server.encode("utf-16-le")), (0, b"")))
    offset = 48
    return SIGNATURE + struct.pack(
        "<IHHII8s8sHHI", CHALLENGE, len(netbios), len(netbios), offset, FLAGS,
        secrets.token_bytes(8), bytes(8), len(pairs), len(pairs), offset + len(netbios)) \
        + netbios + pairs
