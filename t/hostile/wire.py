"""A TCP connection on which every byte is one's own, TLS included: both sides of t/hostile/requests
need to break off within a record, which no TLS library does."""

import asyncio
import socket
import ssl
import struct


class Ended(Exception):
    """The other side has closed, or this one has broken off on purpose."""


class Wire(asyncio.Protocol):
    def __init__(self, made=None):
        self.made = made          # called with the wire once it is there
        self.inbox = bytearray()  # what has come, decrypted
        self.ended = False
        self.tls = None
        self.left = None          # so many bytes may still be written, then the connection is cut
        self.reset_at_cut = False
        self.halved = False       # nothing more is said
        self.waiter = None
        self.news = False         # something has happened since more() was last asked

    def connection_made(self, transport):
        self.transport = transport
        if self.made:
            self.made(self)

    def data_received(self, data):
        if self.tls:
            self.incoming.write(data)
            self.decrypt()
        else:
            self.inbox += data
        self.wake()

    def eof_received(self):
        self.ended = True
        self.wake()
        return True  # closing is for whoever plays this side to do

    def connection_lost(self, error):
        self.ended = True
        self.wake()

    def wake(self):
        self.news = True
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def more(self):
        """Waits until something happens on the connection, or has happened."""
        if self.ended:
            raise Ended
        if not self.news:
            self.waiter = asyncio.get_running_loop().create_future()
            try:
                await self.waiter
            finally:
                self.waiter = None
        self.news = False

    def write_raw(self, data):
        if self.halved:
            raise Ended
        if self.left is not None:
            if len(data) >= self.left:
                self.transport.write(data[:self.left])
                self.reset() if self.reset_at_cut else self.close()
                raise Ended
            self.left -= len(data)
        self.transport.write(data)

    def cut_after(self, count, reset):
        self.left, self.reset_at_cut = count, reset

    # --- TLS

    async def start_tls(self, context, server_side, name=None):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(self.incoming, self.outgoing, server_side=server_side,
                               server_hostname=name)
        self.incoming.write(bytes(self.inbox))
        self.inbox.clear()
        self.tls, self.established = tls, False
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                self.flush()
                await self.more()
            except (ssl.SSLError, ValueError) as error:
                self.flush()
                raise Ended from error
            else:
                break
        self.established = True
        self.flush()
        self.decrypt()

    def flush(self):
        if data := self.outgoing.read():
            self.write_raw(data)

    def decrypt(self):
        if not self.established:
            return
        try:
            while data := self.tls.read(65536):
                self.inbox += data
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            self.ended = True
        try:
            self.flush()
        except Ended:
            pass

    def write(self, data):
        if self.transport.is_closing():
            raise Ended
        if self.tls is None:
            self.write_raw(data)
            return
        try:
            self.tls.write(data)
        except ssl.SSLError as error:
            raise Ended from error
        self.flush()

    # --- ends

    def half_close(self):
        if not self.halved and not self.transport.is_closing():
            self.halved = True
            self.transport.write_eof()

    def say_farewell(self):
        """TLS's own end; the connection stays."""
        if self.tls is not None and self.established:
            try:
                self.tls.unwrap()
            except (ssl.SSLError, ValueError):
                pass
            self.flush()

    def close(self):
        self.ended = True
        self.transport.close()

    def reset(self):
        self.ended = True
        one = self.transport.get_extra_info('socket')
        if one is not None and one.fileno() >= 0:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.transport.abort()
