#!/usr/bin/env python3
"""A server that authenticates the TCP connection, as IIS does with NTLM, and tells whom it sees.

    toy.py --tls CERT KEY ADDRESS:PORT ... [--http ADDRESS:PORT ...]

It serves until its standard input ends. Commands, one a line on standard input, are answered with
one line of JSON each:

    stats        what it has seen since the last reset, and the connections that are open
    reset        forgets what it has seen
    close N      closes connection N; "all" closes all of them
    limit N      closes every connection after its N-th answer; 0: never
    refuse A     the server at ADDRESS:PORT A no longer listens, and closes its connections
    accept A     it listens again

Authentication, by the Authorization header:

    NTLM, or any other scheme of the kind, with the token of `type1()`: 401 with a challenge that
    is good for this connection alone; then with `type3(challenge, user)`: 200, and the connection
    is the user's from then on. With `kerberos(user)`: 200 at once, and, unless the query says
    "per-request", the connection is the user's as well. Without any, the connection's user, or a
    401 with bare challenges (200 for nobody under the query "anonymous").

Every request names its client in X-Client. A connection on which a credential was seen, in either
direction, belongs to the client that used it: a request of another one is a crossing, whatever it
is answered. Every answer tells, as JSON: user, connection, request (its number on the connection),
server, client.

What else a query asks for, several separated by "&":

    close        "Connection: close", and closed
    after        closed after the answer, which doesn't say so
    vanish       the same, without TLS's farewell
    drop         closed in place of an answer
    half         closed in the middle of the answer's head
    cut          closed in the middle of a chunked body
    chunked      a chunked answer, whole
    early        answered before the request's body is read
    wait=S       answered S seconds later
    size=N       a body of N bytes
    quiet        no token in the answer to Kerberos
    merged       the challenges in one header field
    basic        a challenge for Basic, too, in front of the others
    token        a token nobody asked for
"""

import asyncio
import base64
import collections
import itertools
import json
import signal
import ssl
import struct
import sys

NTLMSSP = b'NTLMSSP\0'
KERBEROS = b'\x60\x82KRB5|'
BOUND = {'ntlm', 'negotiate', 'nego2', 'kerberos'}


def type1():
    return base64.b64encode(NTLMSSP + struct.pack('<II', 1, 0xA2088207) + b'\0' * 16).decode()


def type3(challenge, user):
    """The answer to a challenge, as it stands in WWW-Authenticate, without the scheme."""
    nonce = base64.b64decode(challenge)[12:]
    return base64.b64encode(NTLMSSP + struct.pack('<I', 3) + nonce + b'|' + user.encode()).decode()


def kerberos(user):
    return base64.b64encode(KERBEROS + user.encode()).decode()


class SigningIn:
    """How far a connection has come with it, and whose it is."""

    user = nonce = None

    def sign_in(self, scheme, token, nonce):
        """What a message says: (None, the next challenge), (who has signed in by NTLM, None), (whom Kerberos
        names, [], for the caller to keep), or (None, None) where it is wrong."""
        try:
            message = base64.b64decode(token, validate=True)
        except ValueError:
            message = b''
        if message.startswith(NTLMSSP + b'\1'):
            # A new handshake: the connection is nobody's until it is over.
            self.user, self.nonce = None, nonce.encode()
            challenge = base64.b64encode(NTLMSSP + struct.pack('<I', 2) + self.nonce).decode()
            return None, [f'{scheme} {challenge}']
        if message.startswith(NTLMSSP + b'\3'):
            answered, _, user = message[12:].partition(b'|')
            if answered == self.nonce:
                self.user, self.nonce = user.decode('latin-1'), None
                return self.user, None
        if message.startswith(KERBEROS):
            return message[len(KERBEROS):].decode('latin-1'), []
        return None, None


class Seen:
    def __init__(self):
        self.accepted = 0
        self.requests = 0
        self.crossings = []
        self.crossed = 0
        self.unfinished = 0
        self.servers = collections.deque(maxlen=100)    # which server was asked

    def crossing(self, connection, client):
        self.crossed += 1
        if len(self.crossings) < 20:
            self.crossings.append(dict(connection=connection.number, owner=connection.owner,
                                       client=client, user=connection.user))


class Server:
    def __init__(self):
        self.numbers = itertools.count(1)
        self.open = {}
        self.seen = Seen()
        self.limit = 0
        self.listeners = {}
        self.tls = None

    async def listen(self, address, tls):
        host, port = address.rsplit(':', 1)
        loop = asyncio.get_running_loop()
        self.listeners[address] = await loop.create_server(
            lambda: Connection(self, address), host, int(port), ssl=tls, backlog=2048,
            reuse_address=True)

    async def command(self, line):
        word, *rest = line.split()
        if word == 'stats':
            seen = self.seen
            return dict(accepted=seen.accepted, requests=seen.requests, crossed=seen.crossed,
                        crossings=seen.crossings, unfinished=seen.unfinished,
                        servers=list(seen.servers),
                        open=[dict(number=c.number, server=c.address, user=c.user, owner=c.owner,
                                   requests=c.requests) for c in self.open.values()])
        if word == 'reset':
            self.seen = Seen()
        elif word == 'close':
            chosen = list(self.open.values())
            if rest[0] != 'all':
                chosen = [connection for connection in chosen if connection.number == int(rest[0])]
            for connection in chosen:
                connection.transport.abort()
            return dict(closed=len(chosen))
        elif word == 'limit':
            self.limit = int(rest[0])
        elif word == 'refuse':
            self.listeners.pop(rest[0]).close()
            for connection in list(self.open.values()):
                if connection.address == rest[0]:
                    connection.transport.abort()
        elif word == 'accept':
            await self.listen(rest[0], self.tls)
        else:
            return dict(error=f'no command "{word}"')
        return dict(done=True)


class Connection(SigningIn, asyncio.Protocol):
    def __init__(self, server, address):
        self.server = server
        self.address = address
        self.owner = None
        self.requests = 0
        self.buffer = b''
        self.waiting = None
        self.skip = None       # how to pass over the body of a request answered early

    def connection_made(self, transport):
        self.transport = transport
        self.number = next(self.server.numbers)
        self.server.open[self.number] = self
        self.server.seen.accepted += 1

    def connection_lost(self, error):
        self.server.open.pop(self.number, None)
        if self.buffer:
            self.server.seen.unfinished += 1
        if self.waiting is not None:
            self.waiting.cancel()

    def data_received(self, data):
        self.buffer += data
        self.proceed()

    # One request after the other, as long as they are complete.
    def proceed(self):
        while self.waiting is None and not self.transport.is_closing():
            if self.skip is not None:
                rest = self.body(self.skip, self.buffer)
                if rest is None:
                    return
                self.buffer = rest[1]
                self.skip = None
            end = self.buffer.find(b'\r\n\r\n')
            if end < 0:
                return
            lines = self.buffer[:end].decode('latin-1').split('\r\n')
            headers = {}
            for line in lines[1:]:
                name, _, value = line.partition(':')
                headers[name.lower()] = value.strip()
            method, target, _ = lines[0].split(' ')
            query = {}
            for part in target.partition('?')[2].split('&'):
                name, _, value = part.partition('=')
                query[name] = value
            after = self.buffer[end + 4:]
            if 'early' in query:
                self.skip = headers
                self.buffer = after
            else:
                body = self.body(headers, after)
                if body is None:
                    return
                self.buffer = body[1]
            self.request(method, headers, query)

    # A body in front of what follows it; None while it isn't complete.
    @staticmethod
    def body(headers, data):
        if headers.get('transfer-encoding', '').lower() == 'chunked':
            body = b''
            while True:
                line, found, rest = data.partition(b'\r\n')
                if not found:
                    return None
                size = int(line.split(b';')[0], 16)
                if len(rest) < size + 2:
                    return None
                body += rest[:size]
                data = rest[size + 2:]
                if size == 0:
                    return body, data
        length = int(headers.get('content-length', 0))
        if len(data) < length:
            return None
        return data[:length], data[length:]

    def request(self, method, headers, query):
        server = self.server
        server.seen.requests += 1
        server.seen.servers.append(self.address)
        self.requests += 1
        client = headers.get('x-client', '-')

        if self.owner is not None and client != self.owner:
            server.seen.crossing(self, client)

        scheme, _, token = headers.get('authorization', '').partition(' ')
        token = token.strip()
        user = self.user
        challenges = None
        if scheme.lower() in BOUND:
            if self.owner is None:
                self.owner = client
            user, challenges = self.authenticate(scheme, token, query)
        elif scheme.lower() == 'basic':
            user = base64.b64decode(token).decode().partition(':')[0]

        if challenges is None and user is None:
            if 'anonymous' in query:
                user = '-'
            else:
                challenges = ['Negotiate', 'NTLM']
                if 'basic' in query:
                    challenges.insert(0, 'Basic realm="a, b"')
        if 'token' in query:
            if self.owner is None:
                self.owner = client
            challenges = (challenges or []) + ['NTLM TlRMTVNTUAACAAAA']
        status = '401 Unauthorized' if user is None else '200 OK'

        answer = (status, challenges or [], dict(
            user=user, connection=self.number, request=self.requests,
            server=self.address.rpartition(':')[0], client=client), method, query)
        if 'wait' in query:
            loop = asyncio.get_running_loop()
            self.waiting = loop.call_later(float(query['wait']), self.answer_late, answer)
        else:
            self.answer(*answer)

    # Who the request is, and what stands in WWW-Authenticate.
    def authenticate(self, scheme, token, query):
        user, challenges = self.sign_in(scheme, token, f'{self.number}.{self.requests}')
        if user is None:
            return None, challenges or ['Negotiate', 'NTLM']
        if challenges is None:
            return user, None
        if 'per-request' not in query:
            self.user = user
        token = base64.b64encode(b'\x60\x82done').decode()
        return user, [] if 'quiet' in query else [f'{scheme} {token}']

    def answer_late(self, answer):
        self.waiting = None
        if not self.transport.is_closing():
            self.answer(*answer)
            self.proceed()

    def answer(self, status, challenges, facts, method, query):
        transport = self.transport
        if 'drop' in query:
            transport.close()
            return
        body = json.dumps(facts).encode() + b'\n'
        if 'size' in query:
            body = body.ljust(int(query['size']), b'.')
        head = [f'HTTP/1.1 {status}', 'Content-Type: application/json']
        if 'merged' in query:
            challenges = [', '.join(challenges)] if challenges else []
        head += [f'WWW-Authenticate: {challenge}' for challenge in challenges]
        last = 'close' in query or 0 < self.server.limit <= self.requests
        if last:
            head.append('Connection: close')
        if 'chunked' in query or 'cut' in query:
            head.append('Transfer-Encoding: chunked')
            middle = len(body) // 2
            body = b''.join(b'%x\r\n%s\r\n' % (len(part), part)
                            for part in (body[:middle], body[middle:])) + b'0\r\n\r\n'
        else:
            head.append(f'Content-Length: {len(body)}')
        text = ('\r\n'.join(head) + '\r\n\r\n').encode()
        if 'half' in query:
            text, body, last = text[:len(text) // 2], b'', True
        elif 'cut' in query:
            body, last = body[:len(body) // 2], True
        transport.write(text if method == 'HEAD' else text + body)
        if 'vanish' in query:
            transport.abort()
        elif last or 'after' in query:
            transport.close()


async def main(arguments):
    server = Server()
    server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.tls.load_cert_chain(arguments[1], arguments[2])
    tls = server.tls
    for argument in arguments[3:]:
        if argument == '--http':
            tls = None
        else:
            await server.listen(argument, tls)

    loop = asyncio.get_running_loop()
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    task = asyncio.current_task()
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    print('{"listens": true}', flush=True)
    try:
        while line := (await commands.readline()).decode():
            print(json.dumps(await server.command(line)), flush=True)
    except (asyncio.CancelledError, BrokenPipeError):
        pass


if __name__ == '__main__':
    asyncio.run(main(sys.argv[1:]))
