"""CPU per request of requests without credentials that share connections to the pool: the
publication as it is by default, which knows when a connection becomes somebody's, beside a
hand-written configuration with `keepalive`, which doesn't: with NTLM it would answer one client
as another. It is the fastest that can be written, not one to run."""

from __future__ import annotations

import pairs
import proxies
from settings import HANDWRITTEN, PUBLISHED, Settings
from traffic import POOL_KINDS

TITLE = "Proxying, connections to the pool shared"
BOUND = 1.03
SHARING = HANDWRITTEN.having("hand-written, keepalive", POOL_KEEPALIVE="keepalive 64;")


def measure(run: Settings) -> list[pairs.Comparison]:
    return proxies.compare(run, run.sides(SHARING, PUBLISHED), POOL_KINDS, BOUND)
