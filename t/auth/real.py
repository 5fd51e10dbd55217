#!/usr/bin/env python3
"""Clients that sign in with real NTLM and real Kerberos.

    real.py CA

Each line of standard input is a command, as JSON, answered with a line of JSON. A command names its
client; every client has a connection of its own to 127.0.0.1 and keeps it as long as it can.

    {"client": "A", "url": "https://...", "ntlm": ["CONTOSO\\alice", "password"]}
    {"client": "A", "url": "https://...", "kerberos": "FILE:/.../alice.cc"}
    {"client": "A", "url": "https://..."}              no credential
    {"client": "A", "close": true}

"upload" adds a body of so many bytes. The answer has the "statuses" of all messages of a handshake,
and the last one's "headers", names in lower case.
"""

import base64
import json
import sys
from urllib.parse import urlsplit

import requests
import urllib3.util.connection

connect = urllib3.util.connection.create_connection
urllib3.util.connection.create_connection = lambda address, *rest, **options: connect(
    ('127.0.0.1', address[1]), *rest, **options)

clients = {}


def client(name, ca):
    if name not in clients:
        session = requests.Session()
        # The environment's bundle of certificates would stand in for ours.
        session.trust_env = False
        session.verify = ca
        clients[name] = session
    return clients[name]


def token(url, ccache):
    import gssapi
    target = gssapi.Name(f'HTTP@{urlsplit(url).hostname}', gssapi.NameType.hostbased_service)
    # As RFC 4559 wants it, inside of SPNEGO.
    spnego = gssapi.OID.from_int_seq('1.3.6.1.5.5.2')
    context = gssapi.SecurityContext(
        name=target, mech=spnego, usage='initiate',
        creds=gssapi.Credentials(usage='initiate', store={'ccache': ccache}))
    return base64.b64encode(context.step()).decode()


def command(ca, what):
    name = what['client']
    if 'close' in what:
        if name in clients:
            clients.pop(name).close()
        return {}
    session = client(name, ca)
    headers = {}
    auth = None
    if 'ntlm' in what:
        from requests_ntlm import HttpNtlmAuth
        # Behind a proxy that terminates TLS the channel is another one.
        auth = HttpNtlmAuth(*what['ntlm'], send_cbt=False)
    if 'kerberos' in what:
        headers['Authorization'] = f'Negotiate {token(what["url"], what["kerberos"])}'
    body = b'x' * what['upload'] if 'upload' in what else None
    answer = session.request('POST' if body is not None else 'GET', what['url'], headers=headers,
                             auth=auth, data=body, timeout=20, allow_redirects=False)
    return dict(
        statuses=[one.status_code for one in answer.history] + [answer.status_code],
        headers={key.lower(): value for key, value in answer.headers.items()})


def main(ca):
    print('{}', flush=True)
    for line in sys.stdin:
        try:
            answer = command(ca, json.loads(line))
        except Exception as error:  # the suite shows it
            answer = dict(error=f'{type(error).__name__}: {error}')
        print(json.dumps(answer), flush=True)


if __name__ == '__main__':
    main(sys.argv[1])
