"""For proofs that are longer than a suite: their command line and directory, an nginx with its
configuration around what is to be proved, and the servers behind it."""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

T = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.abspath(os.environ.get('BUILD') or f'{T}/../build')
HOST = 'lyncwebext.contoso.com'


def options(doc, name, *more, **own):
    """Reads the command line: --module, --nginx, --preload, --dir and --pki; `own`, a default for each
    option; `more`, pairs for add_argument. The directory is there afterwards, with certificates."""
    parser = argparse.ArgumentParser(usage=doc, add_help=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('-h', '--help', action='version', version=doc.strip())
    common = {'module': os.environ.get('LYNC_MODULE') or f'{BUILD}/ngx_lync_module.so',
              'nginx': os.environ.get('NGINX_BINARY') or '/usr/sbin/nginx', 'preload': '', 'dir': '', 'pki': ''}
    for option, default in {**common, **own}.items():
        parser.add_argument(f'--{option}', default=default,
                            **(dict(action='store_true') if default is False else dict(type=type(default))))
    for option, settings in more:
        parser.add_argument(option, **settings)
    o = parser.parse_args()
    o.temporary = not o.dir
    o.dir = os.path.abspath(o.dir or tempfile.mkdtemp(prefix=f'lync-{name}-'))
    os.makedirs(o.dir, exist_ok=True)
    o.pki = os.path.abspath(o.pki or f'{o.dir}/pki')
    subprocess.run([f'{T}/pki', o.pki], check=True)
    return o


def end(o, wrong):
    """Prints what was wrong, and removes a directory of the proof's own if nothing was: the exit status."""
    for line in wrong[:20]:
        print('wrong:', line)
    if o.temporary and not wrong:
        shutil.rmtree(o.dir)
    print('nothing was wrong' if not wrong else f'{len(wrong)} wrong, see {o.dir}')
    return 1 if wrong else 0


class Program:
    """A Python program below t/ that writes a line when it listens, and ends with its standard input."""

    def __init__(self, path, *arguments):
        self.process = subprocess.Popen([sys.executable, f'{T}/{path}', *map(str, arguments)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def command(self, *words):
        """What it answers."""
        self.process.stdin.write(' '.join(words) + '\n')
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def pool_servers(o, port, addresses):
    return Program('pools/servers.py', o.pki, *(f'{one}:{port}=fepool.contoso.local' for one in addresses))


def publication(o, port, pool, addresses, *, http='off', listen='', each='', check='off', inside=''):
    """lync_publish of one pool, `addresses` on the port `pool`, with `each` behind each of them."""
    servers = ' '.join(f'server {address} {each};' for address in addresses)
    return f"""
    lync_publish contoso {{
        sip_domain    contoso.com;
        certificate   {o.pki}/public-ecdsa.pem {o.pki}/public-ecdsa.key;
        trusted_ca    {o.pki}/internal-ca.pem;
        http_listen   {http};
        https_listen  127.0.0.1:{port} {listen};
        {inside}
        pool fepool.contoso.local {{
            {servers}
            external_web_services  {HOST};
            listening_ports        https={pool};
            health_check           {check};
        }}
    }}"""


def status(port):
    """What lync_status says there."""
    with urllib.request.urlopen(f'http://127.0.0.1:{port}/?format=json', timeout=20) as answer:
        return json.load(answer)


def status_servers(port):
    return [server for publication in status(port)['publications'] for pool in publication['pools']
            for server in pool['servers']]


def free_port():
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return one.getsockname()[1]


def configuration(directory, site, *, module=None, workers=1, level='warn', connections=4096,
                  main=''):
    """nginx.conf that writes below a directory only. `site` stands in http { }, `main` outside."""
    load = f'load_module {os.path.abspath(module)};' if module else ''
    user = 'user root;' if os.geteuid() == 0 else ''
    temporary = ' '.join(f'{what}_temp_path {directory}/{what};'
                         for what in ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
    return f"""{load}
{user}
daemon off;
worker_processes {workers};
{main}
pid {directory}/nginx.pid;
error_log {directory}/error.log {level};
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    {temporary}
{site}
}}
"""


class Nginx:
    """Started when it is made; `wrapper` is a command in front of it, as valgrind's. `preload` are
    sanitizers' libraries."""

    complaint = r'\[(alert|crit|emerg)\]|Sanitizer|runtime error:|Assertion'

    def __init__(self, binary, directory, text, port, *, preload='', wrapper=(), patience=60):
        self.dir = directory
        self.log = f'{directory}/error.log'
        with open(f'{directory}/nginx.conf', 'w') as out:
            out.write(text)
        environment = dict(os.environ)
        if preload:
            environment.update(LD_PRELOAD=preload,
                               ASAN_OPTIONS=f'detect_leaks=0,log_path={directory}/sanitizer',
                               UBSAN_OPTIONS=f'print_stacktrace=1,log_path={directory}/sanitizer')
        self.output = open(f'{directory}/nginx.out', 'wb')
        self.process = subprocess.Popen(
            [*wrapper, binary, '-p', directory, '-e', self.log, '-c', f'{directory}/nginx.conf'],
            env=environment, stdout=self.output, stderr=self.output)
        until = time.monotonic() + patience
        while True:
            try:
                socket.create_connection(('127.0.0.1', port)).close()
                return
            except OSError:
                if time.monotonic() > until or self.process.poll() is not None:
                    self.process.kill()
                    raise SystemExit(f"nginx doesn't start, see {directory}") from None
                time.sleep(0.05)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def workers(self):
        with open(f'/proc/{self.process.pid}/task/{self.process.pid}/children') as children:
            return [int(pid) for pid in children.read().split()]

    def sockets(self):
        """Those that the workers hold, by inode."""
        held = set()
        for pid in self.workers():
            try:
                for fd in os.scandir(f'/proc/{pid}/fd'):
                    if match := re.match(r'socket:\[(\d+)\]', os.readlink(fd.path)):
                        held.add(match[1])
            except OSError:
                continue
        return held

    def lines(self, pattern):
        """Of the error log."""
        with open(self.log, errors='replace') as log:
            return [line.rstrip() for line in log if re.search(pattern, line)]

    def complaints(self):
        found = self.lines(self.complaint)
        for name in sorted(os.listdir(self.dir)):
            path = f'{self.dir}/{name}'
            if name.startswith('sanitizer') and os.path.getsize(path):
                found.append(f'see {path}')
            if name.startswith('valgrind.'):
                with open(path, errors='replace') as report:
                    match = re.search(r'ERROR SUMMARY: (\d+)', report.read())
                if match is None or match[1] != '0':
                    found.append(f'see {path}')
        return found

    def stop(self, how=signal.SIGQUIT, patience=60):
        """What went wrong with it, or None."""
        self.process.send_signal(how)
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "nginx didn't end"
        finally:
            self.output.close()
        return None
