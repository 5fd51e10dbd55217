"""CPU per request of the shield: all its rows, beside the same publication with `shield off`."""

from __future__ import annotations

import instructions
import pairs
import proxies
from settings import PUBLISHED, Settings
from traffic import AUTHENTICATED_KINDS, POLICY_KINDS

TITLE = "The shield"
BOUND = 1.02
OFF = PUBLISHED.having("module, shield off", DIRECTIVES="shield off;")
ON = PUBLISHED.having("module, shield on")
KINDS = (*POLICY_KINDS, AUTHENTICATED_KINDS[0])


def measure(run: Settings) -> list[pairs.Comparison]:
    sides = run.sides(OFF, ON)
    return [*proxies.compare(run, sides, KINDS, BOUND),
            *instructions.compare(run, sides, KINDS)]
