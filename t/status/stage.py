"""The lab (lab/README.md) with a status location in front of it, for the proofs of this folder: a
second lab beside one that may be running, with addresses of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
BUILD = (PROJECT / (os.environ.get("BUILD") or "build")).absolute()
NET = os.environ.get("LAB_NET") or "127.0.7"
UNCOVERED = "scheduler.fabrikam.com"
STATUS_PORT = 8090


class Stage:
    """Use as a context manager: the lab is up inside, and down afterwards."""

    url = f"http://{NET}.1:{STATUS_PORT}/"

    def __init__(self, name: str):
        self.dir = BUILD / "status" / name
        self.dir.mkdir(parents=True, exist_ok=True)
        template = (PROJECT / "lab" / "nginx.conf.in").read_text()
        # Checks often enough for somebody who waits for them; the address is the lab's own.
        conf = template.replace("    lync_publish lab {", f"""\
    server {{
        listen    127.0.0.1:{STATUS_PORT};
        location  / {{
            lync_status;
        }}
    }}

    lync_publish lab {{""", 1).replace(
            "            server                 127.0.0.12;",
            "            server                 127.0.0.12;\n"
            "            health_check           autodiscover interval=1s timeout=1s;", 1)
        # No certificate covers it, nor does plain HTTP serve it.
        conf = conf.replace("        sip_domain ", f"        simple_url   scheduler  https://{UNCOVERED};\n"
                                                   "        sip_domain ", 1)
        assert "lync_status" in conf and "interval=1s" in conf and UNCOVERED in conf
        (self.dir / "lab.conf").write_text(conf)
        self.environment = dict(
            os.environ, LAB_NET=NET, LAB_DIR=str(self.dir / "lab"),
            LAB_CONF=str(self.dir / "lab.conf"),
            LYNC_MODULE=os.environ.get("LYNC_MODULE") or str(BUILD / "ngx_lync_module.so"))

    def __enter__(self):
        self.lab("up")
        return self

    def __exit__(self, *_):
        self.lab("down")

    def lab(self, *arguments: str) -> str:
        done = subprocess.run([sys.executable, PROJECT / "lab" / "lab", *arguments],
                              env=self.environment, text=True, capture_output=True)
        if done.returncode != 0:
            raise RuntimeError(f"lab {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def curl(self, *arguments: str) -> str:
        """As the Internet sees the lab; what comes back."""
        done = subprocess.run(["curl", "-s", "-m", "10", "-K", self.dir / "lab" / "curlrc",
                               *arguments], text=True, errors="replace", capture_output=True)
        return done.stdout

    def get(self, form: str) -> bytes:
        with urllib.request.urlopen(self.url + "?format=" + form, timeout=10) as answer:
            return answer.read()

    def status(self) -> dict:
        return json.loads(self.get("json"))

    def servers(self):
        """(pool, server) of all publications."""
        for publication in self.status()["publications"]:
            for pool in publication["pools"]:
                for server in pool["servers"]:
                    yield pool, server

    def traffic(self, requests: int = 40):
        """Meetings, discovery, sign-ins that end in 401, and what is refused."""
        wanted = ["https://lyncdiscover.contoso.com/", "https://meet.contoso.com/kenmyer/7322994",
                  "https://dialin.contoso.com/", "https://webext.contoso.com/abs/handler",
                  "https://webext.contoso.com/reach/sip.svc"]
        refused = ["https://webext.contoso.com/cscp/", "https://webext.contoso.com/passiveauth/",
                   "https://admin.contoso.com/", "https://www.example.com/"]
        for number in range(requests):
            self.curl("-o", os.devnull, wanted[number % len(wanted)])
        for url in refused:
            self.curl("-o", os.devnull, url)

    def until_down(self, address: str, seconds: float = 20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if any(server["address"].startswith(address + ":") and server["state"] == "down"
                   for _, server in self.servers()):
                return
            time.sleep(0.2)
        raise AssertionError(f"{address} isn't down after {seconds} s")


class Checks:
    """Says what was looked at, and ends in failure if something wasn't so."""

    def __init__(self):
        self.failed = 0

    def __call__(self, truth, what: str, got=None):
        print(("ok      " if truth else "NOT OK  ") + what, flush=True)
        if not truth:
            self.failed += 1
            if got is not None:
                print("        " + str(got))
        return truth

    def end(self) -> int:
        print(f"{self.failed} failed" if self.failed else "all as expected")
        return 1 if self.failed else 0
