"""Requests that wait for an answer: a server that takes them and says nothing, clients that hold
them, and what a proxy's processes have in memory meanwhile."""

from __future__ import annotations

import resource
import selectors
import socket
import ssl
import threading
from pathlib import Path

PATH = "/ucwa/oauth/v1/applications/held/events?ack=21&low=5&medium=60&priority=1&timeout=900"
HEADERS = ("User-Agent: UCWA\r\nAccept: application/json\r\nAccept-Language: en-US\r\n"
           "Cookie: MS-WSMAN=0123456789abcdef0123456789abcdef\r\nAuthorization: Bearer " + "c" * 900)


def raise_limit(files: int) -> int:
    """Of open files, for this process and for those it starts: to `files`, or as far as is allowed."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, files), most))
    return min(most, files)


def pss(pids: list[int]) -> int:
    """Bytes in memory; what processes share is divided among them."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


class SilentServer:
    """Takes requests on a Unix-domain socket and answers them when it is told to."""

    def __init__(self, path: Path):
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(4096)
        self._stop, self._stopped = socket.socketpair()
        self._taken: list[socket.socket] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with selectors.DefaultSelector() as ready:
            ready.register(self._listener, selectors.EVENT_READ)
            ready.register(self._stopped, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    if key.fileobj is self._stopped:
                        return
                    self._taken.append(self._listener.accept()[0])

    def held(self) -> int:
        return len(self._taken)

    def answer(self) -> None:
        """All of them at once."""
        for taken in self._taken:
            taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            taken.close()
        self._taken.clear()

    def close(self) -> None:
        self._stop.send(b"x")
        self._thread.join()
        for one in (*self._taken, self._listener, self._stop, self._stopped):
            one.close()


class Phones:
    """Clients that have asked for events on a connection of their own each."""

    def __init__(self, address: tuple[str, int], host: str, ca: str):
        self._address, self._host = address, host
        self._tls = ssl.create_default_context(cafile=ca)
        self._connections: list[ssl.SSLSocket] = []

    def ask(self, count: int) -> None:
        request = (f"GET {PATH} HTTP/1.1\r\nHost: {self._host}\r\n{HEADERS}\r\n\r\n").encode()
        for _ in range(count):
            plain = socket.create_connection(self._address, 10.0)
            connection = self._tls.wrap_socket(plain, server_hostname=self._host)
            connection.sendall(request)
            self._connections.append(connection)

    def answered(self) -> int:
        """How many got a 200, each within ten seconds."""
        good = 0
        for connection in self._connections:
            connection.settimeout(10.0)
            try:
                good += connection.recv(4096).startswith(b"HTTP/1.1 200")
            except OSError:
                pass
        return good

    def close(self) -> None:
        for connection in self._connections:
            connection.close()
        self._connections.clear()
