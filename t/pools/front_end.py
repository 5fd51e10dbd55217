#!/usr/bin/env python3
"""One Front End of a pool, in a process of its own: what a signal does to it, it does to one server.

    front_end.py --name NAME [--tls CERTIFICATE KEY] ADDRESS:PORT

Answers every request with its name as the body. What else it does, the query says:

    wait=SECONDS   holds the answer
    drop           reads the request and closes without a word
    half           breaks off within the head
    status=NNN     that status
    own            sets a cookie MS-WSMAN of its own
    length=N       a body of so many bytes

Says "ready" once it listens. For each line on its standard input it writes one of JSON: what it has
seen up to now. It ends with its standard input. A line may be a word:

    reset    resets all connections, and each new one at once
    slow S   every answer takes so many seconds more
    normal   no more of that
"""

import argparse
import asyncio
import json
import socket
import ssl
import struct
import sys
import urllib.parse

REASONS = {200: 'OK', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found',
           502: 'Bad Gateway', 503: 'Service Unavailable'}


class FrontEnd:
    def __init__(self, name, tls):
        self.name = name
        self.tls = tls
        self.seen = {'connections': 0, 'heads': 0, 'requests': 0, 'open': 0, 'most': 0, 'checks': 0}
        self.waiting = 0
        self.resets = False
        self.delay = 0
        self.writers = set()

    async def connection(self, reader, writer):
        self.seen['connections'] += 1
        self.seen['open'] += 1
        self.writers.add(writer)
        try:
            if self.resets:
                self.reset(writer)
                return
            if self.tls:
                await writer.start_tls(self.tls)
            while await self.exchange(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self.seen['open'] -= 1
            self.writers.discard(writer)
            writer.close()

    @staticmethod
    def reset(writer):
        writer.get_extra_info('socket').setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                                   struct.pack('ii', 1, 0))
        writer.transport.abort()

    def command(self, words):
        if words[:1] == ['reset']:
            self.resets = True
            for writer in list(self.writers):
                self.reset(writer)
        elif words[:1] == ['slow']:
            self.delay = float(words[1])
        elif words[:1] == ['normal']:
            self.resets, self.delay = False, 0

    async def exchange(self, reader, writer):
        first = await reader.readexactly(1)
        if not first.isalpha():
            return False  # TLS, to a server that speaks none
        head = (first + await reader.readuntil(b'\r\n\r\n')).decode('latin-1')
        line, *lines = head.split('\r\n')
        method, target, _ = line.split(' ', 2)
        headers = {}
        for one in lines:
            name, _, value = one.partition(':')
            headers[name.lower()] = value.strip()
        if headers.get('user-agent', '').startswith('ngx_lync_module'):
            self.seen['checks'] += 1
            self.answer(writer, 200, b'{"AccessLocation":"External","Root":{"Links":[]}}')
            await writer.drain()
            return True
        self.seen['heads'] += 1
        await self.read_body(reader, headers)

        url = urllib.parse.urlsplit(target)
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        self.seen['requests'] += 1
        self.waiting += 1
        self.seen['most'] = max(self.seen['most'], self.waiting)
        try:
            if 'wait' in query or self.delay:
                await self.wait(reader, float(query.get('wait', 0)) + self.delay)
        finally:
            self.waiting -= 1

        if 'drop' in query:
            return False
        if 'half' in query:
            writer.write(b'HTTP/1.1 200 OK\r\nContent-')
            await writer.drain()
            return False
        extra = ['Set-Cookie: MS-WSMAN=of-the-server; path=/'] if 'own' in query else []
        body = b'x' * int(query['length']) if 'length' in query else self.name.encode()
        self.answer(writer, int(query.get('status', 200)), b'' if method == 'HEAD' else body, extra)
        await writer.drain()
        return True

    async def wait(self, reader, seconds):
        """Until the time is up or the other side goes away."""
        gone = asyncio.ensure_future(reader.read(1))
        done, _ = await asyncio.wait({gone}, timeout=seconds)
        if done:
            raise asyncio.IncompleteReadError(b'', None)
        gone.cancel()
        try:
            await gone
        except asyncio.CancelledError:
            pass

    @staticmethod
    async def read_body(reader, headers):
        if headers.get('transfer-encoding', '').lower() == 'chunked':
            while True:
                size = int((await reader.readuntil(b'\r\n')).split(b';')[0], 16)
                await reader.readexactly(size + 2)
                if size == 0:
                    return
        await reader.readexactly(int(headers.get('content-length', 0)))

    def answer(self, writer, status, body, extra=()):
        lines = [f'HTTP/1.1 {status} {REASONS.get(status, "Else")}', f'X-Server: {self.name}',
                 'Content-Type: text/plain', f'Content-Length: {len(body)}', *extra]
        writer.write('\r\n'.join([*lines, '', '']).encode() + body)

    async def run(self, listen):
        address, _, port = listen.rpartition(':')
        server = await asyncio.start_server(self.connection, address, int(port),
                                            reuse_address=True, backlog=1024, limit=1 << 20)
        print('ready', flush=True)
        loop = asyncio.get_running_loop()
        commands = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
        while line := await commands.readline():
            self.command(line.decode().split())
            print(json.dumps({**self.seen, 'waiting': self.waiting}), flush=True)
        server.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--name', required=True)
    parser.add_argument('--tls', nargs=2)
    parser.add_argument('listen')
    options = parser.parse_args()
    tls = None
    if options.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*options.tls)
    asyncio.run(FrontEnd(options.name, tls).run(options.listen))


if __name__ == '__main__':
    main()
