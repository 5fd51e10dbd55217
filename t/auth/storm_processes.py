"""What storm.py starts: nginx, with the module or plain, and the servers behind it."""

import json
import os
import re
import subprocess
import sys

from storm_clients import HOST

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
            health_check off;
        }}
    }}"""
    return proof_nginx.configuration(d, site, module=None if options.plain else options.module,
                                     workers=options.workers, connections=options.files // 2)


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
