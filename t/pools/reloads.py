#!/usr/bin/env python3
"""Reloads under load, with pending GETs held: does any request fail, and do old workers go?

    t/pools/reloads.py --module build/ngx_lync_module.so [OPTION ...]

So many clients keep a pending GET open at any time: each is answered after a while and asked again,
as phones do it, while others ask on new and on kept connections, three servers answer, checks go
on, and nginx reloads. At the end some clients are left waiting for what never comes, nginx reloads
once more, and `worker_shutdown_timeout` has to end them. Options:

    --pending N       clients with a pending GET (1000)
    --reloads N       reloads (50)
    --pause S         seconds between them (1)
    --hold S          how long a pending GET waits (20)
    --shutdown S      worker_shutdown_timeout (45); longer than a pending GET waits
    --workers N       of nginx (2)
    --nginx PATH      the nginx binary (/usr/sbin/nginx)
    --preload LIBS    LD_PRELOAD for nginx: sanitizers
    --pki DIR         certificates (t/pki); made in a temporary directory if absent
    --dir DIR         everything is written below it (a new temporary directory)

It ends with 0 if no request failed, no server was called down, nothing but the workers of the last
configuration is left, their memory is what it was in the beginning, and nginx had nothing to
complain about.
"""

from __future__ import annotations

import asyncio
import collections
import os
import re
import signal
import ssl
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")

import proof_nginx
from http_client import Connection
from proof_nginx import HOST

SERVERS = ("127.0.0.11", "127.0.0.21", "127.0.0.31")


def configuration(o, port: int, pool: int) -> str:
    return proof_nginx.configuration(
        o.dir, proof_nginx.publication(o, port, pool, SERVERS, listen="backlog=4096",
                                       check="autodiscover interval=2s timeout=2s fails=5"),
        module=o.module, workers=o.workers, connections=4 * o.pending + 512,
        main=f"worker_shutdown_timeout {o.shutdown}s;")


class Nginx(proof_nginx.Nginx):
    complaint = proof_nginx.Nginx.complaint + "|is down"

    def __init__(self, o, port: int, pool: int):
        self.o = o
        super().__init__(o.nginx, o.dir, configuration(o, port, pool), port, preload=o.preload)

    def memory(self) -> int:
        """Kilobytes of all workers. What they share counts for each of them, so a worker more is
        seen in any case."""
        total = 0
        for pid in self.workers():
            try:
                with open(f"/proc/{pid}/status") as status:
                    total += int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))
            except (OSError, AttributeError):
                continue
        return total

    async def renew(self) -> None:
        """Reloads; returns when a new set of workers is there; the old ones may go on."""
        before = set(self.workers())
        self.reload()
        until = time.monotonic() + 60
        while len(set(self.workers()) - before) < self.o.workers:
            if time.monotonic() > until:
                raise SystemExit("nginx doesn't reload")
            await asyncio.sleep(0.02)


class Load:
    def __init__(self, o, port: int):
        self.o, self.port = o, port
        self.going = True
        self.waiting = 0
        self.counts: collections.Counter[str] = collections.Counter()
        self.failures: list[str] = []
        self.context = ssl.create_default_context(cafile=f"{o.pki}/public-ca.pem")

    async def connect(self) -> Connection:
        return await Connection.open(self.port, self.context)

    async def ask(self, connection: Connection, path: str) -> bool:
        """One request; False if the connection ends with its answer. ConnectionResetError: the other side
        had closed it before it saw the request."""
        connection.writer.write(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        await connection.writer.drain()
        try:
            status, headers, body = await connection.answer()
        except asyncio.IncompleteReadError as cut:
            if not cut.partial:
                raise ConnectionResetError from None
            raise
        if status != 200 or not body.startswith(b"from 127.0.0."):
            raise ValueError(f"{status} {body[:80]!r}")
        return headers["connection"] != ["close"]

    async def client(self, kind: str, path: str, keeps: bool) -> None:
        stream, fresh = None, True
        while self.going or (kind == "pending" and stream is not None):
            try:
                if stream is None:
                    stream, fresh = await self.connect(), True
                self.waiting += kind == "pending"
                try:
                    stays = await self.ask(stream, path)
                finally:
                    self.waiting -= kind == "pending"
                self.counts[kind] += 1
                if not (keeps and stays and self.going):
                    stream.close()
                    stream = None
                fresh = False
            except (ConnectionResetError, BrokenPipeError) as gone:
                # A kept connection that nginx closes while the next request is on its way: every
                # client asks again. On a fresh one it is a failure.
                if fresh:
                    self.failures.append(f"{kind}: {gone!r}")
                else:
                    self.counts["asked again"] += 1
                stream = None
            except Exception as wrong:  # pylint: disable=broad-except
                self.failures.append(f"{kind}: {wrong!r}")
                stream = None
                await asyncio.sleep(0.1)
            if kind != "pending":
                await asyncio.sleep(0.01)

    async def forgotten(self) -> str:
        """A client who waits for what never comes; how that ends."""
        stream = await self.connect()
        self.waiting += 1
        try:
            await self.ask(stream, "/ucwa/v1/events?hold=86400")
        except (OSError, EOFError):    # TLS's errors are of the system's, a cut answer is an end
            return "closed"
        return "answered"


async def run(o, nginx: Nginx, port: int) -> list[str]:
    load = Load(o, port)
    tasks = [asyncio.create_task(load.client("pending", f"/ucwa/v1/events?hold={o.hold}", False))
             for _ in range(o.pending)]
    tasks += [asyncio.create_task(load.client("new connection", "/abs/handler", False))
              for _ in range(3)]
    tasks += [asyncio.create_task(load.client("kept connection", "/abs/handler", True))
              for _ in range(3)]
    until = time.monotonic() + 120
    while load.waiting < o.pending and time.monotonic() < until:
        await asyncio.sleep(0.1)
    print(f"{load.waiting} GETs are pending, workers use {nginx.memory()} kB", flush=True)

    least, most, most_workers = load.waiting, 0, 0
    for number in range(o.reloads):
        await nginx.renew()
        await asyncio.sleep(o.pause)
        # Answered ones are asked again at once, but not in no time.
        least = min(least, load.waiting)
        most = max(most, nginx.memory())
        most_workers = max(most_workers, len(nginx.workers()))
        if (number + 1) % 10 == 0:
            print(f"  {number + 1} reloads, {load.waiting} pending, {len(nginx.workers())} workers,"
                  f" {nginx.memory()} kB, {len(load.failures)} failures", flush=True)
    load.going = False
    await asyncio.wait_for(asyncio.gather(*tasks), o.hold + 120)

    # Who waits for ever holds an old worker as long as worker_shutdown_timeout allows.
    forgotten = [asyncio.create_task(load.forgotten()) for _ in range(min(o.pending, 100))]
    until = time.monotonic() + 60
    while load.waiting < len(forgotten) and time.monotonic() < until:
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    begin = time.monotonic()
    await nginx.renew()
    held = len(nginx.workers())
    while len(nginx.workers()) > o.workers and time.monotonic() - begin < o.shutdown + 60:
        await asyncio.sleep(0.2)
    took = time.monotonic() - begin
    ends = collections.Counter(await asyncio.wait_for(asyncio.gather(*forgotten), 60))
    await asyncio.sleep(1)
    after = nginx.memory()

    # What so few workers use when nobody has asked them anything but a few times.
    idle = after / max(1, len(nginx.workers()))
    print(f"requests: {dict(load.counts)}")
    print(f"fewest pending at a time: {least}")
    print(f"at most {most_workers} workers with {most} kB; at the end {len(nginx.workers())} with "
          f"{after} kB, {idle:.0f} each; {held - o.workers} old ones were gone after {took:.1f} s")
    print(f"{len(load.failures)} failed", *load.failures[:10], sep="\n    ")

    wrong = list(load.failures)
    if held <= o.workers:
        wrong.append("no old worker was held by those who wait for ever")
    if len(nginx.workers()) != o.workers:
        wrong.append(f"{len(nginx.workers())} workers are left")
    if took < o.shutdown - 5:
        wrong.append(f"old workers were gone after {took:.1f} s, before their time")
    if ends != {"closed": len(forgotten)}:
        wrong.append(f"who waits for ever: {dict(ends)}")
    # Sanitizers keep what is freed.
    if after > 1.5 * o.start_memory and not o.preload:
        wrong.append(f"{after} kB at the end, {o.start_memory} kB in the beginning")
    return wrong


def main() -> int:
    o = proof_nginx.options(__doc__, "reloads", pending=1000, reloads=50, pause=1.0, hold=20.0, shutdown=45,
                            workers=2)
    port, pool = proof_nginx.free_port(), proof_nginx.free_port()
    servers = proof_nginx.pool_servers(o, pool, SERVERS)
    nginx = None
    try:
        nginx = Nginx(o, port, pool)
        time.sleep(3)   # the first checks, so that their memory counts
        o.start_memory = nginx.memory()
        print(f"{len(nginx.workers())} workers use {o.start_memory} kB", flush=True)
        wrong = asyncio.run(run(o, nginx, port))
    finally:
        if nginx is not None:
            nginx.stop(signal.SIGTERM)
        servers.stop()
    return proof_nginx.end(o, wrong + nginx.complaints())


if __name__ == "__main__":
    sys.exit(main())
