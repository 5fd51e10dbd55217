"""One request in full: what a client sees of a proxy, and what a server sees of it.

Both sides of a comparison must show the same, else it would compare different work.
"""

from __future__ import annotations

import hashlib
import http.client
import socket
import ssl

from settings import BenchError
from traffic import Request

# What may differ between two equal answers; "Connection: keep-alive" is nginx's way only.
CHANGING = {"date", "seen-connection", "connection"}


class _Connection(http.client.HTTPConnection):
    """To an address of our choice, under the published name."""

    def __init__(self, request: Request, address: tuple[str, int], trusted: str):
        super().__init__(request.host, timeout=30)
        self._request = request
        self._address = address
        self._trusted = trusted

    def connect(self) -> None:
        self.sock = socket.create_connection(self._address, self.timeout)
        if self._request.scheme == "https":
            context = ssl.create_default_context(cafile=self._trusted)
            context.set_alpn_protocols(["http/1.1"])
            self.sock = context.wrap_socket(self.sock, server_hostname=self._request.host)


def describe(request: Request, address: tuple[str, int], trusted: str,
             times: int = 6) -> dict[str, str]:
    """Facts about the last of several requests on one connection: by then TLS sessions towards
    each server have been made, and can be resumed."""
    try:
        return _describe(_Connection(request, address, trusted), request, times)
    except (OSError, http.client.HTTPException) as error:
        raise BenchError(f"{request.host}{request.path} at {address[0]}:{address[1]}: "
                         f"{error!r}") from error


def _describe(connection: _Connection, request: Request, times: int) -> dict[str, str]:
    headers = {"Bench-Probe": "1"}
    if request.authorization:
        headers["Authorization"] = request.authorization
    try:
        seen_connections = set()
        for _ in range(times):
            connection.request("POST" if request.body else "GET", request.path,
                               body=b"x" * request.body if request.body else None,
                               headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            seen_connections.add(answer.getheader("Seen-Connection", " ").split()[0])
        facts = {
            "status": str(answer.status),
            "body": f"{len(body)} bytes, {hashlib.sha256(body).hexdigest()[:16]}",
            "connections to the servers": "kept" if len(seen_connections) < times
                                          else "one per request",
        }
        if isinstance(connection.sock, ssl.SSLSocket):
            certificate = connection.sock.getpeercert(binary_form=True) or b""
            facts["TLS with the client"] = " ".join(map(str, (
                connection.sock.version(), (connection.sock.cipher() or ("",))[0],
                connection.sock.selected_alpn_protocol(),
                hashlib.sha256(certificate).hexdigest()[:16])))
    finally:
        connection.close()
    for name, value in answer.getheaders():
        if name.lower() in CHANGING:
            continue
        key = f"header {name.lower()}"
        facts[key] = f"{facts[key]}, {value}" if key in facts else value
    if "header seen-request" not in facts:
        facts["header seen-request"] = "nothing: no server was asked"
    return facts


def differences(first: dict[str, str], second: dict[str, str]) -> list[str]:
    return [f"{key}: {first.get(key, 'nothing')!r} and {second.get(key, 'nothing')!r}"
            for key in sorted(first.keys() | second.keys())
            if first.get(key) != second.get(key)]


def resumed(facts: dict[str, str]) -> bool:
    """Whether TLS sessions with a server are resumed, where each request makes one."""
    return (facts["connections to the servers"] == "kept"
            or "reused=." not in facts.get("header seen-tls", ""))
