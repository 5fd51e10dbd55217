"""What storm.py starts: nginx, with the module or plain, and the servers behind it."""

import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f'{HERE}/../lib')

import proof_nginx


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


class Nginx(proof_nginx.Nginx):
    def __init__(self, options, port, pool):
        # Leaks are the suites' business: they stop nginx when nothing is in use.
        valgrind = ['valgrind', '--tool=memcheck', '--leak-check=no', '--num-callers=40',
                    f'--log-file={options.dir}/valgrind.%p'] if options.valgrind else ()
        super().__init__(options.nginx, options.dir, configuration(options, port, pool), port,
                         preload=options.preload, wrapper=valgrind,
                         patience=300 if options.valgrind else 60)

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
