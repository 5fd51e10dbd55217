"""CPU per request of a proxy, the publication beside the best hand-written configuration.

Both keep no connection to the pool's https port: the hand-written one because it can't know whose
a connection is, the publication because connection_auth is off. What it gains by knowing is the
other scenario (shared_connections)."""

from __future__ import annotations

import pairs
import proxies
from settings import HANDWRITTEN, PUBLISHED, Settings
from traffic import KINDS

TITLE = "Proxying, a connection to the pool for each request"
BOUND = 1.05


def measure(run: Settings) -> list[pairs.Comparison]:
    own = PUBLISHED.having("module, connection_auth off", DIRECTIVES="connection_auth off;")
    return proxies.compare(run, run.sides(HANDWRITTEN, own), KINDS, BOUND)
