"""Instructions of small requests outside of the kernel: what the module adds to them."""

from __future__ import annotations

import instructions
import pairs
from settings import HANDWRITTEN, PUBLISHED, Settings
from traffic import SMALL_KINDS

TITLE = "Instructions in user space"


def measure(run: Settings) -> list[pairs.Comparison]:
    sharing = HANDWRITTEN.having("hand-written, keepalive", POOL_KEEPALIVE="keepalive 64;")
    return instructions.compare(run, run.sides(sharing, PUBLISHED), SMALL_KINDS)
