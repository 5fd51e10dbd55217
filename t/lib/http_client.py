"""One connection of a client of the publication: requests out, answers in."""

import asyncio
import collections

from proof_nginx import HOST


class Connection:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port, tls, **options):
        return cls(*await asyncio.open_connection('127.0.0.1', port, ssl=tls, server_hostname=HOST, **options))

    def close(self):
        self.writer.close()

    async def answer(self):
        """(status, headers, body), each header a list by its name in lower case; interim answers are passed
        over. Raises asyncio.IncompleteReadError, an EOFError, whose `partial` is empty where nothing came."""
        status = 100
        while status == 100:
            head = (await self.reader.readuntil(b'\r\n\r\n')).decode('latin-1').split('\r\n')
            status = int(head[0].split(' ')[1])
        headers = collections.defaultdict(list)
        for line in head[1:]:
            name, _, value = line.partition(':')
            headers[name.lower()].append(value.strip())
        body = b''
        if headers['transfer-encoding'] == ['chunked']:
            while size := int(await self.reader.readuntil(b'\r\n'), 16):
                body += (await self.reader.readexactly(size + 2))[:size]
            await self.reader.readexactly(2)
        elif headers['content-length']:
            body = await self.reader.readexactly(int(headers['content-length'][0]))
        else:
            body = await self.reader.read()
        return status, headers, body
