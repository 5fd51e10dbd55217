"""This module beside what else is put in front of a pool, each on one core with the same names,
certificate and servers: CPU per request, and memory of a phone that waits. Also as a picture,
BUILD/bench/peers.svg."""

from __future__ import annotations

import shutil

import holding
import pairs
import phones
import picture
import proxies
import report
from settings import APACHE, CADDY, HANDWRITTEN, HAPROXY, PUBLISHED, SQUID, BenchError, Settings
from traffic import PEER_KINDS, chosen

TITLE = "The module and its peers"
# As fast as it gets, and not safe with NTLM: connections to the pool are anybody's.
BY_HAND = HANDWRITTEN.having("hand-written, keepalive", POOL_KEEPALIVE="keepalive 64;")
PEERS = (BY_HAND, HAPROXY, SQUID, APACHE, CADDY)
BOUNDS = {BY_HAND.title: 1.02, HAPROXY.title: 0.95}
HELD = "phone that waits"


def measure(run: Settings) -> list[pairs.Comparison]:
    phones.raise_limit(20000)
    found: list[pairs.Comparison] = []
    for peer in PEERS:
        if peer.program != "nginx" and shutil.which(peer.program) is None:
            print(f"left out: apt-get install {peer.program}")
            continue
        sides = run.sides(peer, PUBLISHED)
        for kind in chosen(PEER_KINDS, run.only):
            try:
                found += proxies.compare(run, sides, (kind,), BOUNDS.get(peer.title), alike=True)
            except BenchError as error:     # one proxy's failure isn't the others'
                print(f"{peer.title}, {kind.name}: left out: {error}", flush=True)
        if run.only in HELD:
            found.append(holding.compare(run, sides, 200 if run.quick else 2000, None))
            found[-1].name = HELD
            print(report.line(found[-1]), flush=True)
    (run.build / "peers.svg").write_text(picture.draw(found))
    return found
