#!/usr/bin/env python3
"""What the faults of a server cost the clients of a pool of three, under load.

    t/pools/faults.py [--module PATH] [--pki DIRECTORY] [--nginx PATH] [--dir DIRECTORY] [--short]

Clients ask without a pause, by GET and by POST, over connections that they keep. One server after
the other is killed, frozen, made to reset connections, slowed down and given a wrong certificate,
and mended again. Then nginx is reloaded again and again while pending GETs are held.

    failed    requests that began after the fault and weren't answered 200. None may. Of a frozen
              server nobody knows until checks have timed out; until then it gets its share, no
              more, and keeps it: those are lost, too.
    lost      requests that were under way at the moment of the fault and weren't answered 200, of so
              many under way. A request that was sent can't be taken back.
    out       from the fault until the server is left out
    back      from the repair until the server answers a client again
    slowest   answer to a request that began after the fault
    hanging   requests that still wait for the server when it is mended. None may.

Exits with 1 if a request failed that mustn't.
"""

import asyncio
import json
import os
import signal
import ssl
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, f'{os.path.dirname(os.path.abspath(__file__))}/../lib')

import proof_nginx
from http_client import Connection
from proof_nginx import HOST

ADDRESSES = ['127.0.0.31', '127.0.0.32', '127.0.0.33']


class Server:
    def __init__(self, options, address, port):
        self.options, self.address, self.port = options, address, port
        self.start('fepool.contoso.local')

    def start(self, certificate):
        self.program = proof_nginx.Program('pools/servers.py', self.options.pki,
                                           f'{self.address}:{self.port}={certificate}')
        self.process = self.program.process
        self.behave(says=self.address)

    def behave(self, **what):
        self.program.command(json.dumps({'server': f'{self.address}:{self.port}', **what}))

    def kill(self):
        self.process.kill()
        self.process.wait()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)


def configuration(options, port, pool):
    site = proof_nginx.publication(options, port, pool, ADDRESSES, listen='backlog=4096',
                                   each='fail_timeout=2s slow_start=0', check=options.check)
    return proof_nginx.configuration(options.dir, site, module=options.module,
                                     workers=options.workers, level='notice')


class Client:
    """One connection that asks again and again."""

    def __init__(self, load, number):
        self.load = load
        self.post = number % 4 == 3
        self.connection = None

    async def run(self):
        while not self.load.over:
            await self.ask('/ucwa/v1/x')

    async def ask(self, path):
        began = time.time()
        entry = [began, None, None, None, self.post]
        self.load.under_way[id(entry)] = entry
        try:
            entry[2], entry[3] = await self.exchange(path)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            entry[2] = 'broken'
        if entry[2] != 200:
            self.leave()
        entry[1] = time.time()
        del self.load.under_way[id(entry)]
        self.load.done.append(entry)
        return entry[2]

    async def exchange(self, path):
        """As every HTTP client does, asks once more if a kept connection ends before a byte came."""
        kept = self.connection is not None
        try:
            return await self.ask_once(path)
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            if not kept or getattr(error, 'partial', b''):
                raise
            self.leave()
            return await self.ask_once(path)

    def leave(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    async def ask_once(self, path):
        self.connection = self.connection or await Connection.open(self.load.port, self.load.tls)
        head = f'{"POST" if self.post else "GET"} {path} HTTP/1.1\r\nHost: {HOST}\r\n'
        self.connection.writer.write((head + ('Content-Length: 5\r\n\r\nhello' if self.post else '\r\n')).encode())
        status, headers, body = await self.connection.answer()
        if headers['connection'] == ['close']:
            self.leave()
        return status, body.decode()


class Load:
    def __init__(self, options, port):
        self.port = port
        self.tls = ssl.create_default_context(cafile=f'{options.pki}/public-ca.pem')
        self.over = False
        self.done = []
        self.under_way = {}
        self.clients = [Client(self, n) for n in range(options.clients)]

    async def __aenter__(self):
        self.tasks = [asyncio.ensure_future(c.run()) for c in self.clients]
        return self

    async def __aexit__(self, *error):
        self.over = True
        await asyncio.wait(self.tasks, timeout=30)


async def until(condition, seconds):
    limit = time.time() + seconds
    while time.time() < limit:
        if value := condition():
            return value
        await asyncio.sleep(0.02)
    return None


async def fault(nginx, load, server, name, begin, end, seconds):
    pattern = rf'(left out|lync_health).*{server.address}|{server.address}.*(left out|lync_health)'
    await asyncio.sleep(1)
    load.done.clear()
    logged = len(nginx.lines(pattern))
    under_way = len(load.under_way)
    began = time.time()
    begin(server)
    await until(lambda: len(nginx.lines(pattern)) > logged, seconds)
    found = len(nginx.lines(pattern)) > logged
    out = time.time() - began
    await asyncio.sleep(max(0, began + seconds - time.time()))
    hanging = sum(1 for e in load.under_way.values() if time.time() - e[0] > 2)
    end(server)
    mended = time.time()
    back = await until(lambda: any(e[3] == server.address and e[0] > mended for e in load.done), 30)
    back = time.time() - mended if back else None
    await asyncio.sleep(1)

    # What began within the instant of the fault was under way then, as far as can be seen.
    known = began + 0.5 + (out if begin is Server.freeze and found else 0)
    after = [e for e in load.done if e[0] > known]
    failed = [e for e in after if e[2] != 200]
    lost = [e for e in load.done if e[0] <= known and e[2] != 200]
    # Two workers may give a server the same place.
    share = len(load.clients) // len(ADDRESSES) + 2
    most = share if begin is Server.freeze else under_way
    slowest = max((e[1] - e[0] for e in after), default=0)
    return {'fault': name, 'requests': len(load.done), 'failed': len(failed),
            'lost': f'{len(lost)} of {under_way}', 'out': f'{out:.1f} s' if found else '-',
            'back': f'{back:.1f} s' if back is not None else 'never', 'slowest': f'{slowest:.1f} s',
            'hanging': hanging,
            'good': not failed and len(lost) <= most and back is not None and not hanging}


def table(rows):
    names = [name for name in rows[0] if name != 'good']
    print('| ' + ' | '.join(names) + ' |')
    print('|' + '---|' * len(names))
    for row in rows:
        print('| ' + ' | '.join(str(row[name]) for name in names) + ' |'
              + ('' if row['good'] else '  <-- not good'), flush=True)
    print(flush=True)


async def play(options, nginx, servers, port):
    rows = []
    length = 4 if options.short else 10
    faults = [
        ('killed', Server.kill, lambda s: s.start('fepool.contoso.local')),
        ('frozen', Server.freeze, Server.thaw),
        ('resets connections', lambda s: s.behave(resets=True), lambda s: s.behave(resets=False)),
        ('answers take 1 s more', lambda s: s.behave(slow=1), lambda s: s.behave(slow=0)),
        ('certificate not trusted',
         lambda s: (s.kill(), s.start('untrusted')),
         lambda s: (s.kill(), s.start('fepool.contoso.local'))),
        ('certificate of another name',
         lambda s: (s.kill(), s.start('fepool2.fabrikam.local')),
         lambda s: (s.kill(), s.start('fepool.contoso.local'))),
    ]
    async with Load(options, port) as load:
        for n, (name, begin, end) in enumerate(faults):
            # Two checks have to time out before anybody knows.
            seconds = max(length, 8) if name == 'frozen' else length
            rows.append(await fault(nginx, load, servers[n % len(servers)], name, begin, end, seconds))
        table(rows)
    return all(row['good'] for row in rows)


def main():
    options = proof_nginx.options(
        __doc__, 'faults', short=False, workers=2, clients=24,
        check='autodiscover interval=1s timeout=1s fails=2 passes=2')
    port, pool = proof_nginx.free_port(), proof_nginx.free_port()
    servers = [Server(options, address, pool) for address in ADDRESSES]
    nginx = proof_nginx.Nginx(options.nginx, options.dir, configuration(options, port, pool), port,
                              preload=options.preload)
    try:
        good = asyncio.run(play(options, nginx, servers, port))
    finally:
        nginx.stop(patience=30)
        for server in servers:
            server.thaw()
            server.kill()
    sys.exit(proof_nginx.end(options, nginx.complaints() + ([] if good else ['see the table'])))


if __name__ == '__main__':
    main()
