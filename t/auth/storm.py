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

It ends with 0 if nothing crossed, nothing stuck, nobody was asked again without a cause, nothing is
left open, and nginx had nothing to complain about. With --plain, it ends with 0 if something crossed.
"""

import argparse
import asyncio
import collections
import json
import os
import random
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

import toy

HERE = os.path.dirname(os.path.abspath(__file__))
HOST = 'lyncwebext.contoso.com'
PATH = '/webticket/webticketservice.svc'

# Longer than anything here takes, however busy the machine is.
STUCK = 60


class Closed(Exception):
    """The other side closed instead of answering, or in the middle of it."""


class Connection(asyncio.Protocol):
    """A client's connection: requests out, answers in."""

    def __init__(self):
        self.buffer = bytearray()
        self.ended = False
        self.waiter = None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        self.wake()

    def eof_received(self):
        self.ended = True
        self.wake()

    def connection_lost(self, error):
        self.ended = True
        self.wake()

    def wake(self):
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def more(self):
        if self.ended:
            raise Closed
        self.waiter = asyncio.get_running_loop().create_future()
        try:
            await self.waiter
        finally:
            self.waiter = None

    async def take(self, count):
        while len(self.buffer) < count:
            await self.more()
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    async def until(self, mark):
        while (end := self.buffer.find(mark)) < 0:
            await self.more()
        data = bytes(self.buffer[:end])
        del self.buffer[:end + len(mark)]
        return data

    async def answer(self):
        """(status, headers, body); interim answers are passed over."""
        while True:
            head = (await self.until(b'\r\n\r\n')).decode('latin-1').split('\r\n')
            status = int(head[0].split(' ')[1])
            headers = collections.defaultdict(list)
            for line in head[1:]:
                name, _, value = line.partition(':')
                headers[name.lower()].append(value.strip())
            if status != 100:
                break
        if headers['transfer-encoding'] == ['chunked']:
            body = b''
            while size := int(await self.until(b'\r\n'), 16):
                body += await self.take(size)
                await self.take(2)
            await self.take(2)
        elif headers['content-length']:
            body = await self.take(int(headers['content-length'][0]))
        else:
            while not self.ended:
                await self.more()
            body = bytes(self.buffer)
        return status, headers, body


class Storm:
    def __init__(self, options, port):
        self.options = options
        self.port = port
        self.random = random.Random(options.seed)
        self.left = options.requests
        self.counts = collections.Counter()
        self.faults = []
        self.tls = ssl.create_default_context(cafile=f'{options.dir}/pki/public-ca.pem')

    def fault(self, kind, text):
        self.counts[kind] += 1
        if len(self.faults) < 20:
            self.faults.append(f'{kind}: {text}')

    async def connect(self):
        _, connection = await asyncio.get_running_loop().create_connection(
            Connection, '127.0.0.1', self.port, ssl=self.tls, server_hostname=HOST,
            ssl_handshake_timeout=STUCK)
        return connection


class Identity:
    """One user at one client. What is known of its connection:

    signed   the server was seen to know the user, and nothing happened since that ends it
    """

    def __init__(self, storm, number):
        self.storm = storm
        self.user = f'user{number}'
        self.connection = None
        self.signed = False

    async def run(self):
        storm = self.storm
        while storm.left > 0:
            try:
                await asyncio.wait_for(self.visit(), STUCK)
            except Closed:
                storm.counts['closed by nginx'] += 1
            except (ConnectionError, ssl.SSLError):
                storm.counts['no connection'] += 1
            except asyncio.TimeoutError:
                storm.fault('stuck', self.user)
            self.leave(storm.random.random() < 0.3)

    def leave(self, abort=False):
        if self.connection is not None:
            if abort:
                self.connection.transport.abort()
            else:
                self.connection.transport.close()
            self.connection = None
        self.signed = False

    # From connecting to going.
    async def visit(self):
        chance = self.storm.random.random
        self.signed = False
        self.connection = await self.storm.connect()
        for _ in range(self.storm.random.choice((1, 2, 5, 10, 30))):
            if self.storm.left <= 0 or self.connection.ended:
                return
            await self.storm.random.choice(self.ACTS)(self)
            if chance() < 0.02:
                await asyncio.sleep(chance() * 0.2)

    def send(self, query, authorization=None, method='GET', body=b'', headers='', length=None):
        self.storm.left -= 1
        self.storm.counts['requests'] += 1
        if self.connection.transport.is_closing():
            raise Closed
        text = f'{method} {PATH}?{query} HTTP/1.1\r\nHost: {HOST}\r\nX-Client: {self.user}\r\n{headers}'
        if authorization:
            text += f'Authorization: {authorization}\r\n'
        if method == 'POST' and 'chunked' not in headers:
            text += f'Content-Length: {len(body) if length is None else length}\r\n'
        self.connection.transport.write(text.encode() + b'\r\n' + body)

    # Reads an answer and judges it. `breaks`: it ends what the server knows of the connection.
    async def receive(self, breaks=False, signs=None, asks=True):
        storm = self.storm
        was_signed = self.signed
        if breaks:
            self.signed = False
        status, headers, body = await self.connection.answer()
        storm.counts[f'status {status}'] += 1
        if headers['connection'] == ['close']:
            self.connection.ended = True
        if status not in (200, 401) or not body.startswith(b'{'):
            self.signed = False
            return status, headers
        facts = json.loads(body.rstrip(b'.'))
        user = facts['user']
        if facts['client'] != self.user:
            storm.fault('crossed', f'{self.user} got the answer for {facts["client"]}')
        if user not in (None, '-', self.user):
            storm.fault('crossed', f'{self.user} is taken for {user}')
        if user == self.user:
            storm.counts['signed in'] += 1
            if signs is not None:
                self.signed = signs and not breaks
        elif was_signed and asks:
            storm.fault('asked again', f'{self.user}, without a cause')
            self.signed = False
        return status, headers

    # --- what it does

    async def ask(self):
        self.send('anonymous')
        await self.receive()

    async def ask_bare(self):
        self.send(self.storm.random.choice(('', 'merged', 'chunked', 'basic')))
        await self.receive()

    async def begin(self, query='', **more):
        scheme = self.storm.random.choice(('NTLM', 'Negotiate'))
        self.signed = False
        self.send(query, f'{scheme} {toy.type1()}', **more)
        _, headers = await self.receive()
        for value in headers['www-authenticate']:
            if match := re.search(r'(NTLM|Negotiate) (\w{12,}=*)', value):
                return match
        return None

    async def ntlm(self):
        challenge = await self.begin()
        if challenge is None or self.connection.ended:
            return
        self.storm.counts['handshakes'] += 1
        self.send('', f'{challenge[1]} {toy.type3(challenge[2], self.user)}')
        await self.receive(signs=True)

    async def ntlm_with_bodies(self):
        challenge = await self.begin(method='POST', body=b'x' * self.storm.random.randrange(20000))
        if challenge is None or self.connection.ended:
            return
        self.storm.counts['handshakes'] += 1
        self.send('', f'{challenge[1]} {toy.type3(challenge[2], self.user)}', method='POST',
                  headers='Transfer-Encoding: chunked\r\n', body=b'5\r\nhello\r\n0\r\n\r\n')
        await self.receive(signs=True)

    async def ntlm_broken(self):
        query = self.storm.random.choice(('after', 'close', 'cut', 'half', 'drop', 'vanish', 'wait=0.05'))
        challenge = await self.begin(query)
        if challenge is None or self.connection.ended:
            return
        self.send(query, f'{challenge[1]} {toy.type3(challenge[2], self.user)}')
        await self.receive(breaks=True)

    async def kerberos(self):
        query = self.storm.random.choice(('', 'quiet', 'chunked', 'per-request', 'per-request&quiet'))
        self.send(query, f'Negotiate {toy.kerberos(self.user)}')
        self.storm.counts['one-shot'] += 1
        # What the connection is taken for stays as it is where the user is the request's.
        await self.receive(signs=None if 'per-request' in query else True, asks=False)

    async def upload(self):
        size = self.storm.random.choice((10, 1000, 100000))
        self.send('anonymous', method='POST', body=b'x' * size)
        await self.receive()

    async def upload_answered_early(self):
        size = self.storm.random.choice((10, 1000, 100000))
        self.send('anonymous&early', method='POST', body=b'x' * size)
        # Whether nginx had sent all of it decides what becomes of the connection.
        self.signed = False
        await self.receive()

    async def upload_broken(self):
        self.send('anonymous', method='POST', body=b'x' * 1000, length=50000)
        await asyncio.sleep(self.storm.random.random() * 0.01)
        self.leave(True)
        raise Closed

    async def pipeline(self):
        queries = [self.storm.random.choice(('', 'anonymous', 'chunked', 'wait=0.01', 'size=20000'))
                   for _ in range(self.storm.random.randrange(2, 6))]
        for query in queries:
            self.send(query)
        for query in queries:
            await self.receive()

    async def pipeline_credential(self):
        self.send('anonymous')
        self.send('', f'Negotiate {toy.kerberos(self.user)}')
        self.send('')
        await self.receive()
        await self.receive(signs=True)
        await self.receive()

    async def disturb(self):
        query = self.storm.random.choice(('after', 'close', 'cut', 'half', 'drop', 'vanish'))
        self.send(f'anonymous&{query}')
        await self.receive(breaks=True, asks=False)

    async def large(self):
        self.send(f'anonymous&size={self.storm.random.randrange(300000)}')
        await self.receive()

    async def abort(self):
        query = self.storm.random.choice(('anonymous', 'wait=0.02', 'size=300000', 'chunked'))
        token = self.storm.random.choice(
            (None, None, f'NTLM {toy.type1()}', f'Negotiate {toy.kerberos(self.user)}'))
        self.send(query, token)
        if self.storm.random.random() < 0.7:
            await asyncio.sleep(self.storm.random.random() * 0.03)
        self.leave(True)
        self.storm.counts['aborted'] += 1
        raise Closed

    ACTS = ([ask] * 8 + [ask_bare] * 4 + [ntlm] * 8 + [kerberos] * 6 + [ntlm_with_bodies] * 2
            + [ntlm_broken] * 2 + [upload] * 3 + [upload_answered_early, upload_broken]
            + [pipeline] * 3 + [pipeline_credential] * 2 + [disturb] * 2 + [large] * 2 + [abort] * 3)


# --- nginx and the server

def free_port():
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return one.getsockname()[1]


def configuration(options, port, pool):
    addresses = ['127.0.0.11', '127.0.0.21'][:options.servers]
    d = options.dir
    if options.plain:
        servers = ' '.join(f'server {a}:{pool} max_fails=0;' for a in addresses)
        site = f"""
    upstream pool {{ {servers} keepalive 64; }}
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {d}/pki/public-ecdsa.pem;
        ssl_certificate_key {d}/pki/public-ecdsa.key;
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
            proxy_ssl_trusted_certificate {d}/pki/internal-ca.pem;
            proxy_ssl_verify on;
        }}
    }}"""
        load = ''
    else:
        # A server that drops on purpose isn't down.
        servers = '\n'.join(f'            server {a} max_fails=0;' for a in addresses)
        site = f"""
    lync_publish contoso {{
        sip_domain contoso.com;
        certificate {d}/pki/public-ecdsa.pem {d}/pki/public-ecdsa.key;
        trusted_ca {d}/pki/internal-ca.pem;
        http_listen off;
        https_listen 127.0.0.1:{port};
        connection_auth on max=20000;
        pool fepool.contoso.local {{
{servers}
            external_web_services {HOST};
            listening_ports https={pool};
        }}
    }}"""
        load = f'load_module {os.path.abspath(options.module)};'
    user = 'user root;' if os.geteuid() == 0 else ''
    return f"""{load}
{user}
daemon off;
worker_processes {options.workers};
pid {d}/nginx.pid;
error_log {d}/error.log warn;
events {{ worker_connections {options.files // 2}; }}
http {{
    access_log off;
    client_body_temp_path {d}/body;
    proxy_temp_path {d}/proxy;
    fastcgi_temp_path {d}/fastcgi;
    uwsgi_temp_path {d}/uwsgi;
    scgi_temp_path {d}/scgi;
{site}
}}
"""


class Server:
    """toy.py in a process of its own."""

    def __init__(self, options, pool):
        pki = f'{options.dir}/pki/fepool.contoso.local'
        self.process = subprocess.Popen(
            [sys.executable, f'{HERE}/toy.py', '--tls', f'{pki}.pem', f'{pki}.key',
             f'127.0.0.11:{pool}', f'127.0.0.21:{pool}'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def command(self, *words):
        self.process.stdin.write(' '.join(words) + '\n')
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


class Nginx:
    def __init__(self, options, port, pool):
        self.options = options
        with open(f'{options.dir}/nginx.conf', 'w') as out:
            out.write(configuration(options, port, pool))
        command = [options.nginx, '-p', options.dir, '-e', f'{options.dir}/error.log',
                   '-c', f'{options.dir}/nginx.conf']
        environment = dict(os.environ)
        if options.preload:
            environment.update(LD_PRELOAD=options.preload,
                               ASAN_OPTIONS=f'detect_leaks=0,log_path={options.dir}/sanitizer',
                               UBSAN_OPTIONS='print_stacktrace=1,'
                                             f'log_path={options.dir}/sanitizer')
        if options.valgrind:
            command[:0] = ['valgrind', '--tool=memcheck', '--leak-check=full',
                           '--show-possibly-lost=no', '--num-callers=40',
                           f'--suppressions={HERE}/../valgrind.suppress',
                           f'--log-file={options.dir}/valgrind.%p']
        self.output = open(f'{options.dir}/nginx.out', 'wb')
        self.process = subprocess.Popen(command, env=environment, stdout=self.output,
                                        stderr=self.output)
        until = time.time() + 60
        while True:
            try:
                socket.create_connection(('127.0.0.1', port)).close()
                return
            except OSError:
                if time.time() > until or self.process.poll() is not None:
                    raise SystemExit(f"nginx doesn't start, see {options.dir}") from None
                time.sleep(0.05)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def workers(self):
        with open(f'/proc/{self.process.pid}/task/{self.process.pid}/children') as children:
            return [int(pid) for pid in children.read().split()]

    def connections(self):
        """TCP connections that the workers hold, on both sides."""
        held = set()
        for pid in self.workers():
            try:
                for fd in os.scandir(f'/proc/{pid}/fd'):
                    if match := re.match(r'socket:\[(\d+)\]', os.readlink(fd.path)):
                        held.add(match[1])
            except OSError:
                continue
        listens = '0A'
        with open('/proc/net/tcp') as table:
            rows = [line.split() for line in table][1:]
        return sum(1 for row in rows if row[9] in held and row[3] != listens)

    def stop(self):
        self.process.send_signal(signal.SIGQUIT)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "nginx didn't end"
        finally:
            self.output.close()
        return None

    def complaints(self):
        found = []
        with open(f'{self.options.dir}/error.log', errors='replace') as log:
            found += [line.rstrip() for line in log
                      if re.search(r'\[(alert|crit|emerg)\]|Sanitizer|runtime error:|Assertion', line)]
        for name in sorted(os.listdir(self.options.dir)):
            path = f'{self.options.dir}/{name}'
            if name.startswith('sanitizer') and os.path.getsize(path):
                found.append(f'see {path}')
            if name.startswith('valgrind.'):
                with open(path, errors='replace') as report:
                    match = re.search(r'ERROR SUMMARY: (\d+)', report.read())
                if match is None or match[1] != '0':
                    found.append(f'see {path}')
        return found


# --- the run

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
            print(f'  {options.requests - max(run.left, 0)} requests, {said - started:.0f} s', flush=True)
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
        held = nginx.connections()
        if not left and not held:
            return
        # Nobody's connections may wait for the next client as long as nginx likes.
        if time.time() > until or (owned and time.time() > until - patience + STUCK):
            run.fault('left', f'{len(owned)} owned and {len(left) - len(owned)} shared connections '
                              f'at the server, {held} sockets at nginx: {(owned or left)[:3]}')
            return
        time.sleep(0.5)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    for name, default in (('requests', 200000), ('identities', 500), ('handshakes', 2000),
                          ('reloads', 3), ('servers', 2), ('workers', 2), ('seed', int(time.time()))):
        parser.add_argument(f'--{name}', type=int, default=default)
    for name, default in (('module', None), ('nginx', '/usr/sbin/nginx'), ('preload', ''), ('dir', None)):
        parser.add_argument(f'--{name}', default=default)
    parser.add_argument('--valgrind', action='store_true')
    parser.add_argument('--plain', action='store_true')
    options = parser.parse_args()
    if options.module is None and not options.plain:
        parser.error('--module is missing')

    temporary = options.dir is None
    options.dir = os.path.abspath(options.dir or tempfile.mkdtemp(prefix='lync-storm-'))
    os.makedirs(options.dir, exist_ok=True)
    for name in os.listdir(options.dir):
        if re.match(r'error\.log|sanitizer|valgrind\.', name):
            os.unlink(f'{options.dir}/{name}')
    subprocess.run([f'{HERE}/../pki', f'{options.dir}/pki'], check=True)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    options.files = 30000 if hard == resource.RLIM_INFINITY else min(hard, 30000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (options.files, hard))

    port, pool = free_port(), free_port()
    print(f'{options.requests} requests of {options.identities} identities, seed {options.seed}', flush=True)
    server = Server(options, pool)
    nginx = Nginx(options, port, pool)

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
        print(f'plain nginx: {crossed} crossed, as expected' if good else 'nothing crossed: the storm is blind')
    else:
        good = not run.faults and not crossed and not complaints
        print(f'{crossed} crossed, {run.counts["stuck"]} stuck, {run.counts["asked again"]} asked again '
              f'without a cause, {run.counts["left"]} left open, {len(complaints)} complaints: '
              + ('good' if good else 'BAD'))
    if good and temporary:
        shutil.rmtree(options.dir)
    elif not good:
        print(f'left for a look: {options.dir}')
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
