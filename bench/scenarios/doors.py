"""CPU per request of ordinary traffic with `sign_in` and `lockout` on, beside the same publication
without them: requests with a ticket in the header, and a morning with its NTLM sign-in, among them."""

from __future__ import annotations

import instructions
import pairs
import proxies
from settings import PUBLISHED, Settings
from traffic import AUTHENTICATED_KINDS, PEER_KINDS, POLICY_KINDS

TITLE = "sign_in and lockout"
BOUND = 1.02
OFF = PUBLISHED.having("module, neither")
ON = PUBLISHED.having("module, both",
                      DIRECTIVES="sign_in windows password certificate oauth; lockout on;")
KINDS = (*POLICY_KINDS, AUTHENTICATED_KINDS[0], PEER_KINDS[-1])


def measure(run: Settings) -> list[pairs.Comparison]:
    sides = run.sides(OFF, ON)
    return [*proxies.compare(run, sides, KINDS, BOUND),
            *instructions.compare(run, sides, KINDS)]
