"""curl, as the clients of the tour: one request, and everything the answer said."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import settings
import topology
from settings import LabError

TIMEOUT = 60

# what curl says when the server just closed: no handshake, no answer, reset
CLOSED = {35, 52, 56}


@dataclass
class Answer:
    """What came back; `closed` when the connection was, without an answer."""

    exit_code: int
    error: str = ""
    status: int = 0
    reason: str = ""
    version: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    seconds: float = 0.0
    certificate: str = ""   # the subject of the one presented

    @property
    def closed(self) -> bool:
        return self.exit_code in CLOSED

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def header(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> list[str]:
        return [value for n, value in self.headers if n.lower() == name.lower()]

    @property
    def server(self) -> str:
        return self.header("X-Lab-Server")

    @property
    def site(self) -> str:
        return self.header("X-Lab-Site")

    @property
    def access_location(self) -> str:
        found = re.search(r'AccessLocation"?[=:]\s*"(\w+)"', self.text)
        return found.group(1) if found else ""

    def link(self, token: str) -> str:
        """The href of an Autodiscover link, in any of the three dialects."""
        found = re.search(r'<Link token="%s" href="([^"]*)"' % re.escape(token), self.text)
        if found:
            return found.group(1).replace("&amp;", "&")
        try:
            document = json.loads(self.text)
        except ValueError:
            return ""
        if "_links" in document:
            return document["_links"].get(token.lower(), {}).get("href", "")
        for part in document.values():
            if isinstance(part, dict):
                for row in part.get("Links", []):
                    if row.get("token") == token:
                        return row["href"]
        return ""


def write_curlrc() -> None:
    """Ports 443 and 80 of any name lead to the lab's nginx, whose CA is trusted."""
    settings.CURLRC.write_text(
        "# curl -K: any name's ports 443 and 80 are the lab's nginx\n"
        'connect-to = ":443:%s:%d"\nconnect-to = ":80:%s:%d"\ncacert = "%s"\nnoproxy = "*"\n'
        % (topology.PROXY_ADDRESS, topology.PROXY_HTTPS, topology.PROXY_ADDRESS,
           topology.PROXY_HTTP, settings.PKI / "public-ca.pem"))


def curl(arguments: list[str]) -> Answer:
    if not shutil.which("curl"):
        raise LabError("curl isn't installed: apt-get install curl")
    with tempfile.TemporaryDirectory(prefix="walk.", dir=settings.LAB_DIR) as scratch:
        head, body = Path(scratch) / "head", Path(scratch) / "body"
        done = subprocess.run(
            ["curl", "-q", "-sS", "-K", str(settings.CURLRC), "-D", str(head), "-o", str(body),
             "--max-time", str(TIMEOUT), "-w", "%{http_version} %{time_total}\n%{certs}", *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        answer = Answer(done.returncode, done.stderr.strip())
        if head.exists():
            _read_head(answer, head.read_bytes().decode("latin-1"))
        if body.exists():
            answer.body = body.read_bytes()
    measured, _, certificates = done.stdout.partition("\n")
    if measured:
        answer.version, seconds = measured.split()
        answer.seconds = float(seconds)
    if found := re.search(r"^Subject:(.*)", certificates, re.MULTILINE):
        answer.certificate = found.group(1)
    return answer


def _read_head(answer: Answer, text: str) -> None:
    """The last head of the file: before it may stand a 100 Continue."""
    blocks = [b for b in text.replace("\r\n", "\n").split("\n\n") if b.startswith("HTTP/")]
    if not blocks:
        return
    lines = blocks[-1].split("\n")
    parts = lines[0].split(" ", 2)
    answer.status = int(parts[1])
    answer.reason = parts[2] if len(parts) > 2 else ""
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            answer.headers.append((name, value.strip()))
