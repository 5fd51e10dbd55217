"""CPU per request of the request policy: the publication as it is by default, beside the same with
`path_policy vendor` and without the meeting URL guard."""

from __future__ import annotations

import instructions
import pairs
import proxies
from settings import PUBLISHED, Settings
from traffic import POLICY_KINDS

TITLE = "The request policy"
BOUND = 1.02
VENDOR = PUBLISHED.having("module, path_policy vendor, no guard",
                          DIRECTIVES="path_policy vendor; meeting_url_guard off;")
STRICT = PUBLISHED.having("module, path_policy strict")


def measure(run: Settings) -> list[pairs.Comparison]:
    sides = run.sides(VENDOR, STRICT)
    return [*proxies.compare(run, sides, POLICY_KINDS, BOUND),
            *instructions.compare(run, sides, POLICY_KINDS)]
