"""What storm.py starts: nginx, with the module or plain, and the servers behind it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

from storm_clients import HOST

HERE = os.path.dirname(os.path.abspath(__file__))


def free_port():
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return one.getsockname()[1]


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
        load = ''
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
        load = f'load_module {os.path.abspath(options.module)};'
    user = 'user root;' if os.geteuid() == 0 else ''
    return f"""{load}
{user}
daemon off;
worker_processes {options.workers};
pid {d}/nginx.pid;
error_log {d}/error.log warn;
events {{ worker_connections {options.files // 2}; }}
http {{
    access_log off;
    client_body_temp_path {d}/body;
    proxy_temp_path {d}/proxy;
    fastcgi_temp_path {d}/fastcgi;
    uwsgi_temp_path {d}/uwsgi;
    scgi_temp_path {d}/scgi;
{site}
}}
"""


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


class Nginx:
    def __init__(self, options, port, pool):
        self.options = options
        with open(f'{options.dir}/nginx.conf', 'w') as out:
            out.write(configuration(options, port, pool))
        command = [options.nginx, '-p', options.dir, '-e', f'{options.dir}/error.log',
                   '-c', f'{options.dir}/nginx.conf']
        environment = dict(os.environ)
        if options.preload:
            environment.update(LD_PRELOAD=options.preload,
                               ASAN_OPTIONS=f'detect_leaks=0,log_path={options.dir}/sanitizer',
                               UBSAN_OPTIONS='print_stacktrace=1,'
                                             f'log_path={options.dir}/sanitizer')
        if options.valgrind:
            # Leaks are the suites' business: they stop nginx when nothing is in use.
            command[:0] = ['valgrind', '--tool=memcheck', '--leak-check=no', '--num-callers=40',
                           f'--log-file={options.dir}/valgrind.%p']
        self.output = open(f'{options.dir}/nginx.out', 'wb')
        self.process = subprocess.Popen(command, env=environment, stdout=self.output,
                                        stderr=self.output)
        until = time.time() + (300 if options.valgrind else 60)
        while True:
            try:
                socket.create_connection(('127.0.0.1', port)).close()
                return
            except OSError:
                if time.time() > until or self.process.poll() is not None:
                    self.process.kill()
                    raise SystemExit(f"nginx doesn't start, see {options.dir}") from None
                time.sleep(0.05)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def workers(self):
        with open(f'/proc/{self.process.pid}/task/{self.process.pid}/children') as children:
            return [int(pid) for pid in children.read().split()]

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

    def stop(self):
        self.process.send_signal(signal.SIGQUIT)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "nginx didn't end"
        finally:
            self.output.close()
        return None

    def complaints(self):
        found = []
        with open(f'{self.options.dir}/error.log', errors='replace') as log:
            found += [line.rstrip() for line in log if re.search(
                r'\[(alert|crit|emerg)\]|Sanitizer|runtime error:|Assertion', line)]
        for name in sorted(os.listdir(self.options.dir)):
            path = f'{self.options.dir}/{name}'
            if name.startswith('sanitizer') and os.path.getsize(path):
                found.append(f'see {path}')
            if name.startswith('valgrind.'):
                with open(path, errors='replace') as report:
                    match = re.search(r'ERROR SUMMARY: (\d+)', report.read())
                if match is None or match[1] != '0':
                    found.append(f'see {path}')
        return found
