#!/usr/bin/env python3
"""The servers behind the publications of t/hostile/requests: what they answer, if they do, is drawn
from the seed and from the token of the client that asks, so that a conversation plays again alike.

    servers.py SEED PKI ARRIVED HTTP-PORT HTTPS-PORT ADDRESS ...

Each command, a line on standard input, is answered with a line of JSON:

    stats    what went wrong, and what was seen
    close    resets all connections

ARRIVED is a file to which the target of each request is written, with the Host.

What they watch over: a connection on which a credential was seen belongs to the client, by its token,
that used it; nothing arrives in more than one piece of headers that only the proxy may write; no
request arrives that some client had put into a body.
"""

import asyncio
import json
import os
import random
import re
import ssl
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f'{HERE}/../auth')

import toy
from wire import Ended, Wire

TOKEN = re.compile(rb'\bk(\d+\.\d+)k\b')

# Headers by which IIS or ASP.NET would take another path or method than the judged one; the last is that
# of requests by HTTP/2 or in early data.
FORBIDDEN = ('x-original-url', 'x-rewrite-url', 'x-http-method-override', 'x-http-method',
             'x-method-override', 'x-never')

STATUS_LINES = [b'HTTP/1.1', b'HTTP/1.1 ', b'HTTP/1.1 abc OK', b'HTTP/1.1 99 x', b'HTTP/1.1 1000 x',
                b'HTTP/9.9 200 OK', b'HTTP/2 200', b'ICY 200 OK', b'200 OK', b'', b'\0\0\0\0',
                b'HTTP/1.1 200', b'HTTP/1.1  200 OK', b'HTTP/1.1 200 ' + b'x' * 9000, b'GET / HTTP/1.1',
                b'\x16\x03\x01\x02', b'HTTP/1.1 -200 OK', b'http/1.1 200 ok', b'HTTP/1.1 000 OK']

HEADERS = [b'Content-Length: -1', b'Content-Length: 99999999999999999999', b'Content-Length: 3, 3',
           b'Content-Length: 3\r\nContent-Length: 4', b'Content-Length:',
           b'Transfer-Encoding: chunked\r\nContent-Length: 3', b'Transfer-Encoding: gzip, chunked',
           b'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', b'no colon', b': no name',
           b'X-Null: a\0b', b'X-Long: ' + b'x' * 5000, b'X-Endless: ' + b'x' * 70000,
           b'X-Accel-Redirect: /cscp/', b'X-Accel-Redirect: /lync_status', b'X-Accel-Buffering: yes',
           b'X-Accel-Limit-Rate: 1', b'X-Accel-Expires: 1000', b'X-Accel-Charset: x',
           b'Connection: upgrade\r\nUpgrade: websocket', b'Connection: close, keep-alive',
           b'Keep-Alive: timeout=0', b'Location: ' + b'http://x/\x01', b'Location:',
           b'Set-Cookie: MS-WSMAN=x; path=/', b'Set-Cookie: ' + b'y' * 3000, b'Refresh: 0; url=//x',
           b'WWW-Authenticate: NTLM', b'WWW-Authenticate: Negotiate TlRMTVNTUAACAAAA, NTLM',
           b'WWW-Authenticate: ' + b'NTLM ' + b'A' * 4000, b'Date: x\r\nServer: y', b' folded: x',
           b'Trailer: X-Late', b'Content-Encoding: gzip', b'Content-Range: bytes 0-1/x', b'Via: x',
           b'Persistent-Auth: true', b'Persistent-Auth: false']

CHUNKS = [b'zz\r\nhello\r\n0\r\n\r\n', b'ffffffffffffffff\r\nhello', b'5\r\nhel', b'5\r\nhello world\r\n0\r\n\r\n',
          b'5\r\nhello\r\n', b'5;x="\r\n"\r\nhello\r\n0\r\n\r\n', b'-5\r\nhello\r\n0\r\n\r\n', b'0\r\n',
          b'5\r\nhello\r\n0\r\nX-Late: 1\r\n\r\n', b'5\nhello\n0\n\n', b'\r\n\r\n', b'']

STRAY = b'HTTP/1.1 200 OK\r\nX-Stray: 1\r\nContent-Length: 5\r\n\r\nstray'


class Watch:
    """What all connections share."""

    def __init__(self, seed, arrived):
        self.seed = seed
        self.arrived = open(arrived, 'wb', buffering=1 << 16)
        self.faults = []
        self.seen = dict(connections=0, tls=0, requests=0, authenticated=0)
        self.open = set()
        self.asked = {}   # how often a token has asked

    def fault(self, kind, text):
        if len(self.faults) < 50:
            self.faults.append(f'{kind}: {text}')


def challenged(rng):
    return rng.choice([['Negotiate', 'NTLM'], ['NTLM'], ['Negotiate'], ['Negotiate, NTLM']])


class Conversation(toy.SigningIn):
    """One connection: the requests that come, and what is done about each."""

    def __init__(self, watch, wire, number):
        self.watch, self.wire, self.number = watch, wire, number
        self.owner = None

    def request(self, head, body_like):
        lines = head.split(b'\r\n')
        method, _, rest = lines[0].partition(b' ')
        target, _, version = rest.rpartition(b' ')
        headers = [(name.strip().lower().decode('latin-1'), value.strip()) for name, _, value in
                   (line.partition(b':') for line in lines[1:])]
        found = TOKEN.search(head)
        token = found[1].decode() if found else None
        self.examine(lines[0], target, headers, token, head)
        return method, headers, token

    def examine(self, line, target, headers, token, head):
        watch = self.watch
        watch.seen['requests'] += 1
        hosts = [value for name, value in headers if name == 'host']
        watch.arrived.write(target + b'\t' + b','.join(hosts) + b'\t' + (token or '-').encode() + b'\n')
        if b'smuggled' in line:
            watch.fault('smuggled', f'{line!r} {token}')
        if re.search(rb'[\0-\x20\x7f]', target) or not re.fullmatch(rb'[A-Z]+ /\S* HTTP/1\.[01]', line):
            watch.fault('request line', f'{line!r} {token}')
        if len(hosts) != 1 or not re.fullmatch(rb'[a-z0-9.-]+\.test\.?(:\d{1,5})?', hosts[0], re.I):
            watch.fault('host', f'{hosts!r} {token}')
        for name, value in headers:
            if name in FORBIDDEN:
                watch.fault('header', f'{name}: {value!r} {token}')
        for name in ('x-forwarded-for', 'x-forwarded-proto', 'content-length'):
            if sum(1 for one, _ in headers if one == name) > 1:
                watch.fault('header', f'{name} more than once {token}: {head!r}')
        forwarded = dict(headers).get('x-forwarded-for', b'')
        if not re.fullmatch(rb'[0-9a-f.:]+', forwarded):
            watch.fault('header', f'X-Forwarded-For {forwarded!r} {token}')
        if self.owner is not None and token != self.owner:
            watch.fault('crossed', f'connection {self.number} of {self.owner} was used by {token}: {head!r}')

    # The status, and the challenges that go with it.
    def authenticate(self, headers, token, rng):
        value = dict(headers).get('authorization', b'').decode('latin-1')
        scheme, _, blob = value.partition(' ')
        if scheme.lower() not in toy.BOUND:
            return None
        if self.owner is None:
            self.owner = token
            self.watch.seen['authenticated'] += 1
        user, challenges = self.sign_in(scheme, blob.strip(), f'{self.number}.{token}')
        if user is None:
            return 401, challenges or challenged(rng)
        if challenges is None:
            return 200, []
        self.user = user
        return 200, ['Negotiate oRQwEqADCgEA'] if rng.random() < 0.7 else []

    def answer(self, status, headers, token, body, rng, method):
        head = [b'HTTP/1.1 %d Said' % status, b'X-For: k%sk' % (token or '-').encode()]
        head += [b'WWW-Authenticate: ' + one.encode() for one in headers]
        if rng.random() < 0.3:
            head.append(b'Transfer-Encoding: chunked')
            body = b'%x\r\n%s\r\n0\r\n\r\n' % (len(body), body) if body else b'0\r\n\r\n'
        else:
            head.append(b'Content-Length: %d' % len(body))
        return b'\r\n'.join(head) + b'\r\n\r\n' + (b'' if method == b'HEAD' else body)

    async def line(self, end=b'\r\n'):
        while (at := self.wire.inbox.find(end)) < 0:
            await self.wire.more()
        return (await self.take(at + len(end)))[:at]

    async def take(self, count):
        inbox = self.wire.inbox
        while len(inbox) < count:
            await self.wire.more()
        taken = bytes(inbox[:count])
        del inbox[:count]
        return taken

    async def body(self, headers, token):
        """The pieces of a body: its chunks, or two halves. None is of another conversation."""
        values = dict(headers)
        chunked = values.get('transfer-encoding', b'').lower() == b'chunked'
        length = int(values.get('content-length', b'0'))
        sizes = [] if chunked else [length // 2, length - length // 2]
        while chunked or sizes:
            size, piece = 0, b''
            try:
                size = int((await self.line()).split(b';')[0], 16) if chunked else sizes.pop()
                piece = await self.take(size + 2 * chunked)
            finally:
                said = piece or bytes(self.wire.inbox)    # or what there was of it
                for other in re.findall(rb'\nX-Client: (k\d+)', said):
                    if not f'k{token}'.startswith(other.decode() + '.'):
                        self.watch.fault('swallowed', f'a request of {other!r} is the body of {token}: {said!r}'[:2000])
            if chunked and size == 0:
                return
            if size:
                yield size

    async def play(self):
        wire, watch = self.wire, self.watch
        while True:
            head = await self.line(b'\r\n\r\n')
            method, headers, token = self.request(head, False)
            count = watch.asked[token] = watch.asked.get(token, 0) + 1
            rng = random.Random(f'{watch.seed} {token} {count}')
            pieces = self.body(headers, token)
            said = self.authenticate(headers, token, rng)
            if any(name in ('content-length', 'transfer-encoding') for name, _ in headers) and rng.random() < 0.6:
                if not await self.answer_early(rng, method, token, pieces):
                    return
                continue
            async for _ in pieces:
                pass
            how = rng.random()
            if said:
                wire.write(self.answer(said[0], said[1], token, b'signed in', rng, method))
                continue
            if how < 0.5:
                if self.user is None and how < 0.07:
                    text = self.answer(401, challenged(rng), token, b'who?', rng, method)
                else:
                    text = self.answer(200, [], token, b'x' * rng.choice([0, 5, 5, 100, 9000]), rng, method)
                wire.write(text)
                continue
            if not await self.misbehave(rng, method, token):
                return

    async def answer_early(self, rng, method, token, pieces):
        """An answer that doesn't wait for the body; whether the connection goes on, once it has come."""
        wire = self.wire
        if rng.random() < 0.3:
            wire.write(b'HTTP/1.1 100 Continue\r\n\r\n')
        if rng.random() < 0.4:     # after part of it
            async for _ in pieces:
                break
        text = self.answer(rng.choice([200, 200, 400, 401, 413]), [], token, b'early', rng, method)
        closes = rng.random() < 0.2
        wire.write(text.replace(b'\r\n', b'\r\nConnection: close\r\n', 1) if closes else text)
        if rng.random() < 0.1:
            return False
        async for _ in pieces:
            pass
        return not closes

    async def misbehave(self, rng, method, token):
        """Something that isn't an answer in order; whether the connection goes on."""
        wire = self.wire
        good = self.answer(200, [], token, b'hello' * rng.choice([1, 50]), rng, method)
        marked = b'X-For: k%sk\r\n' % (token or '-').encode()
        how = rng.randrange(15)
        if how == 0:      # a status line that isn't
            wire.write(rng.choice(STATUS_LINES) + b'\r\n' + marked + b'Content-Length: 5\r\n\r\nhello')
        elif how == 1:    # 1xx before it, or alone
            interim = b'HTTP/1.1 %d x\r\n%s\r\n' % (rng.choice([100, 100, 102, 103, 199, 101]), rng.choice(
                [b'', b'Link: <x>\r\n', marked, b'Content-Length: 3\r\n', b'X: ' + b'y' * 9000 + b'\r\n']))
            wire.write(interim * rng.choice([1, 1, 2, 100]) + (good if rng.random() < 0.7 else b''))
        elif how == 2:    # a header or some
            some = b''.join(one + b'\r\n' for one in rng.sample(HEADERS, rng.randint(1, 3)))
            wire.write(b'HTTP/1.1 200 OK\r\n' + marked + some + b'\r\nhello')
        elif how == 3:    # chunks
            wire.write(b'HTTP/1.1 200 OK\r\n' + marked + b'Transfer-Encoding: chunked\r\n\r\n' + rng.choice(CHUNKS))
        elif how == 4:    # shorter than it says
            wire.write(b'HTTP/1.1 200 OK\r\n' + marked + b'Content-Length: 500\r\n\r\nhello')
        elif how == 5:    # followed by more
            wire.write(good + STRAY)
            await asyncio.sleep(rng.choice([0, 0.02]))
            return True
        elif how == 6:    # a body where none belongs
            status = rng.choice([204, 304, 204, 304])
            wire.write(b'HTTP/1.1 %d x\r\n%sContent-Length: 5\r\n\r\n' % (status, marked) + STRAY)
            return True
        elif how == 7:    # closed at a byte of it
            wire.cut_after(rng.randrange(1, len(good) + 30), rng.random() < 0.5)
            wire.write(good)
        elif how == 8:    # a byte at a time
            for byte in good[:60]:
                wire.write(bytes([byte]))
                await asyncio.sleep(0)
            wire.write(good[60:])
            return True
        elif how == 9:    # never ended
            if rng.random() < 0.15:
                wire.write(rng.choice([b'', b'HTTP/1.1 200', good[:-1]]))
                await asyncio.sleep(5)
        elif how == 10:   # by closing
            wire.write(b'HTTP/1.1 200 OK\r\n' + marked + rng.choice([b'', b'Connection: close\r\n']) + b'\r\nhello')
        elif how == 11:   # closed, with or without a word about it
            wire.write(good.replace(b'\r\n\r\n', b'\r\nConnection: close\r\n\r\n', 1) if rng.random() < 0.5 else good)
            if rng.random() < 0.5:
                wire.say_farewell()
        elif how == 12:   # nothing
            pass
        elif how == 13:   # many headers
            wire.write(b'HTTP/1.1 200 OK\r\n' + marked + b'X-N: 1\r\n' * rng.choice([300, 5000]) +
                       b'Content-Length: 0\r\n\r\n')
            return True
        else:             # a token that wasn't asked for
            self.owner = self.owner or token
            wire.write(self.answer(rng.choice([200, 401]), ['NTLM TlRMTVNTUAACAAAA'], token, b'?', rng, method))
            return True
        if rng.random() < 0.3:
            wire.reset()
        return False


class Servers:
    def __init__(self, seed, pki, arrived):
        self.watch = Watch(seed, arrived)
        self.contexts = {}
        for name in ('fepool.contoso.local', 'wrong-name', 'untrusted', 'fepool-expired'):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(f'{pki}/{name}.pem', f'{pki}/{name}.key')
            self.contexts[name] = context
        self.tasks = set()

    def accept(self, wire, https):
        watch = self.watch
        watch.seen['connections'] += 1
        watch.open.add(wire)
        task = asyncio.ensure_future(self.serve(wire, https, watch.seen['connections']))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def serve(self, wire, https, number):
        # No client is known yet: connections fail by their number.
        rng = random.Random(f'{self.watch.seed} connection {number}')
        try:
            if https:
                await self.handshake(wire, rng)
            elif rng.random() < 0.03:
                wire.reset()
                return
            await Conversation(self.watch, wire, number).play()
        except Ended:
            pass
        except Exception as error:  # this server itself is wrong
            self.watch.fault('server', f'{error!r}')
        finally:
            self.watch.open.discard(wire)
            wire.close()

    async def handshake(self, wire, rng):
        how = rng.random()
        name = 'fepool.contoso.local'
        if how < 0.02:                     # at a byte of what the server says in it
            wire.cut_after(rng.randrange(1, 3000), rng.random() < 0.5)
        elif how < 0.03:                   # before anything is read, or after the ClientHello
            if how < 0.025:
                await wire.more()
            wire.reset() if rng.random() < 0.5 else wire.close()
            raise Ended
        elif how < 0.04:                   # not TLS at all, or an alert of it
            await wire.more()
            wire.write_raw(rng.choice([b'HTTP/1.1 400 no\r\n\r\n', b'\x15\x03\x03\0\2\2\x28',
                                       b'\x15\x03\x03\0\2\1\0', b'\x16\x03\x03\xff\xff' + b'x' * 200]))
            raise Ended
        elif how < 0.07:
            name = rng.choice(['wrong-name', 'untrusted', 'fepool-expired'])
        elif how < 0.072:                  # never
            await asyncio.sleep(6)
            raise Ended
        await wire.start_tls(self.contexts[name], True)
        self.watch.seen['tls'] += 1
        if how < 0.02:                     # survived; then within the answers
            return
        if how > 0.98:                     # garbage in place of a record, some time later
            asyncio.get_running_loop().call_later(
                rng.choice([0, 0.01, 0.1]),
                lambda: wire.transport.is_closing() or wire.transport.write(b'\x17\x03\x03\0\x20' + b'x' * 32))

    async def command(self, word):
        watch = self.watch
        if word == 'close':
            for wire in list(watch.open):
                wire.reset()
        watch.arrived.flush()
        return dict(faults=watch.faults, open=len(watch.open), **watch.seen)


async def main(seed, pki, arrived, http, https, *addresses):
    servers = Servers(seed, pki, arrived)
    loop = asyncio.get_running_loop()
    for address in addresses:
        for port, tls in ((http, False), (https, True)):
            await loop.create_server(lambda tls=tls: Wire(lambda wire: servers.accept(wire, tls)),
                                     address, int(port), backlog=2048, reuse_address=True)
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    print('{"listens": true}', flush=True)
    while line := (await commands.readline()).decode().strip():
        print(json.dumps(await servers.command(line)), flush=True)


if __name__ == '__main__':
    asyncio.run(main(*sys.argv[1:]))
