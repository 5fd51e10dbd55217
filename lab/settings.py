"""Paths, from the environment, with defaults for a working copy."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent

LAB_DIR = Path(os.environ.get("LAB_DIR") or PROJECT / "build" / "lab").absolute()
MODULE = Path(os.environ.get("LYNC_MODULE") or PROJECT / "build" / "ngx_lync_module.so").absolute()
TEMPLATE = Path(os.environ.get("LAB_CONF") or HERE / "nginx.conf.in").absolute()

PKI = LAB_DIR / "pki"
LOGS = LAB_DIR / "logs"
PIDS = LAB_DIR / "pids"
CONF = LAB_DIR / "nginx.conf"
CURLRC = LAB_DIR / "curlrc"
CONTROL = LAB_DIR / "control.sock"


class LabError(Exception):
    """Something the user can mend; the text is the whole message."""


def nginx() -> str:
    """The nginx to run: $NGINX_BINARY, or the one in PATH or where Debian keeps it."""
    wanted = os.environ.get("NGINX_BINARY")
    for candidate in ([wanted] if wanted else ["nginx", "/usr/sbin/nginx",
                                               "/usr/local/nginx/sbin/nginx"]):
        found = shutil.which(candidate)
        if found:
            return found
    if wanted:
        raise LabError("no nginx at \"%s\" (NGINX_BINARY)" % wanted)
    raise LabError("nginx isn't installed: apt-get install nginx, or set NGINX_BINARY")


def shown(path: Path) -> str:
    """A path as a person in this directory would type it."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("../..") else relative


class Palette:
    """Escape sequences on a terminal, nothing elsewhere."""

    def __init__(self, stream=sys.stdout):
        colour = stream.isatty() and "NO_COLOR" not in os.environ \
            and os.environ.get("TERM") != "dumb"
        self.bold, self.dim, self.good, self.bad, self.off = \
            ("\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m") if colour else [""] * 5
        marks = "utf" in (getattr(stream, "encoding", "") or "").lower()
        self.yes, self.no = ("\u2714", "\u2718") if marks else ("ok", "NOT")
