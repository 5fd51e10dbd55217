"""The lab's processes, started in the background and recorded by id and start time. A recorded id
that has been reused by another process is never signalled."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import settings
import topology
from settings import LabError

START_TIMEOUT = 15.0
STOP_TIMEOUT = 10.0
OPEN_FILES = 65536


def _start_time(pid: int) -> str | None:
    """When a process started, in clock ticks since boot; None when it's gone or a zombie."""
    try:
        stat = Path("/proc/%d/stat" % pid).read_text()
    except OSError:
        return None
    fields = stat.rsplit(")", 1)[1].split()
    return None if fields[0] == "Z" else fields[19]


def record(name: str, pid: int) -> None:
    settings.PIDS.mkdir(parents=True, exist_ok=True)
    (settings.PIDS / name).write_text("%d %s\n" % (pid, _start_time(pid)))


def running(name: str) -> int | None:
    """The id of a recorded process that still runs."""
    try:
        pid, started = (settings.PIDS / name).read_text().split()
    except (OSError, ValueError):
        return None
    return int(pid) if _start_time(int(pid)) == started else None


def recorded() -> list[str]:
    return sorted(p.name for p in settings.PIDS.glob("*")) if settings.PIDS.is_dir() else []


def stop(name: str) -> bool:
    """Stop a recorded process; False when it wasn't running."""
    pid = running(name)
    if pid is not None:
        try:
            os.kill(pid, signal.SIGTERM)
        except PermissionError:
            raise LabError("%s (pid %d) belongs to another user: stop the lab as that user"
                           % (name, pid)) from None
        deadline = time.monotonic() + STOP_TIMEOUT
        while running(name) is not None:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                break
            time.sleep(0.02)
    (settings.PIDS / name).unlink(missing_ok=True)
    return pid is not None


# -- sockets ---------------------------------------------------------------------------------

def must_be_free(address: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen(1)
        except OSError as error:
            raise LabError("can't listen on %s:%d: %s" % (
                address, port, _owner(address, port) or error.strerror)) from None


def _owner(address: str, port: int) -> str | None:
    """Who listens there, read from /proc."""
    wildcard = {"00000000", "0" * 32}
    mine = "".join("%02X" % int(part) for part in reversed(address.split(".")))
    inode = None
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            local, local_port = fields[1].split(":")
            if fields[3] == "0A" and int(local_port, 16) == port \
                    and (local == mine or local in wildcard):
                inode = fields[9]
    if inode is None:
        return None
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(entry) == "socket:[%s]" % inode:
                pid = entry.parts[2]
                name = Path("/proc/%s/comm" % pid).read_text().strip()
                return "it is taken by %s (pid %s)" % (name, pid)
        except OSError:
            continue
    return "it is taken by another user's process"


def answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), 0.5):
            return True
    except OSError:
        return False


def _last_line(log: Path) -> str:
    try:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        lines = []
    return lines[-1] if lines else "no message"


# -- the stand-ins ---------------------------------------------------------------------------

def start_stand_ins(wanted: list[str] | None = None) -> int:
    """Start those that don't run; how many were started."""
    starting = [(farm, server) for farm, server in topology.servers()
                if (wanted is None or server.short in wanted) and not running(server.short)]
    for farm, server in starting:
        for site in farm.sites:
            must_be_free(server.address, site.port)

    started = []
    for farm, server in starting:
        log = settings.LOGS / (server.short + ".log")
        with open(log, "ab") as output:
            process = subprocess.Popen(
                [sys.executable, str(settings.HERE / "frontend.py"),
                 "--pki", str(settings.PKI), server.short],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        record(server.short, process.pid)
        started.append((farm, server, process, log))

    deadline = time.monotonic() + START_TIMEOUT
    for farm, server, process, log in started:
        for site in farm.sites:
            while not answers(server.address, site.port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise LabError("%s didn't start: %s" % (server.name, _last_line(log)))
                time.sleep(0.05)
    return len(started)


# -- nginx -----------------------------------------------------------------------------------

def raise_file_limit() -> None:
    """A held request is an open file, or two. What we start inherits the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _nginx(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [settings.nginx(), "-p", str(settings.LAB_DIR) + "/", "-e", "logs/error.log",
         "-c", str(settings.CONF), *arguments],
        # nginx takes the paths of Unix-domain sockets from where it was started.
        cwd=settings.LAB_DIR, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def check_nginx() -> str:
    """`nginx -t`; its warnings, or LabError with what it refused."""
    done = _nginx("-t", "-q")
    if done.returncode != 0:
        raise LabError("nginx refuses the configuration:\n" + done.stderr.strip())
    return done.stderr.strip()


def start_nginx() -> None:
    for port in (topology.PROXY_HTTP, topology.PROXY_HTTPS):
        must_be_free(topology.PROXY_ADDRESS, port)
    done = _nginx()
    if done.returncode != 0:
        raise LabError("nginx didn't start:\n" + done.stderr.strip())
    pid_file = settings.LAB_DIR / "nginx.pid"
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            pid = int(pid_file.read_text())
            break
        except (OSError, ValueError):
            if time.monotonic() > deadline:
                raise LabError("nginx didn't start: " + _last_line(
                    settings.LOGS / "error.log")) from None
            time.sleep(0.02)
    record("nginx", pid)
    for port in (topology.PROXY_HTTP, topology.PROXY_HTTPS):
        while not answers(topology.PROXY_ADDRESS, port):
            if running("nginx") is None or time.monotonic() > deadline:
                raise LabError("nginx doesn't listen on %s:%d: %s" % (
                    topology.PROXY_ADDRESS, port, _last_line(settings.LOGS / "error.log")))
            time.sleep(0.02)


def reload_nginx() -> None:
    pid = running("nginx")
    if pid is not None:
        os.kill(pid, signal.SIGHUP)
