"""What the clients of t/hostile/requests say: a conversation is drawn from the seed and its number
alone, and is a list of steps, so that it can be printed and played again.

    ('raw', BYTES)        in front of TLS: a PROXY header, or nothing that belongs there
    ('tls', NAME, *ALPN)  the handshake
    ('early', BYTES)      what somebody recorded of a handshake with these as early data: all but its end
    ('cut', N, RESET)     after N more bytes on the wire the client closes, or resets
    ('send', BYTES, HOW)  'whole', 'bytes' (one at a time) or 'pieces'; @CHALLENGE@ in it is the answer
                          to the last challenge
    ('answers', N)        N answers, or that the other side closes: in time
    ('pause', SECONDS)    whatever comes
    ('half',) ('farewell',) ('reset',) ('close',)
"""

import base64
import random
import struct

import toy

METHODS = [b'GET'] * 12 + [b'POST'] * 6 + [b'HEAD', b'OPTIONS', b'PUT', b'DELETE', b'PATCH', b'TRACE', b'CONNECT',
           b'PROPFIND', b'get', b'G\0T', b'', b'X' * 300, b'DEBUG', b'MKCOL', b'PRI']

VERSIONS = [b' HTTP/1.1'] * 24 + [b' HTTP/1.0', b' HTTP/1.0', b'', b'', b' HTTP/0.9', b' HTTP/2.0', b' HTTP/9.9',
            b' HTTP/1', b' HTTP/1.11', b' HTTP/1.1 ', b' HTTP/1.1 x', b' http/1.1', b' HTTQ/1.1', b' ', b'  HTTP/1.1',
            b'\tHTTP/1.1', b' HTTP/01.1', b' HTTP/1.2']

# Where something is that a wrong reading would find: it must not come back as a header.
PLANTED = [b'%0d%0aX-Canary:%20planted', b'%0D%0A%0D%0AX-Canary: planted', b'%250d%250aX-Canary:%20planted',
           b'%0aX-Canary:planted', b'%u000d%u000aX-Canary:planted', b'%e5%98%8a%e5%98%8dX-Canary:planted',
           b'\rX-Canary:planted', b'%5cr%5cnX-Canary:planted', b'%3f%0d%0aX-Canary:%20planted']

ODD = [b'%3F', b'%3F%5C..%5C..%5Ccscp/', b'%2f..%2f..%2fcscp', b'%20', b'%25', b'%2525', b'%00', b'%', b'%zz', b'#x',
       b'\\..\\cscp', b'..;/cscp', b'%c0%af', b'\xff\xfe', b'?a=%3F', b'??', b'?' + b'q' * 3000, b';a=b',
       b'/' * 40, b'x' * 9000, b'%2e%2e/%2e%2e/ocspowershell', b'..%255c..%255ccscp', b'::$DATA', b'(S(x))/']

HEADERS = [b'X-Original-URL: /cscp/', b'X-Rewrite-URL: /cscp/', b'X-HTTP-Method-Override: DELETE',
           b'X-Forwarded-For: 6.6.6.6', b'X-Forwarded-For: 1.2.3.4, 5.6.7.8', b'X-Forwarded-For: x\tX-Canary: planted',
           b'X-Forwarded-Proto: http', b'X-Forwarded-Host: cscp.test', b'Forwarded: for=6.6.6.6;host=x',
           b'X-Real-IP: 6.6.6.6', b'Connection: close', b'Connection: keep-alive', b'Connection: upgrade',
           b'Connection: X-Client, Host', b'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
           b'Upgrade: websocket', b'Expect: 100-continue', b'Expect: 200-ok', b'Range: bytes=0-0,5-1,-1',
           b'If-Range: x', b'TE: trailers', b'Trailer: Host', b'Cookie: MS-WSMAN=x', b'Cookie: MS-WSMAN=' + b'y' * 2000,
           b'Cookie: a=b\r\nCookie: MS-WSMAN=z; c', b'Cookie: confurl=https://evil.test/', b'Cookie: =;;;=',
           b'X_Under: score', b'X.Dot: 1', b': none', b'no colon at all', b' folded: line', b'X-A: b\r\n c',
           b'X-A: b\r\n\tTransfer-Encoding: chunked', b'X-Null: a\0b', b'X-Long: ' + b'l' * 7000,
           b'X-Longer: ' + b'l' * 80000, b'Host: fepool.contoso.local', b'Host : x', b'Via: 1.1 x',
           b'Authorization: Basic eDp5', b'Authorization: Bearer x', b'Authorization: ', b'Authorization: NTLM',
           b'Authorization: NTLM !!!!', b'Authorization: Negotiate ' + b'A' * 6000,
           b'Authorization: NTLM TlRMTVNTUAABAAAA\r\nAuthorization: Negotiate YII=', b'Proxy-Authorization: NTLM TlRM',
           b'Proxy: http://evil.test/', b'Proxy-Connection: keep-alive', b'Keep-Alive: 1', b'Early-Data: 1',
           b'Accept-Encoding: gzip, \x01', b'User-Agent: ngx_lync_module health check', b'X-Accel-Redirect: /cscp/',
           b'X-Canary\r: planted', b'Content-Type: application/x-www-form-urlencoded', b'Origin: null', b'Max-Forwards: 0']

# Of HTTP/2: kind, flags, payload.
PREFACE = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
FRAMES = [(0, 1, b'GET / HTTP/1.1\r\n\r\n'), (0, 9, b'\xff'), (1, 4, b'\x82' * 16), (1, 5, b'\xff' * 40), (1, 5, b'\x40\x7f'),
          (1, 0x2d, b'\0\0\0\0\x10\x82'), (2, 0, b'\0\0\0\1\x10'), (3, 0, b'\0\0\0\x08'), (3, 0, b'x'), (4, 0, b''),
          (4, 1, b''), (4, 0, b'\0\4\xff\xff\xff\xff'), (4, 0, b'\0\4\0\0\0\0'), (4, 0, b'x'), (5, 4, b'\0\0\0\2\x82'),
          (6, 0, b'12345678'), (7, 0, b'\0' * 8), (8, 0, b'\0\0\0\0'), (8, 0, b'\x7f\xff\xff\xff'), (9, 4, b'\x82'),
          (0xee, 0xff, b'x' * 300), (0, 0, b'x' * 20000)]


def frame(kind, flags, payload, stream):
    return struct.pack('>IBI', len(payload) << 8 | kind, flags, stream) + payload


def hpack(fields):
    """Nothing indexed, nothing compressed."""
    def text(said):
        size, out = len(said) - 127, b'\x7f'
        if size < 0:
            return bytes([len(said)]) + said
        while size > 127:
            out, size = out + bytes([size & 127 | 128]), size >> 7
        return out + bytes([size]) + said

    return b''.join(b'\0' + text(name) + text(value) for name, value in fields)


# Paths at which bodies are read, and such bodies: Content-Type and text.
READ = [b'/webticket/oauthtoken', b'/WebTicket/WebTicketService.svc/Auth', b'/dialin/x', b'/scheduler/', b'/meet/x', b'/certprov/x',
        b'/datacollabweb/x', b'/collabcontent/x', b'/lwa/x', b'/owa/auth.owa', b'/owa/', b'/ews/x', b'/rpc/x']
FORM, PARTS = b'application/x-www-form-urlencoded', b'multipart/form-data; boundary=b'
READ_BODIES = [
    (FORM, b'grant_type=password&username=a%40b&password=x'), (FORM, b'username=contoso%5Ca&password=y'), (FORM, b'&' * 70000),
    (FORM, b'name=..%5C..%5Cx.aspx'), (FORM + b'; charset=utf-16', b'a=b'), (FORM, b'meeturl=' + b'A' * 60000), (FORM, b''),
    (b'text/xml', b'<a><UsernameToken><Username>a\\b</Username><Password>x</Password></UsernameToken></a>'), (b'text/xml', b'<' * 9000),
    (PARTS, b'--b\r\nContent-Disposition: form-data; name="f"; filename="../x"\r\n\r\nx\r\n--b--\r\n'),
    (PARTS, b'--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n' + b'x' * 40000 + b'\r\n--b--\r\n'),
    (PARTS, b'--b\r\n' * 9000), (PARTS, b'--b\r\n' + b'X' * 9000), (PARTS[:20], b'x'), (b'application/json', b'{"password":"x"}')]

SMUGGLED = b'GET /abs/smuggled HTTP/1.1\r\nHost: lyncwebext.p0.test\r\n\r\n'


class Drawn:
    def __init__(self, world, seed, number):
        self.world, self.number = world, number
        self.rng = random.Random(f'{seed} {number}')
        self.steps = []
        self.identity = 0
        self.sure = True    # nginx hasn't been left in the middle of a request

    # --- a request

    def host(self):
        rng, publication = self.rng, self.publication
        name = rng.choices(['lyncwebext', 'meet', 'dialin', 'lyncdiscover', 'lync', 'admin', 'mail'],
                           [8, 4, 1, 3, 2, 1, 1])[0].encode() + b'.' + publication
        return rng.choices([name, name.upper(), name + b':443', name + b':8443', name + b':x', name + b':80/x', name + b'.',
                            b'nobody.test', b'', b'127.0.0.1', b'[::1]', b'fepool.contoso.local', name + b' ', name + b'/x',
                            name + b'\0', b'x@' + name, b'xn--bro-hoa.contoso.com', name + b',' + name],
                           [80] + [1] * 17)[0]

    def path(self):
        rng, world = self.rng, self.world
        if rng.random() < 0.1:
            return rng.choice([b'/.well-known/acme-challenge/x', b'/phones', *READ])
        if rng.random() < 0.08:    # what a server_include rewrites
            return rng.choice([b'', b'/alias', b'/q']) + b'/meet/x' + rng.choice(PLANTED + ODD)
        path = rng.choices([lambda: rng.choice(world.published), lambda: rng.choice(world.never),
                            lambda: rng.choice([b'/lwa/WebPages/LwaClient.aspx', b'/meet/x', b'/lwa/', b'/', b'/?sipuri=a@b',
                                                b'/alice/1234', b'/Meet/alice/1234', b'/Dialin/', b'/autodiscover/x', b'*',
                                                b'', b'/alias/cscp/', b'/alias/meet/x', b'/q/meet/x', b'/page', b'/limited', b'/own', b'/own']),
                            lambda: b'/' + bytes(rng.randrange(1, 256) for _ in range(rng.randint(1, 30)))],
                           [8, 4, 8, 1])[0]()
        if rng.random() < 0.25:
            path += rng.choice([b'', b'/', b'/x/', b'?x=']) + rng.choice(PLANTED + ODD)
        if rng.random() < 0.1:
            path = rng.choice([b'https://', b'http://', b'HTTPS://', b'https:/', b'//', b'x://']) + self.host() + path
        if rng.random() < 0.01:
            path = rng.choice([b'https://', b'http://']) + self.host()
        return path

    def body(self, how=None):
        """(header lines, bytes, whether nginx can have read all of it)"""
        kind, text = self.rng.choice(READ_BODIES) if self.rng.random() < 0.3 else (None, None)
        lines, text, whole = self.framed(text, how)
        return [b'Content-Type: ' + kind, *lines] if kind else lines, text, whole

    def framed(self, text, how):
        rng = self.rng
        text = text if text is not None else rng.choices([b'', b'hello', b'confurl=' + rng.choice(PLANTED), b'meeturl=https%3A%2F%2Fevil.test%2F&x=y',
                            SMUGGLED, b'x' * 70000, bytes(rng.randrange(256) for _ in range(50)), b'a=' + b'b' * 9000],
                           [3, 5, 2, 5, 3, 1, 1, 1])[0]
        size = rng.choice([3, 3, 1000, 30000])
        chunked = b''.join(b'%x\r\n%s\r\n' % (len(part), part)
                           for part in (text[:size], text[size:]) if part) + b'0\r\n\r\n'
        length = b'Content-Length: %d' % len(text)
        how = rng.randrange(18) if how is None else how
        if how < 6:
            return [length], text, True
        if how < 10:
            return [b'Transfer-Encoding: chunked'], chunked, True
        if how == 10:   # less than was said
            return [b'Content-Length: %d' % (len(text) + rng.choice([1, 5, 500, 100000, 600 << 20]))], text, False
        if how == 11:   # more
            return [length], text + b'GET', False
        if how == 12:   # chunks that aren't
            return [b'Transfer-Encoding: chunked'], (chunked[:3] if text else b'') + rng.choice(
                [b'zz\r\n', b'\r\n\r\n', b'ffffffffffffffffff\r\n', b'-1\r\n', b'5\r\nhello', b'3;' + b'x' * 5000]), False
        if how == 13:   # broken off
            return [b'Transfer-Encoding: chunked'], chunked[:rng.randrange(len(chunked))], False
        return rng.choice([
            [length, b'Transfer-Encoding: chunked'], [b'Transfer-Encoding: chunked', length], [length, b'Content-Length: 6'],
            [b'Content-Length: +5'], [b'Content-Length: 5, 5'], [b'Content-Length: -1'], [b'Transfer-Encoding: xchunked'],
            [b'Transfer-Encoding: chunked, identity'], [b'Transfer-Encoding: identity'], [b'Transfer-Encoding:\x0bchunked'],
            [b'Content-Length : 5'], [b'Content-Length: 99999999999999999999']]), text, False

    def credential(self, kind):
        user = f'user{self.number}.{self.identity}'
        if kind == 'type1':
            return b'Authorization: NTLM ' + toy.type1().encode()
        if kind == 'type3':
            return b'Authorization: NTLM @CHALLENGE@'
        if kind == 'wrong3':
            return b'Authorization: NTLM ' + base64.b64encode(toy.NTLMSSP + struct.pack('<I', 3) + b'x|' + user.encode())
        return b'Authorization: Negotiate ' + toy.kerberos(user).encode()

    def request(self, orderly=False, credential=None):
        """The bytes of a request, and whether an answer must come."""
        rng = self.rng
        orderly = orderly or rng.random() < 0.45
        method = b'GET' if orderly else rng.choice(METHODS)
        host = self.host() if not orderly else rng.choice([b'lyncwebext.', b'lyncwebext.', b'meet.']) + self.publication
        path = rng.choice(self.world.published) if orderly and host[:1] == b'l' else b'/x/1' if orderly else self.path()
        version = b' HTTP/1.1' if orderly else rng.choice(VERSIONS)
        lines = [method + b' ' + path + version, b'X-Client: k%d.%dk' % (self.number, self.identity)]
        if rng.random() < 0.95 or orderly:
            lines.append(b'Host: ' + host)
        if self.balanced:
            lines.append(b'X-Forwarded-For: 10.9.%d.%d' % (self.number % 200, self.identity))
        if credential:
            lines.append(credential)
        whole, body = True, b''
        if not orderly:
            for _ in range(rng.choice([0, 0, 1, 1, 2, 4])):
                lines.append(rng.choice(HEADERS))
            if method == b'POST' or rng.random() < 0.15:
                more, body, whole = self.body()
                lines += more
            if rng.random() < 0.05:
                lines.append(rng.choice(lines[1:]))
        end = b'\r\n' if orderly or rng.random() < 0.95 else rng.choice([b'\n', b'\r', b'\r\r\n'])
        text = end.join(lines) + end + end + body
        if end == b'\r' or b'\r\n' not in text or not version.startswith(b' HTTP/1.') or method in (b'HEAD', b'CONNECT'):
            whole = False
        if any(b'\r' in one.replace(b'\r\n', b'') or b'Expect' in one or b'Connection: upgrade' in one for one in lines):
            whole = False
        return text, whole

    # --- a conversation

    def draw(self):
        rng, steps = self.rng, self.steps
        kind = rng.randrange(10)
        self.publication = rng.choice(self.world.paged if kind == 4 else self.world.names)
        self.socket = 'https' if kind == 4 else rng.choices(['https', 'http', 'proxy_https', 'proxy_http', 'h2_https', 'h2_http'],
                                  [60, 15, 15, 5, 8, 2])[0]
        self.balanced = self.publication in self.world.balanced and rng.random() < 0.9
        if self.socket == 'h2_https' and rng.random() < 0.2:
            self.early()
            return self
        if self.socket.startswith('proxy'):
            steps.append(('raw', self.proxy_header()))
        h2 = self.socket.startswith('h2')
        if self.socket.endswith('https') and rng.random() < 0.98:
            if rng.random() < 0.03:
                steps.append(('cut', rng.randrange(1, 900), rng.random() < 0.5))
            name = rng.choice([b'lyncwebext.', b'meet.']) + self.publication if rng.random() < 0.95 else b'nobody.test'
            if h2 and rng.random() < 0.9:
                name = b'foreign.test'
            steps.append(('tls', name.decode(), *(rng.choice([['h2'], ['h2', 'http/1.1']]) if h2 else [])))
            self.sure = self.sure and (not h2 or name == b'foreign.test')
        if rng.random() < 0.12:
            steps.append(('cut', rng.randrange(1, 2500), rng.random() < 0.5))
        (self.http2 if h2 else {0: self.handshake, 1: self.handshake, 2: self.pipeline,
                                3: self.preface, 4: self.lost}.get(kind, self.plain))()
        steps.append(rng.choice([('close',), ('close',), ('reset',), ('farewell',)]))
        return self

    def proxy_header(self):
        rng = self.rng
        source = f'10.8.{self.number % 200}.{self.number // 200 % 200}'
        good = f'PROXY TCP4 {source} 10.0.0.1 4711 443\r\n'.encode()
        v2 = b'\r\n\r\n\0\r\nQUIT\n'
        return rng.choices([good, v2 + b'\x21\x11\0\x0c' + bytes([10, 8, 1, 1, 10, 0, 0, 1, 1, 2, 1, 0xbb]),
                            v2 + b'\x20\0\0\0', b'PROXY UNKNOWN\r\n', b'', good[:-2], good[:20], b'PROXY TCP4 x y z\r\n',
                            b'PROXY TCP6 ::1 ::1 1 2\r\n', v2 + b'\x21\x11\xff\xff' + b'x' * 40, b'PROXY ' + b'9' * 200 + b'\r\n',
                            good + good, v2[:7], v2 + b'\x21\x31\0\x01x', b'GET / HTTP/1.1\r\n\r\n'], [20, 6] + [1] * 13)[0]

    def send(self, text):
        how = self.rng.choices(['whole', 'pieces', 'bytes'], [12, 3, 1])[0]
        self.steps.append(('send', text, how if len(text) < 1500 else 'whole'))

    def end_of(self, whole, count=1):
        self.sure = self.sure and whole
        self.steps.append(('answers', count) if self.sure else ('pause', self.rng.choice([0, 0.01, 0.05, 0.1])))

    def plain(self):
        for _ in range(self.rng.choice([1, 1, 1, 2, 4])):
            self.identity = self.rng.randrange(3) if self.balanced else 0
            text, whole = self.request()
            self.send(text)
            if self.rng.random() < 0.05:
                self.steps.append(('half',))
                whole = False
            self.end_of(whole)

    def pipeline(self):
        parts = [self.request() for _ in range(self.rng.randint(2, 6))]
        self.send(b''.join(text for text, _ in parts))
        self.end_of(all(whole for _, whole in parts), len(parts))

    def lost(self):
        """A body that nginx drops where an error_page asks the pool for a page, which must not announce it."""
        rng = self.rng
        for _ in range(rng.choice([1, 3])):
            more, body, _ = self.body(rng.choice([0, 6, 10, 12]))
            lines = [b'POST ' + rng.choice([b'/meet/x', b'/closed', b'/closed', self.path()]) + b' HTTP/1.1',
                     b'Host: ' + rng.choice([b'lyncwebext.', b'meet.']) + self.publication,
                     b'X-Client: k%d.%dk' % (self.number, self.identity), *more, *rng.sample(HEADERS, rng.choice([0, 0, 1]))]
            self.send(b'\r\n'.join(lines) + b'\r\n\r\n' + body)
            self.end_of(False)

    def preface(self):
        rng = self.rng
        self.send(PREFACE + rng.choice([b'', b'\0\0\0\4\0\0\0\0\0', b'\xff' * 30, b'\0\0\x10\1\5\0\0\0\1' + b'\x82' * 16]))
        self.end_of(False)

    def http2(self):
        """Requests for published names on a foreign server's connection, and frames that don't belong there."""
        rng, text = self.rng, PREFACE + frame(4, 0, b'', 0)
        count, orderly = rng.randint(1, 5), rng.random() < 0.5
        for stream in range(1, 2 * count, 2):
            host = b'lyncwebext.' + self.publication if orderly else self.host()
            path = rng.choice(self.world.published) if orderly else self.path()
            head = hpack([(b':method', b'GET'), (b':scheme', b'https'), (b':authority', host), (b':path', path),
                          (b'x-client', b'k%d.0k' % self.number), (b'x-never', b'1')])
            text += frame(1, 5 if orderly else rng.choice([4, 5, 5, 0x24]), head, stream)
            for kind, flags, payload in [] if orderly else rng.choices(FRAMES, k=rng.randrange(4)):
                text += frame(kind, flags, payload, rng.choice([0, stream, stream, stream + 2, 2, 1 << 31]))
        self.send(text)
        self.end_of(orderly, count)

    def early(self):
        """A replay: none of it may arrive, whatever follows in place of the handshake's end."""
        text = b''.join(self.request()[0] for _ in range(self.rng.choice([1, 1, 2])))
        self.steps += [('early', text[:12000].replace(b'X-Client:', b'X-Never: 1\r\nX-Client:')),
                       ('raw', self.rng.choice([b'', b'', b'\x17\3\3\0\x40' + b'x' * 64, PREFACE])),
                       ('pause', self.rng.choice([0, 0.02, 0.1])), self.rng.choice([('close',), ('reset',)])]

    def handshake(self):
        """NTLM or Negotiate, up to some stage, with other things in between."""
        rng = self.rng
        stages = rng.choice([['type1', 'type3', None, None], ['type1', 'type3', None], ['type1', 'type3'], ['type1'],
                             ['type1', None, 'type3'], ['type3'], ['type1', 'wrong3', None], ['type1', 'type1', 'type3', None],
                             ['kerberos', None, None], ['kerberos', 'type1', 'type3', None], [None, 'type1', 'type3', None]])
        for stage in stages:
            if self.balanced and rng.random() < 0.5:
                self.identity = rng.randrange(3)
            text, whole = self.request(rng.random() < 0.85, self.credential(stage) if stage else None)
            self.send(text)
            if rng.random() < 0.93:
                self.end_of(whole)
