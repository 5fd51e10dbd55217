"""CPU per request of clients that authenticate a connection: the publication as it is by default
beside HAProxy with `http-reuse never`, the safe way to publish NTLM with HAProxy."""

from __future__ import annotations

import shutil

import pairs
import proxies
from settings import HAPROXY, PUBLISHED, Settings
from traffic import AUTHENTICATED_KINDS

TITLE = "Proxying, connections that belong to a client"
BOUND = 1.00


def measure(run: Settings) -> list[pairs.Comparison]:
    if shutil.which("haproxy") is None:
        print("left out: apt-get install haproxy")
        return []
    return proxies.compare(run, run.sides(HAPROXY, PUBLISHED), AUTHENTICATED_KINDS, BOUND)
