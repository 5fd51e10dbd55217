"""An nginx of one's own, for proofs that are longer than a suite: its configuration around what is
to be proved, its process, and what it had to complain about."""

import os
import re
import signal
import socket
import subprocess
import time


def free_port():
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return one.getsockname()[1]


def configuration(directory, site, *, module=None, workers=1, level='warn', connections=4096,
                  main=''):
    """nginx.conf that writes below a directory only. `site` stands in http { }, `main` outside."""
    load = f'load_module {os.path.abspath(module)};' if module else ''
    user = 'user root;' if os.geteuid() == 0 else ''
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
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
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
