"""CPU per request of a publication that is counted, beside the same one that isn't. Counting begins
with the first `lync_status` of a configuration; without one there are no counters to add to, so the
yardstick is what everybody runs who doesn't want the status."""

from __future__ import annotations

import pairs
import proxies
from settings import PUBLISHED, Settings
from traffic import KINDS, SMALL_KINDS

TITLE = "Counting for lync_status"
BOUND = 1.02

COUNTED = PUBLISHED.having("module, lync_status", STATUS="lync_status;")
PLAIN = PUBLISHED.having("module, no lync_status")


def measure(run: Settings) -> list[pairs.Comparison]:
    # What is counted is counted per request, so small ones show it best.
    kinds = SMALL_KINDS if not run.only else KINDS
    return proxies.compare(run, run.sides(PLAIN, COUNTED), kinds, BOUND)
