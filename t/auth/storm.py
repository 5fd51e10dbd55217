#!/usr/bin/env python3
"""Connection-bound authentication under a storm: does an identity ever cross?

    t/auth/storm.py --module build/ngx_lync_module.so [OPTION ...]

So many identities at the same time connect, sign in by NTLM or by one message of Kerberos, ask with
and without a credential, upload, pipeline, break off, and go, in random order; the server (toy.py)
closes, cuts and drops in random order, too. Every answer names its identity and the client that it
is meant for. At the end nothing may be left open on either side of nginx. Options:

    --requests N      requests in all (200000)
    --identities N    clients at a time, each an identity (500)
    --handshakes N    then so many handshakes are opened, and nginx reloads before they end (2000)
    --reloads N       reloads during the storm (3)
    --servers 1|2     servers behind the publication (2)
    --workers N       of nginx (2)
    --seed N          of the randomness; the one of this run is printed (the time)
    --nginx PATH      the nginx binary (/usr/sbin/nginx)
    --preload LIBS    LD_PRELOAD for nginx: sanitizers
    --valgrind        nginx under valgrind
    --plain           plain nginx with a shared keepalive instead: must be seen to cross
    --dir DIR         everything is written below it (a new temporary directory)

It ends with 0 if nothing crossed, nothing stuck, nobody was asked again without a cause, nothing
is left open, and nginx had nothing to complain about. With --plain, it ends with 0 if something
crossed.
"""

import asyncio
import collections
import json
import os
import re
import resource
import sys
import time

# The source tree stays as it is.
sys.dont_write_bytecode = True
sys.path.insert(0, f'{os.path.dirname(os.path.abspath(__file__))}/../lib')

import proof_nginx
import toy
from storm_clients import STUCK, Closed, Identity, Storm


def configuration(options, port, pool):
    addresses = ['127.0.0.11', '127.0.0.21'][:options.servers]
    d = options.dir
    if options.plain:
        servers = ' '.join(f'server {a}:{pool} max_fails=0;' for a in addresses)
        site = f"""
    upstream pool {{ {servers} keepalive 64; }}
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {options.pki}/public-ecdsa.pem;
        ssl_certificate_key {options.pki}/public-ecdsa.key;
        keepalive_requests 10000;
        client_max_body_size 0;
        location / {{
            proxy_pass https://pool;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_request_buffering off;
            proxy_buffering off;
            proxy_ssl_name fepool.contoso.local;
            proxy_ssl_trusted_certificate {options.pki}/internal-ca.pem;
            proxy_ssl_verify on;
        }}
    }}"""
    else:
        # A server that drops on purpose isn't down.
        site = proof_nginx.publication(options, port, pool, addresses, each='max_fails=0',
                                       inside='connection_auth on max=20000;')
    return proof_nginx.configuration(d, site, module=None if options.plain else options.module,
                                     workers=options.workers, connections=options.files // 2)


class Server(proof_nginx.Program):
    def __init__(self, options, pool):
        pki = f'{options.pki}/fepool.contoso.local'
        super().__init__('auth/toy.py', '--tls', f'{pki}.pem', f'{pki}.key', f'127.0.0.11:{pool}',
                         f'127.0.0.21:{pool}')

    def command(self, *words):
        return json.loads(super().command(*words))


def connections(nginx):
    """TCP connections that nginx's workers hold, on both sides."""
    held, listens = nginx.sockets(), '0A'
    with open('/proc/net/tcp') as table:
        rows = [line.split() for line in table][1:]
    return sum(1 for row in rows if row[9] in held and row[3] != listens)


async def storm(options, nginx, port):
    run = Storm(options, port)
    identities = [Identity(run, number) for number in range(options.identities)]
    tasks = [asyncio.create_task(one.run()) for one in identities]
    reloads = [run.left * (i + 1) // (options.reloads + 1) for i in range(options.reloads)]
    started = said = time.time()
    while not all(task.done() for task in tasks):
        await asyncio.sleep(0.2)
        if reloads and run.left < reloads[-1]:
            reloads.pop()
            run.counts['reloads'] += 1
            # Whoever is signed in may be asked again from here on.
            for one in identities:
                one.signed = False
            nginx.reload()
        if time.time() - said > 20:
            said = time.time()
            print(f'  {options.requests - max(run.left, 0)} requests, {said - started:.0f} s',
                  flush=True)
    for task in tasks:
        task.result()
    run.counts['seconds'] = round(time.time() - started)
    return run


async def handshakes(options, nginx, run):
    """Handshakes that are open while nginx reloads."""
    run.left = 10 ** 9
    identities = [Identity(run, f'h{number}') for number in range(options.handshakes)]
    challenges = {}

    async def begin(one):
        one.connection = await run.connect()
        challenges[one] = await one.begin()

    # Some at once, while the old workers don't know yet; the others when they are on their way out.
    async def finish(one, pause):
        match = challenges.get(one)
        await asyncio.sleep(pause)
        try:
            if match is None:
                return 'none'
            one.send('', f'{match[1]} {toy.type3(match[2], one.user)}')
            status, _ = await one.receive()
            return status
        except Closed:
            return 'closed'
        finally:
            one.leave()

    # Their number at a time is what one nginx worker's backlog takes.
    for start in range(0, len(identities), 100):
        await asyncio.gather(*(begin(one) for one in identities[start:start + 100]))
    before = nginx.workers()
    nginx.reload()
    while set(before) <= set(nginx.workers()) and len(nginx.workers()) <= len(before):
        await asyncio.sleep(0.02)
    ends = await asyncio.wait_for(asyncio.gather(
        *(finish(one, number % 3) for number, one in enumerate(identities))), STUCK)
    for end, count in collections.Counter(ends).items():
        run.counts[f'open handshakes: {end}'] += count


def settle(server, nginx, run, patience):
    """Waits until nothing is open; says what is."""
    until = time.time() + patience
    owned_at = None
    while True:
        left = server.command('stats')['open']
        owned = [one for one in left if one['owner'] is not None]
        if not owned and owned_at is None:
            owned_at = time.time()
        held = connections(nginx)
        if not left and not held:
            return
        # Nobody's connections may wait for the next client as long as nginx likes.
        if time.time() > until or (owned and time.time() > until - patience + STUCK):
            run.fault('left', f'{len(owned)} owned and {len(left) - len(owned)} shared connections '
                              f'at the server, {held} sockets at nginx: {(owned or left)[:3]}')
            return
        time.sleep(0.5)


def main():
    options = proof_nginx.options(
        __doc__, 'storm', requests=200000, identities=500, handshakes=2000, reloads=3, servers=2, workers=2,
        seed=int(time.time()), valgrind=False, plain=False)
    for name in os.listdir(options.dir):
        if re.match(r'error\.log|sanitizer|valgrind\.', name):
            os.unlink(f'{options.dir}/{name}')
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    options.files = 30000 if hard == resource.RLIM_INFINITY else min(hard, 30000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (options.files, hard))

    port, pool = proof_nginx.free_port(), proof_nginx.free_port()
    print(f'{options.requests} requests of {options.identities} identities, seed {options.seed}',
          flush=True)
    server = Server(options, pool)
    # Leaks are the suites' business: they stop nginx when nothing is in use.
    valgrind = ['valgrind', '--tool=memcheck', '--leak-check=no', '--num-callers=40',
                f'--log-file={options.dir}/valgrind.%p'] if options.valgrind else ()
    nginx = proof_nginx.Nginx(options.nginx, options.dir, configuration(options, port, pool), port, preload=options.preload,
                              wrapper=valgrind, patience=300 if options.valgrind else 60)

    async def play():
        run = await storm(options, nginx, port)
        if options.handshakes and not options.plain:
            await handshakes(options, nginx, run)
        return run

    run = asyncio.run(play())
    # The shared ones of the module wait for a minute.
    if not options.plain:
        settle(server, nginx, run, 120)
    seen = server.command('stats')
    ended = nginx.stop()
    server.stop()

    for crossing in seen['crossings']:
        run.fault('crossed at the server', str(crossing))
    run.counts['crossed at the server'] = seen['crossed']
    complaints = nginx.complaints() + ([ended] if ended else [])

    for name, count in sorted(run.counts.items()):
        print(f'  {name:26} {count}')
    print(f'  {"at the server":26} {seen["requests"]} requests, {seen["accepted"]} connections')
    for text in run.faults + complaints[:20]:
        print(f'  ! {text}')
    crossed = run.counts['crossed'] + seen['crossed']
    if options.plain:
        good = crossed > 0
        print(f'plain nginx: {crossed} crossed, as expected' if good
              else 'nothing crossed: the storm is blind')
    else:
        good = not run.faults and not crossed and not complaints
        print(f'{crossed} crossed, {run.counts["stuck"]} stuck, '
              f'{run.counts["asked again"]} asked again without a cause, '
              f'{run.counts["left"]} left open, {len(complaints)} complaints: '
              + ('good' if good else 'BAD'))
    return proof_nginx.end(options, [] if good else ['see above'])


if __name__ == '__main__':
    sys.exit(main())
