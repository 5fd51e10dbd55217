"""The clients of storm.py: identities that sign in, ask, and break off, in random order."""

import asyncio
import collections
import json
import random
import re
import ssl

import http_client
import toy
from proof_nginx import HOST

PATH = '/webticket/webticketservice.svc'

# Longer than an answer takes here, however busy the machine is.
STUCK = 60


class Closed(Exception):
    """The other side closed instead of answering, or in the middle of it."""


class Connection(http_client.Connection):
    ended = False

    async def answer(self):
        try:
            return await super().answer()
        except EOFError:
            self.ended = True
            raise Closed from None


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
        return await Connection.open(self.port, self.tls, ssl_handshake_timeout=STUCK)


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
                await self.visit()
            except Closed:
                storm.counts['closed by nginx'] += 1
            except (ConnectionError, ssl.SSLError):
                storm.counts['no connection'] += 1
            except asyncio.TimeoutError:
                storm.fault('stuck', self.user)
            self.leave(storm.random.random() < 0.3)

    def leave(self, abort=False):
        if self.connection is not None:
            transport = self.connection.writer.transport
            transport.abort() if abort else transport.close()
            self.connection = None
        self.signed = False

    # From connecting to going.
    async def visit(self):
        chance = self.storm.random.random
        self.signed = False
        self.connection = await asyncio.wait_for(self.storm.connect(), STUCK)
        for _ in range(self.storm.random.choice((1, 2, 5, 10, 30))):
            if self.storm.left <= 0 or self.connection.ended:
                return
            await self.storm.random.choice(self.ACTS)(self)
            if chance() < 0.02:
                await asyncio.sleep(chance() * 0.2)

    def send(self, query, authorization=None, method='GET', body=b'', headers='', length=None):
        self.storm.left -= 1
        self.storm.counts['requests'] += 1
        if self.connection.writer.is_closing() or self.connection.reader.at_eof():
            raise Closed
        text = (f'{method} {PATH}?{query} HTTP/1.1\r\nHost: {HOST}\r\n'
                f'X-Client: {self.user}\r\n{headers}')
        if authorization:
            text += f'Authorization: {authorization}\r\n'
        if method == 'POST' and 'chunked' not in headers:
            text += f'Content-Length: {len(body) if length is None else length}\r\n'
        self.connection.writer.write(text.encode() + b'\r\n' + body)

    # Reads an answer and judges it. `breaks`: it ends what the server knows of the connection.
    async def receive(self, breaks=False, signs=None, asks=True):
        storm = self.storm
        was_signed = self.signed
        if breaks:
            self.signed = False
        status, headers, body = await asyncio.wait_for(self.connection.answer(), STUCK)
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
        query = self.storm.random.choice(
            ('after', 'close', 'cut', 'half', 'drop', 'vanish', 'wait=0.05'))
        challenge = await self.begin(query)
        if challenge is None or self.connection.ended:
            return
        self.send(query, f'{challenge[1]} {toy.type3(challenge[2], self.user)}')
        await self.receive(breaks=True)

    async def kerberos(self):
        query = self.storm.random.choice(
            ('', 'quiet', 'chunked', 'per-request', 'per-request&quiet'))
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
            + [pipeline] * 3 + [pipeline_credential] * 2 + [disturb] * 2 + [large] * 2
            + [abort] * 3)
