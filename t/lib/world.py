"""A machine of its own, in namespaces: Debian's /etc/nginx with the module in it, the lab's stand-ins
behind it on the addresses that the documentation uses, and an Internet that knows their names. What
is done there stays there.

    world.enter()              runs the script again, as root of new namespaces
    machine = world.Machine()  its /etc, /usr and /var

Reads BUILD (build) of the environment."""

from __future__ import annotations

import dataclasses
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
BUILD = SOURCE / (os.environ.get('BUILD') or 'build')
PUBLIC = '203.0.113.10'

sys.path.insert(0, str(SOURCE / 'lab'))
os.environ['LAB_NET'] = '10.0.0'

import pki  # noqa: E402
import topology  # noqa: E402


def _as_documented() -> None:
    """The lab's deployment with the documentation's names and the product's own ports."""
    external, web_site = {'webext': 'lyncwebext'}, {10080: 80, 10443: 443, 5443: 443}
    named = {'fepool.contoso.local': ('se01.contoso.local',), 'officewebapps01.contoso.com': ('wac.contoso.com',)}

    def documented(farm):
        first, rest = farm.external.split('.', 1)
        return dataclasses.replace(
            farm, external=f'{external.get(first, first)}.{rest}', names=farm.names + named.get(farm.fqdn, ()),
            sites=tuple(dataclasses.replace(site, port=web_site.get(site.port, site.port)) for site in farm.sites))

    ocs = topology.Farm('front_end', 'ocspool.contoso.local', 'ocsweb.contoso.com', '',
                        (topology.Server('ocs1.contoso.local', '10.0.0.21'),),
                        (topology.Site('Web Components 443', 443, True, True),))
    topology.FARMS = (*map(documented, topology.FARMS), ocs)
    names = dict.fromkeys(topology.LISTENER_NAMES + topology.FABRIKAM_NAMES + ('scheduler.contoso.com', 'wac.contoso.com', 'lync.contoso.com'))
    topology.LISTENER_NAMES = tuple(
        dict.fromkeys([farm.external for farm in topology.FARMS] + [n for n in names if not n.startswith('webext')]))


_as_documented()


def run(*command: str | Path, **options) -> subprocess.CompletedProcess:
    return subprocess.run(command, check=True, text=True, stdin=subprocess.DEVNULL, **options)


def enter() -> None:
    if os.environ.get('LYNC_WORLD') == 'inside':
        return
    if os.geteuid() != 0:
        sys.exit(f'{sys.argv[0]}: namespaces and mounts are made as root: sudo {sys.argv[0]}')
    os.execvpe('unshare', ['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc',
                           sys.executable, *sys.argv], {**os.environ, 'LYNC_WORLD': 'inside'})


def wait_for(what, patience: float = 20):
    """Until it returns something true."""
    until = time.monotonic() + patience
    while not (found := what()):
        if time.monotonic() > until:
            raise TimeoutError
        time.sleep(0.05)
    return found


class Tap:
    """Results, numbered; `why` is shown of a bad one."""

    def __init__(self):
        self.number = self.failed = 0

    def __call__(self, good, what: str, why: str = '') -> None:
        self.number += 1
        self.failed += not good
        print(f'{"ok" if good else "not ok"} {self.number} - {what}',
              *(f'# {line}' for line in why.splitlines() if not good), sep='\n', flush=True)

    def end(self) -> None:
        print(f'1..{self.number}')
        sys.exit(1 if self.failed else 0)


SYSTEMCTL = '''#!/bin/sh
case "$*" in
    "reload nginx") # until new workers are there, and no old one answers
        nginx -t -q && master=$(cat /run/nginx.pid) && old=$(pgrep -P "$master") && nginx -s reload &&
            for i in $(seq 100); do
                new=$(pgrep -P "$master" | grep -vxF "$old") && ! pgrep -P "$master" | grep -qxF "$old" && break
                sleep 0.05
            done ;;
    "restart nginx") nginx -t -q && nginx -s quit && while test -e /run/nginx.pid; do sleep 0.1; done; nginx ;;
    *) echo "systemctl $*" ;;
esac
'''


class Machine:
    def __init__(self, proxy: bool = True):
        self.dir = Path('/run/lync-world')
        run('mount', '--make-rprivate', '/')
        run('mount', '-t', 'tmpfs', 'none', '/run')
        for path in ('etc', 'usr', 'var'):      # what is written there is gone with the namespace
            for part in ('upper', 'work'):
                (self.dir / path / part).mkdir(parents=True)
            run('mount', '-t', 'overlay', 'overlay', f'/{path}', '-o',
                f'lowerdir=/{path},upperdir={self.dir}/{path}/upper,workdir={self.dir}/{path}/work')
        run('install', '-D', BUILD / 'ngx_lync_module.so', '/usr/lib/nginx/modules/ngx_lync_module.so')
        for file in Path('/etc/nginx/modules-enabled').glob('*lync*'):
            file.unlink()
        self.write('/etc/nginx/modules-enabled/50-mod-http-lync.conf', 'load_module modules/ngx_lync_module.so;\n')

        pki.ensure(self.dir / 'pki')
        for name, file in (('contoso', 'listener'), ('contoso-ecdsa', 'listener-ecdsa'),
                           ('contoso-internal-ca', 'internal-ca')):
            for kind in ('.pem', '.key'):
                shutil.copy(self.dir / 'pki' / (file + kind), f'/etc/nginx/{name}{kind}')
        self.write('/etc/ssl/certs/ca-certificates.crt', (self.dir / 'pki/public-ca.pem').read_text())

        bin = self.dir / 'bin'
        bin.mkdir()
        self.write(bin / 'systemctl', SYSTEMCTL)
        (bin / 'systemctl').chmod(0o755)
        (bin / 'lyncctl').symlink_to(BUILD / 'lyncctl')
        os.environ['PATH'] = f'{bin}:{os.environ["PATH"]}:/usr/sbin:/sbin'

        self.log = open(self.dir / 'log', 'w')
        self._names()
        if proxy:
            self.proxy()

    @staticmethod
    def write(path: str | Path, text: str) -> None:
        file = Path(path)
        file.unlink(missing_ok=True)
        file.write_text(text)

    def _names(self) -> None:
        names = ''.join(f'{PUBLIC} {name}\n' for name in topology.LISTENER_NAMES + topology.LYNCDISCOVER_HOSTS)
        self.write('/etc/hosts', '127.0.0.1 localhost\n' + names)
        self.write('/etc/resolv.conf', 'nameserver 127.0.0.1\n')
        run('ip', 'link', 'set', 'lo', 'up')

    def servers(self, bridge: str) -> None:
        """The stand-ins, each at its address, in a network behind this bridge."""
        run('ip', 'netns', 'add', 'servers')
        run('ip', 'link', 'add', 'servers', 'master', bridge, 'type', 'veth', 'peer', 'name', 'lan', 'netns', 'servers')
        run('ip', 'link', 'set', 'servers', 'up')
        for server in {server.address for _, server in topology.servers()}:
            run('ip', '-n', 'servers', 'address', 'add', f'{server}/24', 'dev', 'lan')
        for link in ('lo', 'lan'):
            run('ip', '-n', 'servers', 'link', 'set', link, 'up')
        play = ('import asyncio, pathlib, sys; sys.path[:0] = [%r]; import world, frontend; '
                'asyncio.run(frontend.run([], pathlib.Path(%r)))' % (str(SOURCE / 't/lib'), str(self.dir / 'pki')))
        subprocess.Popen(['ip', 'netns', 'exec', 'servers', sys.executable, '-Bc', play], stdout=self.log, stderr=self.log)

    def proxy(self) -> None:
        """This machine between the Internet, whose names it knows, and the servers."""
        for address in (PUBLIC, '192.0.2.10'):
            run('ip', 'address', 'add', f'{address}/32', 'dev', 'lo')
        run('ip', 'link', 'add', 'lan', 'type', 'bridge')
        run('ip', 'address', 'add', '10.0.0.5/24', 'dev', 'lan')
        run('ip', 'link', 'set', 'lan', 'up')
        self.servers('lan')
        for farm, server in topology.servers():
            for site in farm.sites:
                wait_for(lambda: answers(server.address, site.port))
        subprocess.Popen(['dnsmasq', '--keep-in-foreground', '--no-resolv', '--listen-address=127.0.0.1', '--bind-interfaces',
                          '--user=root', '--pid-file', '--conf-file=/dev/null'], stdout=self.log, stderr=self.log)

    def configure(self, text: str) -> str:
        """What nginx -t says of this nginx.conf."""
        self.write('/etc/nginx/nginx.conf', text)
        return subprocess.run(['nginx', '-t'], capture_output=True, text=True).stderr

    def start(self) -> None:
        run('/usr/sbin/nginx', stderr=subprocess.DEVNULL)      # a path, for an upgrade (USR2)

    def stop(self) -> None:
        run('nginx', '-s', 'stop', stderr=subprocess.DEVNULL)
        wait_for(lambda: not os.path.exists('/run/nginx.pid'))


def answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), 1).close()
        return True
    except OSError:
        return False
